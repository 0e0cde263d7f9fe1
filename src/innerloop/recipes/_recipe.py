"""What an experiment is, in plain values: importable without torch, printed by `--help`, saved with the run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from innerloop.catalogue import TRAINED, is_own
from innerloop.demands import at_least, not_negative, positive
from innerloop.errors import ConfigurationError, closest
from innerloop.recipes._types import fits, words
from innerloop.user_settings import Setting

_LEAST = {
    **dict.fromkeys(
        ("shots", "train_shots", "queries", "train_queries", "inner_steps", "test_steps", "steps", "tasks_per_step"), 1
    ),
    **dict.fromkeys(("validate_every", "validation_tasks", "patience", "test_tasks", "filters", "size", "hidden"), 1),
    **dict.fromkeys(("train_goals", "validation_goals", "test_goals", "rollouts", "limit", "bias", "over_shots"), 1),
    "demonstrations": 2,
    "noise": 0,
    **dict.fromkeys(("chunk", "memory", "train_classes", "train_tasks"), 1),
    **dict.fromkeys(("factors", "negatives"), 1),
    "points": 7,
    "dimensions": 1,
    "curve_steps": 0,
    "fold": 0,
    "folds": 3,
    "ways": 2,
}
"""The least value of fields, those of subclasses among them."""


@dataclass(frozen=True)
class Recipe:
    """An experiment. Every field is an option of `innerloop train`; subclasses add what their data need."""

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
    inner_lr: float = 0.4
    """Inner learning rate."""
    norm: Literal["batch", "support", "running"] = "batch"
    """Whose statistics normalise query examples; "batch" is transductive."""
    steps: int = 1_000
    """Outer steps."""
    tasks_per_step: int = 4
    """Tasks averaged in an outer step; for pretraining, batches of 128 examples."""
    lr: float = 1e-3
    """Outer learning rate (Adam)."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Course of the outer learning rate."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the outer optimiser (AdamW)."""
    clip: float = 10.0
    """Largest norm of the meta-gradient."""
    validate_every: int | None = None
    """Outer steps between validations; None: ten validations."""
    validation_tasks: int = 200
    """Tasks of a validation."""
    patience: int | None = None
    """Stop after so many validations without a new best."""
    test_tasks: int = 1_000
    """Test tasks that the result is measured on."""
    curve_steps: int = 10
    """Inner steps that the adaptation curve shows."""
    seed: int = 0
    """Seed of the initial weights, of the training tasks and of what is random in the learner."""
    mapping: Literal["auto", "loop", "vmap", "captured", "compiled"] = "auto"
    """How tasks are mapped in training; "auto" measures which way is fastest."""
    chunk: int | None = None
    """Most tasks in flight; None: as many as is fast."""
    memory: int | None = None
    """Bytes that the tensors of a training step may take; None: no ceiling."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            if not fits(value := getattr(self, name), kind):
                raise ConfigurationError(f"{name}: expected {words(kind)}; got {value!r}.")
        if self.method not in TRAINED and not is_own(self.method):
            raise ConfigurationError(
                f"Unknown method {self.method!r}; there are {', '.join(TRAINED)}, and FILE.py:FUNCTION of your own."
                f"{closest(self.method, TRAINED)}"
            )
        for name, least in _LEAST.items():
            values = getattr(self, name, None)
            for value in values if isinstance(values, tuple) else () if values is None else (values,):
                at_least(name, value, least)
        for name, usual in (("inner_lr", 0.01), ("lr", 0.001), ("clip", 10.0)):
            positive(name, getattr(self, name), usual)
        not_negative("weight_decay", self.weight_decay)
        if not 0 <= self.seed < 2**63:
            raise ConfigurationError(f"seed must be between 0 and 2^63; got {self.seed}.")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class ClassRecipe(Recipe):
    """An experiment on classes that are new in every task."""

    ways: int = 5
    """Classes in a task."""
    train_ways: int | None = None
    """Classes in a training task, for learners without a fixed head; None: as in evaluation."""
    train_classes: int | None = None
    """Classes to train on, drawn by the seed, smaller numbers within larger ones; None: all of them."""


@dataclass(frozen=True)
class PictureRecipe(ClassRecipe):
    """An experiment on classes of pictures with Conv-4 or ResNet-12."""

    network: Literal["conv4", "resnet12"] = "conv4"
    """The network."""
    filters: int = 64
    """Channels of Conv-4, or of the first block of ResNet-12."""
    downsample: Literal["stride", "pool"] = "stride"
    """How Conv-4 halves a picture: convolutions of stride 2, or max-pooling."""


@dataclass(frozen=True)
class CharactersRecipe(PictureRecipe):
    """Letters of the world's scripts, embedded: no download."""


@dataclass(frozen=True)
class OmniglotRecipe(PictureRecipe):
    """Handwritten characters."""

    data: str | None = None
    """Folder with images_background.zip and images_evaluation.zip; None: $INNERLOOP_DATA/omniglot."""
    protocol: Literal["A", "B"] = "A"
    """A: classes across alphabets with rotations; B: within an alphabet."""
    download: bool = False
    """Fetch the archives (14 MB) if they are not there."""
    augment: bool = False
    """In B: quarter turns as training classes of their own, and training drawings bent anew each time."""


@dataclass(frozen=True)
class FolderRecipe(PictureRecipe):
    """Your own pictures: a folder per class."""

    data: str = ""
    """The folder."""
    splits: str | None = None
    """JSON file with the class names of train, validation and test; None: by a stable hash of the names."""
    size: int = 84
    """Pictures are cut and resized to this many pixels along each side."""
    grey: bool = False
    """One channel instead of three."""
    ink: Literal["as is", "bright"] = "as is"
    """"bright" inverts pictures of dark ink on light paper."""


@dataclass(frozen=True)
class TableRecipe(Recipe):
    """Your own table: a CSV file in which one column says the task."""

    data: str = ""
    """The CSV file."""
    task: str = ""
    """Column that says which task a row belongs to."""
    target: str = ""
    """Column to predict."""
    inputs: tuple[str, ...] = ()
    """Input columns; none given: all other numeric ones."""
    drop: tuple[str, ...] = ()
    """Columns that must not be inputs."""
    order: str | None = None
    """Column, for instance a time: the support rows are a task's first ones by it; None: rows at random."""
    folds: int | None = None
    """Parts of a cross-validation over tasks; None: shares for train, validation and test."""
    fold: int = 0
    """Part that is the test, from 0; the next one is the validation."""
    train_tasks: int | None = None
    """The table's tasks to train on, drawn by the seed, smaller numbers within larger ones; None: all of them."""
    hidden: tuple[int, ...] = (40, 40)
    """Widths of the hidden layers."""


@dataclass(frozen=True)
class TextRecipe(ClassRecipe):
    """Your own texts with their labels: a CSV or JSON file."""

    data: str = ""
    """The file: a CSV with a header line, or a JSON list of [text, label] pairs or of objects."""
    text: str = "text"
    """Column or entry of the text."""
    label: str = "label"
    """Column or entry of the class."""
    splits: str | None = None
    """JSON file with the class names of train, validation and test; None: by a stable hash of the names."""
    dimensions: int = 2_048
    """Length of a text's vector of hashed n-grams."""
    hidden: tuple[int, ...] = (1_024,)
    """Widths of the hidden layers."""


@dataclass(frozen=True)
class ClincRecipe(ClassRecipe):
    """CLINC150: intents of short requests, the test on domains never seen in training."""

    data: str | None = None
    """Folder with data_full.json and domains.json; None: $INNERLOOP_DATA/clinc150."""
    within_domains: bool = False
    """Draw all intents of a task from one domain."""
    dimensions: int = 2_048
    """Length of a text's vector of hashed n-grams."""
    hidden: tuple[int, ...] = (1_024,)
    """Widths of the hidden layers."""


@dataclass(frozen=True)
class SinusoidsRecipe(Recipe):
    """Sinusoid regression, MAML's first experiment."""

    train_tasks: int | None = None
    """Different curves to train on; None: no end of them."""
    hidden: tuple[int, ...] = (40, 40)
    """Widths of the hidden layers."""


@dataclass(frozen=True)
class CurvesRecipe(Recipe):
    """Curves from Gaussian processes, the test bed of neural processes."""

    kernel: Literal["rbf", "matern", "periodic"] = "rbf"
    """Covariance of the curves."""
    protocol: Literal["fixed", "tnp"] = "fixed"
    """fixed: length 0.4, scale 1, noise 0.1; tnp: all but the noise of 0.02 is drawn anew in every task."""
    points: int | None = 50
    """Most points of a training task, divided at random into support and query; None: as in evaluation."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of the network (of the embedding, where a method has layers of its own)."""


@dataclass(frozen=True)
class RatingsRecipe(Recipe):
    """Personalised recommendation: a user is a task. Simulated users, embedded; or your own table with --data."""

    data: str | None = None
    """Folder of MovieLens, or a table of users, items and ratings; None: simulated users."""
    items: str | None = None
    """A table with a row for each item, beside the table of --data: titles, and features."""
    goal: Literal["ratings", "ranking"] = "ratings"
    """Predict ratings, or rank what a user has done before what they have not."""
    factors: int = Setting.factors
    """Length of an item's vector."""
    stretch: float = Setting.stretch
    """What the factors that training starts from are multiplied by."""
    hidden: tuple[int, ...] = Setting.hidden
    """Widths of the hidden layers of a head that adapts."""
    hide: float = Setting.hide
    """Share of items whose identity a training task hides, so that features learn to stand for it."""
    negatives: int = Setting.negatives
    """Items that a user never met beside each of their events, in rankings."""


@dataclass(frozen=True)
class ControlRecipe(Recipe):
    """Robot control from demonstrations, on a task of Meta-World whose goal is hidden. Needs the extra `control`."""

    task: str = "reach"
    """Task of Meta-World: reach, push, pick-place, door-open, ..."""
    train_goals: int = 150
    """Goals to train on."""
    validation_goals: int = 20
    """Goals to validate on."""
    test_goals: int = 50
    """Goals to measure on."""
    demonstrations: int = 4
    """Demonstrations of each goal, from which support and query are drawn; of a goal of validation and test more, where
    --over-shots asks for them."""
    noise: float = 0.3
    """Standard deviation of what is added to each executed action of a demonstration."""
    rollouts: int = 2
    """Episodes for each goal."""
    over_shots: tuple[int, ...] = (1, 2, 5)
    """Numbers of demonstrations that the page shows the success after."""
    limit: int = 200
    """Most steps of an episode; Meta-World's own protocol has 500."""
    hidden: tuple[int, ...] = (100, 100)
    """Widths of the hidden layers."""
    bias: int = 10
    """Length of the learned vector beside the input."""
