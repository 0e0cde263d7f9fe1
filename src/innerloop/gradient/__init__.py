"""Learning a task by gradient steps: a product of four choices, not a list of classes."""

from innerloop.gradient._learner import GradientLearner, GradientState
from innerloop.gradient._optimisers import SGD, Adam, InnerOptimiser
from innerloop.gradient._outer_gradient import FirstOrder, OuterGradient, Reptile, Unrolled
from innerloop.gradient._outer_loss import LastStep, OuterLoss, WeightedSteps
from innerloop.gradient._selection import select

__all__ = [
    "SGD",
    "Adam",
    "FirstOrder",
    "GradientLearner",
    "GradientState",
    "InnerOptimiser",
    "LastStep",
    "OuterGradient",
    "OuterLoss",
    "Reptile",
    "Unrolled",
    "WeightedSteps",
    "select",
]
