"""The memory family, small and in float64, on the tasks of `helpers.problems`."""

import torch
from torch import nn

from helpers import problems
from innerloop import methods
from innerloop.learner import Learner
from innerloop.networks import mlp
from innerloop.task import Examples, Task, pad, stack

SETTINGS = {
    "mann": {"slots": 24, "width": 5, "reads": 2, "hidden": 6},
    "mann, feed-forward": {"slots": 24, "width": 5, "reads": 2, "hidden": 6, "controller": "feedforward"},
    "snail": {"filters": 4, "length": 7},
    "cnp": {"width": 6},
    "anp": {"width": 6, "heads": 2},
    "in_context": {"width": 8, "layers": 2, "heads": 2, "hidden": 9},
}
NAMES = tuple(SETTINGS)
ORDERED = ("mann", "mann, feed-forward", "snail")
"""Those for which the order of the support examples counts."""

KINDS = {"classes": {"ways": 3}, "numbers": {"outputs": 1}}


def make(name: str, kind: str = "classes", network: nn.Module | None = None, norm: str = "running") -> Learner:
    """A learner whose parameters are all away from zero."""
    torch.manual_seed(3)
    network = mlp(4, None, [5]) if network is None else network
    learner = getattr(methods, name.partition(",")[0])(network, **SETTINGS[name], **KINDS[kind], norm=norm).double()
    with torch.no_grad():
        for p in learner.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return learner


def tasks(kind: str, sizes=((6, 5), (6, 5), (6, 5))) -> list[Task]:
    """Tasks of the given (support, query) sizes."""
    return problems.classification(sizes) if kind == "classes" else problems.regression(sizes)


def spoiled(examples: Examples, rows: int, at: int | None = None) -> Examples:
    """The examples with rows of padding that hold anything, at the end or at a place among them."""
    at = len(examples) if at is None else at
    more = pad(examples, len(examples) + rows)
    order = [*range(at), *range(len(examples), len(examples) + rows), *range(at, len(examples))]

    def fill(leaf):
        leaf = leaf.clone()
        if leaf.is_floating_point():
            leaf[len(examples) :] = 1e3 * torch.randn_like(leaf[len(examples) :])
        return leaf[order]

    return more.map(fill)


def rows(examples: Examples, which) -> Examples:
    """Some rows, in a new order."""
    return examples.map(lambda leaf: leaf[which])


def same(a, b, **tolerance) -> None:
    """Predictions agree, tensors or means and variances."""
    torch.testing.assert_close(a, b, **tolerance)


def batch(kind: str, **settings) -> Task:
    """Three stacked tasks."""
    return stack(tasks(kind, **settings))
