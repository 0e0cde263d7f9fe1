"""A run that was stopped and resumed equals one that was not, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import training
from innerloop import losses, methods
from innerloop.errors import CheckpointError, ConfigurationError
from innerloop.files import load_tensors, save_tensors
from innerloop.networks import mlp
from innerloop.outer import Run, fit
from innerloop.outer._checkpoint import Progress, load_checkpoint, save_checkpoint

QUICK = settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("method", training.METHODS)
@pytest.mark.parametrize(("optimiser", "scheduler"), [("AdamW", "cosine"), ("SGD", "constant")])
def test_stopped_anywhere_and_resumed(method, optimiser, scheduler, tmp_path_factory):
    how = {"optimiser": training.OPTIMISERS[optimiser], "scheduler": training.SCHEDULERS[scheduler]}
    calm = tmp_path_factory.mktemp("calm")
    expected, said = training.run_fit(method, calm, **how)
    assert said.steps == 20

    @QUICK
    @given(st.lists(st.integers(1, 19), max_size=2).map(sorted))
    def check(stops):
        folder = tmp_path_factory.mktemp("stopped")
        for stop in stops:
            training.run_fit(method, folder, stop=stop, resume=True, **how)
        found, said = training.run_fit(method, folder, resume=True, **how)
        assert training.contents(folder) == training.contents(calm)
        assert not said.interrupted
        for name, value in expected.state_dict().items():
            assert torch.equal(found.state_dict()[name], value), name

    check()


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda optimiser: torch.optim.lr_scheduler.MultiStepLR(optimiser, [4, 9, 15], gamma=0.3),
        lambda optimiser: torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.01, total_steps=30),
        lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, 4),
        lambda optimiser: torch.optim.lr_scheduler.SequentialLR(
            optimiser,
            [
                torch.optim.lr_scheduler.LinearLR(optimiser, total_iters=5),
                torch.optim.lr_scheduler.StepLR(optimiser, 3),
            ],
            milestones=[6],
        ),
    ],
    ids=["MultiStepLR", "OneCycleLR", "CosineAnnealingWarmRestarts", "SequentialLR"],
)
def test_schedulers_of_other_kinds(scheduler, tmp_path):
    training.run_fit("maml", tmp_path / "calm", scheduler=scheduler)
    for stop in (5, 11):
        folder = tmp_path / str(stop)
        training.run_fit("maml", folder, stop=stop, scheduler=scheduler)
        training.run_fit("maml", folder, resume=True, scheduler=scheduler)
        assert training.contents(folder) == training.contents(tmp_path / "calm")


def test_early_stopping_goes_on_counting(tmp_path):
    # a rate of nearly nothing: after the first validation nothing gets better by enough to tell
    how = {"optimiser": lambda parameters: torch.optim.SGD(parameters, lr=0.3), "patience": 3, "validate_every": 2}
    expected, said = training.run_fit("maml", tmp_path / "calm", **how)
    assert said.steps < 20, "the test needs a run that stops early"
    for stop in range(1, said.steps, 2):
        folder = tmp_path / str(stop)
        training.run_fit("maml", folder, stop=stop, **how)
        found, again = training.run_fit("maml", folder, resume=True, **how)
        assert (again.steps, again.best_step, again.best) == (said.steps, said.best_step, said.best)
        assert training.contents(folder) == training.contents(tmp_path / "calm")
        for name, value in expected.state_dict().items():
            assert torch.equal(found.state_dict()[name], value)


def test_a_finished_run_is_not_trained_on(tmp_path):
    _, said = training.run_fit("maml", tmp_path)
    before = training.contents(tmp_path)
    learner, again = training.run_fit("maml", tmp_path, resume=True)
    assert (again.steps, again.best) == (said.steps, said.best)
    assert training.contents(tmp_path) == before
    best, _ = training.run_fit("maml", None)
    for name, value in best.state_dict().items():
        assert torch.equal(learner.state_dict()[name], value)


def test_resume_of_nothing_begins(tmp_path):
    _, said = training.run_fit("maml", tmp_path / "new", resume=True)
    assert said.steps == 20


def test_other_settings_are_refused_by_name(tmp_path):
    training.run_fit("maml", tmp_path, stop=5)
    before = training.contents(tmp_path)
    for change in (
        {"tasks_per_step": 3},
        {"steps": 40},
        {"clip": 1.0},
        {"seed": 7},
        {"validate_every": 5},
        {"optimiser": lambda parameters: torch.optim.SGD(parameters, lr=0.5)},
    ):
        with pytest.raises(ConfigurationError, match=next(iter(change))):
            training.run_fit("maml", tmp_path, resume=True, **change)
    with pytest.raises(ConfigurationError, match="learner"):
        training.run_fit("prototypes", tmp_path, resume=True)
    assert training.contents(tmp_path) == before


def test_another_loss_is_refused_unless_the_run_does_not_say_which_it_had(tmp_path):
    def start(loss):
        _, source = training.make("maml")
        learner = methods.maml(mlp(1, 1, [8]), inner_lr=0.02, loss=loss)
        fit(learner, source.train, steps=4, tasks_per_step=2, run=tmp_path, resume=True, mapping="loop", progress=False)

    start(losses.absolute_error)
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    assert config["settings"]["loss"] == "absolute_error"
    start(losses.absolute_error)
    with pytest.raises(ConfigurationError, match=r"loss changed \(from 'absolute_error' to None\)"):
        start(None)
    del config["settings"]["loss"]  # as earlier versions wrote it
    file.write_text(json.dumps(config))
    start(None)


def test_a_scheduler_must_be_given_again(tmp_path):
    cosine = training.SCHEDULERS["cosine"]
    for name, first, second in (("with", cosine, None), ("without", None, cosine)):
        training.run_fit("maml", tmp_path / name, stop=5, scheduler=first)
        with pytest.raises(ConfigurationError, match="scheduler changed"):
            training.run_fit("maml", tmp_path / name, resume=True, scheduler=second)


def test_a_checkpoint_of_another_scheduler_is_refused(tmp_path):
    learner, _ = training.make("maml")
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.1)
    cosine, steps = training.SCHEDULERS["cosine"](optimiser), torch.optim.lr_scheduler.StepLR(optimiser, 3)
    save_checkpoint(tmp_path / "x", learner, optimiser, cosine, Progress(step=1))
    for other in (None, steps):
        with pytest.raises(CheckpointError, match="scheduler"):
            load_checkpoint(tmp_path / "x", learner, optimiser, other)


def test_a_scheduler_that_cannot_be_saved_is_refused_at_once(tmp_path):
    class Odd(torch.optim.lr_scheduler.StepLR):
        def __init__(self, optimiser):
            super().__init__(optimiser, 1)
            self.device = torch.device("cpu")

    with pytest.raises(ConfigurationError, match="plain values"):
        training.run_fit("maml", tmp_path / "run", scheduler=Odd)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    training.run_fit("maml", tmp_path, stop=5)
    run = Run(tmp_path)
    tensors, about = load_tensors(run.last)
    name = next(name for name in tensors if name.startswith("optimiser.") and tensors[name].ndim)
    for spoiled in (
        {**tensors, name: torch.zeros(3, 3, 3)},
        {key: value for key, value in tensors.items() if "head" not in key},
        {**tensors, "learner.extra": torch.zeros(1)},
    ):
        save_tensors(run.last, spoiled, about)
        learner, source = training.make("maml")
        before = {key: value.clone() for key, value in learner.state_dict().items()}
        with pytest.raises(CheckpointError, match="another"):
            fit(
                learner, source.train, validation=source.validation, run=run, resume=True, progress=False, steps=20,
                tasks_per_step=2, validate_every=4, validation_tasks=6,
            )  # fmt: skip
        for key, value in learner.state_dict().items():
            assert torch.equal(before[key], value)


def test_what_a_kill_left_behind_is_removed(tmp_path):
    training.run_fit("maml", tmp_path, stop=5)
    (tmp_path / ".last.safetensors.0123.tmp").write_bytes(b"half")
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 5, "sec')
    training.run_fit("maml", tmp_path, resume=True)
    training.run_fit("maml", tmp_path.with_name("calm"))
    assert training.contents(tmp_path) == training.contents(tmp_path.with_name("calm"))


COMMAND = [sys.executable, "-m", "innerloop", "train", "sinusoids", "--steps", "20000", "--threads", "1"]
COMMAND += ["--validation-tasks", "10", "--validate-every", "20000", "--tasks-per-step", "2"]


def interrupted(folder, *more):
    """Starts training, sends a real Ctrl-C when it is under way."""
    process = subprocess.Popen(
        [*COMMAND, "--run", str(folder), *more],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    end = time.monotonic() + 60
    log = folder / "metrics.jsonl"
    size = log.stat().st_size if log.exists() else 0
    while time.monotonic() < end and not (log.exists() and log.stat().st_size > size):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_control_c_saves_and_says_how_to_go_on(tmp_path):
    folder = tmp_path / "run"
    code, said = interrupted(folder)
    assert code == 130
    assert "--resume" in said.splitlines()[-1]
    assert str(folder) in said.splitlines()[-1]
    assert "Traceback" not in said
    first = step(folder)
    assert first > 0
    code, said = interrupted(folder, "--resume", "--quiet")
    assert code == 130
    assert "--resume" in said
    assert step(folder) > first


def step(folder):
    return load_tensors(folder / "last.safetensors")[1]["progress"]["step"]


def test_config_of_a_run_is_whole(tmp_path):
    training.run_fit("maml", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["settings"]["seed"] == 0
    assert config["settings"]["train"]["name"] == "sinusoids"
    assert {"innerloop", "git", "python", "torch", "numpy", "threads", "command"} <= set(config["provenance"])
    assert config["mapping"]["vectorise"] is True
