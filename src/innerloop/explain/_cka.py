"""How alike two representations of the same examples are, whatever their basis: debiased linear CKA."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from innerloop.errors import ConfigurationError
from innerloop.explain._over_tasks import Array

LEAST = 4
"""Examples that the unbiased estimator needs."""


def hsic(a: Array, b: Array) -> Array:
    """The unbiased estimator of the Hilbert-Schmidt independence criterion.

        HSIC(A, B) = [tr(Ã B̃) + 1'Ã1 · 1'B̃1 / ((n-1)(n-2)) - 2/(n-2) · 1'ÃB̃1] / (n(n-3))

    Ã and B̃ are the kernel matrices with a diagonal of zeros.

    Args:
        a: `(..., n, n)` symmetric kernel matrices, n at least 4; the diagonal is not looked at.
        b: `(..., n, n)` of the same examples.

    Source: Song et al. 2012, "Feature selection via dependence maximization", theorem 2.

    >>> x = np.arange(5.0)[:, None]
    >>> round(float(hsic(x @ x.T, x @ x.T)), 3)
    5.167
    """
    n = a.shape[-1]
    off = 1.0 - np.eye(n)
    a, b = a * off, b * off
    of_a, of_b = a.sum(-1), b.sum(-1)
    trace = (a * b).sum((-1, -2))
    means = of_a.sum(-1) * of_b.sum(-1) / ((n - 1) * (n - 2))
    mixed = 2 / (n - 2) * (of_a * of_b).sum(-1)
    return cast(Array, (trace + means - mixed) / (n * (n - 3)))


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Debiased linear centred kernel alignment of two representations of the same examples.

    1 if they are equal up to rotation, reflection and one scale; about 0, and sometimes a little below, if they have
    nothing to do with each other. The usual estimator is biased upwards where there are more features than examples;
    this one is not. NaN where a representation does not vary at all.

        CKA = HSIC(XX', YY') / sqrt(HSIC(XX', XX') HSIC(YY', YY'))

    Args:
        x: `(N, D)`, at least four examples.
        y: `(N, E)`.

    Raises:
        ConfigurationError: for fewer examples, or other numbers of them.

    Source: Kornblith et al. 2019, "Similarity of neural network representations revisited", section 3; debiased:
    Nguyen, Raghu and Kornblith 2021, "Do wide and deep networks learn the same things?", section 3.

    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(linear_cka(x, -2 * x[:, ::-1] + 1), 6)
    1.0
    """
    both = [np.asarray(each, dtype=float) for each in (x, y)]
    counts = [len(each) for each in both]
    if counts[0] != counts[1] or counts[0] < LEAST:
        raise ConfigurationError(
            f"CKA needs two representations of the same {LEAST} or more examples; got {counts[0]} and {counts[1]}."
        )
    flat = [each.reshape(counts[0], -1) for each in both]
    # HSIC does not depend on the centre, rounding does
    flat = [each - each[:1] for each in flat]
    a, b = (each @ each.T for each in flat)
    scale = float(hsic(a, a) * hsic(b, b))
    return float(hsic(a, b)) / scale**0.5 if scale > 0 else float("nan")
