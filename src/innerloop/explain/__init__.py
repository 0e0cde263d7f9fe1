"""What adaptation changes in a learner, which examples matter to it, and whether it should be trusted.

Each analysis is a function of a learner and a source of tasks that returns a frozen dataclass with `sentences` and
`to_json`; `explain_learner` does all that are defined.
"""

from innerloop.explain._alignment import Alignment, alignment
from innerloop.explain._analysis import Analysis
from innerloop.explain._calibration import CalibrationCourse, Reliability, calibration_course
from innerloop.explain._cka import hsic, linear_cka
from innerloop.explain._explain_learner import explain_learner
from innerloop.explain._explanation import Explanation
from innerloop.explain._freezing import Freezing, LayerFreezing, freezing
from innerloop.explain._influence import Influence, TaskInfluence, influence
from innerloop.explain._learned_rates import Rate, Rates, learned_rates
from innerloop.explain._memorisation import Memorisation, memorisation
from innerloop.explain._movement import LayerMovement, Movement, movement
from innerloop.explain._over_adaptation import OverAdaptation, over_adaptation
from innerloop.explain._planted import PlantedLabel, planted_label
from innerloop.explain._similarity import LayerSimilarity, Similarity, similarity

__all__ = [
    "Alignment",
    "Analysis",
    "CalibrationCourse",
    "Explanation",
    "Freezing",
    "Influence",
    "LayerFreezing",
    "LayerMovement",
    "LayerSimilarity",
    "Memorisation",
    "Movement",
    "OverAdaptation",
    "PlantedLabel",
    "Rate",
    "Rates",
    "Reliability",
    "Similarity",
    "TaskInfluence",
    "alignment",
    "calibration_course",
    "explain_learner",
    "freezing",
    "hsic",
    "influence",
    "learned_rates",
    "linear_cka",
    "memorisation",
    "movement",
    "over_adaptation",
    "planted_label",
    "similarity",
]
