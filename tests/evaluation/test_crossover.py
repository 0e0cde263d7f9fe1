"""Where one side catches up: every order of being ahead, level and behind."""

import json

import numpy as np
import pytest

from helpers.evaluations import compared, evaluation, row
from innerloop.evaluation import crossover

FAMILIES = {"MAML": "gradient", "Prototypes": "metric", "Fine-tuned": "transfer", "Nearest": "transfer"}
SHOTS = (1, 2, 5, 10, 20)
LEAD = {"m": 0.1, "t": -0.1, "-": 0.0}


def follow(pattern, metric="accuracy"):
    """m: the meta-learned row is ahead, t: the transfer row is, -: no difference is seen."""
    sign = 1 if metric == "accuracy" else -1
    places = []
    for shots, letter in zip(SHOTS, pattern, strict=False):
        noise = 0.3 if letter == "-" else 0.02
        meta = row("MAML", 0.5 + sign * LEAD[letter], metric=metric, noise=noise, tasks=40)
        places.append((shots, compared(meta, row("Fine-tuned", 0.5, metric=metric, noise=noise, tasks=40))))
    return crossover(places, FAMILIES, "shots")


@pytest.mark.parametrize("metric", ["accuracy", "squared error"])
@pytest.mark.parametrize(
    ("pattern", "leader", "caught_up", "overtaken"),
    [
        ("mmmmm", "meta-learning", None, None),
        ("ttttt", "transfer", None, None),
        ("-----", "neither", None, None),
        ("mm---", "meta-learning", 5, None),
        ("mm-tt", "meta-learning", 5, 10),
        ("mmttt", "meta-learning", 5, 5),
        ("tt-mm", "transfer", 5, 10),
        ("-mmt-", "meta-learning", 10, 10),
        ("m-m--", "meta-learning", 10, None),
        ("mtmtt", "meta-learning", 10, 10),
        ("m--m-", "meta-learning", 20, None),
        ("----m", "meta-learning", None, None),
        ("m---m", "meta-learning", None, None),
        ("mt--m", "meta-learning", None, None),
    ],
)
def test_every_order(pattern, leader, caught_up, overtaken, metric):
    found = follow(pattern, metric)
    ahead = {"m": "meta-learning", "t": "transfer", "-": "neither"}
    assert [each.ahead for each in found.meetings] == [ahead[letter] for letter in pattern]
    assert (found.leader, found.caught_up, found.overtaken) == (leader, caught_up, overtaken)


def test_words():
    assert follow("mmmmm").sentences() == [
        "Meta-learning is ahead from 1 to 20 shots (MAML over Fine-tuned by 10.0 points, +9.1 to +10.9 at 1).",
        "Transfer does not catch up within the range, up to 20 shots.",
    ]
    assert follow("-----").sentences() == [
        "No difference is seen between the best meta-learned row and the best transfer row from 1 to 20 shots."
    ]
    said = follow("mm-tt").sentences()
    assert said[0].startswith("Meta-learning is ahead from 1 to 2 shots (MAML over Fine-tuned by 10.0 points")
    assert said[1].startswith("Transfer catches up at 5 shots: no difference is seen there")
    assert said[2].startswith("At 10 it is ahead (Fine-tuned over MAML by 10.0 points")
    said = follow("mttt").sentences()
    assert said[0].startswith("Meta-learning is ahead at 1 shot (MAML")
    assert said[1].startswith("Transfer has overtaken it at 2 shots (Fine-tuned over MAML by 10.0 points")
    said = follow("mt-m").sentences()
    assert said[0].startswith("Meta-learning is ahead from 1 to 10 shots")
    assert said[1].startswith("Not everywhere in between: at 2 transfer is ahead")
    assert said[2].startswith("Not everywhere in between: at 5 no difference is seen")
    assert said[3] == "Transfer does not catch up within the range, up to 10 shots."
    assert follow("t-mm").sentences()[1].startswith("Meta-learning catches up at 2 shots")


def test_the_best_row_of_each_side_is_taken_at_each_place():
    first = compared(row("MAML", 0.6), row("Prototypes", 0.7), row("Nearest", 0.5), row("Fine-tuned", 0.4))
    second = compared(row("MAML", 0.8), row("Prototypes", 0.75), row("Nearest", 0.6), row("Fine-tuned", 0.9))
    found = crossover([(5, second), (1, first)], FAMILIES, "shots")
    assert [(m.at, m.meta, m.transfer) for m in found.meetings] == [
        (1, "Prototypes", "Nearest"),
        (5, "MAML", "Fine-tuned"),
    ]
    assert found.meetings[0].advantage == first.difference("Prototypes", "Nearest")
    followed = crossover([(5, second), (1, first)], FAMILIES, "shots", "Fine-tuned", "fine-tuning")
    assert [m.transfer for m in followed.meetings] == ["Fine-tuned", "Fine-tuned"]
    assert followed.sentences()[0].startswith("Meta-learning is ahead at 1 shot (Prototypes over Fine-tuned")
    assert followed.sentences()[1].startswith("Fine-tuning has overtaken it at 5 shots (Fine-tuned over MAML")


def test_the_advantage_of_an_error_is_turned_round():
    rows = compared(row("MAML", 1.0, metric="squared error"), row("Fine-tuned", 3.0, metric="squared error"))
    (meeting,) = crossover([(1, rows)], FAMILIES, "shots").meetings
    difference = rows.difference("MAML", "Fine-tuned")
    assert meeting.advantage == (-difference.mean, -difference.high, -difference.low)
    assert str(meeting).startswith("MAML over Fine-tuned by 2, +")


def test_places_without_one_of_the_sides_are_left_out():
    only = compared(row("MAML", 0.6))
    broken = compared(row("MAML", 0.6, tasks=3), evaluation("Fine-tuned", [np.nan, 0.1, 0.2]))
    both = compared(row("MAML", 0.6), row("Fine-tuned", 0.4))
    found = crossover([(1, only), (2, broken), (5, both)], FAMILIES, "shots")
    assert [each.at for each in found.meetings] == [5]
    assert crossover([(1, only)], FAMILIES, "shots").sentences() == []
    assert [m.at for m in crossover([(2, broken)], FAMILIES, "shots", transfer="Fine-tuned").meetings] == []


def test_json():
    found = json.loads(json.dumps(follow("mm-tt").to_json(), allow_nan=False))
    assert (found["leader"], found["caught_up"], found["overtaken"]) == ("meta-learning", 5, 10)
    assert [each["at"] for each in found["meetings"]] == list(SHOTS)
    assert found["meetings"][0]["low"] > 0
