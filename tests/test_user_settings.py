"""Settings of what is learned of users: one place, read without torch, and the recipe's options come from it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from innerloop.errors import ConfigurationError
from innerloop.recipes import recipe
from innerloop.recipes.ratings import _CALLED, RECOMMENDERS, setting_of_recipe
from innerloop.user_settings import LEARNED, Setting, setting_of


def test_they_are_read_without_torch():
    code = "import sys, innerloop.user_settings, innerloop.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("goal", ["ratings", "ranking"])
@pytest.mark.parametrize("name", LEARNED)
def test_plain_values_give_a_setting_back(name, goal):
    setting = setting_of(name, goal, seed=3)
    assert (setting.goal, setting.seed) == (goal, 3)
    assert Setting.from_json(setting.to_json()) == setting


@pytest.mark.parametrize("field", _CALLED)
def test_every_option_of_the_recipe_arrives(field):
    made = recipe("ratings", "cavia", goal="ranking")
    assert made.method in RECOMMENDERS
    before = getattr(made, field)
    other = (7, 5) if isinstance(before, tuple) else before / 2 if isinstance(before, float) else before + 1
    found = setting_of_recipe(replace(made, **{field: other}))
    assert found == replace(setting_of("cavia", "ranking"), **{_CALLED[field]: other})


def test_a_name_that_there_is_not_is_refused():
    with pytest.raises(ConfigurationError, match="Did you mean 'cavia'"):
        setting_of("cavai")
