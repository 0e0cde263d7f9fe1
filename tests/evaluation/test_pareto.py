"""The rows that nothing beats, against brute force."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.evaluation import pareto

# few different numbers, so that ties come up
NUMBER = st.one_of(st.integers(0, 4).map(float), st.floats(0, 10))
POINTS = st.lists(st.tuples(NUMBER, NUMBER), max_size=12).map(
    lambda points: {f"row {i}": point for i, point in enumerate(points)}
)


def dominated(one, other):
    return other[0] <= one[0] and other[1] <= one[1] and other != one


@settings(deadline=None, derandomize=True, max_examples=300)
@given(POINTS)
def test_as_by_comparing_all_pairs(points):
    expected = {a for a, one in points.items() if not any(dominated(one, other) for other in points.values())}
    found = pareto(points)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[name][0] for name in found] == sorted(points[name][0] for name in found)


def test_what_is_no_number_is_left_out():
    assert pareto({"a": (1.0, math.nan), "b": (math.inf, 0.0), "c": (2.0, 2.0)}) == ["c"]
    assert pareto({}) == []
