"""A manipulation task of Meta-World whose goal is hidden, and whose every episode starts elsewhere.

Meta-World itself draws from numpy's global generator, ignores `reset(seed=)`, and gives a task one initial state: a
demonstration of it, replayed blindly, solves that task again. Here every draw comes from a generator that is named by
whole numbers, and the start of an episode is drawn anew.
"""

from __future__ import annotations

import hashlib
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import ConfigurationError, DataError, closest
from innerloop.simulators import optional

Array = NDArray[np.float64]

OBSERVED = ("hand x", "hand y", "hand z", "gripper", "object x", "object y", "object z")
"""What the policy sees, in metres (the gripper: from 0, closed, to 1, open). The goal is not among it."""

ACTIONS = ("move x", "move y", "move z", "close the gripper")
"""What the policy does, each from -1 to 1; 1 moves the hand by a centimetre a step."""

HORIZON = 500
"""Most steps of an episode, Meta-World's own."""

_MOVES = 15
"""Most random steps of the hand before an episode begins."""

_APART = 0.01
"""Metres within which goals count as one; success is a matter of some centimetres."""

_DRAWS = 1_000
"""Draws of an object's place after which a goal counts as one that no place fits."""


class Manipulation:
    """One robot arm at one kind of task; `begin` names the goal and the start of an episode.

    Args:
        task: a name of Meta-World without its "-v3": "reach", "push", "pick-place", "door-open", ...
        vary_start: draw the object's place and up to 15 random moves of the hand anew in every episode; False: as
            Meta-World has it, one start for each goal.
        size: pixels of a frame; None: there is nothing to be seen, and no renderer is needed.

    Raises:
        ConfigurationError: if there is no such task, its goal is always the same, or Meta-World is not installed.
    """

    def __init__(self, task: str, *, vary_start: bool = True, size: int | None = None):
        self.task, self.vary_start = short_name(task), vary_start
        known = optional("metaworld.env_dict", "control")
        name = f"{self.task}-v3"
        if name not in known.ALL_V3_ENVIRONMENTS:
            names = [each.removesuffix("-v3") for each in known.ALL_V3_ENVIRONMENTS]
            raise ConfigurationError(
                f"Meta-World has no task {task!r}.{closest(self.task, names)} There are {', '.join(sorted(names))}."
            )
        shown: dict[str, Any] = {}
        if size is not None:
            shown = {"render_mode": "rgb_array", "camera_name": "corner2", "width": size, "height": size}
        self._env: Any = known.ALL_V3_ENVIRONMENTS[name](**shown)
        chosen = known.ML1_ARGS_KWARGS[name]["kwargs"]
        self._env._set_task_inner(**{key: value for key, value in chosen.items() if key != "task_id"})
        self._env._set_task_called = True
        self._env._partially_observable = True  # zeros stand where the goal would
        self._env._get_state_rand_vec = self._draw
        self._expert: Any = optional("metaworld.policies", "control").ENV_POLICY_MAP[name]()
        space = self._env._random_reset_space
        self._low, self._high = np.array(space.low), np.array(space.high)
        # (object, goal) where a class has both; else the one thing that is placed, which is the goal
        self._object = 3 if len(self._low) == 6 else 0
        if float(np.max((self._high - self._low)[self._object :])) < _APART:
            raise ConfigurationError(f"{self.task!r} has one goal only: there is nothing to learn from demonstrations.")
        self._goal: Array | None = None
        self._random = np.random.default_rng(0)
        self._full = self._placed = np.zeros(0)
        self._draws = 0

    @property
    def hides_its_goal(self) -> bool:
        """Whether the goal is a place of its own; else it is where the object is, which the policy sees."""
        return self._object > 0

    def draw_goal(self, *key: int) -> Array:
        """A goal that fits some place of the object, the same one for the same key."""
        self._random, self._goal = generator(self.task, "goal", *key), None
        self._reset()
        return self._placed[self._object :].copy()

    def begin(self, goal: Array, *key: int) -> Array:
        """Starts an episode.

        Args:
            goal: what `draw_goal` gave.
            key: whole numbers that name the episode; the same goal and key give the same episode.

        Returns:
            the first observation, `(7,)`, see `OBSERVED`.

        Raises:
            ConfigurationError: if the object cannot be placed for such a goal.
        """
        self._goal = np.asarray(goal, dtype=np.float64)
        place = [int.from_bytes(hashlib.sha256(self._goal.tobytes()).digest()[:8], "big")]
        self._random = generator(self.task, "start", *(key if self.vary_start else place))
        self._full = self._reset()
        if self.vary_start:
            self._move_about()
        self._env.curr_path_length = 0
        self._expert = type(self._expert)()  # some experts count their steps
        return self._seen()

    def step(self, action: Array) -> tuple[Array, bool]:
        """Moves the arm, and says what is seen then and whether the goal is reached.

        Args:
            action: four numbers, see `ACTIONS`; what is beyond -1 or 1 is cut to it, as the motors would.

        Raises:
            DataError: if an action is not four finite numbers, or the simulation has become unstable.
        """
        if np.shape(action) != (len(ACTIONS),) or not np.isfinite(action).all():
            raise DataError(f"An action is {len(ACTIONS)} finite numbers; got {np.asarray(action).tolist()}.")
        self._full, _, _, _, about = self._env.step(np.clip(action, -1, 1).astype(np.float32))
        return self._seen(), bool(about["success"])

    def expert(self) -> Array:
        """What Meta-World's scripted expert, who knows the goal, would do now, within [-1, 1]."""
        informed = self._full.copy()
        informed[-3:] = self._env._get_pos_goal()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it says that it will be cut to [-1, 1], as it is here
            action = self._expert.get_action(informed)
        return np.clip(np.asarray(action, dtype=np.float64), -1, 1)

    def frame(self) -> NDArray[np.uint8]:
        """What the camera sees, `(size, size, 3)`."""
        # Meta-World's corner cameras stand on their heads
        return np.ascontiguousarray(self._env.render()[::-1], dtype=np.uint8)

    def close(self) -> None:
        """Lets go of the simulator and its window."""
        self._env.close()

    def _reset(self) -> Array:
        self._draws = 0
        full: Array = self._env.reset()[0]
        return full

    def _draw(self) -> Array:
        """Takes the place of Meta-World's own draw; it asks again while object and goal are too near each other."""
        self._draws += 1
        if self._draws > _DRAWS:
            raise ConfigurationError(
                f"In {_DRAWS:,} draws no place of the object fitted the goal {self._placed[self._object :].tolist()} "
                f"of {self.task!r}: they are too near each other. Take a goal from draw_goal."
            )
        self._placed = self._random.uniform(self._low, self._high)
        if self._goal is not None:
            self._placed[self._object :] = self._goal
        return self._placed

    def _move_about(self) -> None:
        direction = self._random.uniform(-1, 1, len(ACTIONS))
        direction[-1] = -1  # an open hand
        for _ in range(int(self._random.integers(_MOVES + 1))):
            self._full = self._env.step(direction.astype(np.float32))[0]

    def _seen(self) -> Array:
        seen = np.array(self._full[: len(OBSERVED)])
        if not np.isfinite(seen).all():
            raise DataError(f"The simulation of {self.task!r} has become unstable: it shows {seen.tolist()}.")
        return seen


@lru_cache(maxsize=2)
def shared_arm(task: str, vary_start: bool) -> Manipulation:
    """The arm of this process, kept: a simulator takes 0.15 s to make and 31 MB."""
    return Manipulation(task, vary_start=vary_start)


def short_name(task: str) -> str:
    """A task's name without Meta-World's version of it.

    >>> short_name("reach-v3")
    'reach'
    """
    return task.removesuffix("-v3")


def generator(task: str, what: str, *key: int) -> np.random.Generator:
    """Random numbers for one purpose, named by words and whole numbers: the same anywhere and in any order.

    >>> float(generator("reach", "goal", 0, 1).random()) == float(generator("reach", "goal", 0, 1).random())
    True
    """
    name = hashlib.sha256(f"{task} {what}".encode()).digest()[:8]
    return np.random.default_rng(np.random.SeedSequence([int.from_bytes(name, "big"), *key]))
