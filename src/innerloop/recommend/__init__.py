"""Personalised recommendation: a user is a task, a few events are the support set.

Needs no extra; reading pandas, polars and Parquet needs the extra `recommend`.
"""

from innerloop.recommend._among_rated import ndcg_among_rated, precision_among_rated, random_ndcg_among_rated
from innerloop.recommend._cases import Cases, Split
from innerloop.recommend._catalogue import LEARNED, RECOMMENDERS
from innerloop.recommend._cuts import demand_no_leak
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._evaluate import evaluate_recommender
from innerloop.recommend._evaluation import RecommendationEvaluation, compare_recommenders
from innerloop.recommend._event_attention import EventAttention
from innerloop.recommend._events import Events
from innerloop.recommend._feature import Feature, Several
from innerloop.recommend._features import Column, Features
from innerloop.recommend._heads import MLPHead, VectorHead
from innerloop.recommend._learners import FactorRidge, Unadapted, UserSteps, network_of
from innerloop.recommend._movielens import movielens
from innerloop.recommend._named_splits import melu, recbole
from innerloop.recommend._onboarding import onboarding
from innerloop.recommend._opponents import OPPONENTS
from innerloop.recommend._oracle import Oracle
from innerloop.recommend._personalised import Personalised
from innerloop.recommend._read import Table, read_table
from innerloop.recommend._recommender import Recommender
from innerloop.recommend._roles import Roles
from innerloop.recommend._saved import load, save
from innerloop.recommend._schema import Schema
from innerloop.recommend._serving import Reason, Recommendation, Service
from innerloop.recommend._simulator import NOISES, Simulator
from innerloop.recommend._splits import by_time, leave_both_out, leave_items_out, leave_users_out, newcomers
from innerloop.recommend._store import Stored, open_store, store_events
from innerloop.recommend._store_table import store_table
from innerloop.recommend._text_file import text_file
from innerloop.recommend._tower import Tower
from innerloop.recommend._tuned import Tuned, grid
from innerloop.recommend._user_state import UserState
from innerloop.recommend._user_tasks import CaseTasks, UserTasks
from innerloop.user_settings import Setting

__all__ = [
    "LEARNED",
    "NOISES",
    "OPPONENTS",
    "RECOMMENDERS",
    "CaseTasks",
    "Cases",
    "Column",
    "Dataset",
    "EventAttention",
    "Events",
    "FactorRidge",
    "Feature",
    "Features",
    "MLPHead",
    "Oracle",
    "Personalised",
    "Reason",
    "Recommendation",
    "RecommendationEvaluation",
    "Recommender",
    "Roles",
    "Schema",
    "Service",
    "Setting",
    "Several",
    "Simulator",
    "Split",
    "Stored",
    "Table",
    "Tower",
    "Tuned",
    "Unadapted",
    "UserState",
    "UserSteps",
    "UserTasks",
    "VectorHead",
    "by_time",
    "compare_recommenders",
    "demand_no_leak",
    "evaluate_recommender",
    "grid",
    "leave_both_out",
    "leave_items_out",
    "leave_users_out",
    "load",
    "melu",
    "movielens",
    "ndcg_among_rated",
    "network_of",
    "newcomers",
    "onboarding",
    "open_store",
    "precision_among_rated",
    "random_ndcg_among_rated",
    "read_table",
    "recbole",
    "save",
    "store_events",
    "store_table",
    "text_file",
]
