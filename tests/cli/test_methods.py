"""The trainings of a comparison as recipes and commands."""

from innerloop.cli._compare import Options, read
from innerloop.cli._methods import configured, job
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
