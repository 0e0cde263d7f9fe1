"""Learners from the plain values that a run keeps of them."""

from __future__ import annotations

from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.rl._learner import PolicyLearner, maml_policy
from innerloop.rl._policy import CategoricalPolicy, GaussianPolicy
from innerloop.rl._rl2 import RL2
from innerloop.rl._spaces import Continuous, Discrete


def from_spec(spec: Any) -> PolicyLearner | RL2:
    """The learner that a `spec` describes, with fresh weights; `innerloop.outer.load_weights` fills them in.

    Args:
        spec: a learner's `spec`, or `Run(folder).config()["settings"]["learner"]`.

    Raises:
        ConfigurationError: if it describes no learner of this package.

    >>> from innerloop.rl import GaussianPolicy, maml_policy
    >>> from_spec(maml_policy(GaussianPolicy(2, 2, hidden=[8])).spec).steps
    1
    """
    try:
        method, arguments = spec["method"], dict(spec["arguments"])
        if method == "maml_policy":
            network = dict(spec["network"])
            kind = {"gaussian": GaussianPolicy, "categorical": CategoricalPolicy}[network.pop("policy")]
            return maml_policy(kind(**network), **arguments)
        if method == "rl2":
            space = dict(arguments.pop("action"))
            spaces = {"Continuous": Continuous, "Discrete": Discrete}
            return RL2(action=spaces[space.pop("kind")](**space), **arguments)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{spec!r} describes no learner: {error!r}. Give it what a run has kept.") from error
    raise ConfigurationError(f"There is no method {method!r} here; there are maml_policy and rl2.")
