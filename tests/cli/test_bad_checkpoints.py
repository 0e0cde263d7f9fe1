"""Damaged checkpoints and models: one line, exit code 2, nothing changed, nothing executed."""

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import innerloop
from helpers import damage, folders
from helpers.training import Failing, PowerCutError
from innerloop.cli import main
from innerloop.cli._train import read
from innerloop.errors import CheckpointError
from innerloop.files import save_tensors
from innerloop.outer import fit, load_weights
from innerloop.recipes._build import build

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="session")
def half_run(tmp_path_factory):
    """A run on sinusoids with four steps to go. Tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "half"
    _, recipe = read(["sinusoids", *folders.SINUSOID_OPTIONS])
    experiment = build(recipe)
    settings = experiment.fit_settings()
    settings["source"] = Failing(settings["source"], at=8)
    with pytest.raises(PowerCutError):
        fit(experiment.learner, run=folder, checkpoint_seconds=0.0, progress=False, **settings)
    return folder


@pytest.fixture
def spoil(sinusoid_run, half_run, adapted, two_classes, copied, fails, tmp_path):
    """Spoils the file that a command reads, runs the command, checks that nothing else happened, repairs the file."""
    run, half, model = copied(sinusoid_run), copied(half_run), tmp_path / "adapted.safetensors"
    model.write_bytes(adapted.read_bytes())
    resume = ["train", "sinusoids", "--run", half, *folders.SINUSOID_OPTIONS, "--resume"]
    commands = {
        "resume": (half / "last.safetensors", resume),
        "evaluate": (run / "best.safetensors", ["evaluate", run, "--tasks", "2"]),
        "adapt": (model, ["adapt", "--model", model, "--predict", two_classes]),
    }

    def check(command, change, *, harmless=False) -> str:
        path, arguments = commands[command]
        whole, everything = path.read_bytes(), damage.snapshot(tmp_path)
        try:
            path.write_bytes(change(whole))
            before = damage.snapshot(tmp_path)
            if harmless:
                assert main([str(a) for a in arguments]) in (0, 2)
                return ""
            line = fails(*arguments)
            assert path.name in line
            assert damage.snapshot(tmp_path) == before
            return line
        finally:
            damage.restore(tmp_path, everything)

    return check


COMMANDS = pytest.mark.parametrize("command", ["resume", "evaluate", "adapt"])


@COMMANDS
def test_truncated(command, spoil):
    @MANY
    @given(damage.truncated())
    @example(lambda content: b"")
    @example(lambda content: content[:-1])
    def check(change):
        assert "use another checkpoint" in spoil(command, change).lower()

    check()


@COMMANDS
def test_one_bit_is_another(command, spoil):
    @MANY
    @given(damage.flipped())
    def check(change):
        assert "checkpoint" in spoil(command, change) or "another file" in spoil(command, change)

    check()


@COMMANDS
def test_garbage(command, spoil):
    @MANY
    @given(damage.garbage())
    def check(change):
        spoil(command, change)

    check()


@COMMANDS
def test_absurd_lengths(command, spoil):
    @MANY
    @given(damage.absurd_lengths())
    def check(change):
        spoil(command, change)

    check()


@COMMANDS
def test_a_pickle_is_not_executed(command, spoil, tmp_path_factory):
    trap = tmp_path_factory.mktemp("trap") / "sprung"

    @MANY
    @given(damage.pickled(trap))
    def check(change):
        spoil(command, change)
        assert not trap.exists()

    check()


def test_the_pickle_would_do_something(tmp_path):
    import pickle

    pickle.loads(pickle.dumps(damage.Payload(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


@COMMANDS
def test_a_description_that_is_cut_short(command, spoil):
    @MANY
    @given(st.floats(0, 0.9999))
    def check(place):
        spoil(command, lambda content: cut(content, place))

    check()


def cut(content, place):
    tensors, words = taken_apart(content)
    words = words[: int(place * len(words))]
    return damage.with_description(tensors, words)


def taken_apart(content):
    return damage.load(content), damage.description_of(content)


@COMMANDS
def test_a_description_with_other_values_never_gives_a_traceback(command, spoil, capsys):
    @settings(MANY, max_examples=24)
    @given(damage.description())
    def check(change):
        spoil(command, change, harmless=True)
        capsys.readouterr()

    check()


@COMMANDS
def test_of_another_architecture(command, spoil):
    @MANY
    @given(st.integers(1, 9), st.sampled_from(["missing", "extra", "reshaped"]), st.integers(0, 5))
    def check(size, kind, which):
        def change(content):
            tensors, words = taken_apart(content)
            names = sorted(name for name in tensors if "optimiser" not in name)
            name = names[which % len(names)]
            if kind == "missing":
                del tensors[name]
            elif kind == "extra":
                tensors[f"{name}_{size}"] = torch.zeros(size)
            else:
                tensors[name] = torch.zeros(size, 3, 1, 1, 2)
            return damage.with_description(tensors, words)

        line = spoil(command, change)
        assert "another architecture" in line or "damaged" in line

    check()


def test_the_half_run_goes_on_when_it_is_whole(half_run, copied):
    run = copied(half_run)
    assert main(["train", "sinusoids", "--run", str(run), *folders.SINUSOID_OPTIONS, "--resume"]) == 0
    assert (run / "page.html").exists()


def test_a_model_of_the_other_kind_is_named(sinusoid_run, adapted, two_classes, fails, tmp_path):
    line = fails("adapt", "--model", sinusoid_run / "best.safetensors", "--predict", two_classes)
    assert "is not an adapted model: its format is 'innerloop weights 1'" in line
    run = folders.train("sinusoids", tmp_path / "run")
    (run / "last.safetensors").write_bytes(adapted.read_bytes())
    line = fails("train", "sinusoids", "--run", run, *folders.SINUSOID_OPTIONS, "--resume")
    assert "is not a checkpoint: its format is 'innerloop adapted model 1'" in line


def test_missing_files_are_named(sinusoid_run, copied, fails, tmp_path):
    assert "no config.json" in fails("evaluate", tmp_path)
    run = copied(sinusoid_run)
    (run / "best.safetensors").unlink()
    (run / "last.safetensors").unlink()
    assert "last.safetensors" in fails("evaluate", run)


def test_learners_are_unchanged_by_a_file_that_does_not_fit(tmp_path):
    learner = innerloop.methods.maml(innerloop.networks.mlp(1, 1))
    other = innerloop.methods.maml(innerloop.networks.mlp(1, 1, [7]))
    save_tensors(tmp_path / "other", other.state_dict(), {"format": "innerloop weights 1"})
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    with pytest.raises(CheckpointError, match="another architecture"):
        load_weights(tmp_path / "other", learner)
    for name, value in learner.state_dict().items():
        assert torch.equal(before[name], value)
