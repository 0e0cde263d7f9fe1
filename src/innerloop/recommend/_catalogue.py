"""Every recommender by name, as tables have them."""

from __future__ import annotations

from collections.abc import Callable

from innerloop.recommend._opponents import OPPONENTS
from innerloop.recommend._recommender import Recommender

RECOMMENDERS: dict[str, Callable[..., Recommender]] = {**OPPONENTS}
"""Every recommender by name; keywords are features, the seed, and settings where they are not tuned."""
