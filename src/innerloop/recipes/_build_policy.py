"""From the plain values of a recipe of reinforcement learning to the things themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch

from innerloop import rl
from innerloop.gradient import SGD
from innerloop.recipes._policy_recipe import MetaWorldRecipe, PolicyRecipe
from innerloop.sources._base import SPLITS
from innerloop.workers import Workers


@dataclass(frozen=True, eq=False)
class PolicyExperiment:
    """A recipe brought to life.

    Attributes:
        recipe: the plain values.
        environments: the tasks.
        learner: the learner with its initial weights.
    """

    recipe: PolicyRecipe
    environments: rl.EnvironmentSplits
    learner: rl.PolicyLearner | rl.RL2

    @property
    def sampling(self) -> rl.Sampling:
        """How episodes are drawn and valued, in training and in evaluation."""
        return rl.Sampling(self.recipe.episodes, self.recipe.discount, self.recipe.trace)

    def train_settings(self) -> dict[str, Any]:
        """Arguments for `innerloop.rl.train`, apart from the learner and the run folder."""
        recipe = self.recipe
        return {
            "environments": self.environments.train,
            "algorithm": algorithm_of(recipe),
            "iterations": recipe.iterations,
            "tasks": recipe.tasks,
            "sampling": self.sampling,
            "validation": self.environments.validation,
            "validate_every": recipe.validate_every,
            "validation_tasks": recipe.validation_tasks,
            # pooled pretraining is for what follows it
            "validation_rates": recipe.inner_rates if recipe.chooses_rate else None,
            "seed": recipe.seed,
            "config": {"recipe": recipe.to_json()},
        }

    def choose_rate(self, learner: rl.PolicyLearner) -> float:
        """Gives a learner the inner rate of the recipe that earns most after a round on validation tasks."""
        recipe = self.recipe
        found = rl.evaluate_rates(
            learner, self.environments.validation, recipe.inner_rates, recipe.validation_tasks, sampling=self.sampling
        )
        rate = rl.best_rate(found)
        learner.optimiser = SGD(rate)
        return rate

    def evaluate(self, learner: Any, split: str, tasks: int, rounds: int | None = None) -> rl.Returns:
        """Somebody's returns on fixed tasks after each round; None: as many rounds as the recipe says."""
        recipe = self.recipe
        rounds = recipe.rounds if rounds is None else rounds
        return rl.evaluate_policy(
            learner, getattr(self.environments, split), tasks, rounds=rounds, sampling=self.sampling
        )


def build_policy(recipe: PolicyRecipe, workers: Workers = None) -> PolicyExperiment:
    """Makes the environments and the learner of a recipe; weights are drawn from its seed.

    Args:
        recipe: the plain values.
        workers: who runs the episodes of simulators; None: a process for each core.

    Raises:
        ConfigurationError: if the settings cannot work, or a simulator is missing.
    """
    environments = environments_of(recipe, workers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        learner = learner_of(recipe, environments.train)
    return PolicyExperiment(recipe, environments, learner)


def environments_of(recipe: PolicyRecipe, workers: Workers) -> rl.EnvironmentSplits:
    """The tasks of a recipe in three splits; they are the same for every training seed."""
    values = cast(Any, recipe)
    if isinstance(recipe, MetaWorldRecipe):
        return rl.MetaWorld(recipe.benchmark, recipe.task, horizon=recipe.horizon, workers=workers)
    if recipe.recipe == "cheetah-velocity":
        return rl.HalfCheetahVel(values.horizon, workers=workers)
    if recipe.recipe in ("cheetah-direction", "ant-direction"):
        kind = rl.HalfCheetahDirTasks if recipe.recipe == "cheetah-direction" else rl.AntDirTasks
        return rl.EnvironmentSplits(*(kind(values.horizon, split=split, workers=workers) for split in SPLITS))
    if recipe.recipe == "bandits":
        return rl.Bandits(values.arms, values.pulls)
    if recipe.recipe == "tabular":
        return rl.Tabular(values.states, values.actions, values.horizon)
    return rl.Navigation(values.horizon)


def learner_of(recipe: PolicyRecipe, environment: rl.Environments) -> rl.PolicyLearner | rl.RL2:
    """The recipe's learner with fresh weights."""
    if recipe.method == "rl2":
        return rl.RL2(environment.observation, environment.action, recipe.width, recipe.std)
    return rl.maml_policy(
        rl.policy_for(environment, recipe.hidden, recipe.std),
        # pooled pretraining gets its rate when it is done
        inner_lr=recipe.inner_rates[0] if recipe.method == "pooled" else recipe.inner_lr,
        inner_steps=recipe.inner_steps, inner_loss=recipe.inner_loss, first_order=recipe.method == "fomaml_trpo",
    )  # fmt: skip


def algorithm_of(recipe: PolicyRecipe) -> rl.Algorithm:
    """How the parameters move."""
    if recipe.method == "rl2":
        return rl.PPO(rounds=recipe.rounds, rate=recipe.rate)
    if recipe.method == "pooled":
        return rl.Pooled(rate=recipe.rate)
    return rl.ProMP(rate=recipe.rate) if recipe.method == "promp" else rl.TRPO(delta=recipe.divergence)


def rivals_of(recipe: PolicyRecipe, environment: rl.Environments) -> dict[str, Any]:
    """Who needs no training, by the name of its result: rules for bandits, elsewhere the untrained learner."""
    if recipe.recipe == "bandits":
        return {"ucb1": rl.UCB1(), "thompson": rl.Thompson(), "random": rl.RandomArm()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        fresh = learner_of(recipe, environment)
    fresh.name = f"{fresh.name}, untrained"
    return {"untrained": fresh}
