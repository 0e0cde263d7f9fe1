"""The same fixed tasks for every learner, intervals over tasks, paired comparisons."""

from innerloop.evaluation._calibration import Calibration, calibration
from innerloop.evaluation._compare import Comparison, compare, comparison
from innerloop.evaluation._evaluate import Metric, evaluate
from innerloop.evaluation._evaluation import Evaluation
from innerloop.evaluation._statistics import Difference, Interval, interval, paired_difference
from innerloop.evaluation._tune import Selected, Tuned, select, tune

__all__ = [
    "Calibration",
    "Comparison",
    "Difference",
    "Evaluation",
    "Interval",
    "Metric",
    "Selected",
    "Tuned",
    "calibration",
    "compare",
    "comparison",
    "evaluate",
    "interval",
    "paired_difference",
    "select",
    "tune",
]
