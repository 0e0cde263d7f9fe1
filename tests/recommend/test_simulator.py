"""Invented users are the same users however many there are, and are what they are said to be."""

import numpy as np
import pytest

from innerloop.errors import ConfigurationError
from innerloop.recommend import Simulator
from innerloop.recommend._simulator import MEAN, SPAN


def columns(events):
    return [getattr(events, name).tolist() for name in ("user", "item", "value", "time")]


def test_a_user_is_the_same_whoever_else_there_is():
    small, large = Simulator(users=20), Simulator(users=50)
    for user in (0, 7, 19):
        assert columns(small.events().history(user)) == columns(large.events().history(user))
    far = small.events_of(np.array([123_456]))
    assert columns(far)[1:] == columns(Simulator(users=200_000).events_of(np.array([5, 123_456])).history(123_456))[1:]


def test_another_seed_is_another_world():
    assert (Simulator(users=5).truth.quality != Simulator(users=5, seed=1).truth.quality).all()


def test_nobody_rates_an_item_twice_or_before_it_is_there():
    world = Simulator(users=200, cold=0.3)
    events = world.events()
    assert len(np.unique(events.user * events.items + events.item)) == len(events)
    arrivals = world.arrivals(np.arange(200))
    assert (world.truth.release[events.item] <= arrivals[events.user]).all()
    assert (world.truth.release > SPAN / 2).sum() == 90
    assert events.counts.min() >= 40
    assert events.counts.max() <= 80


def test_deviations_are_the_given_ones():
    world = Simulator(users=2_000, items=2_000, taste=0.8, bias=0.4, noise=0.6, drift=0.0)
    tastes, truth = world.tastes(np.arange(2_000)), world.truth
    assert tastes[:, 0].std() == pytest.approx(0.4, rel=0.1)
    assert truth.quality.std() == pytest.approx(0.4, rel=0.1)
    assert (tastes[:, 1:] @ truth.factors.T).std() == pytest.approx(0.8, rel=0.1)
    events = world.events()
    expected = MEAN + tastes[events.user, 0] + truth.quality[events.item]
    expected += (tastes[events.user, 1:] * truth.factors[events.item]).sum(1)
    assert (events.value - expected).std() == pytest.approx(0.6, rel=0.02)


def test_a_taste_drifts_as_fast_as_it_is_told():
    world = Simulator(users=3_000, noise=1e-6, drift=0.1)
    events = world.events()
    tastes, factors = world.tastes(events.user), world.truth.factors[events.item]
    still = MEAN + tastes[:, 0] + world.truth.quality[events.item] + (tastes[:, 1:] * factors).sum(1)
    moved = (events.value - still) / np.linalg.norm(factors, axis=1)
    place = np.round(events.time - world.arrivals(events.user)).astype(int)
    assert np.abs(moved[place == 0]).max() < 1e-3
    for n in (1, 10, 35):
        assert moved[place == n].var() == pytest.approx(0.1 * n / world.factors, rel=0.1)


def test_popularity_is_skewed_and_goes_with_quality():
    world = Simulator(users=1_000, cold=0.0)
    events = world.events()
    counts = np.bincount(events.item, minlength=world.items)
    assert np.sort(counts)[-30:].sum() > 3 * np.sort(counts)[:30].sum()
    assert np.corrcoef(np.log(counts + 1), world.truth.quality)[0, 1] == pytest.approx(0.5, abs=0.15)
    liking = Simulator(users=300, cold=0.0, selection=2.0)
    chosen = liking.events()
    fit = (liking.tastes(chosen.user)[:, 1:] * liking.truth.factors[chosen.item]).sum(1).mean()
    own = (world.tastes(events.user)[:, 1:] * world.truth.factors[events.item]).sum(1).mean()
    assert fit > 0.3 > abs(own) * 5


def test_features_explain_the_told_share_of_the_factors():
    world = Simulator(users=1, items=3_000, explained=0.7)
    truth = world.truth
    design = np.column_stack([np.eye(8)[truth.genre], truth.hints])
    fitted = design @ np.linalg.lstsq(design, truth.factors, rcond=None)[0]
    assert ((truth.factors - fitted) ** 2).mean() == pytest.approx(0.3, rel=0.1)
    dataset = Simulator(users=5).dataset()
    assert dataset.item_features.columns["genre"].codes.min() >= 1  # 0 is for what was not seen
    assert set(dataset.item_features.columns) == {"genre", "hint 1", "hint 2", "hint 3", "hint 4"}


def test_people_give_half_stars():
    values = np.unique(Simulator(users=50, stars=True).events().value)
    assert set(values.tolist()) <= set(np.arange(0.5, 5.5, 0.5).tolist())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"most": 300}, "270 of 300 are there from the beginning"),
        ({"least": 90}, "rise and fit"),
        ({"noise": 0.0}, "noise must be a positive number"),
        ({"cold": 1.0}, "cold must be"),
        ({"drift": -1.0}, "drift must be"),
        ({"users": 0}, "users must be at least 1"),
        ({"explained": 1.0}, "explained must be"),
    ],
)
def test_worlds_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ConfigurationError, match=message):
        Simulator(**changed)
