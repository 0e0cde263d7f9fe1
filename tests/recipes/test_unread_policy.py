"""What is said to be unread changes nothing in the learner or the algorithm, and all else changes something."""

import dataclasses

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.recipes import POLICY_METHODS, policy_recipe
from innerloop.recipes._build_policy import build_policy
from innerloop.recipes._unread_policy import READERS, demand_read, unread

OTHER = {
    "rate": 0.123, "divergence": 0.123, "inner_lr": 0.123, "inner_steps": 7, "inner_loss": "dice", "hidden": (3,),
    "width": 5, "std": 0.77, "inner_rates": (0.123,),
}  # fmt: skip


def made(recipe):
    experiment = build_policy(recipe)
    settings = experiment.train_settings()
    algorithm = settings["algorithm"]
    return experiment.learner.spec, type(algorithm), vars(algorithm), settings["sampling"]


def test_the_fields_of_the_table_are_tried():
    assert {*READERS, "std"} == {*OTHER}


@pytest.mark.parametrize("method", POLICY_METHODS)
@pytest.mark.parametrize("name", ["navigation", "bandits", "tabular"])
@pytest.mark.parametrize("field", OTHER)
def test_a_setting_changes_something_if_and_only_if_it_is_read(name, method, field):
    recipe = policy_recipe(name, method)
    other = dataclasses.replace(recipe, **{field: OTHER[field]})
    if field == "std":  # it may be said and have no effect
        assert (field in unread(recipe)) == (not hasattr(parameters(recipe), "log_std"))
        return
    assert (made(other) == made(recipe)) == (field in unread(recipe))


def parameters(recipe):
    learner = build_policy(recipe).learner
    found = getattr(learner, "network", learner)
    return found if isinstance(getattr(found, "log_std", None), torch.Tensor) else None


def test_unread_settings_are_refused_by_name():
    demand_read(policy_recipe("navigation"), {"rate", "hidden", "rounds"})
    with pytest.raises(ConfigurationError, match=r"promp on navigation does not read --width: .*\(rl2 do\)"):
        demand_read(policy_recipe("navigation"), {"rate", "width"})
    with pytest.raises(ConfigurationError, match=r"rl2 on bandits does not read --std: .*\(other recipes do\)"):
        demand_read(policy_recipe("bandits"), {"std"})
