"""Pages that look like those of real runs, without training anything."""

import numpy as np

from innerloop.evaluation import Calibration, Evaluation, calibration
from innerloop.report import Fit, Learning, Page, Row, Shown, Table, TaskView

HOSTILE = "<script>alert('x')</script>&\"'"
SOURCE = {"name": "characters", "split": "test", "ways": 5, "shots": 1, "queries": 15, "seed": 0}


def evaluation(name="MAML", mean=0.9, tasks=1000, metric="accuracy", norm="batch", seed=0, **more) -> Evaluation:
    rng = np.random.default_rng(seed)
    if metric == "accuracy":
        values = np.round(rng.beta(mean * 14, (1 - mean) * 14, tasks) * 75) / 75
    else:
        values = rng.gamma(0.8, mean / 0.8, tasks)
    return Evaluation(
        name=name, metric=metric, values=values, losses=values, source=SOURCE, first=0, norm=norm,
        mapping="vmap", seconds=3.2, **more,
    )  # fmt: skip


def reliability(seed=0) -> Calibration:
    rng = np.random.default_rng(seed)
    confidence = np.clip(0.2 + 0.8 * rng.beta(5, 0.9, 75_000), 0, 1)
    return calibration(confidence, rng.random(75_000) < confidence - 0.05 * np.sin(3 * confidence))


def curve(start, trained, last, steps=10, half=0.006):
    return [(float(last - (last - start) * np.exp(-2.2 * k / trained)), half) for k in range(steps + 1)]


def learning(name="MAML", steps=2000, low=0.62, high=0.91, seed=0) -> Learning:
    rng = np.random.default_rng(seed)
    lines = []
    for step in range(10, steps + 1, 10):
        loss = 0.25 + 1.4 * np.exp(-step / 300) + 0.06 * rng.standard_normal()
        lines.append({"step": step, "seconds": 0.06 * step, "loss": float(loss)})
        if step % (steps // 10) == 0:
            mean = high - (high - low) * np.exp(-step / 500) + 0.005 * rng.standard_normal()
            lines.append(
                {
                    "step": step,
                    "seconds": 0.06 * step,
                    "validation": mean,
                    "half": 0.012,
                    "metric": "accuracy",
                }
            )
    return Learning.from_metrics(name, lines)


def task_view(number=0, kind="typical", classes=None, colour=False, shown=8) -> TaskView:
    from innerloop.sources import Characters

    source = Characters().test
    task, rng = source[number], np.random.default_rng(number)
    names = classes or source.classes(number)

    def pixels(x):
        grey = x[0].numpy()
        return np.stack([grey, 1 - grey, 0 * grey + 0.5]).repeat(3, 1).repeat(3, 2) if colour else x.numpy()

    support = [[pixels(x) for x in task.support.x[task.support.y == slot]] for slot in range(5)]
    skill = {"typical": 0.9, "hardest": 0.6, "easiest": 1.0}[kind]
    queries = []
    for x, y in zip(task.query.x, task.query.y.tolist(), strict=True):
        guess = y if rng.random() < skill else int((y + rng.integers(1, 5)) % 5)
        sure = rng.uniform(0.35, 0.8) if guess != y else rng.beta(8, 1)
        queries.append(Shown(pixels(x), y, guess, float(sure)))
    accuracy = float(np.mean([q.truth == q.guess for q in queries]))
    queries = [q for slot in range(5) for q in [q for q in queries if q.truth == slot][:shown]]
    title = f"Test task {number}, {names[0].rpartition(' ')[0]}"
    return TaskView(title, accuracy, support, names, queries, kind)


def main_table() -> Table:
    curve_of = {"curve_tasks": 200, "trained_steps": 5}
    own = evaluation("MAML", 0.905, seed=1, curve=curve(0.21, 5, 0.91), calibration=reliability(), **curve_of)
    first = evaluation("FOMAML", 0.871, seed=2, curve=curve(0.2, 5, 0.875), **curve_of)
    linear = evaluation("Pretrained, linear head", 0.842, norm="running", seed=4)
    tuned = evaluation("Pretrained, fine-tuned", 0.80, norm="running", seed=5)
    rows = [
        Row(tuned, "transfer", 100.4),
        Row(own, "gradient", 124.3, highlight=True),
        Row(first, "gradient", 81.0),
        Row(evaluation("Prototypes", 0.925, norm="batch", seed=3), "metric", 96.0),
        Row(linear, "transfer", 100.4, "logistic regression"),
        Row(evaluation("From scratch", 0.46, norm="support", seed=6), "transfer", 0.0),
        Row(evaluation("Nearest mean of pixels", 0.43, norm="none", seed=7), "trivial", 0.0),
    ]
    verdicts = [
        "MAML is better than Pretrained, linear head by 6.1 points (95 % interval +5.4 to +6.8)",
        "MAML is worse than Prototypes by 2.3 points (95 % interval -2.9 to -1.8)",
        "no difference seen between MAML and MAML, seed 1 (+0.1 points, 95 % interval -0.3 to +0.5)",
    ]
    caption = (
        "1,000 test tasks: 5 letters of one script, one example of each, then 75 letters to name. No script "
        "and no font of the test tasks was in training. Every learner gets the same tasks."
    )
    return Table("How good is it on classes it has never seen?", caption, rows, verdicts, 0.2)


def characters_page(colour=False, classes=None, shown=8) -> Page:
    table = main_table()
    own, first = table.rows[1].evaluation, table.rows[2].evaluation
    handwriting = [
        Row(evaluation(r.evaluation.name, r.evaluation.mean - 0.09), r.family, 90.0, highlight=r.highlight)
        for r in table.rows[:4]
    ]
    other = Table(
        "The same learners on real handwriting",
        "Omniglot, protocol B, 1,000 tasks. Nothing was trained on it.",
        handwriting,
        ["MAML is better than Pretrained, fine-tuned by 10.0 points (95 % interval +9.1 to +10.9)"],
        0.2,
    )
    kinds = {0: "typical", 11: "typical", 7: "hardest", 5: "hardest", 3: "easiest", 9: "easiest"}
    return Page(
        title="MAML on the letters of the world's scripts",
        lead="A Conv-4 network was trained for 2 minutes to learn new letters from one example each. On "
        "letters of scripts that it has never seen it names 9 of 10 correctly.",
        headline=[
            ("90.4 %", "of new letters named correctly after one example each (± 0.5, 1,000 tasks)"),
            ("+6.1", "points over pretraining and a linear head, the best simple baseline"),
            ("−2.1", "points against Prototypes, the best learner here"),
            ("2 min 4 s", "of training on 2 CPU cores"),
        ],
        tables=[table, other],
        learning=[learning(), learning("Prototypes", high=0.925, seed=3)],
        curves={"MAML": own, "FOMAML": first},
        own=own,
        tasks=[task_view(number, kind, classes, colour, shown) for number, kind in kinds.items()],
        facts=[
            ("Network", "Conv-4, 64 filters, stride"),
            ("Inner loop", "5 steps of SGD, rate 0.4"),
            ("Outer loop", "2,000 steps of Adam, rate 0.001, 4 tasks each"),
            ("Normalisation", "query batch (transductive)"),
            ("Seed", "0"),
            ("Device", "cpu (x86_64), 2 threads"),
            ("Versions", "innerloop 0.1.0, torch 2.9.1, Python 3.12.3"),
            ("Revision", "1f33f63-dirty"),
        ],
        command="innerloop train characters --method maml --inner-steps 5 --inner-lr 0.4 --seed 0",
        notes=[
            "The norm layers of MAML use the statistics of the query batch: it sees all 75 queries at once, "
            "and one picture alone would be named a little worse. Rows marked transductive share this.",
            "One seed. The intervals are over tasks and do not hold the spread between trainings.",
        ],
    )


def sinusoid_page() -> Page:
    rng = np.random.default_rng(0)
    kinds = [("MAML", "gradient", 0.35, 60.0), ("Pretrained, fine-tuned", "transfer", 2.9, 55.0)]
    kinds += [("Predict the mean", "trivial", 4.4, 0.0), ("Ridge on sines", "metric", 0.021, 40.0)]
    error = {"metric": "squared error", "norm": "none"}
    rows = [
        Row(evaluation(name, mean, seed=seed, **error), family, seconds, highlight=name == "MAML")
        for seed, (name, family, mean, seconds) in enumerate(kinds)
    ]
    steps = [(4.1, 0.3), (0.8, 0.1), (0.4, 0.05), (0.3, 0.04)]
    own = evaluation("MAML", 0.35, curve=steps, curve_tasks=200, trained_steps=1, **error)
    fits = []
    for number in range(6):
        a, p = rng.uniform(0.5, 5), rng.uniform(0, np.pi)
        x, q = rng.uniform(-5, 5, 5), rng.permutation(np.linspace(-5, 5, 80))
        truth, before = a * np.sin(q - p), 0.6 * np.sin(q - 1)
        after = truth + 0.15 * np.cos(2 * q)
        fits.append(Fit(f"Test task {number} (typical)", x, a * np.sin(x - p), q, truth, before, after))
    verdict = "MAML is better than Pretrained, fine-tuned by 2.55 (95 % interval -2.7 to -2.4)"
    losses = [(k, k * 0.01, 4 * 0.99**k + 0.3) for k in range(1, 500)]
    validations = [(k, k * 0.01, 4 * 0.99**k + 0.3, 0.1) for k in range(50, 501, 50)]
    return Page(
        title="MAML on sinusoids",
        lead="A small network was trained to learn a sine wave from five points.",
        headline=[("0.35", "squared error on new waves")],
        tables=[Table("How good is it on waves it has never seen?", "1,000 test tasks.", rows, [verdict])],
        learning=[Learning("MAML", losses, validations, "squared error")],
        curves={"MAML": own},
        own=own,
        fits=fits,
        facts=[("Network", "MLP 40, 40")],
        command="innerloop train sinusoids",
    )
