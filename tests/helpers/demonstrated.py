"""Demonstrations that no simulator made: a point that goes straight to a hidden goal."""

import numpy as np
import torch

from innerloop.control import Collected, DemonstrationTasks, Normalisation, Plan


def collected(goals=6, demonstrations=4, seed=0):
    random = np.random.default_rng(seed)
    places = random.uniform(-1, 1, (goals, 3))
    lengths = torch.from_numpy(random.integers(5, 9, (goals, demonstrations)))
    rows = int(lengths.max())
    observations = torch.zeros(goals, demonstrations, rows, 7)
    actions = torch.zeros(goals, demonstrations, rows, 4)
    for goal in range(goals):
        for demo in range(demonstrations):
            hand = random.uniform(-1, 1, 3)
            for row in range(int(lengths[goal, demo])):
                action = np.append(0.5 * (places[goal] - hand), 0.0)
                seen = np.concatenate([hand, random.uniform(-1, 1, 4)])
                observations[goal, demo, row] = torch.from_numpy(seen)
                actions[goal, demo, row] = torch.from_numpy(action)
                hand = hand + action[:3]
    return Collected(observations, actions, lengths, places)


def tasks(goals=6, demonstrations=4, split="train", **shape):
    plan = Plan("reach", split, goals, demonstrations)
    normalisation = Normalisation((0.0,) * 7, (2.0,) * 7)
    return DemonstrationTasks(plan, collected(goals, demonstrations), normalisation, split=split, **shape)
