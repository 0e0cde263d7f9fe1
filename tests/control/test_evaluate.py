import json

import numpy as np
import pytest
import torch

from helpers import demonstrated
from innerloop import methods
from innerloop.control import Demonstrations, NearestStep, evaluate_control, evaluate_over_steps
from innerloop.errors import ConfigurationError
from innerloop.evaluation import Evaluation, comparison
from innerloop.networks import bias_mlp

apps = pytest.mark.apps


@pytest.fixture
def learner():
    return methods.maml(bias_mlp(7, 4, [8], 2), inner_lr=0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"goals": 7}, "has 6 goals; expected a number from 1 to 6, got 7"),
        ({"rollouts": 0}, "rollouts must be at least 1; got 0"),
        ({"steps": -1}, "steps must be at least 0; got -1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(learner, wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        evaluate_control(learner, demonstrated.tasks(), **wrong)


def test_a_learner_without_steps_has_no_curve():
    with pytest.raises(ConfigurationError, match="Nearest demonstrated step has no inner steps"):
        evaluate_control(NearestStep(), demonstrated.tasks(), curve_steps=3)
    with pytest.raises(ConfigurationError, match="Nearest demonstrated step has no inner steps"):
        evaluate_over_steps(NearestStep(), demonstrated.tasks(), curve_steps=3)


def test_a_curve_has_a_step(learner):
    with pytest.raises(ConfigurationError, match="curve_steps must be at least 1; got 0"):
        evaluate_over_steps(learner, demonstrated.tasks(), curve_steps=0)


@apps
def test_an_evaluation_is_complete_and_leaves_the_learner_as_it_was(learner):
    source = Demonstrations("reach", goals=(2, 1, 3), demonstrations=2, workers=1).test
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    told = {"rollouts": 2, "limit": 40, "workers": 1}
    found = evaluate_control(learner, source, curve_steps=1, curve_goals=2, **told)
    assert learner.training
    assert learner.test_steps == 1
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())

    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert said["values"] == found.values.tolist()
    assert said["metric"] == "success"
    assert (found.rollouts, found.limit, said["steps"], said["curve_tasks"]) == (2, 40, 1, 2)
    assert said["source"]["goals"] == source.data.goal_hash
    assert {"mujoco", "metaworld", "gymnasium", "torch"} <= said["about"].keys()
    assert np.isin(found.values, [0.0, 0.5, 1.0]).all()
    assert found.higher_is_better
    assert "3 test goals of reach, 1 demonstration, 2 rollouts each" in str(found)

    one = evaluate_control(learner, source, 1, curve_steps=1, **told).to_json()
    assert (one["half"], one["curve"][0][1]) == (None, None)
    json.dumps(one, allow_nan=False)

    again = Evaluation.from_json(said)
    assert (again.source, again.interval) == (found.source, found.interval)
    assert np.array_equal(again.curve_values, found.curve_values)
    assert found.losses.tolist() == [1 - value for value in found.values]
    shorter = evaluate_control(learner, source, rollouts=2, limit=20, workers=1)
    with pytest.raises(ConfigurationError, match="not evaluated on the same tasks"):
        comparison({"long": found, "short": shorter})

    points = evaluate_over_steps(learner, source, 2, curve_steps=1, rollouts=2, limit=40, workers=1)
    assert [point.steps for point in points] == [0, 1]
    assert np.array_equal(np.stack([point.values for point in points], axis=1), found.curve_values)
    paired = comparison({"before": points[0], "after": points[1]}).difference("after", "before")
    assert paired.mean == (found.curve_values[:, 1] - found.curve_values[:, 0]).mean()

    unadapted = evaluate_control(learner, source, 2, steps=0, **told)
    assert found.curve[0][0] == unadapted.mean
    assert found.curve[1][0] == found.values[:2].mean()
    assert unadapted.steps == 0
