"""The page of a comparison, without training anything."""

from dataclasses import replace

import numpy as np

from innerloop.evaluation import Spent, averaged, power_law
from innerloop.report import Course, Page, Range, Row, Table
from report.fake_page import evaluation, learning

LEARNERS = {
    # name: family, accuracy at 1 and 20 shots, seconds of training and of adapting, numbers left
    "MAML": ("gradient", 0.86, 0.91, 300.0, 0.021, 25_000),
    "MAML (support statistics)": ("gradient", 0.83, 0.90, 300.0, 0.024, 25_000),
    "Prototypes": ("metric", 0.88, 0.955, 301.0, 0.0031, 165),
    "Pretrained + nearest mean": ("transfer", 0.87, 0.95, 299.0, 0.0030, 165),
    "Pretrained + linear head": ("transfer", 0.85, 0.96, 299.0, 0.012, 645),
    "Pretrained + fine-tuned": ("transfer", 0.72, 0.97, 299.0, 0.16, 28_000),
    "From scratch": ("transfer", 0.38, 0.62, None, 0.14, 28_000),
    "Nearest mean on raw inputs": ("transfer", 0.44, 0.6, None, 0.0002, 3925),
    "Trivial predictor": ("trivial", 0.2, 0.2, None, 0.00004, 6),
}
SHOTS = (1, 2, 5, 10, 20)


def row(name, seeds=2) -> Row:
    family, mean, _, seconds, adapting, left = LEARNERS[name]
    norm = "batch" if name == "MAML" else "running"
    own = {
        seed: replace(evaluation(name, mean + 0.006 * (-1) ** seed, norm=norm, seed=seed), name=name)
        for seed in range(seeds if seconds else 1)
    }
    spent = Spent(
        seconds, 3_000.0 if seconds else None, 960_000 if seconds else None, 41_000_000 if seconds else None,
        28_000 if seconds else 0, adapting, 900_000, left, "parameters" if left > 1e4 else "state", 20, 1,
    )  # fmt: skip
    note = "Adam at 0.01, 11 steps, chosen on 40 validation tasks" if "+" in name or "scratch" in name else ""
    return Row(averaged(own), family, seconds or 0.0, note, highlight=name == "MAML", spent=spent)


def shots() -> Range:
    courses = []
    for name, (family, first, last, *_) in LEARNERS.items():
        if family == "trivial":
            continue
        points = [
            (float(k), last - (last - first) * (1 - np.log(k) / np.log(20)), 0.006, 0.004 if "+" in name else None)
            for k in SHOTS
        ]
        courses.append(Course(name, family, points))
    verdicts = [
        "Meta-learning is ahead at 1 shot (Prototypes over Pretrained + nearest mean by 1.0 points, +0.4 to +1.6 at "
        "1). Transfer catches up at 2 shots: no difference is seen there. At 10 it is ahead.",
        "Transfer wins at 20 shots: Pretrained + fine-tuned is better than Prototypes by 1.5 points",
    ]
    return Range(
        "When there are more examples", "1,000 test tasks. Nothing was trained again.", "shots", "accuracy",
        sorted(courses, key=lambda c: -c.points[-1][1]), verdicts, notes=["Each interval stands for itself."],
    )  # fmt: skip


def classes() -> Range:
    sizes, draw = (33, 66, 165, 330, 660), np.random.default_rng(0)
    courses = []
    for name, plateau, gain, exponent in (("MAML", 0.9, 1.0, 0.4), ("Prototypes", 0.95, 1.6, 0.45)):
        values = [plateau - gain * n**-exponent + draw.normal(0, 0.1, (2, 300)) for n in sizes]
        law = power_law(sizes, values, True, resamples=100)
        points = [(float(n), float(v.mean()), 0.008, 0.003) for n, v in zip(sizes, values, strict=True)]
        courses.append(Course(name, LEARNERS[name][0], points, law))
    courses.append(Course("Pretrained + nearest mean", "transfer", [(n, 0.6 + 0.0004 * n, 0.01, None) for n in sizes]))
    return Range(
        "Over the training classes", "Each point is a training of its own.", "training classes", "accuracy", courses,
        ["No difference is seen"], [("From scratch", "transfer", 0.38)],
    )  # fmt: skip


def comparison_page() -> Page:
    rows = [row(name) for name in LEARNERS]
    verdict = [
        "Meta-learning wins at 1 shot: Prototypes is better than Pretrained + nearest mean by 1.0 points "
        "(95 % interval +0.4 to +1.6).",
        "What it costs, Prototypes against Pretrained + nearest mean: training took 5.0 min against 5.0 min; adapting "
        "to a task took 3.1 ms against 3.0 ms.",
    ]
    table = Table("On test tasks", "1,000 test tasks.", rows, ["Prototypes is better than MAML by 2.0 points"], 0.2)
    return Page(
        title="Characters: which way of learning a task?", lead="Nine learners.", verdict=verdict, tables=[table],
        ranges=[shots(), classes()], learning=[learning()], own=rows[0].evaluation, notes=["A note."],
    )  # fmt: skip
