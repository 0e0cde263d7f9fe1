"""Personalised recommendation: a user is a task, a few events are the support set.

Needs no extra; reading pandas, polars and Parquet needs the extra `recommend`.
"""

from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._catalogue import RECOMMENDERS
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._event_attention import EventAttention
from innerloop.recommend._events import Events
from innerloop.recommend._features import Column, Features
from innerloop.recommend._heads import MLPHead, VectorHead
from innerloop.recommend._learners import FactorRidge, Unadapted, UserSteps, network_of
from innerloop.recommend._onboarding import onboarding
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._saved import load, save
from innerloop.recommend._serving import Reason, Recommendation, Service
from innerloop.recommend._setting import Setting
from innerloop.recommend._tower import Tower
from innerloop.recommend._user_state import UserState
from innerloop.recommend._user_tasks import CaseTasks, UserTasks

__all__ = [
    "RECOMMENDERS",
    "CaseTasks",
    "Cases",
    "Column",
    "Dataset",
    "EventAttention",
    "Events",
    "FactorRidge",
    "Features",
    "MLPHead",
    "Personalised",
    "Reason",
    "Recommendation",
    "Recommender",
    "Service",
    "Setting",
    "Split",
    "Tower",
    "Unadapted",
    "UserState",
    "UserSteps",
    "UserTasks",
    "VectorHead",
    "load",
    "network_of",
    "onboarding",
    "save",
]
