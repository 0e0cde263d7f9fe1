"""Single tasks as ordinary gymnasium environments, for everything else that runs on those."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop.counter import fold
from innerloop.errors import ConfigurationError, DataError
from innerloop.rl._bandits import BanditTasks
from innerloop.rl._environments import Environments
from innerloop.rl._episodes import take
from innerloop.rl._locomotion import AntDirTasks, HalfCheetahDirTasks, HalfCheetahVelTasks
from innerloop.rl._navigation import NavigationTasks
from innerloop.rl._simulated import SimulatedEnvironments
from innerloop.rl._spaces import Discrete
from innerloop.rl._tabular import TabularTasks
from innerloop.rl._tensor_environments import TensorEnvironments, finite
from innerloop.simulators import optional

FAMILIES: dict[str, type[Any]] = {
    "Navigation": NavigationTasks,
    "Bandit": BanditTasks,
    "Tabular": TabularTasks,
    "HalfCheetahVel": HalfCheetahVelTasks,
    "HalfCheetahDir": HalfCheetahDirTasks,
    "AntDir": AntDirTasks,
}
"""By the names of their environments, `innerloop/NAME-v0`. Meta-World has environments of its own."""


def register() -> list[str]:
    """Registers `innerloop/Navigation-v0`, `Bandit`, `Tabular`, `HalfCheetahVel`, `HalfCheetahDir` and `AntDir`.

    An environment holds one task: `gymnasium.make("innerloop/Navigation-v0", split="test", task=3)`; another one with
    `env.unwrapped.set_task(4)`. Further arguments are those of the family. `reset(seed=)` decides all that is random.

    Returns:
        the ids.

    Raises:
        ConfigurationError: if gymnasium is missing.
    """
    gymnasium = optional("gymnasium", "rl")
    found = []
    for name in FAMILIES:
        found.append(f"innerloop/{name}-v0")
        if found[-1] not in gymnasium.registry:
            gymnasium.register(found[-1], entry_point="innerloop.rl._gymnasium:make", kwargs={"family": name})
    return found


def make(family: str, split: str = "train", task: int = 0, render_mode: str | None = None, **settings: Any) -> Any:
    """A gymnasium environment that holds one task of a family.

    Args:
        family: a name in `FAMILIES`.
        split: "train", "validation" or "test".
        task: its number.
        render_mode: None: nothing is drawn.
        **settings: further arguments of the family.

    Raises:
        ConfigurationError: for settings that cannot be, or if a package is missing.
    """
    if render_mode is not None:
        raise ConfigurationError(f"Nothing is drawn here: render_mode must be None; got {render_mode!r}.")
    base = optional("gymnasium", "rl").Env
    return type("TaskEnvironment", (TaskEnvironment, base), {})(FAMILIES[family](split=split, **settings), task)


class TaskEnvironment:
    """One task of a family; gymnasium's `Env` is added to it by `make`.

    Args:
        family: one split.
        task: the number of the task.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  # gymnasium wants a dict here
    render_mode: str | None = None

    def __init__(self, family: Environments, task: int):
        spaces = optional("gymnasium", "rl").spaces
        self.family = family
        self.observation_space = spaces.Box(-np.inf, np.inf, (family.observation,), np.float32)
        action = family.action
        self.action_space = (
            spaces.Discrete(action.size) if isinstance(action, Discrete)
            else spaces.Box(action.low, action.high, (action.size,), np.float32)
        )  # fmt: skip
        self._dtype = torch.int64 if isinstance(action, Discrete) else torch.float32
        self._inside: Any = None
        self.set_task(task)

    def set_task(self, task: int) -> None:
        """Another task, from the next `reset` on.

        Raises:
            ConfigurationError: if the split has no such task.
        """
        self.family.demand(task + 1)
        self.task = task
        if isinstance(self.family, SimulatedEnvironments) and self._inside is None:
            self._inside = self.family.make(task)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode: the first observation and no further information."""
        base: Any = super()
        base.reset(seed=seed)
        drawn = int(self.np_random.integers(2**31))  # type: ignore[attr-defined]  # gymnasium's, from the seed
        self._time = 0
        if isinstance(self.family, SimulatedEnvironments):
            return _plain(torch.as_tensor(self.family.begin(self._inside, self.task, drawn))), {}
        assert isinstance(self.family, TensorEnvironments)
        self._keys = fold(drawn, torch.zeros(1, 1, dtype=torch.int64))
        self._state, seen = self.family.reset(torch.tensor([self.task]), self._keys)
        return _plain(seen), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step, as training takes it: observation, reward, whether the episode is over or cut, and more.

        Args:
            action: a choice, or numbers; those beyond the bounds are cut to them, as draws of a Gaussian have to be.

        Raises:
            DataError: if there is no such choice, a number is not finite, or observation or reward is not.
        """
        self._demand(action)
        if isinstance(self.family, SimulatedEnvironments):
            seen, reward, over, cut, info = take(self.family, self._inside, self.task, action)
            seen = torch.as_tensor(seen)
        else:
            assert isinstance(self.family, TensorEnvironments)
            taken = torch.as_tensor(np.asarray(action), dtype=self._dtype)[None, None]
            after = self.family.step(self._state, taken, self._keys, self._time)
            if not bool(finite(after)):
                raise DataError(f"The environment of task {self.task} gives NaN at step {self._time}. Mend it.")
            self._state, seen, info = after.state, after.observation, {}
            reward, over, cut = float(after.reward), bool(after.done), False
        self._time += 1
        return _plain(seen), reward, over, cut or self._time >= self.family.horizon, info

    def _demand(self, action: Any) -> None:
        """Refuses what no environment can do; simulators answer it with NaN, or take another choice for it."""
        space, given = self.family.action, np.asarray(action)
        if isinstance(space, Discrete):
            fits = given.shape == () and given.dtype.kind in "iu" and bool(0 <= given < space.size)
            wanted = f"a whole number from 0 to {space.size - 1}"
        else:
            fits = given.shape == (space.size,) and given.dtype.kind in "iuf" and bool(np.isfinite(given).all())
            wanted = f"{space.size} finite numbers (beyond {space.low:g} and {space.high:g} they are cut)"
        if not fits:
            raise DataError(f"An action of task {self.task} is {wanted}; got {given.tolist()} at step {self._time}.")

    def close(self) -> None:
        """Closes the simulator, if there is one."""
        if self._inside is not None:
            self._inside.close()


def _plain(observation: Tensor) -> Any:
    return observation.flatten().numpy().astype(np.float32)
