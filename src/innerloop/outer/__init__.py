"""The outer loop, its checkpoints, and the run folder."""

from innerloop.outer._checkpoint import load_weights
from innerloop.outer._fit import Fit, fit
from innerloop.outer._run import Run

__all__ = ["Fit", "Run", "fit", "load_weights"]
