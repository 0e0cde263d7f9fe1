"""Why starts vary: where they do not, a demonstration that is replayed blindly solves the task."""

import pytest

from innerloop.control import REPLAY_SOLVES, Demonstrations, Replay, evaluate_control

TWENTY = {"goals": (1, 1, 20), "demonstrations": 2}


@pytest.mark.apps
@pytest.mark.parametrize("task", ["reach", "push"])
def test_replay_solves_the_unmodified_task_and_not_ours(task):
    assert REPLAY_SOLVES == 0.45
    plain = Demonstrations(task, **TWENTY, noise=0.0, vary_start=False)
    assert evaluate_control(Replay(), plain.test, rollouts=1).mean > 0.9
    # with the noise that the demonstrations have by default, and with none that could be to blame
    for more in ({}, {"noise": 0.0}):
        ours = Demonstrations(task, **TWENTY, **more)
        assert evaluate_control(Replay(), ours.test, rollouts=2).mean < REPLAY_SOLVES
