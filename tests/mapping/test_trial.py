"""A trial decides, leaves no trace, and says what it measured."""

import time

import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from helpers.learners import make
from innerloop.errors import DataError
from innerloop.mapping import Mapping
from innerloop.mapping._choose import CHUNK
from innerloop.mapping._trial import settle
from innerloop.task import take

EAGER = Mapping(vectorise=True, reason="the rule")


def trial(milliseconds, rule=EAGER, asked=None, tasks=None, steps=10_000, **limits):
    """The outcome where a mapping takes the given time for a task, and raises what is no number."""
    tried = []

    def attempt(mapping, tasks, seconds):
        tried.append(str(mapping))
        cost = milliseconds.get(str(mapping), 5.0)
        if not isinstance(cost, float):
            raise cost
        time.sleep(cost * len(tasks.index) / 1000)

    tasks = problems.batch() if tasks is None else tasks
    found = settle(rule, asked, attempt, lambda m: m, tasks, nn.Identity(), steps=steps, **limits)
    return found, list(dict.fromkeys(tried))


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ({"vmap": 1.0}, "vmap"),
        ({"loop": 1.0}, "loop"),
        ({"vmap": 4.0, "captured vmap": 1.0}, "captured vmap"),
        ({"loop": 4.0, "captured loop": 1.0}, "captured loop"),
        ({"vmap": 1.0, "captured vmap": 0.97}, "vmap"),  # too little to tell
        ({"vmap": RuntimeError("vmap: data-dependent control flow")}, "loop"),
        ({"vmap": 1.0, "captured vmap": RuntimeError("no")}, "vmap"),
    ],
)
def test_the_fastest_wins(milliseconds, expected):
    found, _ = trial(milliseconds)
    assert str(found) == expected
    assert f"{expected} " in found.reason
    assert found.threads == torch.get_num_threads()


def test_what_is_hopeless_is_not_captured():
    assert "captured loop" not in trial({"vmap": 1.0, "loop": 20.0})[1]
    assert "captured loop" in trial({"vmap": 4.0, "loop": 5.0})[1]


def test_chunks_are_tried_where_there_are_many_tasks():
    many = take(problems.batch(sizes=((3, 3),) * (2 * CHUNK + 1)), slice(0, None))
    found, _ = trial({f"vmap in chunks of {CHUNK}": 0.1, f"captured vmap in chunks of {CHUNK}": 0.3}, tasks=many)
    assert str(found) == f"vmap in chunks of {CHUNK}"


def test_large_convolutions_are_not_vectorised():
    _, tried = trial({}, rule=Mapping(vectorise=False, reason="large"))
    assert tried == ["loop", "captured loop"]


def test_channels_last_is_tried_with_pictures():
    tasks, alone = problems.pictures(), Mapping(vectorise=False, reason="large")
    found, tried = trial({"loop, channels last": 1.0}, tasks=tasks, rule=alone)
    assert str(found) == "loop, channels last"
    assert tried == ["loop", "loop, channels last", "captured loop, channels last"]
    assert "loop, channels last" not in trial({})[1]


def test_a_short_training_gets_a_short_trial():
    found, tried = trial({"vmap": 5.0, "loop": 1.0}, steps=2)
    assert (str(found), tried) == ("vmap", ["vmap"])


def test_the_most_tasks_in_flight():
    found, tried = trial({"vmap in chunks of 2": 1.0}, chunk=2)
    assert found.chunk == 2
    assert "vmap" not in tried


def test_what_was_asked_for_is_not_timed():
    found, tried = trial({}, asked=Mapping.named("loop"))
    assert (str(found), found.reason, tried) == ("loop", "asked for", ["loop"])


def test_what_was_asked_for_and_is_not_possible_is_replaced():
    impossible = {"captured vmap": RuntimeError("no"), "vmap": RuntimeError("saved tensor hooks")}
    found, _ = trial(impossible, asked=Mapping.named("captured"))
    assert str(found) == "loop"
    assert "captured vmap is not possible: RuntimeError: no; vmap is not possible: activation" in found.reason


def test_errors_of_the_data_are_raised():
    with pytest.raises(DataError, match="mine"):
        trial({"vmap": DataError("mine")})
    with pytest.raises(ValueError, match="theirs"):
        trial(dict.fromkeys(("vmap", "loop"), ValueError("theirs")))


@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_a_learner_is_not_changed(method):
    learner = make(method, problems.normed(None if method == "prototypes" else 3), "running")
    learner.eval()
    before, generator = snapshot(learner), torch.get_rng_state()
    mapping = learner.settle_mapping(problems.batch())
    assert "measured, ms a task: vmap " in mapping.reason
    assert Mapping(**mapping.to_json()) == mapping
    assert learner.mapping is None
    assert not learner.training
    assert torch.equal(torch.get_rng_state(), generator)
    for name, value in learner.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.grad is None for p in learner.parameters())
