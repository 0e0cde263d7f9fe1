"""Few-shot robot control: learn a manipulation task of Meta-World, whose goal is hidden, from a few demonstrations.

Needs the extra `control`: pip install 'innerloop[control]'.
"""

from innerloop.control._choose import select_by_success
from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._demonstrations import Collected, collect
from innerloop.control._evaluate import evaluate_control, evaluate_over_steps
from innerloop.control._evaluation import ControlEvaluation
from innerloop.control._normalisation import Normalisation
from innerloop.control._plan import Plan
from innerloop.control._policies import REPLAY_SOLVES, LastState, NearestStep, Replay, last_state
from innerloop.control._rollouts import rollouts
from innerloop.control._source import Demonstrations
from innerloop.control._tasks import ACTIONS, OBSERVED, Manipulation
from innerloop.control._video import video

__all__ = [
    "ACTIONS",
    "OBSERVED",
    "REPLAY_SOLVES",
    "Collected",
    "ControlEvaluation",
    "DemonstrationTasks",
    "Demonstrations",
    "LastState",
    "Manipulation",
    "NearestStep",
    "Normalisation",
    "Plan",
    "Replay",
    "collect",
    "evaluate_control",
    "evaluate_over_steps",
    "last_state",
    "rollouts",
    "select_by_success",
    "video",
]
