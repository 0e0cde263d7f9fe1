"""What one would do without meta-learning: the rows that every table needs."""

from innerloop.transfer._constant import Constant
from innerloop.transfer._features import start_from
from innerloop.transfer._gaussian_process import GaussianProcess, GaussianProcessState
from innerloop.transfer._joint import Joint, JointState
from innerloop.transfer._linear_probe import LinearProbe, LinearProbeState
from innerloop.transfer._logistic import logistic_regression
from innerloop.transfer._new_head import with_cosine_head, with_new_head, without_head
from innerloop.transfer._pretraining import Pretraining
from innerloop.transfer._ridge import PooledRidge, PooledRidgeState, ShrunkRidge, ShrunkRidgeState
from innerloop.transfer._simple_shot import SimpleShot

__all__ = [
    "Constant",
    "GaussianProcess",
    "GaussianProcessState",
    "Joint",
    "JointState",
    "LinearProbe",
    "LinearProbeState",
    "PooledRidge",
    "PooledRidgeState",
    "Pretraining",
    "ShrunkRidge",
    "ShrunkRidgeState",
    "SimpleShot",
    "logistic_regression",
    "start_from",
    "with_cosine_head",
    "with_new_head",
    "without_head",
]
