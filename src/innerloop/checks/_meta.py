"""The meta-loss of one inner step on made-up targets, as the checks use it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from innerloop.checks._subject import Parameters, Subject, outputs
from innerloop.mapping import Mapping, gradient
from innerloop.task import Examples, Task, Tree, stack


class MetaLoss:
    """`L_query(θ - a ∇L_support(θ))` of a module, with random targets and the squared error.

    The rate `a` is such that the inner step has a tenth of the length of θ: second derivatives count.

    Every call draws the same random numbers, so that a network with dropout is one function.

    Args:
        subject: the module, with at least one trainable parameter.
    """

    def __init__(self, subject: Subject):
        self.subject = subject
        with torch.no_grad():
            out = outputs(self._run({}, subject.take(slice(None))))
        draw = torch.Generator().manual_seed(0)
        targets = [[torch.randn(leaf.shape, generator=draw).to(leaf) for leaf in out] for _ in range(2)]
        self._support, self._query = targets
        self._rate = 1.0
        parameters: Parameters = {name: p.detach() for name, p in subject.parameters.items()}
        steepness = norm_of(self.inner_gradient(parameters))
        self._rate = 0.1 * max(norm_of(parameters), 1e-3) / steepness if 0 < steepness < float("inf") else 1.0

    def value(self, parameters: Parameters) -> float:
        """The meta-loss."""
        torch.manual_seed(0)
        return float(self._meta(parameters, self.tasks(1).map(lambda leaf: leaf[0]), differentiable=False).detach())

    def gradient(self, parameters: Parameters) -> Parameters:
        """The meta-gradient."""
        torch.manual_seed(0)
        task = self.tasks(1).map(lambda leaf: leaf[0])
        return gradient(lambda p: self._meta(p, task, differentiable=True), parameters, differentiable=False)[0]

    def inner_value(self, parameters: Parameters) -> float:
        """The support loss."""
        torch.manual_seed(0)
        with torch.no_grad():
            return float(self._loss(parameters, self.subject.take(slice(None)), self._support))

    def inner_gradient(self, parameters: Parameters) -> Parameters:
        """The gradient of the support loss."""
        torch.manual_seed(0)
        x = self.subject.take(slice(None))
        return gradient(lambda p: self._loss(p, x, self._support), parameters, differentiable=False)[0]

    def tasks(self, count: int) -> Task:
        """A batch of different tasks."""
        return stack(
            [
                Task(
                    Examples(pytree.tree_map(lambda leaf, by=i: leaf.roll(by, 0), self.subject.x), self._support),
                    Examples(self.subject.x, self._query),
                )
                for i in range(count)
            ]
        )

    def mapped(self, mapping: Mapping, tasks: Task) -> list[Tensor]:
        """Meta-losses and the meta-gradient of a batch of tasks under a mapping."""
        parameters = self.subject.parameters

        def one(task: Task) -> tuple[Tensor, Tree]:
            loss = self._meta(dict(parameters), task, differentiable=True)
            return loss, loss

        attach, losses = mapping.map_with_gradient(one, tasks, parameters, fall_back=False)
        loss = attach(losses.mean().requires_grad_())
        return [losses, *torch.autograd.grad(loss, list(parameters.values()))]

    def _meta(self, parameters: Parameters, task: Task, *, differentiable: bool) -> Tensor:
        found, _ = gradient(
            lambda p: self._loss(p, task.support.x, task.support.y), parameters, differentiable=differentiable
        )
        adapted = {name: p - self._rate * found[name] for name, p in parameters.items()}
        return self._loss(adapted, task.query.x, task.query.y)

    def _loss(self, parameters: Parameters, x: Tree, targets: list[Tensor]) -> Tensor:
        each = [(out - y).square().mean() for out, y in zip(outputs(self._run(parameters, x)), targets, strict=True)]
        return sum(each[1:], each[0])

    def _run(self, parameters: Parameters, x: Tree) -> Tree:
        # a module may write into its inputs and parameters: that is said once, and must not spoil all else
        return self.subject.run({name: p.clone() for name, p in parameters.items()}, pytree.tree_map(torch.clone, x))


def norm_of(tensors: Parameters) -> float:
    """Length of all tensors taken together."""
    return float(torch.stack([tensor.detach().square().sum() for tensor in tensors.values()]).sum().sqrt())


def nearby(parameter: Tensor, draw: torch.Generator) -> Tensor:
    """A random point in the neighbourhood of a parameter."""
    # off the structural kinks, such as ReLUs behind weights that begin at zero
    scale = max(float(parameter.detach().square().mean().sqrt()), 0.02) if parameter.numel() else 0.0
    noise = torch.randn(parameter.shape, generator=draw, dtype=torch.float64).to(parameter.device)
    return parameter.detach() + 0.1 * scale * noise
