"""From the plain values that are kept with a learner back to the learner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from innerloop.errors import CheckpointError
from innerloop.learner import Learner
from innerloop.methods import _comparing, _gradient, _transfer
from innerloop.networks import build

METHODS: dict[str, Callable[..., Learner]] = {
    "maml": _gradient.maml,
    "fomaml": _gradient.fomaml,
    "reptile": _gradient.reptile,
    "anil": _gradient.anil,
    "boil": _gradient.boil,
    "meta_sgd": _gradient.meta_sgd,
    "maml_plus_plus": _gradient.maml_plus_plus,
    "imaml": _gradient.imaml,
    "cavia": _gradient.cavia,
    "meta_curvature": _gradient.meta_curvature,
    "proto_maml": _gradient.proto_maml,
    "lstm": _gradient.lstm,
    "prototypes": _comparing.prototypes,
    "pretraining": _transfer.pretraining,
    "joint": _transfer.joint,
    "from_scratch": _transfer.from_scratch,
    "nearest_mean": _transfer.nearest_mean,
    "constant": _transfer.constant,
}
"""Methods that take a network, or none, and plain values."""

_WITH_WAYS: dict[str, Callable[..., Learner]] = {
    "linear_head": _transfer.linear_head,
    "fine_tune": _transfer.fine_tune,
}
"""Methods that take a pretrained network and the number of classes."""


def from_spec(spec: dict[str, Any]) -> Learner:
    """The learner that a `spec` describes, with fresh weights.

    Raises:
        CheckpointError: if it names a method that this version does not know.

    >>> from innerloop.networks import mlp
    >>> from_spec(_gradient.maml(mlp(1, 1), inner_steps=3).spec).steps
    3
    """
    method, network_spec = spec.get("method"), spec.get("network")
    network = None if network_spec is None else build(network_spec)
    if method in _WITH_WAYS and network_spec is not None:
        return _WITH_WAYS[method](network, int(network_spec["outputs"]), **spec["arguments"])
    if method not in METHODS:
        raise CheckpointError(
            f"The file names the method {method!r}; this version of innerloop knows {', '.join(sorted(METHODS))}."
        )
    return METHODS[method](*([network] if network is not None else []), **spec["arguments"])
