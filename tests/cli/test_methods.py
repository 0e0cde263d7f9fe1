"""The trainings of a comparison as recipes and commands."""

import pytest

from innerloop.cli._compare import Options, read
from innerloop.cli._methods import configured, demand_readers, job
from innerloop.cli._parse import UsageError
from innerloop.cli._train import read as read_training
from innerloop.recipes import recipe


def test_a_protocol_keeps_its_settings(tmp_path):
    chosen = configured("omniglot", "prototypes", {"protocol": "B"}, 3, 5, None)
    assert chosen.protocol == "B"
    own = recipe("omniglot", "prototypes", protocol="B")
    assert (chosen.ways, chosen.queries, chosen.steps, chosen.lr) == (own.ways, own.queries, own.steps, own.lr)
    made = job(chosen, tmp_path / "run", {"protocol": "B"}, Options(recipe="omniglot"))
    assert read_training(made.arguments)[1] == chosen  # the command trains what was planned


def test_options_of_a_protocol():
    options, settings = read(["--recipe", "omniglot", "--protocol", "B", "--shots", "5"])
    assert settings == {"protocol": "B"}
    assert options.shots == (5,)


def test_a_setting_is_asked_of_the_methods_that_read_it(tmp_path):
    asked = {"inner_lr": 0.7, "filters": 8}
    for method, rate in (("maml", 0.7), ("prototypes", recipe("characters", "prototypes").inner_lr)):
        chosen = configured("characters", method, asked, 0, 1, None)
        assert (chosen.inner_lr, chosen.filters) == (rate, 8)
        made = job(chosen, tmp_path / "run", asked, Options(recipe="characters"))
        assert ("--inner-lr" in made.arguments) == (method == "maml")
        assert read_training(made.arguments)[1] == chosen
    demand_readers("characters", ["prototypes", "maml"], asked)
    with pytest.raises(UsageError, match="--inner-lr: none of prototypes, ridge reads it"):
        demand_readers("characters", ["prototypes", "ridge"], asked)
