"""The same fixed tasks for every learner, intervals over tasks, paired comparisons."""

from innerloop.evaluation._calibration import Calibration, calibration
from innerloop.evaluation._compare import Comparison, compare, comparison
from innerloop.evaluation._cost import adaptation_cost
from innerloop.evaluation._crossover import Crossover, Meeting, crossover
from innerloop.evaluation._evaluate import Metric, batches, evaluate, evaluating, judged
from innerloop.evaluation._evaluation import Evaluation
from innerloop.evaluation._families import Ruling, ruling
from innerloop.evaluation._pareto import pareto
from innerloop.evaluation._power_law import PowerLaw, power_law
from innerloop.evaluation._seeds import averaged
from innerloop.evaluation._select import Selected, select, select_by
from innerloop.evaluation._spent import Spent
from innerloop.evaluation._statistics import Difference, Interval, interval, paired_difference
from innerloop.evaluation._tune import Tuned, tune

__all__ = [
    "Calibration",
    "Comparison",
    "Crossover",
    "Difference",
    "Evaluation",
    "Interval",
    "Meeting",
    "Metric",
    "PowerLaw",
    "Ruling",
    "Selected",
    "Spent",
    "Tuned",
    "adaptation_cost",
    "averaged",
    "batches",
    "calibration",
    "compare",
    "comparison",
    "crossover",
    "evaluate",
    "evaluating",
    "interval",
    "judged",
    "paired_difference",
    "pareto",
    "power_law",
    "ruling",
    "select",
    "select_by",
    "tune",
]
