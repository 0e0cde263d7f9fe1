"""What one would do without meta-learning: the rows that every table needs."""

from innerloop.transfer._constant import Constant
from innerloop.transfer._gaussian_process import GaussianProcess, GaussianProcessState
from innerloop.transfer._joint import Joint
from innerloop.transfer._new_head import with_new_head
from innerloop.transfer._pretraining import Pretraining
from innerloop.transfer._simple_shot import SimpleShot

__all__ = [
    "Constant",
    "GaussianProcess",
    "GaussianProcessState",
    "Joint",
    "Pretraining",
    "SimpleShot",
    "with_new_head",
]
