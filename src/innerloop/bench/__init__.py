"""Speed and memory of this installation against other meta-learning libraries, interleaved in one run.

Every implementation is a process of its own that holds its workload ready; the driver goes round and asks each for one
timed turn. The driver imports no torch, so that it takes nothing from those that it times.
"""

from innerloop.bench._driver import Settings, measure
from innerloop.bench._table import cells, failures, tables
from innerloop.bench._workloads import WORKLOADS, Workload, chosen

__all__ = ["WORKLOADS", "Settings", "Workload", "cells", "chosen", "failures", "measure", "tables"]
