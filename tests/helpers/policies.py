"""Small policies on navigation, and batches of tasks made of their episodes."""

import torch
from torch.utils import _pytree as pytree

from innerloop.rl import Navigation, Policies, advantages, collect, episode_keys, maml_policy, policy_for
from innerloop.task import Task

INDICES = torch.arange(3)


def learner_of(inner_loss="lvc", std=0.3, **arguments):
    torch.manual_seed(3)
    return maml_policy(policy_for(Navigation().train, (8,), std=std), inner_loss=inner_loss, **arguments)


def tasks_of(learner, horizon=6, episodes=2):
    """Episodes before and after adaptation, as a batch of ordinary tasks."""
    family = Navigation(horizon).train
    before = Policies(learner)
    first = collect(before, family, INDICES, episode_keys(0, 0, 0, INDICES, episodes))
    support = first.examples(advantages(first))
    second = collect(before.adapted(support), family, INDICES, episode_keys(0, 0, 1, INDICES, episodes))
    return Task(support, second.examples(advantages(second)), INDICES)


def in_double(tree):
    return pytree.tree_map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, tree)
