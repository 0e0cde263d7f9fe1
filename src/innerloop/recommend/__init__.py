"""Personalised recommendation: a user is a task, a few events are the support set.

Needs no extra; reading pandas, polars and Parquet needs the extra `recommend`.
"""

from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._events import Events
from innerloop.recommend._features import Column, Features
from innerloop.recommend._recommender import Recommender

__all__ = ["Cases", "Column", "Dataset", "Events", "Features", "Recommender", "Split"]
