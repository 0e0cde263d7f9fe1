"""Similarities against loops over pairs of items."""

import numpy as np
import pytest

from helpers.recommending import no_cases, some_events
from innerloop.recommend.rivals import ItemKNN


@pytest.mark.parametrize(("shrinkage", "neighbours", "least"), [(0.0, None, None), (3.0, 4, None), (3.0, 2, 3.0)])
def test_scores_agree_with_loops(shrinkage, neighbours, least):
    events = some_events(seed=7)
    train, users = events.of_users(np.arange(20)), np.array([20, 25, 29])
    found = ItemKNN(shrinkage, neighbours, least).fit(train, no_cases(events)).scores(events, users)
    counted = train if least is None else train.where(train.value >= least)
    owners = [set(counted.user[counted.item == item].tolist()) for item in range(events.items)]

    def near(i, j):
        scale = np.sqrt(len(owners[i]) * len(owners[j])) + shrinkage
        return len(owners[i] & owners[j]) / scale if i != j and scale else 0.0

    for row, user in zip(found, users, strict=True):
        own = events.history(user)
        expected = np.zeros(events.items)
        for i in own.item if least is None else own.item[own.value >= least]:
            similar = np.array([near(i, j) for j in range(events.items)])
            if neighbours is not None:
                similar[similar < np.sort(similar)[-neighbours]] = 0
            expected += similar
        np.testing.assert_allclose(row, expected, atol=1e-12)
