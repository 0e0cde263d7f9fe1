"""Everything that decides a personalised recommender beside its data, in plain values: importable without torch.

What is learned on users as tasks has its settings here, and nowhere else: `innerloop.recommend` builds learners of
them, the recipe `ratings` makes options of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from innerloop.demands import at_least, not_negative, positive
from innerloop.errors import ConfigurationError, closest

Kind = Literal["maml", "fomaml", "anil", "meta_sgd", "cavia", "ridge", "bias", "attention", "global", "fine_tuned"]
Loss = Literal["squared", "huber", "absolute", "softmax", "bpr"]
Goal = Literal["ratings", "ranking"]
Cut = Literal["first", "random"]
RANKING: tuple[Loss, ...] = ("softmax", "bpr")


@dataclass(frozen=True)
class Setting:
    """How a user is learned, and how that is trained.

    The defaults are those of MAML. They are a choice, made on validation users of MovieLens small, as are those by
    name in `LEARNED`.

    Args:
        kind: how a user is learned.
        goal: what is learned: ratings, or to rank what a user has done before what they have not.
        loss: None: squared error of ratings, sampled softmax for rankings.
        factors: length of an item's vector.
        hidden: widths of the hidden layers of a head that adapts.
        stretch: what the factors that training starts from are multiplied by: adaptation along them is faster by its
            square, beside that along a head's other weights.
        inner_steps: steps on a user's events.
        inner_lr: their rate.
        shrinkage: events that a mean inner loss is shrunk by.
        strength: where the penalty of the ridge starts.
        steps: outer steps, at most.
        validate_every: outer steps between validations.
        patience: training stops after so many validations without a new best.
        tasks_per_step: users in each.
        lr: outer learning rate.
        weight_decay: penalty of item vectors, those of features left out.
        shots: fewest and most support events of a training task.
        queries: query events of a training task.
        cut: where a training task's support set starts in a history.
        negatives: for each event, in rankings.
        least: rating from which an event is to be ranked before others; one below it is neither learned from nor taken
            for something the user never met. None: every event.
        hide: share of items whose identity a training task hides.
        width: of a token, of the attention.
        layers: of the attention.
        seed: of weights and tasks.

    Raises:
        ConfigurationError: for what cannot be.

    >>> Setting("maml").factors
    32
    """

    kind: Kind
    goal: Goal = "ratings"
    loss: Loss | None = None
    factors: int = 32
    hidden: tuple[int, ...] = (32,)
    stretch: float = 4.0
    inner_steps: int = 5
    inner_lr: float = 0.06
    shrinkage: float = 3.0
    strength: float = 1.0
    steps: int = 1_500
    validate_every: int = 25
    patience: int = 8
    tasks_per_step: int = 32
    lr: float = 1e-3
    weight_decay: float = 3e-4
    shots: tuple[int, int] = (1, 20)
    queries: int = 20
    cut: Cut = "random"
    negatives: int = 50
    least: float | None = None
    hide: float = 0.3
    width: int = 32
    layers: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("kind", Kind), ("goal", Goal), ("cut", Cut)):
            value, allowed = getattr(self, name), get_args(kind)
            if value not in allowed:
                raise ConfigurationError(
                    f"{name}= is one of {', '.join(allowed)}; got {value!r}.{closest(str(value), list(allowed))}"
                )
        wanted = [loss for loss in get_args(Loss) if (loss in RANKING) == (self.goal == "ranking")]
        if self.loss is not None and self.loss not in wanted:
            raise ConfigurationError(f"loss= for goal={self.goal!r} is one of {', '.join(wanted)}; got {self.loss!r}.")
        if self.least is not None and self.goal != "ranking":
            raise ConfigurationError(f"least= goes with goal='ranking'; got {self.least} for ratings. Leave it out.")
        for name in (
            "inner_steps",
            "steps",
            "validate_every",
            "patience",
            "tasks_per_step",
            "queries",
            "negatives",
            "width",
            "layers",
        ):
            at_least(name, getattr(self, name), 1)
        at_least("factors", self.factors, 0)
        for name in ("inner_lr", "lr", "strength", "stretch"):
            positive(name, getattr(self, name), 0.1)
        for name in ("weight_decay", "shrinkage"):
            not_negative(name, getattr(self, name))
        if not self.hidden:
            raise ConfigurationError("hidden= has the width of at least one layer; got none. Try (32,).")

    def to_json(self) -> dict[str, Any]:
        """Plain values: `Setting.from_json` gives the setting back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Setting:
        """The setting that `to_json` wrote."""
        fields: dict[str, Any] = {
            name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()
        }
        return cls(**fields)


_RANKING: dict[str, Any] = {"factors": 64, "lr": 1e-3, "queries": 10, "tasks_per_step": 16}
"""A ranking has 51 candidates for each event, so fewer events have to do in a step."""

_NEAR: dict[str, Any] = {"stretch": 1.0, "lr": 3e-3}
"""Of what solves for a vector, or starts with a rate that no head could bear: factors as they are."""

LEARNED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "maml": ({"kind": "maml"}, _RANKING),
    "fomaml": ({"kind": "fomaml"}, _RANKING),
    "anil": ({"kind": "anil"}, _RANKING),
    "meta_sgd": ({"kind": "meta_sgd"}, _RANKING),
    "cavia": ({"kind": "cavia", **_NEAR, "inner_lr": 1.0}, {**_RANKING, "inner_lr": 2.0}),
    # Lee et al. 2019, published code: one step at 5e-6 on a head of 64 and 64; not shrunk there
    "melu": ({"kind": "maml", "hidden": (64, 64), "inner_steps": 1, "inner_lr": 5e-6, "shrinkage": 0.0}, _RANKING),
    "learned_ridge": ({"kind": "ridge", **_NEAR, "factors": 64, "weight_decay": 1e-3}, _RANKING),
    "learned_bias": ({"kind": "bias", "factors": 0}, {}),
    "attention": ({"kind": "attention", "stretch": 1.0}, _RANKING),
    "global": ({"kind": "global"}, _RANKING),
    "fine_tuned": ({"kind": "fine_tuned"}, _RANKING),
}
"""By name, the kind and what differs from `Setting`'s defaults; and what differs in rankings beside that."""


def setting_of(name: str, goal: Goal = "ratings", **changes: Any) -> Setting:
    """The setting of what is learned, by its name.

    Args:
        name: a name in `LEARNED`.
        goal: ratings or rankings.
        **changes: fields of `Setting` to have otherwise.

    Raises:
        ConfigurationError: if there is no such name, or for what cannot be.

    >>> setting_of("cavia").inner_lr, setting_of("cavia", "ranking").inner_lr, setting_of("cavia", factors=8).factors
    (1.0, 2.0, 8)
    """
    if name not in LEARNED:
        raise ConfigurationError(f"There is no {name!r}; there are {', '.join(LEARNED)}.{closest(name, list(LEARNED))}")
    usual, ranking = LEARNED[name]
    return Setting(**{**usual, **(ranking if goal == "ranking" else {}), **changes, "goal": goal})
