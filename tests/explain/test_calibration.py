import numpy as np
import pytest
import torch

from helpers.given import Given
from helpers.problems import classification, normed, perceptron, regression
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import calibration, evaluate, interval, paired_difference
from innerloop.evaluation._evaluate import evaluating
from innerloop.explain import CalibrationCourse, calibration_course
from innerloop.task import Task, pad

TASKS = classification([(6, 12)] * 8)


def probabilities(learner, steps):
    """`(T, N, W)` by the learner itself, one task at a time."""
    found = []
    with evaluating(learner), torch.no_grad():
        for task in TASKS:
            states = list(learner.trajectory(task.support, steps))
            found.append(torch.softmax(learner.predict(states[-1], task.query.x), -1).numpy())
    return np.array(found)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_every_number_is_that_of_the_probabilities(steps):
    learner = methods.maml(perceptron(), inner_steps=2, inner_lr=0.5)
    found = calibration_course(learner, Given(TASKS), 8, batch=3)
    assert [state.step for state in found.states] == [0, 1, 2]
    p, y = probabilities(learner, steps), np.array([task.query.y.numpy() for task in TASKS])
    state = found.states[steps]
    right = p.argmax(-1) == y
    truth = np.eye(3)[y]
    assert state.error == pytest.approx(calibration(p.max(-1).ravel(), right.ravel()).error)
    assert state.brier == pytest.approx(interval(((p - truth) ** 2).sum(-1).mean(1)))
    assert state.likelihood == pytest.approx(interval(-np.log((p * truth).sum(-1)).mean(1)))
    assert state.accuracy == pytest.approx(interval(right.mean(1)))
    assert state.confidence == pytest.approx(p.max(-1).mean())
    if steps == 2:
        assert state.error == pytest.approx(evaluate(learner, Given(TASKS), 8).calibration.error)
        before = ((probabilities(learner, 0) - truth) ** 2).sum(-1).mean(1)
        assert found.brier == pytest.approx(paired_difference(((p - truth) ** 2).sum(-1).mean(1), before))
        assert found.error.mean == pytest.approx(state.error - found.states[0].error)
        assert found.error.low <= found.error.high
        assert CalibrationCourse.from_json(found.to_json()).to_json() == found.to_json()


def test_no_steps_one_state():
    learner = methods.prototypes(perceptron(None))
    found = calibration_course(learner, Given(TASKS), 8)
    assert [state.step for state in found.states] == [None]
    assert (found.error, found.brier, found.likelihood) == (None, None, None)
    assert found.states[0].error == pytest.approx(evaluate(learner, Given(TASKS), 8).calibration.error)
    assert len(found.sentences) == 1


def test_padding_counts_for_nothing():
    learner = methods.maml(normed(), inner_lr=0.5)
    padded = [Task(task.support, pad(task.query, 15), task.index) for task in TASKS]
    for task in padded:
        task.query.x[12:] = 1e3
    plain, other = (calibration_course(learner, Given(tasks), 8) for tasks in (TASKS, padded))
    for a, b in zip(plain.states, other.states, strict=True):
        assert a.error == pytest.approx(b.error)
        assert a.brier == pytest.approx(b.brier)
        assert a.likelihood == pytest.approx(b.likelihood)


def test_words():
    learner = methods.maml(perceptron(), inner_steps=40, inner_lr=2.0)
    found = calibration_course(learner, Given(TASKS), 8)
    assert "points more confident than right" in found.sentences[0]
    assert found.sentences[1].startswith(("Adaptation makes calibration", "No change of calibration"))


def test_numbers_have_none():
    with pytest.raises(ConfigurationError, match="probabilities of classes"):
        calibration_course(methods.maml(perceptron(1)), Given(regression()), 3)
