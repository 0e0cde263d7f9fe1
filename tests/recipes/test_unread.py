"""What is said to be unread changes nothing in the learner, and what is not said to be changes something."""

import dataclasses

import pytest

from innerloop.errors import ConfigurationError
from innerloop.recipes import METHODS, recipe
from innerloop.recipes._build import build_learner
from innerloop.recipes._unread import demand_read, unread

OTHER = {"inner_steps": 7, "test_steps": 8, "inner_lr": 0.123}


def made(chosen, source):
    learner = build_learner(chosen, source)
    return learner.spec, learner.norm


@pytest.mark.parametrize("name", ["characters", "sinusoids"])
def test_settings_change_a_learner_if_and_only_if_it_reads_them(name):
    small = {"filters": 2} if name == "characters" else {"hidden": (2,)}
    source = recipe(name).source()
    tried = 0
    for method in METHODS:
        chosen = dataclasses.replace(recipe(name, method), **small)
        try:
            before = made(chosen, source)
        except ConfigurationError:  # it cannot learn such tasks
            continue
        others = {**OTHER, "norm": "support" if chosen.norm != "support" else "running"}
        for field, value in others.items():
            same = made(dataclasses.replace(chosen, **{field: value}), source) == before
            assert same == (field in unread(chosen)), (method, field)
            tried += 1
    assert tried > 40


def test_functions_of_ones_own_say_by_their_parameters_what_they_read(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("def maker(embedding, inner_lr=0.1, **others): ...")
    chosen = dataclasses.replace(recipe("characters"), method=f"{own}:maker")
    assert unread(chosen) == ["inner_steps", "test_steps", "norm"]
    demand_read(chosen, {"inner_lr", "steps", "filters"})
    with pytest.raises(ConfigurationError, match=r"own.py:maker does not read --inner-steps and --norm: "):
        demand_read(chosen, {"norm", "inner_steps", "inner_lr"})
