"""Is what a user will like at the top of the catalogue? Ties get what they are worth over all their orders."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np

from innerloop.recommend._events import Real, Whole


class Ranks(NamedTuple):
    """Where relevant items stand among the candidates.

    Attributes:
        above: `(R,)` candidates with a higher score.
        tied: `(R,)` candidates with the same score, the item itself among them.
    """

    above: Whole
    tied: Whole


def ranks(scores: Real, relevant: Whole, seen: Whole) -> Ranks:
    """Places of relevant items among all items that have not been seen.

    Args:
        scores: `(items,)` of one user.
        relevant: `(R,)` numbers of relevant items; none of them seen.
        seen: numbers of items that are no candidates.

    >>> ranks(np.array([3.0, 1.0, 1.0, 5.0]), relevant=np.array([0, 2]), seen=np.array([3]))
    Ranks(above=array([0, 1]), tied=array([1, 2]))
    """
    ordered = np.sort(np.delete(scores, seen))
    low, high = (ordered.searchsorted(scores[relevant], side) for side in ("left", "right"))
    return Ranks((len(ordered) - high).astype(np.int64), (high - low).astype(np.int64))


def hit_rate(found: Ranks, k: int) -> float:
    """Whether a relevant item is among the first `k`; with ties at the border, how often over their orders.

        1 - C(t - m, s) / C(t, s)

    where `m` of the `t` items that are tied at the border are relevant, and `s` places are left for them.

    >>> hit_rate(Ranks(np.array([0]), np.array([4])), k=1)  # one relevant item among four that are all equal
    0.25
    """
    if ((found.above + found.tied) <= k).any():
        return 1.0
    border = found.above < k
    if not border.any():
        return 0.0
    tied, places = int(found.tied[border][0]), k - int(found.above[border][0])
    return 1.0 - comb(tied - int(border.sum()), places) / comb(tied, places)


def ndcg(found: Ranks, k: int) -> float:
    """Normalised discounted cumulative gain of the first `k`, every relevant item being worth the same.

        Σ_{relevant at rank r <= k} 1 / log2(r + 1)  /  Σ_{r = 1}^{min(k, R)} 1 / log2(r + 1)

    Tied items get the mean discount of the ranks that they share, which is exactly the mean over their orders.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".

    >>> ndcg(Ranks(np.array([0, 1]), np.array([1, 1])), k=10), round(ndcg(Ranks(np.array([1]), np.array([1])), 10), 4)
    (1.0, 0.6309)
    """
    total = _summed_discounts(k)
    first, last = np.minimum(found.above, k), np.minimum(found.above + found.tied, k)
    gain = ((total[last] - total[first]) / found.tied).sum()
    return float(gain / total[min(k, len(found.above))])


def _summed_discounts(k: int) -> Real:
    return np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
