"""The ruling agrees with the numbers, whichever way they fall."""

import numpy as np
import pytest

from helpers.evaluations import compared, evaluation, row, seeded
from innerloop.evaluation import Spent, ruling
from innerloop.evaluation._families import side

FAMILIES = {
    "MAML": "gradient", "Prototypes": "metric", "Own": "own", "Fine-tuned": "transfer", "Nearest": "transfer",
    "Trivial": "trivial",
}  # fmt: skip


def rule(*rows, spent=None, where=""):
    return ruling(compared(*rows), FAMILIES, spent, where)


def test_meta_learning_wins():
    spent = {"MAML": Spent(train_seconds=300.0, adapt_seconds=0.02), "Fine-tuned": Spent(100.0, adapt_seconds=0.5)}
    found = rule(row("MAML", 0.9), row("Fine-tuned", 0.8), row("Trivial", 0.2), spent=spent, where="at 1 shot")
    assert found.winner == "meta-learning"
    assert found.best == {"meta-learning": "MAML", "transfer": "Fine-tuned", "trivial": "Trivial"}
    first, cost = found.sentences
    assert first.startswith("Meta-learning wins at 1 shot: MAML is better than Fine-tuned by 10.0 points")
    assert cost == (
        "What it costs, MAML against Fine-tuned: training took 5 min against 100 s; adapting to a task took 20 ms "
        "against 500 ms."
    )


def test_transfer_wins():
    found = rule(row("MAML", 0.8), row("Prototypes", 0.7), row("Fine-tuned", 0.85), row("Nearest", 0.5))
    assert found.winner == "transfer"
    assert found.best == {"meta-learning": "MAML", "transfer": "Fine-tuned"}
    assert found.sentences[0].startswith("Transfer wins: Fine-tuned is better than MAML by 5.0 points")


def test_what_needs_no_training_is_not_called_transfer():
    spent = {"MAML": Spent(train_seconds=300.0), "Nearest": Spent(adapt_seconds=0.1, parameters=0)}
    found = rule(row("MAML", 0.6), row("Nearest", 0.7), spent=spent)
    assert found.winner == "transfer"
    assert found.sentences[0].startswith("A row without any training wins: Nearest is better than MAML")
    assert found.sentences[1].endswith("training took nothing against 5 min.")
    level = rule(row("MAML", 0.8, noise=0.1), row("Nearest", 0.801, noise=0.1), spent=spent)
    assert level.sentences[-1] == "Take the cheaper one: Nearest."
    # a training whose time nobody knows is not taken for none
    unknown = rule(row("MAML", 0.6), row("Nearest", 0.7), spent={"Nearest": Spent(parameters=9)})
    assert unknown.sentences[0].startswith("Transfer wins")


@pytest.mark.parametrize(("cheap", "dear"), [("MAML", "Fine-tuned"), ("Fine-tuned", "MAML")])
def test_a_tie_goes_to_the_cheaper_one(cheap, dear):
    spent = {cheap: Spent(10.0, adapt_seconds=0.01), dear: Spent(100.0, adapt_seconds=0.01)}
    found = rule(row("MAML", 0.8, noise=0.1), row("Fine-tuned", 0.801, noise=0.1), row("Trivial", 0.2), spent=spent)
    assert found.winner == "level"
    assert found.sentences[0].startswith("No winner: no difference seen between Fine-tuned and MAML")
    assert found.sentences[-1] == f"Take the cheaper one: {cheap}."


def test_a_tie_of_equal_or_mixed_cost():
    rows = row("MAML", 0.8, noise=0.1), row("Fine-tuned", 0.801, noise=0.1)
    same = {"MAML": Spent(100.0), "Fine-tuned": Spent(101.0)}
    assert rule(*rows, spent=same).sentences[-1] == "They cost about the same."
    mixed = {"MAML": Spent(10.0, adapt_seconds=0.5), "Fine-tuned": Spent(100.0, adapt_seconds=0.01)}
    said = "Fine-tuned is cheaper in adapting to a task, MAML in training."
    assert rule(*rows, spent=mixed).sentences[-1] == said
    assert len(rule(*rows).sentences) == 1


def test_trivial_wins():
    found = rule(row("MAML", 0.18), row("Fine-tuned", 0.19), row("Trivial", 0.2))
    assert found.winner == "trivial"
    assert found.sentences[0].startswith("Nothing is seen to beat the trivial predictor: Fine-tuned is worse than")


def test_not_seen_to_beat_the_trivial_one():
    found = rule(row("MAML", 0.2001, noise=0.1), row("Fine-tuned", 0.19, noise=0.1), row("Trivial", 0.2))
    assert found.winner == "trivial"
    assert "no difference seen between MAML and Trivial" in found.sentences[0]


def test_only_one_of_two_beats_the_trivial_one():
    assert rule(row("MAML", 0.1), row("Fine-tuned", 0.6), row("Trivial", 0.2)).winner == "transfer"
    assert rule(row("MAML", 0.6), row("Fine-tuned", 0.1), row("Trivial", 0.2)).winner == "meta-learning"


def test_errors_are_better_when_small():
    rows = [
        row(name, mean, metric="squared error", norm="none")
        for name, mean in (("MAML", 1.0), ("Fine-tuned", 2.0), ("Trivial", 4.0))
    ]
    assert rule(*rows).winner == "meta-learning"
    assert rule(*rows).sentences[0].startswith("Meta-learning wins: MAML is better than Fine-tuned by 1 ")
    worse = [row(one.name, 5 - one.mean, metric="squared error", norm="none") for one in rows[:2]]
    assert rule(*worse).winner == "transfer"
    assert rule(*worse, row("Trivial", 1.0, metric="squared error", norm="none")).winner == "trivial"


def test_a_side_that_is_missing():
    found = rule(row("MAML", 0.8), row("Trivial", 0.2))
    assert found.winner == "unknown"
    assert found.sentences == ["The best row is MAML, which is meta-learned; no transfer row was measured beside it."]
    assert "which is transfer; no meta-learned row" in rule(row("Nearest", 0.8)).sentences[0]
    assert rule(row("Trivial", 0.2)).winner == "unknown"


def test_a_row_that_diverged_is_nobodys_best():
    found = rule(evaluation("MAML", [np.nan, 1.0]), row("Prototypes", 0.5, tasks=2), row("Fine-tuned", 0.4, tasks=2))
    assert found.best["meta-learning"] == "Prototypes"


def test_transductive_rows_are_named_and_left_out_once():
    rows = (row("MAML", 0.9, norm="batch"), row("Prototypes", 0.7), row("Fine-tuned", 0.8))
    found = rule(*rows)
    assert found.winner == "meta-learning"
    assert found.sentences[-1].startswith(
        "Without rows that look at the query batch (transductive): transfer wins: Fine-tuned is better than Prototypes"
    )
    assert len(rule(rows[0], rows[2]).sentences) == 1  # nothing meta-learned would be left


def test_own_learners_are_meta_learned():
    assert side("own") == side("evolution") == side("memory") == "meta-learning"
    assert rule(row("Own", 0.9), row("Fine-tuned", 0.8)).winner == "meta-learning"


def test_seeds_that_disagree_are_mentioned():
    found = rule(seeded("MAML", [0.8, 0.9]), seeded("Fine-tuned", [0.82, 0.74]))
    assert found.winner == "meta-learning"
    assert "though not in 1 of 4 pairs of training seeds" in found.sentences[0]
