"""Meta-gradients computed a second time: hand-written forward functions and plain autograd, task by task.

Nothing of the library is used here, so that an error in it cannot be repeated.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = dict[str, Tensor]


class Norms:
    """What the norm layers of one forward pass do: the batch's statistics, or given ones."""

    def __init__(self, given: dict[str, tuple[Tensor, Tensor]] | None = None):
        self.given, self.seen = given, {}

    def __call__(self, p: Parameters, name: str, x: Tensor) -> Tensor:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        self.seen[name] = (x.mean(axes), x.var(axes, correction=0))
        if self.given is None:
            return F.batch_norm(x, None, None, weight, bias, training=True, eps=1e-5)
        mean, variance, weight, bias = (
            v.reshape(1, -1, *[1] * (x.ndim - 2)) for v in (*self.given[name], weight, bias)
        )
        return (x - mean) / torch.sqrt(variance + 1e-5) * weight + bias


def perceptron(p: Parameters, x: Tensor, norms: Norms, act) -> Tensor:
    """Two hidden layers."""
    x = act(F.linear(x, p["features.1.weight"], p["features.1.bias"]))
    x = act(F.linear(x, p["features.3.weight"], p["features.3.bias"]))
    return _head(p, x)


def normed(p: Parameters, x: Tensor, norms: Norms, act) -> Tensor:
    """One hidden layer with a norm."""
    return _head(p, act(norms(p, "features.1", F.linear(x, p["features.0.weight"], p["features.0.bias"]))))


def pooled(p: Parameters, x: Tensor, norms: Norms, act) -> Tensor:
    """Conv-4 with max-pooling."""
    for start in (0, 4, 8, 12):
        x = F.conv2d(x, p[f"features.{start}.weight"], p[f"features.{start}.bias"], padding=1)
        x = F.max_pool2d(act(norms(p, f"features.{start + 1}", x)), 2)
    return _head(p, x.flatten(1))


def strided(p: Parameters, x: Tensor, norms: Norms, act) -> Tensor:
    """Conv-4 with strides."""
    for start in (0, 3, 6, 9):
        x = F.conv2d(x, p[f"features.{start}.weight"], p[f"features.{start}.bias"], stride=2, padding=1)
        x = act(norms(p, f"features.{start + 1}", x))
    return _head(p, x.mean((2, 3)))


def _head(p: Parameters, x: Tensor) -> Tensor:
    return F.linear(x, p["head.weight"], p["head.bias"]) if "head.weight" in p else x


def meta(method, forward, network, tasks, *, steps=2, rate=0.3, policy="batch", act=F.relu):
    """Query loss of each task, and the meta-gradient of their mean by parameter name.

    `method` is "maml", "fomaml", "anil", "reptile" or "prototypes"; the tasks have equal sizes.
    """
    theta = {name: p.detach().clone().requires_grad_() for name, p in network.named_parameters()}
    one = _prototypes if method == "prototypes" else _adapted
    losses, total = [], {name: torch.zeros_like(p) for name, p in theta.items()}
    for i in range(len(tasks.index)):
        support = tasks.support.x[i], tasks.support.y[i]
        query = tasks.query.x[i], tasks.query.y[i]
        loss, gradient = one(method, forward, theta, support, query, steps, rate, policy, act)
        losses.append(loss.detach())
        for name in total:
            total[name] += gradient[name] / len(tasks.index)
    return torch.stack(losses), total


def _criterion(prediction, y):
    return F.mse_loss(prediction, y) if y.is_floating_point() else F.cross_entropy(prediction, y)


def _adapted(method, forward, theta, support, query, steps, rate, policy, act):
    (x, y), second_order = support, method in ("maml", "anil")
    names = [name for name in theta if method != "anil" or name.startswith("head.")]
    phi = dict(theta)
    for _ in range(steps):
        if not second_order:
            phi = {name: p.detach().requires_grad_() for name, p in phi.items()}
        loss = _criterion(forward(phi, x, Norms(), act), y)
        found = torch.autograd.grad(loss, [phi[name] for name in names], create_graph=second_order)
        phi = phi | {name: phi[name] - rate * g for name, g in zip(names, found, strict=True)}
    if not second_order:
        phi = {name: p.detach().requires_grad_() for name, p in phi.items()}
    given = None
    if policy == "support":
        first = Norms()
        forward(phi, x, first, act)
        given = first.seen
    loss = _criterion(forward(phi, query[0], Norms(given), act), query[1])
    if method == "reptile":
        return loss, {name: (theta[name] - phi[name]).detach() for name in theta}
    at = theta if second_order else phi
    return loss, dict(zip(theta, torch.autograd.grad(loss, [at[name] for name in theta]), strict=True))


def _prototypes(method, forward, theta, support, query, steps, rate, policy, act):
    norms = Norms()
    z = forward(theta, support[0], norms, act)
    means = torch.stack([z[support[1] == k].mean(0) for k in range(int(support[1].max()) + 1)])
    away = forward(theta, query[0], Norms(norms.seen if policy == "support" else None), act)
    loss = F.cross_entropy(-(torch.cdist(away, means) ** 2), query[1])
    return loss, dict(zip(theta, torch.autograd.grad(loss, list(theta.values())), strict=True))
