"""Learning a task by comparing with its support examples, or by a small convex problem on them."""

from innerloop.metric._crammer_singer import crammer_singer
from innerloop.metric._embedding_learner import EmbeddingLearner
from innerloop.metric._matching import Matching, MatchingState
from innerloop.metric._prototypes import Prototypes, PrototypeState
from innerloop.metric._relation import Relation, RelationState, relation_error
from innerloop.metric._relation_module import relation_module
from innerloop.metric._ridge import Ridge, RidgeState
from innerloop.metric._svm import SVM, SVMState

__all__ = [
    "SVM",
    "EmbeddingLearner",
    "Matching",
    "MatchingState",
    "PrototypeState",
    "Prototypes",
    "Relation",
    "RelationState",
    "Ridge",
    "RidgeState",
    "SVMState",
    "crammer_singer",
    "relation_error",
    "relation_module",
]
