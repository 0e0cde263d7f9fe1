"""Cells become codes and numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innerloop.errors import DataError
from innerloop.recommend import Feature
from innerloop.recommend._numbering import Distinct, Names, order, text, whole
from innerloop.sources._scaling import LIMIT

CELLS = st.lists(st.lists(st.sampled_from("abcde"), max_size=4), min_size=1, max_size=8)


@given(cells=CELLS, known=st.sets(st.sampled_from("abcde"), min_size=1))
def test_codes_stand_for_the_categories_of_a_cell(cells, known):
    names = tuple(sorted(known))
    feature = Feature("f", "category", names, "|")
    rows = np.arange(len(cells))
    column = feature.encode(["|".join(cell) for cell in cells], rows)
    for cell, codes in zip(cells, column.codes.tolist(), strict=True):
        found = [code for code in codes if code >= 0]
        assert {names[code - 1] for code in found if code} == set(cell) & known
        assert (0 in found) == (not cell or bool(set(cell) - known))
        assert codes == found + [-1] * (len(codes) - len(found))
        assert len(set(found)) == len(found)
    lists = feature.encode([tuple(cell) for cell in cells], rows)
    np.testing.assert_array_equal(lists.codes, column.codes)


@given(st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), min_size=1, max_size=9))
def test_numbers_are_scaled_cut_and_filled_with_the_mean(cells):
    column = Feature("f", "number", mean=2.0, deviation=4.0).encode(cells, np.arange(len(cells)))
    expected = [0.0 if cell is None else min(max((cell - 2) / 4, -LIMIT), LIMIT) for cell in cells]
    np.testing.assert_allclose(column.numbers[:, 0], expected, rtol=1e-6)
    with pytest.raises(DataError, match="Cell 2: expected a finite number"):
        Feature("f", "number").encode([1, "x"], np.arange(2))


@given(st.lists(st.text("ab1 ", max_size=3)))
def test_the_same_name_has_the_same_number(cells):
    cells = [cell for cell in cells if cell.strip()]
    names = Names()
    numbers = [names[cell] for cell in cells]
    assert [names.known[number] for number in numbers] == [cell.strip() for cell in cells]
    assert len(set(names.known)) == len(names.known)
    distinct = Distinct()
    assert [distinct.cells[distinct[cell]] for cell in cells] == [cell.strip() for cell in cells]


def test_cells_that_are_missing():
    for cell in (None, float("nan"), "", "  ", "NA", "n/a", "NULL", "?", "None"):
        assert text(cell) is None
        assert Distinct()[cell] == 0
    assert text("nano") == "nano"


@given(st.lists(st.integers(-(10**17), 10**17), unique=True))
def test_whole_numbers_are_in_the_order_of_their_value(numbers):
    names = [str(number) for number in numbers]
    assert [numbers[place] for place in order(names)] == sorted(numbers)


@pytest.mark.parametrize(
    ("name", "is_whole"),
    [("0", True), ("-3", True), ("03", False), ("-", False), ("", False), ("1.0", False), ("²", False), ("-0", False)],
)
def test_whole_numbers(name, is_whole):
    assert whole(name) == is_whole
