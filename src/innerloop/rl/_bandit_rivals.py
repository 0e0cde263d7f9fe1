"""What one would do with a bandit without meta-learning: rules that are known to be good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from innerloop.counter import fold, seed_of, uniform
from innerloop.rl._bandits import BanditTasks
from innerloop.rl._course import Round, Sampling, When
from innerloop.rl._distributions import CategoricalActions
from innerloop.rl._environments import episode_keys
from innerloop.rl._trajectories import Trajectories


class BanditRule(ABC):
    """A rule for choosing arms by what they have paid; it starts anew in each episode.

    Judge it by `evaluate_policy(rule, bandits.test, rounds=0)`.
    """

    name: str

    @abstractmethod
    def choose(self, pulled: Tensor, paid: Tensor, time: int, keys: Tensor) -> Tensor:
        """The next arms.

        Args:
            pulled: `(T, E, arms)` how often each arm has been pulled.
            paid: `(T, E, arms)` what it has paid in all.
            time: pulls so far.
            keys: `(T, E)` of the episodes, for draws.

        Returns:
            `(T, E)` int64.
        """

    @torch.no_grad()
    def course(
        self, environments: BanditTasks, indices: Tensor, when: When, rounds: int, sampling: Sampling
    ) -> Iterator[Round]:
        """Episodes; nothing is carried from round to round."""
        for number in range(rounds + 1):
            keys = episode_keys(*when, number, indices, sampling.episodes)
            yield Round(self._play(environments, indices, keys), None)

    def _play(self, bandits: BanditTasks, indices: Tensor, keys: Tensor) -> Trajectories:
        own = fold(keys, 1)
        state, seen = bandits.reset(indices, own)
        pulled, paid = torch.zeros(2, *keys.shape, bandits.arms)
        arms, rewards = [], []
        for time in range(bandits.horizon):
            arm = self.choose(pulled, paid, time, fold(keys, 0))
            after = bandits.step(state, arm, own, time)
            pulled = pulled.scatter_add(-1, arm[..., None], torch.ones_like(after.reward)[..., None])
            paid = paid.scatter_add(-1, arm[..., None], after.reward[..., None])
            arms.append(arm)
            rewards.append(after.reward)
        action, reward = torch.stack(arms, -1), torch.stack(rewards, -1)
        nothing = torch.zeros(*reward.shape, bandits.arms)
        mask = torch.ones_like(reward, dtype=torch.bool)
        observation = seen[:, :, None].expand(*reward.shape, 1)
        return Trajectories(
            observation, action, reward, torch.zeros_like(reward), CategoricalActions(nothing), mask, indices
        )


class RandomArm(BanditRule):
    """Any arm, whatever it has paid."""

    name = "random arm"

    def choose(self, pulled: Tensor, paid: Tensor, time: int, keys: Tensor) -> Tensor:
        """Uniform."""
        return (uniform(keys, time) * pulled.shape[-1]).long()


class UCB1(BanditRule):
    """Each arm once, then the largest `mean_k + sqrt(2 log t / n_k)`.

    Args:
        width: factor in front of the root. The published one is 1; over few pulls a smaller one earns more.

    Source: Auer, Cesa-Bianchi and Fischer 2002, "Finite-time analysis of the multiarmed bandit problem", figure 1.
    """

    def __init__(self, width: float = 1.0):
        self.width = width
        self.name = "UCB1" if width == 1 else f"UCB1, width {width:g}"

    def choose(self, pulled: Tensor, paid: Tensor, time: int, keys: Tensor) -> Tensor:
        """The largest upper bound; ties go to the first arm."""
        count = pulled.clamp(min=1)
        bound = paid / count + self.width * (2 * torch.log(torch.tensor(max(time, 1.0))) / count).sqrt()
        return torch.where(pulled == 0, torch.inf, bound).argmax(-1)


class Thompson(BanditRule):
    """The arm with the largest draw from its posterior `Beta(1 + paid, 1 + not paid)`.

    Source: Thompson 1933, "On the likelihood that one unknown probability exceeds another".
    """

    name = "Thompson sampling"

    def choose(self, pulled: Tensor, paid: Tensor, time: int, keys: Tensor) -> Tensor:
        """A draw for each arm; they depend on the keys of the whole batch, whose order therefore counts."""
        with torch.random.fork_rng([]):
            torch.manual_seed(seed_of(int(fold(keys.sum(), time))))
            return torch.distributions.Beta(1 + paid, 1 + pulled - paid).sample().argmax(-1)
