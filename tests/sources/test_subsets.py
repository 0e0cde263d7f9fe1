"""Parts of the training data: deterministic, nested, and still able to give tasks."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.errors import ConfigurationError, DataError
from innerloop.recipes import recipe
from innerloop.recipes._build import build
from innerloop.sources import Characters, Sinusoids
from innerloop.sources._base import shuffled
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._omniglot import character_classes
from innerloop.sources._table_tasks import TableData, TableTasks

EACH = 5


def source(groups=None, classes=12, ways=3, **more):
    rows = torch.arange(float(classes * EACH))[:, None]
    data = ClassData(rows, [EACH] * classes, [f"class {i}" for i in range(classes)], groups)
    return ClassTasks(data, ways=ways, shots=1, queries=2, within_groups=groups is not None, **more)


GROUPS = [0] * 2 + [1] * 4 + [2] * 6


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 20), st.integers(3, 12), st.integers(3, 12), st.booleans())
def test_smaller_parts_are_within_larger_ones(seed, small, large, grouped):
    whole = source(GROUPS if grouped else None)
    small, large = sorted((small, large))
    few, more = (set(whole.with_(classes=n, seed=seed).data.names) for n in (small, large))
    assert len(few) == small
    assert len(more) == large
    assert few <= more


def test_rows_are_those_of_the_classes():
    part = source().with_(classes=5, seed=3)
    for place, name in enumerate(part.data.names):
        first = int(name.split()[1]) * EACH
        own = part.data.rows[place * EACH : (place + 1) * EACH, 0]
        assert own.tolist() == [float(first + k) for k in range(EACH)]
    tasks = part[0:200]
    drawn = {int(row) // EACH for row in tasks.query.x.flatten().tolist()}
    assert drawn == {int(name.split()[1]) for name in part.data.names}


def test_other_seeds_take_other_classes_and_the_same_seed_the_same():
    whole = source()
    one, again, other = (whole.with_(classes=4, seed=seed).data.names for seed in (1, 1, 2))
    assert one == again
    assert one != other
    # the order of the settings is of no matter
    assert whole.with_(seed=1).with_(classes=4).data.names == one


def test_the_order_of_a_name_depends_on_nothing_but_the_name_and_the_seed():
    names = [f"class {i}" for i in range(30)]
    order = [names[i] for i in shuffled(names, 5)]
    shorter = [name for name in names if name != "class 7"]
    assert [shorter[i] for i in shuffled(shorter, 5)] == [name for name in order if name != "class 7"]


def test_all_of_them_are_the_source_itself():
    whole = source(GROUPS)
    same = whole.with_(classes=12)
    assert same.data.names == whole.data.names
    assert torch.equal(same.data.rows, whole.data.rows)
    assert torch.equal(same[0:9].query.x, whole[0:9].query.x)


@pytest.mark.parametrize("classes", range(3, 13))
def test_within_groups_there_are_always_tasks(classes):
    part = source(GROUPS).with_(classes=classes)
    part[0:20]
    counts = sorted(part.data.groups.count(group) for group in set(part.data.groups))
    # a group comes with as many classes as a task has ways; only the last one may be cut short, or was small anyway
    assert sum(count < 3 for count in counts if count) <= 2
    assert max(counts) >= 3


def test_rotations_stay_together():
    images = torch.zeros(6, 20, 28, 28, dtype=torch.uint8)
    names = [f"half/Latin/character{i:02d}" for i in range(6)]
    data = character_classes(images, names, range(6), rotations=True)
    part = data.first(12, seed=0)
    characters = [name.rpartition("/")[0] for name in part.names]
    assert len(set(characters)) == 3
    assert all(characters.count(name) == 4 for name in characters)


def test_more_shots_and_fewer_classes_at_once():
    part = source().with_(classes=4, ways=2, shots=2)
    assert (part.ways, part.shots, len(part.data.names)) == (2, 2, 4)
    assert part.describe()["classes"] == 4
    assert part.flat().batch(torch.arange(1)).ways == 4


def test_parts_that_cannot_be():
    for classes in (0, -1, 13):
        with pytest.raises(ConfigurationError, match=f"has 12 classes; expected a number from 1 to 12, got {classes}"):
            source().with_(classes=classes)
    with pytest.raises(DataError, match="3-way tasks need 3 classes"):
        source().with_(classes=2)
    with pytest.raises(ConfigurationError, match="it has classes, data, name"):
        source().with_(klasses=2)


def test_supplies():
    assert source().supply() == ("classes", 12, 60)
    assert source().with_(classes=4).supply() == ("classes", 4, 20)
    assert Sinusoids().train.supply() == ("tasks", None, None)
    assert Sinusoids().train.with_(tasks=7).supply() == ("tasks", 7, None)


def table(tasks=8):
    counts = [4 + k % 3 for k in range(tasks)]
    x = torch.arange(float(sum(counts)))[:, None]
    return TableTasks(TableData(x, 10 * x, counts, [f"plant {k}" for k in range(tasks)]), shots=2, queries=2)


def test_tasks_of_a_table():
    whole = table()
    few, more = (whole.with_(tasks=n, seed=2) for n in (3, 5))
    assert set(few.data.names) <= set(more.data.names)
    assert few.supply() == ("tasks", 3, sum(few.data.counts))
    assert torch.equal(few.data.y, 10 * few.data.x)
    tasks = few[0:100]
    assert set(few.names(range(100))) == set(few.data.names)
    own = {float(v) for v in few.data.x.flatten()}
    assert {float(v) for v in tasks.support.x.flatten()} <= own
    assert torch.equal(whole.with_(tasks=8)[0:9].query.x, whole[0:9].query.x)
    with pytest.raises(ConfigurationError, match="has 8 tasks; expected a number from 1 to 8, got 9"):
        whole.with_(tasks=9)
    with pytest.raises(ConfigurationError, match="has no setting 'classes'"):
        whole.with_(classes=3)


def test_some_curves_come_again_with_other_points():
    whole = Sinusoids(shots=3, queries=4).train
    few = whole.with_(tasks=3)
    amplitudes = few.parameters(torch.arange(400))[0]
    own = whole.parameters(torch.arange(3))[0]
    assert set(amplitudes.tolist()) == set(own.tolist())
    assert set(own.tolist()) <= set(whole.with_(tasks=5).parameters(torch.arange(400))[0].tolist())
    counts = torch.tensor([(amplitudes == value).sum() for value in own])
    assert counts.min() > 90
    task, (amplitude, phase) = few[11], few.parameters(torch.tensor([11]))
    torch.testing.assert_close(task.query.y, amplitude * torch.sin(task.query.x - phase))
    same = (amplitudes == amplitudes[11]).nonzero().flatten()
    assert not torch.equal(few[int(same[0])].query.x, few[int(same[1])].query.x)
    assert few.describe()["distinct"] == 3
    assert "distinct" not in whole.describe()
    with pytest.raises(ConfigurationError, match="tasks must be at least 1"):
        whole.with_(tasks=0)


def test_a_recipe_trains_on_a_part_and_is_judged_on_the_whole():
    chosen = dataclasses.replace(recipe("sinusoids"), train_tasks=4, seed=3)
    experiment = build(chosen)
    assert experiment.fit_settings()["source"].supply().number == 4
    assert experiment.source.validation.supply().number is None
    assert experiment.source.test.describe() == recipe("sinusoids").source().test.describe()


def test_pretraining_has_a_head_for_the_classes_it_sees():
    chosen = dataclasses.replace(recipe("characters", "pretraining"), train_classes=40, filters=4, seed=1)
    experiment = build(chosen)
    assert experiment.learner.network.head.out_features == 40
    train = experiment.fit_settings()["source"]
    assert len(train.data.names) == 40
    assert set(train.data.names) <= set(Characters().train.data.names)
    assert train.with_(shots=1).within_groups
    train[0:3]
