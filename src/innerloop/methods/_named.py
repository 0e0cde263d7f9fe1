"""What every function of a paper's name does at its end: give the learner its name and the recipe to build it again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from torch import nn

from innerloop.learner import Learner

P = ParamSpec("P")
L = TypeVar("L", bound=Learner)

_NETWORKS = ("network", "embedding", "maps", "classifier", "pretrained")
_NOT_PLAIN = ("loss", "source", "tasks")
"""What a spec does not hold: a loss is code, and what was read from a source is in the learner's weights."""
_LOOP = ("inner_steps", "inner_lr", "test_steps", "norm")
"""What inner loops have in common comes first in a spec."""


def named(
    name: str,
    *,
    bare: str = "",
    optional: tuple[str, ...] = (),
    built: bool = False,
    portable: bool = True,
    settled: Callable[[Any], dict[str, Any]] | None = None,
) -> Callable[[Callable[P, L]], Callable[P, L]]:
    """A decorator: the learner that the function makes gets a `name`, and a `spec` from the arguments of the call.

    Args:
        name: for tables and logs.
        bare: the name where the function is called without a network; empty: `name`.
        optional: arguments that a spec holds only where they differ from their defaults, which came later.
        built: the spec's network is the learner's own, with the head that the function gave it, and not the argument.
        portable: whether there is a spec at all.
        settled: from the learner to arguments whose values are known only when it is made.

    >>> from innerloop.transfer import Constant
    >>> @named("Mine")
    ... def mine(*, rate: float = 0.1) -> Learner:
    ...     return Constant()
    >>> mine(rate=0.2).spec
    {'method': 'mine', 'network': None, 'arguments': {'rate': 0.2}}
    """

    def decorate(make: Callable[P, L]) -> Callable[P, L]:
        signature = inspect.signature(make)

        @wraps(make)
        def made(*args: P.args, **kwargs: P.kwargs) -> L:
            try:
                call = signature.bind(*args, **kwargs)
            except TypeError:
                return make(*args, **kwargs)  # raises it again, with the function's name
            call.apply_defaults()
            given = dict(call.arguments)
            networks = [given.pop(each) for each in _NETWORKS if each in given]
            network = next(iter(networks), None)
            described = spec_of(network)  # now, since some functions change the network in place
            learner = make(*args, **kwargs)
            learner.name = name if network is not None or not bare else bare
            if built:
                network = learner.get_submodule("network")
                described = spec_of(network)
            if portable and (network is None or described is not None):
                plain = {key: value for key, value in given.items() if key not in _NOT_PLAIN}
                for key in optional:
                    if plain[key] in (signature.parameters[key].default, ""):
                        del plain[key]
                plain |= settled(learner) if settled is not None else {}
                if "inner_steps" in plain:
                    plain = {key: plain[key] for key in dict.fromkeys((*_LOOP, *plain)) if key in plain}
                learner.spec = {"method": make.__name__, "network": described, "arguments": plain}
            return learner

        return made

    return decorate


def spec_of(network: nn.Module | None) -> Any:
    """Plain values from which the network can be built again; None for one of somebody's own."""
    return getattr(network, "spec", None)
