import pytest
import torch

from helpers.given import Given
from helpers.problems import classification, regression
from innerloop.errors import ConfigurationError
from innerloop.explain._shuffled import Mislabelled, Shuffled, Swapped
from innerloop.sources import Characters, Sinusoids

UNEVEN = Given(classification([(6, 5), (4, 5), (5, 5)]))
SEVERAL = torch.arange(3)


def test_shuffled_targets_are_the_same_ones():
    source = Sinusoids(shots=8).test
    plain, mixed = source[0:40], Shuffled(source).batch(torch.arange(40))
    assert torch.equal(plain.support.x, mixed.support.x)
    assert torch.equal(plain.query.y, mixed.query.y)
    assert torch.equal(plain.support.y.sort(1).values, mixed.support.y.sort(1).values)
    stayed = (plain.support.y == mixed.support.y).float().mean()
    assert 0.05 < stayed < 0.22  # one in eight


def test_padding_stays_where_it_is():
    plain, mixed = UNEVEN.batch(SEVERAL), Shuffled(UNEVEN, seed=3).batch(SEVERAL)
    assert torch.equal(plain.support.mask, mixed.support.mask)
    for a, b, mask in zip(plain.support.y, mixed.support.y, plain.support.mask, strict=True):
        assert torch.equal(a[mask].sort().values, b[mask].sort().values)
        assert torch.equal(a[~mask], b[~mask])


def test_a_task_is_spoiled_in_the_same_way_in_any_batch():
    source = Characters(ways=5, shots=2, queries=3).test
    for view in (Shuffled(source), Mislabelled(source), Swapped(source)):
        many = view.batch(torch.arange(6))
        one = view.batch(torch.tensor([4]))
        assert torch.equal(many.support.y[4], one.support.y[0])
        assert torch.equal(many.support.x[4], one.support.x[0])
        assert view.describe() != source.describe()
    assert not torch.equal(Shuffled(source, 0).batch(SEVERAL).support.y, Shuffled(source, 1).batch(SEVERAL).support.y)


def test_swapped_sets_are_those_of_the_next_task():
    tasks = Given(regression())
    plain, other = tasks.batch(SEVERAL), Swapped(tasks).batch(SEVERAL)
    assert torch.equal(other.support.y[0], plain.support.y[1])
    assert torch.equal(other.support.x[1], plain.support.x[2])
    assert torch.equal(other.query.y, plain.query.y)
    assert other.index.tolist() == [0, 1, 2]


def test_one_label_is_wrong():
    view = Mislabelled(UNEVEN)
    plain, spoiled = UNEVEN.batch(SEVERAL), view.batch(SEVERAL)
    wrong = plain.support.y != spoiled.support.y
    assert wrong.sum(1).tolist() == [1, 1, 1]
    assert torch.equal(wrong.long().argmax(1), view.rows(plain))
    assert bool(plain.support.mask[wrong].all())
    assert 0 <= int(spoiled.support.y.min()) <= int(spoiled.support.y.max()) < 3
    with pytest.raises(ConfigurationError, match="needs classes"):
        Mislabelled(Given(regression())).batch(SEVERAL)
