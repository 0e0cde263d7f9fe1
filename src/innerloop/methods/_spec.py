"""From the plain values that are kept with a learner back to the learner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from innerloop import methods
from innerloop.catalogue import METHODS
from innerloop.errors import CheckpointError
from innerloop.learner import Learner
from innerloop.networks import build


def from_spec(spec: dict[str, Any]) -> Learner:
    """The learner that a `spec` describes, with fresh weights.

    Raises:
        CheckpointError: if it names a method that this version does not know.

    >>> from innerloop.networks import mlp
    >>> from_spec(methods.maml(mlp(1, 1), inner_steps=3).spec).steps
    3
    """
    method, network = spec.get("method"), spec.get("network")
    if method not in METHODS:
        raise CheckpointError(
            f"The file names the method {method!r}; this version of innerloop knows {', '.join(sorted(METHODS))}."
        )
    make: Callable[..., Learner] = getattr(methods, str(method))
    return make(*([build(network)] if network is not None else []), **spec["arguments"])
