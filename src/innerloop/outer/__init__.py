"""The outer loop, its checkpoints, and the run folder."""

from innerloop.outer._checkpoint import load_weights
from innerloop.outer._distributed import is_main_process
from innerloop.outer._fit import Fit, fit
from innerloop.outer._pace import Pace, pace
from innerloop.outer._run import Run

__all__ = ["Fit", "Pace", "Run", "fit", "is_main_process", "load_weights", "pace"]
