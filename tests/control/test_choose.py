from types import SimpleNamespace

import pytest

from helpers import demonstrated
from innerloop.control import NearestStep, select_by_success
from innerloop.control import _choose as module
from innerloop.errors import ConfigurationError


def test_the_setting_that_reaches_most_is_kept_and_of_equals_the_first(monkeypatch):
    asked = []

    def evaluated(learner, source, goals, **told):
        asked.append((source, goals, told))
        return SimpleNamespace(mean={1: 0.2, 2: 0.7, 3: 0.7}[learner.setting], higher_is_better=True)

    monkeypatch.setattr(module, "evaluate_control", evaluated)

    def make(setting):
        learner = NearestStep()
        learner.setting = setting
        return learner

    validation = demonstrated.tasks(split="validation")
    found = select_by_success(make, [1, 2, 3], validation, 4, rollouts=2, limit=50, workers=1)
    assert (found.setting, found.value, found.learner.setting) == (2, 0.7, 2)
    assert found.tried == [(1, 0.2), (2, 0.7), (3, 0.7)]
    assert asked == 3 * [(validation, 4, {"rollouts": 2, "limit": 50, "workers": 1})]


def test_nothing_to_try_is_refused():
    with pytest.raises(ConfigurationError, match="at least one setting to try; got none"):
        select_by_success(lambda _: NearestStep(), [], demonstrated.tasks())
