"""An explanation that looks like a real one, without a learner."""

import numpy as np

from innerloop.evaluation import Difference, Interval
from innerloop.explain import (
    Alignment,
    CalibrationCourse,
    Explanation,
    Freezing,
    Influence,
    LayerFreezing,
    LayerMovement,
    LayerSimilarity,
    Memorisation,
    Movement,
    OverAdaptation,
    Rate,
    Rates,
    Reliability,
    Similarity,
    TaskInfluence,
)
from innerloop.report import InfluenceView, Weighed

LAYERS = ("features.0", "features.3", "features.6", "features.9", "head")
SOURCE = {"name": "characters", "split": "test", "ways": 5, "shots": 5, "queries": 15, "seed": 0}


def explanation(names=LAYERS, **changes) -> Explanation:
    """Of a MAML whose head moves most and which over-adapts."""
    rng = np.random.default_rng(0)

    def about(mean, half=0.01):
        return Interval(float(mean), half)

    moved = [0.01, 0.012, 0.02, 0.05, 0.6][: len(names)]
    movement = Movement(
        [
            LayerMovement(
                name, name == "head", True, 100, [about(m * k / 3, m / 20) for k in (1, 2, 3)], [about(m)] * 3
            )
            for name, m in zip(names, moved, strict=True)
        ],
        about(0.03),
        about(0.6),
        Difference(0.57, 0.55, 0.59),
        200,
        list(names[:-1]),
    )
    freezing = Freezing(
        "accuracy",
        about(0.92),
        about(0.2),
        Difference(0.72, 0.7, 0.74),
        [
            LayerFreezing(
                name, name == "head", about(0.91 - 0.6 * (name == "head")), about(0.3 + 0.6 * (name == "head")),
                Difference(-0.01 - 0.6 * (name == "head"), -0.62, -0.002), Difference(-0.02, -0.03, -0.01),
            )
            for name in names
        ],
        200,
    )  # fmt: skip
    similarity = Similarity(
        [LayerSimilarity(name, name == "head", about(0.99 - 0.7 * (name == "head")), 0.01, 0) for name in names], 200
    )
    rates = Rates(
        [Rate(f"{name}.weight", k, 0.4 + 0.1 * k, 0.4, 0.9, 0.0, 1) for name in names for k in (1, 2, 3)]
        + [Rate("head.bias", None, 0.3, -0.2, 0.5, 0.2, 5)],
        0.4,
        0.01,
        "rates",
    )
    changes_of = rng.normal(0.02, 0.03, (200, 25))
    influence = Influence(
        [TaskInfluence(i, 0.3, [float(v) for v in row], [0.4] * 25) for i, row in enumerate(changes_of)],
        about((changes_of < 0).mean()), about(np.abs(changes_of).mean()), about(-0.04), about(0.3), about(0.4), 200,
    )  # fmt: skip
    calibration = CalibrationCourse(
        [
            Reliability(
                k, 0.02 + 0.01 * k, about(0.8 - 0.2 * k), about(1.6 - 0.4 * k), about(0.2 + 0.24 * k), 0.25 + 0.24 * k
            )
            for k in range(4)
        ],
        Difference(0.03, 0.02, 0.04), Difference(-0.6, -0.62, -0.58), Difference(-1.2, -1.3, -1.1), 200,
    )  # fmt: skip
    curve = [about(v) for v in (0.2, 0.6, 0.85, 0.92, 0.91, 0.9, 0.89, 0.88, 0.87, 0.86, 0.85)]
    fields = {
        "name": "MAML",
        "source": SOURCE,
        "first": 0,
        "tasks": 200,
        "norm": "batch",
        "steps": 3,
        "movement": movement,
        "freezing": freezing,
        "similarity": similarity,
        "learned_rates": rates,
        "influence": influence,
        "calibration": calibration,
        "over_adaptation": OverAdaptation("accuracy", curve, curve, 3, 3, Difference(-0.07, -0.09, -0.05), 200),
        "memorisation": Memorisation(
            "accuracy", about(0.92), about(0.2), about(0.2), 0.2, Difference(-0.72, -0.74, -0.7),
            Difference(-0.72, -0.74, -0.7), 200,
        ),
        "alignment": Alignment(about(0.4), about(0.05), about(0.2), 200),
        "undefined": {},
        "seconds": 12.5,
        "about": {"device": "cpu"},
    }  # fmt: skip
    return Explanation(**{**fields, **changes})


def influence_views(name="Georgian 3") -> list[InfluenceView]:
    """A task of 5 ways and 5 shots."""
    rng = np.random.default_rng(1)
    support = [[Weighed(rng.random((28, 28)), float(rng.normal(0.02, 0.03))) for _ in range(5)] for _ in range(5)]
    return [InfluenceView("Task 7 (typical)", support, [name] * 5)]
