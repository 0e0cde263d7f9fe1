"""Which runs are one row, and which rows there are."""

from dataclasses import replace
from pathlib import Path

from innerloop.cli._lines import Group, closed_lines, free_lines, grouped, trained_lines
from innerloop.recipes import recipe

MAML, ANIL = recipe("characters"), recipe("characters", "anil")


def test_the_same_recipe_but_for_the_seed():
    runs = [MAML, ANIL, replace(MAML, seed=1), replace(MAML, seed=2, lr=0.1), replace(ANIL, seed=1)]
    assert grouped(runs, [None] * 5) == [[0, 2], [1, 4], [3]]


def test_the_same_minutes_whatever_the_steps():
    runs = [MAML, replace(MAML, seed=1, steps=1_900), replace(MAML, seed=2)]
    assert grouped(runs, [5.0, 5.0, 5.0]) == [[0, 1, 2]]
    assert grouped(runs, [5.0, 5.0, 9.0]) == [[0, 1], [2]]
    assert grouped(runs, [None, None, None]) == [[0, 2], [1]]
    assert grouped(runs, [5.0, 5.0, None]) == [[0, 1], [2]]


def test_copies_are_no_other_seeds():
    assert grouped([MAML, MAML, replace(MAML, seed=1), MAML], [None] * 4) == [[0, 2], [1], [3]]


def group(method, norm, seeds=(0,)):
    return Group(tuple(Path(f"runs/{method}-{seed}") for seed in seeds), seeds, method, norm)


def keys(lines):
    return [(line.specs[0].kind, line.specs[0].norm, line.seeds) for line in lines]


def test_rows_of_runs():
    groups = [group("maml", "batch", (0, 3)), group("pretraining", "running")]
    lines = trained_lines(groups, 100, "test", 10)
    assert keys(lines) == [
        ("run", None, (0, 3)),
        ("run", "support", (0, 3)),
        ("run", None, (0,)),
        ("fine_tune", None, (0,)),
        ("linear_head", None, (0,)),
        ("linear_probe", None, (0,)),
    ]
    assert [spec.key for spec in lines[1].specs] == ["maml-0.support", "maml-3.support"]
    assert [line.specs[0].curve_steps for line in lines] == [10, 0, 0, 0, 0, 0]
    assert len(trained_lines(groups, 100, "test", baselines=False)) == 3
    assert len(trained_lines(groups, 100, "omniglot")) == 3
    shot = trained_lines(groups, 100, "test", shots=5)
    assert all(spec.shots == 5 for line in shot for spec in line.specs)
    every = [spec.key for line in lines for spec in line.specs]
    assert len(set(every)) == len(every)


def test_rows_without_runs():
    own = group("maml", "batch", (4, 5))
    assert keys(free_lines(own, 100, "test")) == [
        ("from_scratch", None, (4,)),
        ("nearest_mean", None, (4,)),
        ("raw_ridge", None, (4,)),
        ("constant", None, (4,)),
    ]
    assert [kind for kind, *_ in keys(free_lines(own, 100, "test", classes=False))] == ["from_scratch", "constant"]
    assert [kind for kind, *_ in keys(free_lines(own, 100, "omniglot"))] == ["nearest_mean", "constant"]


def test_closed_forms_of_a_table():
    own = group("maml", "batch", (4, 5))
    free = free_lines(own, 100, "test", classes=False, table=True)
    assert keys(free) == [
        ("from_scratch", None, (4,)),
        ("pooled_ridge", None, (4,)),
        ("shrunk_ridge", None, (4,)),
        ("constant", None, (4,)),
    ]
    # a seed may have its own part of the training tasks
    pooled, shrunk = closed_lines(own, 100, "test")
    assert [spec.key for spec in pooled.specs] == ["maml-4.pooled_ridge", "maml-5.pooled_ridge"]
    assert keys([shrunk]) == [("shrunk_ridge", None, (4, 5))]
