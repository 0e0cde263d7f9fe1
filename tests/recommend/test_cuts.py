"""What a split promises is checked, whoever makes it."""

import numpy as np
import pytest

from helpers.recommending import no_cases, some_events
from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend import Cases, Events, Split, demand_no_leak
from innerloop.recommend._cuts import begun, first_of_pairs, fresh, places, population


def events(*rows):
    user, item, time = zip(*rows, strict=True) if rows else ((), (), ())
    return Events.of(user, item, [3.0] * len(user), time, users=3, items=5)


NOBODY = no_cases(events((0, 0, 0)))


def test_a_sound_split_is_given_back():
    split = Split(events((0, 0, 0)), NOBODY, Cases(events((1, 0, 1)), events((1, 1, 2))))
    assert demand_no_leak(split, cut=1) is split


@pytest.mark.parametrize(
    ("train", "validation", "test", "message"),
    [
        (((1, 1, 0),), ((), ()), (((1, 0, 1),), ((1, 1, 2),)), "1 test query events are among the training events"),
        (
            ((0, 0, 0),),
            (((1, 1, 0),), ((1, 2, 3),)),
            (((1, 0, 1),), ((1, 1, 2),)),
            "1 test query events are among the validation support events",
        ),
        (
            ((0, 0, 0),),
            (((1, 3, 0),), ((1, 1, 3),)),
            (((1, 0, 1),), ((1, 1, 3),)),
            "1 test query events are validation query events too",
        ),
        (((0, 0, 0), (0, 1, 5)), ((), ()), (((1, 0, 1),), ((1, 1, 2),)), "1 training events are not before the cut"),
        (((0, 0, 0),), ((), ()), (((1, 0, 3),), ((1, 1, 2),)), "User 1 has a test support event that is later"),
        (((2, 2, 0),), (((2, 0, 1),), ((2, 2, 1),)), ((), ()), "1 validation query events are among the training"),
    ],
)
def test_every_leak_is_named(train, validation, test, message):
    validation, test = (Cases(events(*support), events(*query)) for support, query in (validation, test))
    with pytest.raises(DataError, match=message):
        demand_no_leak(Split(events(*train), validation, test), cut=5)


def test_a_row_asked_for_in_validation_may_be_known_by_the_time_of_the_test():
    validation = Cases(events((1, 0, 0)), events((1, 1, 1)))
    test = Cases(events((1, 0, 0), (1, 1, 1)), events((1, 2, 2)))
    demand_no_leak(Split(events((0, 0, 0)), validation, test), cut=1)


def test_an_item_consumed_again_is_not_to_be_predicted():
    again = events((0, 1, 0), (0, 1, 5), (0, 2, 3), (0, 2, 4))
    assert first_of_pairs(again).time.tolist() == [0, 3]
    cases = begun(again, shots=1, longest=None)
    assert cases.support.item.tolist() == [1]
    assert cases.query.item.tolist() == [2]
    assert fresh(again, events((0, 2, 0))).item.tolist() == [1, 1]


def test_places_count_from_each_users_first_event():
    some = some_events()
    expected = [n for user in range(some.users) for n in range(some.counts[user])]
    assert places(some).tolist() == expected


def test_events_between_the_support_and_the_query_set_are_no_candidates():
    history = events((0, 4, 0), (0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 0, 0))
    cases = begun(history, shots=1, longest=3)
    assert [part.item.tolist() for part in (cases.support, cases.seen, cases.query)] == [[4], [1, 2], [3]]
    assert begun(history, shots=1, longest=None).seen is None


def test_nobody_with_enough_events_is_an_error():
    with pytest.raises(ConfigurationError, match="None of the 1 users here has more than 2 events"):
        begun(events((0, 0, 0), (0, 1, 1)), shots=2, longest=None)
    with pytest.raises(ConfigurationError, match="longest must be at least 3"):
        begun(events((0, 0, 0)), shots=3, longest=2)


def test_parts_share_nothing_and_folds_share_no_test_part():
    names = [str(n) for n in range(23)]
    seen = []
    for fold in range(4):
        parts = population(names, 0.2, 0.22, seed=1, fold=fold)
        assert sorted(np.concatenate(parts).tolist()) == list(range(23))
        seen += parts[2].tolist()
    assert len(seen) == len(set(seen))
    with pytest.raises(ConfigurationError, match="There are 4 folds"):
        population(names, 0.2, 0.22, seed=1, fold=4)
    with pytest.raises(ConfigurationError, match="nothing of 23 is left"):
        population(names, 0.5, 0.5, seed=1, fold=0)
    with pytest.raises(ConfigurationError, match="test must be more than 0"):
        population(names, 0.5, 0.0, seed=1, fold=0)
