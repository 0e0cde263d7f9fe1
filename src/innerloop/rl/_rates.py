"""Which inner rate suits a policy: chosen on some tasks, judged on others.

How far a step of one rate moves a policy depends on how wide its actions are, by orders of magnitude. So a policy that
was not trained for a rate, such as a pooled one, is worth what it earns at the rate that suits it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD
from innerloop.rl._course import Sampling
from innerloop.rl._environments import Environments
from innerloop.rl._evaluate import Returns, evaluate_policy
from innerloop.rl._learner import PolicyLearner


def evaluate_rates(
    learner: PolicyLearner,
    environments: Environments,
    rates: Sequence[float],
    tasks: int = 40,
    *,
    sampling: Sampling | None = None,
) -> dict[float, Returns]:
    """Returns before and after one round of adaptation at each of some inner rates, on the same tasks and draws.

    Args:
        learner: from `maml_policy`; it keeps the rate that it has.
        environments: a split, as a rule the validation split.
        rates: of gradient descent.
        tasks: how many tasks.
        sampling: how episodes are drawn and valued.

    Raises:
        ConfigurationError: if there is no rate to try, or for a learner that does not adapt by gradients.

    >>> from innerloop.rl import Navigation, maml_policy, policy_for
    >>> goals = Navigation(horizon=5)
    >>> found = evaluate_rates(maml_policy(policy_for(goals.train)), goals.validation, [0.01, 0.1], tasks=4)
    >>> best_rate(found) in found, cross_judged(found).values.shape
    (True, (2, 4))
    """
    if not rates or not isinstance(learner, PolicyLearner):
        raise ConfigurationError(
            f"Expected a learner from maml_policy and at least one rate to try; got {learner.name} and {list(rates)}."
        )
    kept, found = learner.optimiser, {}
    try:
        for rate in rates:
            learner.optimiser = SGD(rate)
            found[rate] = evaluate_policy(learner, environments, tasks, rounds=1, sampling=sampling)
    finally:
        learner.optimiser = kept
    return found


def best_rate(found: Mapping[float, Returns]) -> float:
    """The rate with the largest mean return after the last round; of equals, the first."""
    return max(found, key=lambda rate: found[rate].values[-1].mean())


def cross_judged(found: Mapping[float, Returns]) -> Returns:
    """What each half of the tasks earns at the rate that is best on the other half.

    All tasks judge, and none of them a rate that was chosen on it, so the mean is not better than it should be by the
    choice. The halves are the tasks at even and at odd places.
    """
    rates = list(found)
    after = np.stack([found[rate].values for rate in rates])
    values = after[rates.index(best_rate(found))].copy()
    for half in (0, 1) if values.shape[1] > 1 else ():
        chosen = after[:, -1, 1 - half :: 2].mean(-1).argmax()
        values[:, half::2] = after[chosen, :, half::2]
    some = next(iter(found.values()))
    steps, seconds = (sum(getattr(each, name) for each in found.values()) for name in ("environment_steps", "seconds"))
    return replace(some, values=values, success=None, environment_steps=steps, seconds=round(seconds, 3))
