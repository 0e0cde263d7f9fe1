"""Sentences on meta-reinforcement learning say what the rows say."""

import numpy as np
import pytest

from _returns_said import adapting, crossing, remembering

TASKS = 30
NOISE = np.random.default_rng(0).normal(size=TASKS)


def row(method, *levels, seed=0, spread=0.1, oracle=0.0, course=()):
    """Returns of tasks around a level for each round, alike from method to method but for some noise."""
    other = np.random.default_rng(sum(map(ord, method))).normal(size=TASKS)
    values = [(NOISE + level + spread * other).tolist() for level in levels]
    found = {"cell": ["navigation", method, seed], "returns": {"values": values, "oracle": [oracle] * TASKS}}
    if not course:
        return found
    shift = NOISE + spread * other - (NOISE + spread * other).mean()
    return {**found, "course": course, "course_values": [(shift + line[2]).tolist() for line in course]}


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (
            -10.0,
            "**On navigation meta-learning is seen to pay** beside pooled pretraining: after one round ProMP earns 4",
        ),
        (
            -14.0,
            "is not seen to pay** beside pooled pretraining: after one round no difference is seen between what ProMP",
        ),
        (-18.0, "is seen to do harm** beside pooled pretraining: after one round ProMP earns 3.99 less"),
    ],
)
def test_who_earns_more_after_one_round(level, said):
    text = adapting("navigation", [row("promp", -30.0, level), row("pooled", -30.0, -14.0)])
    assert said in text
    assert ("more than pretraining" in text, "less than pretraining" in text) == (level > -14, level < -14)
    assert "later rounds" not in text


def test_a_mean_over_seeds_is_compared():
    rows = [row("promp", -30.0, level, seed=seed) for seed, level in enumerate((-10.0, -20.0))]
    text = adapting("navigation", [*rows, row("pooled", -30.0, -16.0)])
    assert "ProMP earns 1" in text or "ProMP earns 0.9" in text


def test_later_rounds_and_the_untrained_policy():
    rows = [
        row("promp", -30.0, -14.0, -20.0, -22.0),
        row("pooled", -30.0, -14.0, -14.0, -14.0),
        row("scratch", -40, -34),
    ]
    text = adapting("navigation", rows)
    assert "In later rounds ProMP loses 8 (" in text
    assert "after 3 rounds against after one)" in text
    assert "In later rounds pretraining keeps what it earns (no difference is seen after 3 rounds against" in text
    assert "After one round the untrained policy earns 20" in text


def test_nothing_is_said_of_who_was_not_measured():
    assert adapting("navigation", [row("maml_trpo", -30.0, -14.0)]) == ""
    assert remembering("bandits", [row("rl2", 7.0)]) == ""
    assert crossing([row("promp", -30.0, -14.0)]) == ""


def course(*means):
    return [[1e6 * (k + 1), -90.0, mean, 1.0] for k, mean in enumerate(means)]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((-80, -60, -40), (-70, -65, -50), "from 2.0 million of them on (first seed, 3.0 million in all)"),
        ((-60, -60, -40), (-70, -65, -50), "from 1.0 million"),
        ((-60, -60, -55), (-70, -65, -50), "is not seen above that of pretraining at the end"),
        ((-60, -60, -50), (-70, -65, -50.01), "is not seen above that of pretraining at the end"),
    ],
)
def test_where_the_curves_cross(ours, theirs, said):
    rows = [row("promp", -90, -40, course=course(*ours)), row("pooled", -90, -50, course=course(*theirs))]
    assert said in crossing(rows)


def test_regret_is_less_or_more_than_that_of_rules():
    rows = [row("rl2", 7.0, oracle=9.0), row("Thompson", 6.0, oracle=9.0), row("UCB1 tuned", 7.0, oracle=9.0)]
    text = remembering("bandits with 10 pulls", rows)
    assert text.startswith("On bandits with 10 pulls RL² regrets ")
    assert "less than Thompson sampling (" in text
    assert "; no difference is seen between what RL² regrets and what UCB1, its width chosen" in text
