import dataclasses

import pytest

from innerloop.catalogue import METHODS as CATALOGUE
from innerloop.errors import ConfigurationError
from innerloop.networks import Context
from innerloop.recipes import METHODS, from_json, recipe
from innerloop.recipes._build import build

SMALL = {"train_goals": 2, "validation_goals": 1, "test_goals": 2, "demonstrations": 2}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))


def test_the_recipes_name_their_tasks():
    assert (recipe("reach").task, recipe("push", "cnp").task) == ("reach", "push")
    assert recipe("push").steps > recipe("reach").steps
    assert from_json(recipe("reach", "reptile").to_json()).inner_steps == 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"demonstrations": 1}, "demonstrations must be at least 2; got 1"),
        ({"test_goals": 0}, "test_goals must be at least 1"),
        ({"noise": -0.1}, "noise must be at least 0"),
        ({"rollouts": 0}, "rollouts must be at least 1"),
        ({"over_shots": (1, 0)}, "over_shots must be at least 1; got 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        dataclasses.replace(recipe("reach"), **wrong)


@pytest.mark.apps
def test_every_method_for_numbers_is_built(monkeypatch):
    monkeypatch.setattr("innerloop.workers.cores", lambda: 1)
    able = [method for method in METHODS if CATALOGUE[method].learns != "classes"]
    assert {"maml", "cnp", "ridge", "pretraining"} <= {*able}
    built = [build(dataclasses.replace(recipe("reach", method), **SMALL)) for method in able]
    assert [len(split.goals) for split in (built[0].source.train, built[0].source.test)] == [2, 2]
    assert isinstance(built[0].learner.network.features[1], Context)
    # enough demonstrations of a test goal for the numbers that the page shows; no more of those of training
    assert [len(split.data.lengths[0]) for split in (built[0].source.train, built[0].source.test)] == [2, 6]
    # goals and demonstrations are the same for every training seed
    other = build(dataclasses.replace(recipe("reach"), seed=1, **SMALL))
    assert other.source.test.data.goal_hash == built[0].source.test.data.goal_hash
