"""Fields equal the mean over one-hot rows, which they never make."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.recommend import Column, Features
from innerloop.recommend._fields import Fields, tables_of


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 4), st.integers(2, 6))
def test_the_vector_is_the_mean_over_categories_and_a_line_in_numbers(seed, wide, size):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-1, size, (5, wide))
    features = Features({"a": Column.categories(codes, size), "b": Column.categories(rng.integers(0, 3, 5), 3),
                         "n": Column.numeric(rng.normal(size=5))}, 5)  # fmt: skip
    sizes, table, numbers = tables_of(features, 5)
    fields = Fields(sizes, 1, 3)
    torch.nn.init.normal_(fields.table.weight)
    torch.nn.init.normal_(fields.slopes)
    found = fields(table, numbers)
    for row in range(5):
        expected = numbers[row] @ fields.slopes + fields.table.weight[size + features.columns["b"].codes[row, 0]]
        own = [code for code in codes[row] if code >= 0]
        if own:
            expected = expected + sum(fields.table.weight[code] for code in own) / len(own)
        torch.testing.assert_close(found[row], expected)


def test_categories_never_seen_and_no_features_at_all_say_nothing():
    fields = Fields([(1, 3), (1, 2)], 0, 4)
    assert not fields(torch.tensor([[0, 0]]), torch.zeros(1, 0)).any()
    sizes, codes, numbers = tables_of(None, 3)
    assert (sizes, codes.shape, numbers.shape) == ([], (3, 0), (3, 0))
    assert not Fields(sizes, 0, 4)(codes, numbers).any()
