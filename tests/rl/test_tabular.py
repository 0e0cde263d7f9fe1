"""Random processes are processes, and their exact values what playing them gives."""

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.rl import CategoricalActions, Tabular, collect, episode_keys

TASKS = torch.arange(6)
FAMILY = Tabular(states=4, actions=3, horizon=5)


def test_transitions_are_probabilities_and_rewards_lie_around_one():
    moves, reward = FAMILY.train.dynamics(torch.arange(400))
    assert torch.allclose(moves.sum(-1), torch.ones(400, 4, 3), atol=1e-5)
    assert (moves >= 0).all()
    # a coordinate of the flat Dirichlet distribution on 4 places has mean 1/4 and variance 3/80
    assert moves.mean().item() == pytest.approx(1 / 4, abs=1e-4)
    assert moves.var().item() == pytest.approx(3 / 80, rel=0.05)
    assert reward.mean().item() == pytest.approx(1, abs=0.05)
    assert reward.std().item() == pytest.approx(1, abs=0.05)


def test_playing_at_random_earns_the_still_return():
    keys = episode_keys(0, 0, 0, TASKS, 4_000)
    found = collect(lambda seen: CategoricalActions(torch.zeros(*seen.shape[:2], 3)), FAMILY.train, TASKS, keys)
    assert torch.allclose(found.returns.mean(1), FAMILY.train.still(TASKS), atol=0.2)
    assert (found.observation[:, :, 0, 0] == 1).all()
    assert (found.observation.sum(-1) == 1).all()


def test_the_oracle_is_the_best_of_all_plans():
    moves, reward = FAMILY.train.dynamics(TASKS)
    value = torch.zeros(6, 4)
    best = []
    for _ in range(5):
        q = reward + torch.einsum("tsan,tn->tsa", moves, value)
        best.insert(0, q.argmax(-1))
        value = q.amax(-1)
    assert torch.allclose(FAMILY.train.oracle(TASKS), value[:, 0], atol=1e-4)
    assert (FAMILY.train.oracle(TASKS) > FAMILY.train.still(TASKS)).all()

    class Plan:
        time = 0

        def __call__(self, seen):
            arm = best[self.time].gather(1, seen.argmax(-1))
            self.time += 1
            return CategoricalActions(torch.full((*arm.shape, 3), -torch.inf).scatter(-1, arm[..., None], 0.0))

    found = collect(Plan(), FAMILY.train, TASKS, episode_keys(0, 0, 0, TASKS, 4_000))
    assert torch.allclose(found.returns.mean(1), FAMILY.train.oracle(TASKS), atol=0.2)


def test_the_splits_have_no_process_in_common():
    found = [set(split.still(torch.arange(100)).tolist()) for split in (FAMILY.train, FAMILY.validation, FAMILY.test)]
    assert not (found[0] & found[1] | found[0] & found[2] | found[1] & found[2])


@pytest.mark.parametrize("wrong", [{"states": 1}, {"actions": 1}, {"horizon": 0}])
def test_a_process_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="at least 2 states"):
        Tabular(**wrong)
