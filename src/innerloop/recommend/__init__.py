"""Personalised recommendation: a user is a task, a few events are the support set.

Needs no extra; reading pandas, polars and Parquet needs the extra `recommend`.
"""

from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._events import Events
from innerloop.recommend._feature import Feature, Several
from innerloop.recommend._features import Column, Features
from innerloop.recommend._movielens import movielens
from innerloop.recommend._read import Table, read_table
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._roles import Roles
from innerloop.recommend._schema import Schema
from innerloop.recommend._store import Stored, open_store, store_events
from innerloop.recommend._store_table import store_table
from innerloop.recommend._text_file import text_file

__all__ = [
    "Cases",
    "Column",
    "Dataset",
    "Events",
    "Feature",
    "Features",
    "Recommender",
    "Roles",
    "Schema",
    "Several",
    "Split",
    "Stored",
    "Table",
    "movielens",
    "open_store",
    "read_table",
    "store_events",
    "store_table",
    "text_file",
]
