"""What an experiment is, in plain values: importable without torch, printed by `--help`, saved with the run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from innerloop.catalogue import TRAINED, is_own
from innerloop.errors import ConfigurationError, closest
from innerloop.recipes._checked import AtLeast, NotNegative, Positive, Seed, check

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class Recipe:
    """An experiment. Every field is an option of `innerloop train`; subclasses add their data's and `_source`."""

    recipe: str = ""
    """Name of the recipe."""
    method: str = "maml"
    """Learner: a name in `innerloop.recipes.METHODS`, or FILE.py:FUNCTION of your own."""
    start: str | None = None
    """Folder of a run whose pretrained features the network starts from; None: from fresh weights."""
    shots: int = 1
    """Support examples (per class)."""
    train_shots: int | None = None
    """Support examples (per class) in training; None: as in evaluation."""
    queries: int = 15
    """Query examples (per class) in evaluation."""
    train_queries: int = 15
    """Query examples (per class) in training."""
    inner_steps: int = 1
    """Inner steps in training."""
    test_steps: int = 1
    """Inner steps in evaluation."""
    inner_lr: Annotated[float, Positive(0.01)] = 0.4
    """Inner learning rate."""
    norm: Literal["batch", "support", "running"] = "batch"
    """Whose statistics normalise query examples; "batch" is transductive."""
    steps: int = 1_000
    """Outer steps."""
    tasks_per_step: int = 4
    """Tasks averaged in an outer step; for pretraining, batches of 128 examples."""
    lr: Annotated[float, Positive(0.001)] = 1e-3
    """Outer learning rate (Adam)."""
    rates_lr: Annotated[float | None, Positive(3e-5)] = None
    """Outer learning rate of inner rates that are learned (meta_sgd, maml_plus_plus); None: that of all else."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Course of the outer learning rate."""
    weight_decay: Annotated[float, NotNegative()] = 0.0
    """Decoupled weight decay of the outer optimiser (AdamW)."""
    clip: Annotated[float, Positive(10.0)] = 10.0
    """Largest norm of the meta-gradient."""
    validate_every: int | None = None
    """Outer steps between validations; None: ten validations."""
    validation_tasks: int = 200
    """Tasks of a validation."""
    patience: int | None = None
    """Stop after so many validations without a new best."""
    test_tasks: int = 1_000
    """Test tasks that the result is measured on."""
    curve_steps: Annotated[int, AtLeast(0)] = 10
    """Inner steps that the adaptation curve shows."""
    seed: Annotated[int, Seed()] = 0
    """Seed of the initial weights, of the training tasks and of what is random in the learner."""
    mapping: Literal["auto", "loop", "vmap", "captured", "compiled"] = "auto"
    """How tasks are mapped in training; "auto" measures which way is fastest."""
    chunk: int | None = None
    """Most tasks in flight; None: as many as is fast."""
    memory: int | None = None
    """Bytes that the tensors of a training step may take; None: no ceiling."""

    def __post_init__(self) -> None:
        check(self)
        if self.method not in TRAINED and not is_own(self.method):
            raise ConfigurationError(
                f"Unknown method {self.method!r}; there are {', '.join(TRAINED)}, and FILE.py:FUNCTION of your own."
                f"{closest(self.method, TRAINED)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    def source(self) -> Splits:
        """The tasks. Those of validation and test do not depend on the seed.

        With `train_classes` or `train_tasks` the training split has so many of them; the scaling of a table is still
        that of all its training tasks, so that errors after few and many tasks are in the same units.

        Raises:
            DataError: if the data cannot be used.
            ConfigurationError: if the recipe makes no tasks, or does not say where its data are.
        """
        source = self._source()
        for unit in ("classes", "tasks"):
            if (count := getattr(self, f"train_{unit}", None)) is not None:
                source.train = source.train.with_(seed=self.seed, **{unit: count})
        return source

    def _source(self) -> Splits:
        raise ConfigurationError(f"No data are known for {type(self).__name__}.")


@dataclass(frozen=True)
class ClassRecipe(Recipe):
    """An experiment on classes that are new in every task."""

    ways: Annotated[int, AtLeast(2)] = 5
    """Classes in a task."""
    train_ways: Annotated[int | None, AtLeast(2)] = None
    """Classes in a training task, for learners whose head takes fewer, too; None: as in evaluation."""
    train_classes: int | None = None
    """Classes to train on, drawn by the seed, smaller numbers within larger ones; None: all of them."""
