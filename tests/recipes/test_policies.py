import dataclasses
import json
import typing

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.recipes import POLICY_METHODS, POLICY_RECIPES, policy_from_json, policy_recipe
from innerloop.recipes._build_policy import algorithm_of, build_policy, rivals_of
from innerloop.recipes._types import words
from innerloop.recipes.policies import at_cost
from innerloop.rl import PPO, RL2, TRPO, Pooled, ProMP, train

EVERY = [
    (name, method, preset)
    for name in POLICY_RECIPES
    for method in POLICY_METHODS
    for preset in ("short", "paper")
    if method != "rl2" or policy_recipe(name).tensors
]
TENSORS = [name for name in POLICY_RECIPES if policy_recipe(name).tensors]


@pytest.mark.parametrize(("name", "method", "preset"), EVERY)
def test_json_gives_the_recipe_back(name, method, preset):
    chosen = policy_recipe(name, method, preset)
    assert (chosen.recipe, chosen.method, chosen.preset) == (name, method, preset)
    assert policy_from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


@pytest.mark.parametrize("name", POLICY_RECIPES)
def test_fields_say_what_they_are(name):
    kind = type(policy_recipe(name))
    for field in dataclasses.fields(kind):
        assert words(typing.get_type_hints(kind)[field.name])
    assert kind.__doc__
    assert POLICY_RECIPES[name].__doc__


@pytest.mark.parametrize("preset", ["short", "paper"])
@pytest.mark.parametrize("name", POLICY_RECIPES)
def test_all_methods_cost_the_same_environment_steps_and_the_papers_presets_more(name, preset):
    cost = {
        method: policy_recipe(name, method, preset).environment_steps
        for n, method, p in EVERY
        if (n, p) == (name, preset)
    }
    assert len(cost) >= 4
    assert len({*cost.values()}) == 1
    assert policy_recipe(name, preset="paper").environment_steps > policy_recipe(name).environment_steps


def test_outer_steps_for_a_number_of_environment_steps():
    meta, pooled = (policy_recipe("navigation", method) for method in ("promp", "pooled"))
    assert (at_cost(meta, 10**6).iterations, at_cost(pooled, 10**6).iterations) == (39, 78)
    assert at_cost(meta, 1).iterations == 1


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("method", POLICY_METHODS)
def test_every_method_is_built_and_trains_within_its_cost(name, method):
    small = {"iterations": 1, "tasks": 2, "episodes": 2, "validation_tasks": 2, "rounds": 1}
    experiment = build_policy(dataclasses.replace(policy_recipe(name, method), **small))
    fit = train(experiment.learner, progress=False, **experiment.train_settings())
    # the costs are exact where no episode ends early
    most = experiment.recipe.environment_steps
    assert fit.environment_steps == most if name != "navigation" else fit.environment_steps <= most
    found = experiment.evaluate(experiment.learner, "test", 3)
    assert found.values.shape == (2, 3)


def test_methods_are_what_they_are_called():
    kinds = [type(algorithm_of(policy_recipe("navigation", method))) for method in POLICY_METHODS]
    assert kinds == [ProMP, TRPO, TRPO, PPO, Pooled]
    first = [build_policy(policy_recipe("navigation", method)).learner.name for method in ("maml_trpo", "fomaml_trpo")]
    assert first == ["MAML policy", "first-order MAML policy"]
    assert isinstance(build_policy(policy_recipe("bandits")).learner, RL2)


def test_the_seed_decides_the_weights_and_not_the_tasks():
    one, two, again = (build_policy(dataclasses.replace(policy_recipe("navigation"), seed=s)) for s in (0, 1, 0))
    weights = [made.learner.network.body[0].weight for made in (one, two, again)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(*(made.environments.test.goals(torch.arange(5)) for made in (one, two)))


def test_bandits_are_compared_with_rules_and_others_with_the_untrained_learner():
    bandits, goals = policy_recipe("bandits"), policy_recipe("navigation")
    assert list(rivals_of(bandits, build_policy(bandits).environments.train)) == ["ucb1", "thompson", "random"]
    made = build_policy(goals)
    (untrained,) = rivals_of(goals, made.environments.train).values()
    assert torch.equal(untrained.network.body[0].weight, made.learner.network.body[0].weight)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"iterations": 0}, "iterations must be at least 1; got 0"),
        ({"episodes": 1.5}, "episodes: expected a whole number; got 1.5"),
        ({"inner_loss": "x"}, "inner_loss: expected lvc or reinforce or dice"),
        ({"rate": 0.0}, "rate must be a positive number"),
        ({"hidden": (8, 0)}, "hidden must be at least 1"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"method": "prompt"}, "Unknown method 'prompt'.*Did you mean 'promp'"),
        ({"seed": -1}, "seed must be between"),
    ],
)
def test_values_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        dataclasses.replace(policy_recipe("navigation"), **wrong)


def test_unknown_names():
    with pytest.raises(ConfigurationError, match="Unknown recipe 'x'; of reinforcement learning there are navigation"):
        policy_recipe("x")
    with pytest.raises(ConfigurationError, match="Unknown preset 'long'; there are short, paper"):
        policy_recipe("navigation", preset="long")
    with pytest.raises(ConfigurationError, match="rl2 runs on environments that are tensors"):
        policy_recipe("cheetah-velocity", "rl2")
    with pytest.raises(ConfigurationError, match="the field 'wings', which 'navigation' has not"):
        policy_from_json({"recipe": "navigation", "wings": 2})


@pytest.mark.apps
@pytest.mark.parametrize("name", [name for name in POLICY_RECIPES if name not in TENSORS])
def test_simulators_are_built_and_train(name):
    small = {"iterations": 1, "tasks": 1, "episodes": 1, "validation_tasks": 1, "rounds": 1, "horizon": 4}
    experiment = build_policy(dataclasses.replace(policy_recipe(name), **small), workers=1)
    fit = train(experiment.learner, progress=False, **experiment.train_settings())
    assert fit.environment_steps == experiment.recipe.environment_steps == 8
    assert experiment.evaluate(experiment.learner, "test", 1).values.shape == (2, 1)
