"""Generalised advantages against a loop in plain Python, and a baseline that sees no padding."""

import numpy as np
import pytest
import torch

from innerloop.rl import NormalActions, Trajectories, advantages, baseline


def episodes(lengths=((5, 3), (4, 5)), horizon=5, seed=0):
    """Random episodes of given lengths, zero after their ends."""
    torch.manual_seed(seed)
    mask = torch.arange(horizon) < torch.tensor(lengths)[..., None]
    shape = mask.shape
    seen, reward = torch.randn(*shape, 2) * mask[..., None], torch.randn(shape) * mask
    policy = NormalActions(torch.zeros(*shape, 1), torch.zeros(*shape, 1))
    return Trajectories(seen, torch.zeros(*shape, 1), reward, torch.zeros(shape), policy, mask, torch.arange(len(mask)))


def by_hand(found, discount, trace):
    value = baseline(found, discount).numpy()
    out = []
    for task in range(len(found.mask)):
        raw = np.zeros(found.mask.shape[1:])
        for episode, length in enumerate(found.mask[task].sum(-1).tolist()):
            for t in range(length):
                for k in range(length - t):
                    here = value[task, episode, t + k]
                    following = value[task, episode, t + k + 1] if t + k + 1 < length else 0.0
                    delta = float(found.reward[task, episode, t + k]) + discount * following - here
                    raw[episode, t] += (discount * trace) ** k * delta
        valid = found.mask[task].numpy()
        out.append(np.where(valid, (raw - raw[valid].mean()) / raw[valid].std(), 0))
    return np.stack(out)


@pytest.mark.parametrize(("discount", "trace"), [(0.99, 1.0), (0.9, 0.7), (1.0, 0.0)])
def test_against_the_sum_written_out(discount, trace):
    found = episodes()
    assert advantages(found, discount, trace).numpy() == pytest.approx(by_hand(found, discount, trace), abs=1e-4)


def test_a_baseline_predicts_what_is_linear_in_its_features():
    found = episodes(((5, 5, 5),))
    time = torch.arange(5.0).expand(found.mask.shape)
    value = 3 * found.observation[..., 0] - found.observation[..., 1] ** 2 + 0.5 * time + 1
    reward = value.clone()
    reward[..., :-1] -= value[..., 1:]  # undiscounted, so that the return is the value
    found = Trajectories(**{**vars(found), "reward": reward})
    assert baseline(found, 1.0).numpy() == pytest.approx(value.double().numpy(), abs=1e-2)


def test_each_task_has_a_baseline_of_its_own():
    both, other = episodes(), episodes(seed=1)
    names = ("observation", "reward", "mask")
    fields = {name: torch.stack([getattr(both, name)[0], getattr(other, name)[1]]) for name in names}
    mixed = Trajectories(**{**vars(both), **fields})
    assert torch.equal(advantages(mixed)[0], advantages(both)[0])


def test_a_longer_padding_changes_nothing():
    short = episodes()

    def longer(leaf):
        return torch.cat([leaf, leaf.new_zeros(*leaf.shape[:2], 3, *leaf.shape[3:])], 2)

    names = ("observation", "action", "reward", "log_prob", "mask")
    fields = {name: longer(getattr(short, name)) for name in names}
    fields["policy"] = NormalActions(*map(longer, short.policy))
    found = advantages(Trajectories(**fields, index=short.index))
    assert torch.allclose(found[:, :, :5], advantages(short), atol=1e-6)
    assert found[:, :, 5:].abs().max() == 0


def test_mean_zero_and_deviation_one_over_valid_steps():
    found = episodes()
    each = advantages(found)
    for task in range(2):
        valid = each[task][found.mask[task]]
        assert float(valid.mean()) == pytest.approx(0, abs=1e-6)
        assert float(valid.std(correction=0)) == pytest.approx(1, abs=1e-5)
