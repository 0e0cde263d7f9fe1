"""The learners of this release by name, in float64 and with few steps."""

from torch import nn

from innerloop import methods
from innerloop.learner import Learner

GRADIENT = ("maml", "fomaml", "anil", "reptile")
SECOND_ORDER = ("maml", "anil")
ALL = (*GRADIENT, "prototypes")
STEPS, RATE = 2, 0.3


def make(method: str, network: nn.Module, norm: str = "batch", **settings) -> Learner:
    """A learner with the settings that `helpers.reference.meta` has as defaults."""
    if method == "prototypes":
        return methods.prototypes(network, norm=norm, **settings)
    return getattr(methods, method)(network, inner_steps=STEPS, inner_lr=RATE, norm=norm, **settings)


def outputs(method: str) -> int | None:
    """Prototypes compare features, the others have a head."""
    return None if method == "prototypes" else 3
