"""Two processes do what one does: the same meta-gradient, the same training, one set of files, one end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import elastic, ranks, training
from innerloop.files import load_tensors
from innerloop.outer import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    both = ranks.Ranks(tmp_path_factory.mktemp("pair"))
    yield both
    both.close()


def assert_close(found, expected, atol):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("count", [4, 5, 1], ids=["even", "uneven", "a rank without a task"])
@pytest.mark.parametrize("method", ranks.METHODS)
def test_two_processes_have_the_meta_gradient_of_one(pair, method, count):
    expected = ranks.meta_gradient(method, count)
    for found in pair(ranks.meta_gradient, method, count):
        assert_close(found, expected, 1e-12)  # buffers too: running averages are weighted by tasks
    by_hand = pair(ranks.by_hand, method, count)
    for found in by_hand:
        assert_close(found, {name: expected[name] for name in found}, 1e-12)


@pytest.mark.slow
def test_three_processes_have_the_meta_gradient_of_one(tmp_path):
    three = ranks.Ranks(tmp_path, 3)
    for method, count in (("maml", 5), ("reptile", 4), ("prototypes", 2), ("prototypes", 1)):
        expected = ranks.meta_gradient(method, count)
        for found in three(ranks.meta_gradient, method, count):
            assert_close(found, expected, 1e-12)
    three.close()


@pytest.mark.parametrize("method", ranks.METHODS)
def test_a_learner_in_ddp_needs_no_help(pair, method):
    expected = ranks.meta_gradient(method, 4)
    for found in pair(ranks.wrapped, method):
        assert_close(found, {name: expected[name] for name in found}, 1e-12)


def test_nothing_is_left_on_the_learner(pair):
    found = pair(ranks.then_alone, "maml")
    assert_close(found[0], found[1], 0)


def assert_alike(found, expected):
    """Numbers within rounding, all else equal."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value), name


def sgd(parameters):
    # Adam would turn the rounding of a gradient that is zero, as that of a bias before a norm layer, into full steps
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9)


def large_steps(parameters):
    return torch.optim.SGD(parameters, lr=0.3)


def train(method, folder, settings):
    return ranks.train(method, folder, **settings)


@pytest.mark.parametrize("method", training.METHODS)
def test_training_by_two_is_training_by_one(pair, method, tmp_path):
    settings = {"tasks_per_step": 3, "steps": 12, "optimiser": sgd}
    expected, said = ranks.train(method, tmp_path / "one", **settings)
    for found, also in pair(train, method, tmp_path / "two", settings):
        assert_close(found, expected, 2e-6)
        assert_alike(also, said)
    one, two = Run(tmp_path / "one" / "0"), Run(tmp_path / "two" / "0")
    for line, other in zip(one.metrics(), two.metrics(), strict=True):
        assert_alike(other, {**line, "seconds": other["seconds"]})
    assert (one.config()["processes"], two.config()["processes"]) == (1, 2)


def test_validation_has_the_bits_of_one_process(pair):
    # more tasks than one rank takes at a time, and weights that never change
    settings = {"steps": 1, "validation_tasks": 120, "optimiser": no_steps}
    _, said = ranks.train("maml", None, **settings)
    assert [also for _, also in pair(train, "maml", None, settings)] == [said, said]


def no_steps(parameters):
    return torch.optim.SGD(parameters, lr=0.0)


def test_patience_ends_both(pair):
    settings = {"optimiser": large_steps, "patience": 3, "validate_every": 2}
    expected, said = ranks.train("maml", **settings)
    assert said["steps"] < 20, "the test needs a run that stops early"
    for found, also in pair(train, "maml", None, settings):
        assert_alike(also, said)
        assert_close(found, expected, 1e-5)


def test_only_rank_0_writes(pair, tmp_path):
    pair(train, "maml", tmp_path, {"steps": 4})
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [
        "best.safetensors", "config.json", "last.safetensors", "metrics.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2), (2, 2)])
def test_resumed_by_another_number_of_processes(pair, first, second, tmp_path):
    def run(processes, folder, **more):
        arguments = "prototypes", folder, {"optimiser": sgd, "validate_every": 99, **more}
        return pair(train, *arguments) if processes == 2 else [train(*arguments)]

    run(first, tmp_path / "stopped", stop=9)
    assert load_tensors(Run(tmp_path / "stopped" / "0").last)[1]["progress"]["step"] == 9
    again = run(second, tmp_path / "stopped", resume=True)
    [(expected, said), *_] = run(first, tmp_path / "calm")
    for found, also in again:
        assert_close(found, expected, 0 if first == second else 2e-6)
        assert_alike(also, said)


@pytest.mark.parametrize(
    ("what", "step", "rank", "own", "other"),
    [
        (ranks.fail, 3, 1, ("PowerCutError", "no power"), ("TrainingError", "Rank 1 stopped: PowerCutError: no power")),
        (ranks.fail, 0, 0, ("PowerCutError", "no power"), ("TrainingError", "Rank 0 stopped: PowerCutError: no power")),
        (ranks.spoil, 0, 1, ("DataError", "The support set of task 1 holds NaN"), ("DataError", "Rank 1: The support")),
        (ranks.spoil, 2, 1, ("DataError", "The support set of task 9 holds NaN"), ("DataError", "Rank 1: The support")),
        (ranks.explode, 2, 1, ("TrainingError", "The loss became"), ("TrainingError", "The loss became")),
    ],
    ids=["a bug", "a bug at the start", "bad data at the start", "bad data", "a loss that is not finite"],
)
def test_an_error_of_one_rank_ends_both(pair, what, step, rank, own, other, tmp_path):
    found = pair(ranks.disturbed, what, 4 * step + rank, rank)
    for (kind, message), (name, text) in zip((found[rank], found[1 - rank]), (own, other), strict=True):
        assert kind == name
        assert message.startswith(text)


def test_a_full_disk_ends_both(pair, tmp_path):
    (tmp_path / "0").write_text("a file where the folder should be")
    found = pair(train, "maml", tmp_path, {"steps": 2})
    assert [name for name, _ in found] == ["InnerloopError", "InnerloopError"]
    assert found[1][1].startswith("Rank 0: Could not write")


@pytest.mark.parametrize("rank", [0, 1])
def test_control_c_on_one_rank_stops_both_and_saves(pair, rank, tmp_path):
    found = pair(ranks.disturbed, ranks.interrupt, 4 * 5 + rank, rank, tmp_path)
    assert found == [(6, True), (6, True)]  # the step is finished
    assert Run(tmp_path / "0").last.exists()
    assert json.loads((tmp_path / "0" / "config.json").read_text())["processes"] == 2


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SURROUNDINGS = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}",
}


def torchrun(*arguments):
    """Two processes of torchrun; exit code and what was printed."""
    done = subprocess.run([*TORCHRUN, *arguments], env=SURROUNDINGS, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_a_killed_rank_is_started_again_and_goes_on(pair, tmp_path):
    code, said = torchrun("--max-restarts", "1", elastic.__file__, str(tmp_path / "killed"))
    assert code == 0, said
    assert "exitcode: -9" in said, "the test needs a rank that was killed"
    assert "Lost contact with another process" in said
    if sys.platform == "linux":  # a thread of gloo's that is left over can abort a process that has finished
        ends = [line for line in said.splitlines() if "threads at the end:" in line]
        assert ends, said
        assert "gloo" not in ends[-1]
    [expected, _] = pair(elastic.main, tmp_path / "calm", keep)
    found, _ = load_tensors(Run(tmp_path / "killed").last)
    for name, value in expected.items():
        assert np.array_equal(found[f"learner.{name}"].numpy(), value), name


def keep(tasks):
    return tasks


COMMAND = [
    "-m",
    "--",
    "innerloop",
    "train",
    "sinusoids",
    "--steps",
    "6",
    "--tasks-per-step",
    "3",
    "--validation-tasks",
    "60",
]
COMMAND += ["--test-tasks", "20", "--threads", "1"]


@pytest.mark.slow
def test_the_command_under_torchrun(tmp_path):
    two, one = tmp_path / "two", tmp_path / "one"
    code, said = torchrun(*COMMAND, "--run", str(two))
    assert code == 0, said
    assert said.count("mapping vmap") == 1, "only rank 0 speaks"
    alone = [sys.executable, "-m", *COMMAND[2:], "--run", str(one)]
    subprocess.run(alone, check=True, capture_output=True)
    assert sorted(path.name for path in two.iterdir()) == sorted(path.name for path in one.iterdir())
    found, expected = (load_tensors(Run(folder).best)[0] for folder in (two, one))
    assert_close({k: v.numpy() for k, v in found.items()}, {k: v.numpy() for k, v in expected.items()}, 1e-5)


@pytest.mark.slow
def test_the_command_says_an_error_once(tmp_path):
    code, said = torchrun(*COMMAND, "--run", str(tmp_path / "run"), "--inner-lr", "1e30")
    assert code != 0
    assert said.count("innerloop: The loss became") == 1, said
    assert 'Traceback (most recent call last):\n  File "' + str(ROOT) not in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_torchrun_saves(number, tmp_path):
    run = Run(tmp_path / "run")
    command = [*TORCHRUN, *COMMAND, "--run", str(run.folder), "--steps", "100000", "--validate-every", "100000"]
    with open(tmp_path / "said", "w") as file:
        process = subprocess.Popen(command, env=SURROUNDINGS, stdout=file, stderr=file)
    end = time.monotonic() + 120
    while time.monotonic() < end and not run.metrics():
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(timeout=60) != 0
    said = (tmp_path / "said").read_text()
    assert "innerloop: stopped; the same command with --resume goes on" in said, said
    assert load_tensors(run.last)[1]["progress"]["step"] > 0
