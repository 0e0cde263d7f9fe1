"""Two processes do what one does: the same meta-gradient, the same training, one set of files, one end."""

import json

import numpy as np
import pytest

from helpers import ranks, training
from innerloop.outer import Run


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


@pytest.mark.parametrize("method", ranks.METHODS)
def test_a_learner_in_ddp_needs_no_help(pair, method):
    expected = ranks.meta_gradient(method, 4)
    for found in pair(ranks.wrapped, method):
        assert_close(found, {name: expected[name] for name in found}, 1e-12)


def test_nothing_is_left_on_the_learner(pair):
    found = pair(ranks.then_alone, "maml")
    assert_close(found[0], found[1], 0)


@pytest.mark.parametrize("method", training.METHODS)
def test_training_by_two_is_training_by_one(pair, method, tmp_path):
    # the optimiser divides by nothing: differences stay as small as they begin
    settings = {"tasks_per_step": 3, "steps": 12}
    expected, said = ranks.train(method, tmp_path / "one", **settings)
    for found, also in pair(_train, method, tmp_path / "two", settings):
        assert_close(found, expected, 2e-6)
        assert also == pytest.approx(said, rel=1e-5)
    one, two = Run(tmp_path / "one" / "0"), Run(tmp_path / "two" / "0")
    for line, other in zip(one.metrics(), two.metrics(), strict=True):
        assert other == pytest.approx({**line, "seconds": other["seconds"]}, rel=1e-4)
    assert (one.config()["processes"], two.config()["processes"]) == (1, 2)


def _train(method, folder, settings):
    return ranks.train(method, folder, **settings)


def test_patience_ends_both(pair):
    settings = {"optimiser": _large_steps, "patience": 3, "validate_every": 2}
    expected, said = ranks.train("maml", **settings)
    assert said["steps"] < 20, "the test needs a run that stops early"
    for found, also in pair(_train, "maml", None, settings):
        assert also == pytest.approx(said, rel=1e-4)
        assert_close(found, expected, 1e-5)


def _large_steps(parameters):
    return training.torch.optim.SGD(parameters, lr=0.3)


def test_only_rank_0_writes(pair, tmp_path):
    pair(_train, "maml", tmp_path, {"steps": 4})
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [
        "best.safetensors", "config.json", "last.safetensors", "metrics.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2), (2, 2)])
def test_resumed_by_another_number_of_processes(pair, first, second, tmp_path):
    def run(processes, folder, settings):
        return (
            pair(_train, "prototypes", folder, settings) if processes == 2 else [_train("prototypes", folder, settings)]
        )

    run(first, tmp_path / "stopped", {"stop": 9})
    assert Run(tmp_path / "stopped" / "0").metrics()[-1]["step"] == 9
    again = run(second, tmp_path / "stopped", {"resume": True})
    [(expected, said), *_] = run(first, tmp_path / "calm", {})
    for found, also in again:
        assert_close(found, expected, 0 if first == second else 2e-6)
        assert also == pytest.approx(said, rel=1e-5)


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
    found = pair(_train, "maml", tmp_path, {"steps": 2})
    assert [name for name, _ in found] == ["InnerloopError", "InnerloopError"]
    assert found[1][1].startswith("Rank 0: Could not write")


@pytest.mark.parametrize("rank", [0, 1])
def test_control_c_on_one_rank_stops_both_and_saves(pair, rank, tmp_path):
    found = pair(ranks.disturbed, ranks.interrupt, 4 * 5 + rank, rank, tmp_path)
    assert found == [(6, True), (6, True)]  # the step is finished
    assert Run(tmp_path / "0").last.exists()
    assert json.loads((tmp_path / "0" / "config.json").read_text())["processes"] == 2
