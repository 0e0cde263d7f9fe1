"""What to ask a new user about: the items whose ratings would say most about all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._learners import FactorRidge
from innerloop.recommend._personalised import Personalised

Array = NDArray[np.float64]

LEAST_EVENTS = 5
"""Training events of an item that somebody new may be asked about. A choice."""


def onboarding(
    model: Personalised, questions: int = 10, *, candidates: Sequence[int] | None = None,
    least_events: int = LEAST_EVENTS,
) -> list[int]:  # fmt: skip
    """Items to ask a new user about, one after the other, by the expected reduction of variance.

    Under the ridge, a user's weight is drawn from N(0, σ²/λ I) and has the covariance Σ after some answers. An answer
    about item j takes from the variance of the rating of item i

        (φ_i' Σ φ_j)² / (σ² + φ_j' Σ φ_j),

    whatever the answer is. Chosen is the item that takes most from all items together, each counting as often as it
    occurred in training; then the next one, given it.

    Args:
        model: a fitted ridge on factors.
        questions: how many.
        candidates: items that may be asked about; None: those with `least_events` training events, since an item that
            nobody knows cannot be answered.
        least_events: of a candidate.

    Raises:
        ConfigurationError: for a model that is not linear in the user.
        DataError: if there are fewer candidates than questions.

    Source: greedy choice by Rashid et al. 2002, "Getting to know you: learning new user preferences in recommender
    systems"; the variance is that of the ridge's posterior.
    """
    at_least("questions", questions, 1)
    learner, tower = model.learner, model.tower
    if not isinstance(learner, FactorRidge):
        raise ConfigurationError(
            f"Which questions to ask is known for the ridge on factors; this is {model.name}. Fit "
            "RECOMMENDERS['learned_ridge'] on the same events, and ask its questions."
        )
    phi = learner.inputs(tower.table()).detach().double().numpy()
    counts = tower.counts.numpy()
    allowed = np.flatnonzero(counts >= least_events) if candidates is None else np.asarray(candidates, np.int64)
    if len(allowed) < questions:
        raise DataError(
            f"{questions} questions need as many candidates; there are {len(allowed)}. Lower least_events=."
        )
    prior = np.eye(phi.shape[1]) / float(learner.log_strength.detach().exp())
    return [int(allowed[place]) for place in greedy(phi, phi[allowed], counts.astype(np.float64), prior, questions)]


def greedy(phi: Array, candidates: Array, weights: Array, covariance: Array, questions: int) -> list[int]:
    """Places of the candidates to observe, chosen one by one; variances in units of the noise.

    Args:
        phi: `(items, F)` inputs whose predictions count.
        candidates: `(n, F)` inputs that may be observed, each once.
        weights: `(items,)`.
        covariance: `(F, F)` of the weight before the first question.
        questions: how many.

    >>> greedy(np.eye(2), np.array([[1.0, 0.0], [0.0, 2.0]]), np.ones(2), np.eye(2), 1)
    [1]
    """
    scatter = phi.T @ (weights[:, None] * phi)
    chosen: list[int] = []
    for _ in range(questions):
        moved = candidates @ covariance
        # Σ_i w_i (φ_i' Σ φ_j)² = φ_j' Σ (Φ'WΦ) Σ φ_j
        gain = np.einsum("nf,fg,ng->n", moved, scatter, moved) / (1 + np.einsum("nf,nf->n", moved, candidates))
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        chosen.append(best)
        direction = covariance @ candidates[best]
        covariance = covariance - np.outer(direction, direction) / (1 + candidates[best] @ direction)
    return chosen
