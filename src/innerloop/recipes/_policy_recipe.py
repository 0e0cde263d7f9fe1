"""What an experiment of meta-reinforcement learning is, in plain values: importable without torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from innerloop.errors import ConfigurationError, closest
from innerloop.recipes._checked import AtLeast, Positive, Seed, check

Preset = Literal["short", "paper"]
POLICY_METHODS = ("promp", "maml_trpo", "fomaml_trpo", "rl2", "pooled")
"""What `innerloop train` takes as --method for recipes of reinforcement learning."""


@dataclass(frozen=True)
class PolicyRecipe:
    """An experiment. Every field is an option of `innerloop train`; subclasses add what their environments need."""

    tensors: ClassVar[bool] = True
    """Whether the environments are tensors: `rl2` needs that."""

    recipe: str = ""
    """Name of the recipe."""
    method: str = "promp"
    """promp, maml_trpo, fomaml_trpo (its first order), rl2, or pooled: one policy for all tasks, fine-tuned."""
    preset: Preset = "short"
    """"short": small, for a CPU; "paper": the settings of the papers, which cost far more."""
    iterations: int = 60
    """Outer steps."""
    tasks: int = 16
    """Tasks of an outer step."""
    episodes: int = 8
    """Episodes of each task before adaptation, and again after it; for rl2, trials of each task."""
    discount: float = 0.99
    """Discount of the advantages."""
    trace: float = 1.0
    """λ of the generalised advantages."""
    rate: Annotated[float, Positive(1e-3)] = 5e-3
    """Learning rate of Adam; MAML-TRPO steps within `divergence` instead."""
    divergence: Annotated[float, Positive(0.01)] = 0.01
    """Largest mean KL of a step of MAML-TRPO."""
    inner_lr: Annotated[float, Positive(0.1)] = 0.05
    """Learning rate of the policy gradients that adapt."""
    inner_rates: Annotated[tuple[float, ...], Positive(0.1)] = (0.01, 0.02, 0.05, 0.1, 0.2)
    """For pooled, which is trained for no rate: these are tried on validation tasks."""
    inner_steps: int = 1
    """Inner steps in training."""
    inner_loss: Literal["lvc", "reinforce", "dice"] = "lvc"
    """Loss of an inner step: what the outer gradient sees of it."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the policy's hidden layers."""
    width: int = 48
    """Size of the memory of rl2."""
    std: Annotated[float, Positive(1.0)] = 1.0
    """Standard deviation of an untrained policy's actions, where they are numbers."""
    rounds: Annotated[int, AtLeast(0)] = 3
    """Rounds of adaptation in evaluation; for rl2 further episodes of a trial, in training as well."""
    validate_every: int | None = None
    """Outer steps between validations; None: ten validations."""
    validation_tasks: int = 40
    """Tasks of a validation."""
    test_tasks: int = 40
    """Test tasks that the result is measured on."""
    seed: Annotated[int, Seed()] = 0
    """Seed of the initial weights and of the training episodes; the tasks are the same for every seed."""

    def __post_init__(self) -> None:
        check(self)
        if self.method not in POLICY_METHODS:
            raise ConfigurationError(
                f"Unknown method {self.method!r}; for reinforcement learning there are {', '.join(POLICY_METHODS)}."
                f"{closest(self.method, POLICY_METHODS)}"
            )
        if not self.inner_rates:
            raise ConfigurationError("inner_rates: expected at least one rate to try; got none.")
        if self.method == "rl2" and not self.tensors:
            raise ConfigurationError(
                "rl2 runs on environments that are tensors (navigation, bandits, tabular); take promp, maml_trpo or "
                "pooled here."
            )

    @property
    def length(self) -> int:
        """The most steps of an episode."""
        found: int = getattr(self, "pulls", 0) or getattr(self, "horizon", 0)
        return found

    @property
    def environment_steps(self) -> int:
        """What training costs: the most steps that environments are asked for, validation left out."""
        rounds = {"rl2": self.rounds, "pooled": 0}.get(self.method, 1)
        return self.iterations * self.tasks * self.episodes * (rounds + 1) * self.length

    @property
    def chooses_rate(self) -> bool:
        """Whether it is trained for no inner rate, and gets one of `inner_rates` on validation tasks."""
        return self.method == "pooled" and self.rounds > 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class NavigationRecipe(PolicyRecipe):
    """A point on a plane looks for a goal that it cannot see."""

    horizon: int = 100
    """Most steps of an episode."""


@dataclass(frozen=True)
class BanditsRecipe(PolicyRecipe):
    """Bandits whose arms pay 1 or 0; rules that need no training are measured beside."""

    arms: Annotated[int, AtLeast(2)] = 5
    """Arms of a bandit."""
    pulls: int = 10
    """Pulls of an episode."""


@dataclass(frozen=True)
class TabularRecipe(PolicyRecipe):
    """Random Markov decision processes."""

    states: Annotated[int, AtLeast(2)] = 10
    """States of a process."""
    actions: Annotated[int, AtLeast(2)] = 5
    """Actions of a process."""
    horizon: int = 10
    """Steps of an episode."""


@dataclass(frozen=True)
class SimulatedRecipe(PolicyRecipe):
    """A simulated robot, with episodes in worker processes. Needs the extra `rl`."""

    tensors: ClassVar[bool] = False

    horizon: int = 200
    """Most steps of an episode."""


@dataclass(frozen=True)
class MetaWorldRecipe(SimulatedRecipe):
    """A benchmark of Meta-World: a robot arm whose goal is hidden. Needs the extra `rl`."""

    benchmark: Literal["ML1", "ML10", "ML25", "ML45"] = "ML1"
    """The benchmark."""
    task: str | None = "reach-v3"
    """The class of ML1; None in the others."""


PRESETS = get_args(Preset)
