"""Many regressions at once are each the one that a dense solve gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innerloop.recommend.rivals import _least_squares as module
from innerloop.recommend.rivals._least_squares import solve_rows


@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans(), st.booleans())
def test_rows_agree_with_one_dense_solve_each(seed, width, weighted, with_shared):
    rng = np.random.default_rng(seed)
    rows, entries = 5, rng.integers(0, 40)
    design = rng.normal(size=(9, width))
    row, column = rng.integers(0, rows, entries) // 2 * 2, rng.integers(0, 9, entries)  # odd rows have no entry
    targets, penalty = rng.normal(size=entries), rng.uniform(0.1, 2, width)
    weights = rng.uniform(0.1, 3, entries) if weighted else None
    shared = design.T @ design if with_shared else None
    found = solve_rows(design, row, column, targets, penalty, rows, weights=weights, shared=shared)
    for r in range(rows):
        own = row == r
        x, a = design[column[own]], np.ones(own.sum()) if weights is None else weights[own]
        gram = np.diag(penalty) + (x.T * a) @ x + (0 if shared is None else shared)
        np.testing.assert_allclose(found[r], np.linalg.solve(gram, (x.T * a) @ targets[own]), atol=1e-9)
    assert not found[1::2].any()


def test_small_blocks_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    row, column = rng.integers(0, 30, 200), rng.integers(0, 9, 200)
    given_ = rng.normal(size=(9, 3)), row, column, rng.normal(size=200), np.ones(3), 30
    whole = solve_rows(*given_)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    assert solve_rows(*given_) == pytest.approx(whole)
