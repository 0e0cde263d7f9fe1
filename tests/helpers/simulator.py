"""A simulator in plain Python that workers can run, and some that fail."""

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from innerloop.rl import Continuous, SimulatedEnvironments

begun = count()
"""How many episodes this process has begun."""


class Line:
    """A point on a line; an episode ends beyond 1. With a goal it says whether the point is beyond that."""

    def __init__(self, goal=None):
        self.goal = goal

    def reset(self, start):
        self.at, self.taken, self.number = start, 0, next(begun)
        return np.array([self.at])

    def step(self, action):
        self.at += float(action[0])
        self.taken += 1
        return (
            np.array([self.at]),
            -abs(self.at),
            self.at > 1,
            False,
            {} if self.goal is None else {"success": self.at > self.goal},
        )

    def close(self):
        pass


@dataclass(frozen=True)
class Walks(SimulatedEnvironments):
    """Task `i` pays for being near `i / 10`; episodes start somewhere in [0, 1/2)."""

    horizon: int = 6
    seed: int = 0
    split: str = "train"
    workers: int | None = 1
    fail: str = ""
    side_by_side: int = 1
    goal: float | None = None

    observation = 1
    action = Continuous(1, -0.3, 0.3)

    def make(self, index):
        return Line(self.goal)

    def begin(self, environment, index, seed):
        if self.fail == "raise" and index == 2:
            raise RuntimeError("the motor is hot")
        if self.fail.startswith("die"):
            # in the worker, once: the file says that it has happened
            _, _, path = self.fail.partition(" ")
            if index == 1 and not Path(path).exists():
                Path(path).touch()
                os._exit(9)
        return environment.reset(np.random.default_rng(seed).uniform(0, 0.5))

    def reward(self, environment, index, reward, info):
        if self.fail == "later" and index == 2 and environment.number % 4 == 3 and environment.taken == 2:
            raise RuntimeError("the belt is off")
        if self.fail == "nan" and index == 1:
            return float("nan")
        return -abs(environment.at - index / 10)

    def describe(self):
        return {"name": "walks", "split": self.split, "seed": self.seed}
