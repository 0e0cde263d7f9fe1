"""Learning a task by gradient steps: a product of four choices, not a list of classes."""

from innerloop.gradient._adaptive import Adam, AdamW, RMSprop
from innerloop.gradient._head_first import HeadFirst
from innerloop.gradient._implicit import Implicit, conjugate_gradients
from innerloop.gradient._learned_rates import LearnedRates, MetaCurvature
from innerloop.gradient._learner import GradientLearner
from innerloop.gradient._lstm import LSTMOptimiser
from innerloop.gradient._optimisers import SGD, InnerOptimiser, Step
from innerloop.gradient._outer_gradient import (
    AnnealedOrder,
    FirstOrder,
    InnerLoop,
    OuterGradient,
    Reptile,
    Truncated,
    Unrolled,
)
from innerloop.gradient._outer_loss import AnnealedSteps, LastStep, OuterLoss, WeightedSteps
from innerloop.gradient._selection import select
from innerloop.gradient._state import GradientState

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "AnnealedOrder",
    "AnnealedSteps",
    "FirstOrder",
    "GradientLearner",
    "GradientState",
    "HeadFirst",
    "Implicit",
    "InnerLoop",
    "InnerOptimiser",
    "LSTMOptimiser",
    "LastStep",
    "LearnedRates",
    "MetaCurvature",
    "OuterGradient",
    "OuterLoss",
    "RMSprop",
    "Reptile",
    "Step",
    "Truncated",
    "Unrolled",
    "WeightedSteps",
    "conjugate_gradients",
    "select",
]
