import json

import pytest
import torch

from helpers import training
from helpers.given import Given, weights
from helpers.problems import classification, normed, perceptron, regression
from innerloop import explain, methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.explain import Explanation, explain_learner
from innerloop.explain._explain_learner import ANALYSES

CLASSES = Given(classification([(6, 6)] * 10))
EVERY = set(ANALYSES)


@pytest.mark.parametrize(
    ("learner", "source", "missing"),
    [
        (lambda: methods.maml(normed(), inner_lr=0.3), CLASSES, {"learned_rates"}),
        (lambda: methods.meta_sgd(perceptron(), inner_lr=0.3), CLASSES, set()),
        (lambda: methods.anil(normed(), norm="support"), CLASSES, {"learned_rates"}),
        (lambda: methods.maml(perceptron(1)), Given(regression([(5, 7)] * 10)), {"learned_rates", "calibration"}),
        (lambda: methods.prototypes(normed(None)), CLASSES, EVERY - {"influence", "calibration", "memorisation"}),
        (methods.constant, CLASSES, EVERY - {"influence", "calibration", "memorisation"}),
    ],
    ids=["maml", "meta_sgd", "anil", "regression", "prototypes", "constant"],
)
def test_what_is_defined_is_found_and_the_rest_has_a_reason(learner, source, missing):
    learner, random, said = learner(), torch.get_rng_state(), []
    before, mode, norm = weights(learner), learner.training, learner.norm
    found = explain_learner(learner, source, 10, say=said.append)
    assert set(found.undefined) == missing
    assert set(found.found) == EVERY - missing
    assert said == list(ANALYSES)
    assert all(reason.strip().endswith(".") for reason in found.undefined.values())
    assert (weights(learner), learner.training, learner.norm) == (before, mode, norm)
    assert torch.equal(torch.get_rng_state(), random)
    text = json.dumps(found.to_json(), allow_nan=False)
    again = Explanation.from_json(json.loads(text))
    assert again.to_json() == found.to_json()
    assert all(sentence.endswith(".") for sentence in again.sentences)
    assert learner.name in str(found)
    for name in missing:
        assert f"{name.replace('_', ' ')}: not defined. {found.undefined[name]}" in str(found)


def test_the_same_numbers_as_one_by_one():
    source = training.blobs(shots=2).test
    learner = methods.maml(training.network(3), inner_lr=0.3)
    found = explain_learner(learner, source, 12, first=3)
    assert found.movement.to_json() == explain.movement(learner, source, 12, first=3).to_json()
    assert found.memorisation.to_json() == explain.memorisation(learner, source, 12, first=3).to_json()
    assert [task.index for task in found.influence.examples] == list(range(3, 15))


def test_few_tasks_and_tasks_that_do_not_fit():
    with pytest.raises(ConfigurationError, match="at least 10, for intervals that mean something; got 9"):
        explain_learner(methods.constant(), CLASSES, 9)
    with pytest.raises(DataError, match="need classes"):
        explain_learner(methods.prototypes(perceptron(None)), Given(regression()), 10)


@pytest.mark.parametrize("value", [None, [], "text", {}, {"name": "x"}])
def test_what_is_no_explanation(value):
    with pytest.raises(DataError, match="Not a finding of innerloop"):
        Explanation.from_json(value)


def test_the_package_is_reached_from_the_top():
    import innerloop as il

    assert il.explain is explain
    assert il.explain.explain_learner is explain_learner
