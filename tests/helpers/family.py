"""The rest of the gradient family a second time: plain autograd on hand-written forward functions, task by task.

Nothing of the library is used. `meta` takes a learner's meta-parameters by name and gives their gradient.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.reference import Norms

Parameters = dict[str, Tensor]


class Problem:
    """One task with one set of meta-parameters, which are leaves."""

    def __init__(self, forward, theta: Parameters, support, query, policy: str, act):
        self.forward, self.theta, self.support, self.query = forward, theta, support, query
        self.policy, self.act = policy, act
        self.network = {n.removeprefix("network."): p for n, p in theta.items() if n.startswith("network.")}
        self.rest = {n.removeprefix("optimiser."): p for n, p in theta.items() if n.startswith("optimiser.")}

    def support_loss(self, p: Parameters) -> Tensor:
        return criterion(self.forward(p, self.support[0], Norms(), self.act), self.support[1])

    def query_loss(self, p: Parameters) -> Tensor:
        norms = Norms()
        if self.policy == "support":
            self.forward(p, self.support[0], norms, self.act)
        return criterion(self.forward(p, self.query[0], Norms(norms.seen or None), self.act), self.query[1])

    def slopes(self, p: Parameters, names, graph: bool) -> Parameters:
        p = {n: v.view_as(v) for n, v in p.items()}  # partial derivatives, also where one of them was made of others
        found = torch.autograd.grad(self.support_loss(p), [p[n] for n in names], create_graph=graph)
        return dict(zip(names, found, strict=True))


def criterion(prediction, y):
    return F.mse_loss(prediction, y) if y.is_floating_point() else F.cross_entropy(prediction, y)


def meta(one, forward, theta: Parameters, tasks, policy="batch", act=F.relu):
    """Losses and meta-gradient; `one` is a function of a `Problem` that returns (loss, surrogate)."""
    losses, total = [], {n: torch.zeros_like(p) for n, p in theta.items()}
    for i in range(len(tasks.index)):
        leaves = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
        support, query = ((getattr(tasks, part).x[i], getattr(tasks, part).y[i]) for part in ("support", "query"))
        loss, surrogate = one(Problem(forward, leaves, support, query, policy, act))
        losses.append(loss.detach())
        for name, g in zip(leaves, torch.autograd.grad(surrogate, list(leaves.values())), strict=True):
            total[name] += g / len(tasks.index)
    return torch.stack(losses), {n.removeprefix("network."): g for n, g in total.items()}


def descent(names, rate, steps, graph=True):
    """MAML on some parameters; `graph(step)` says where second derivatives are kept."""

    def one(problem):
        p = dict(problem.network)
        chosen = [n for n in p if names(n)]
        for step in range(steps):
            keep = graph(step) if callable(graph) else graph
            p |= {n: p[n] - rate * (g if keep else g.detach()) for n, g in problem.slopes(p, chosen, True).items()}
        loss = problem.query_loss(p)
        return loss, loss

    return one


def meta_sgd(steps):
    def one(problem):
        p = dict(problem.network)
        for _ in range(steps):
            slopes = problem.slopes(p, list(p), True)
            p = {n: p[n] - problem.rest[f"rates.{n.replace('.', '/')}"] * slopes[n] for n in p}
        loss = problem.query_loss(p)
        return loss, loss

    return one


def maml_plus_plus(steps, weights, is_norm):
    def one(problem):
        adapted = {n: p for n, p in problem.network.items() if not is_norm(n)}
        norms = {n: p for n, p in problem.network.items() if is_norm(n)}
        total = 0.0
        for step in range(steps):
            here = {n: p[step] for n, p in norms.items()}
            slopes = problem.slopes(adapted | here, list(adapted), True)
            adapted = {
                n: p - problem.rest[f"rates.{n.replace('.', '/')}"][step] * slopes[n] for n, p in adapted.items()
            }
            total = total + weights[step] * problem.query_loss(adapted | here)
        return total, total

    return one


def cavia(rate, steps, layer, size):
    """The context appended to the input of a linear first layer, written as one wide matrix."""

    def one(problem):
        p = dict(problem.network)
        wide = torch.cat([p[f"{layer}.layer.weight"], p[f"{layer}.weight"]], dim=1)
        names = {f"{layer}.weight": wide, f"{layer}.bias": p[f"{layer}.layer.bias"]}
        rest = {n: v for n, v in p.items() if not n.startswith(f"{layer}.")}

        def loss(context, x, y):
            extended = torch.cat([x, context.expand(len(x), size)], dim=1)
            return criterion(problem.forward(rest | names, extended, Norms(), problem.act), y)

        context = torch.zeros(size, dtype=wide.dtype, requires_grad=True)
        for _ in range(steps):
            context = (
                context - rate * torch.autograd.grad(loss(context, *problem.support), context, create_graph=True)[0]
            )
        value = loss(context, *problem.query)
        return value, value

    return one


def meta_curvature(rate, steps):
    def curved(problem, name, g):
        m = [problem.rest.get(f"metric.{name.replace('.', '/')}:{axis}") for axis in range(3)]
        if g.ndim == 1:
            return m[0] @ g
        if g.ndim == 2:
            return m[0] @ g @ m[1].T
        return torch.einsum("po,qi,rf,oif->pqr", m[0], m[1], m[2], g.flatten(2)).reshape(g.shape)

    def one(problem):
        p = dict(problem.network)
        for _ in range(steps):
            slopes = problem.slopes(p, list(p), True)
            p = {n: p[n] - rate * curved(problem, n, slopes[n]) for n in p}
        loss = problem.query_loss(p)
        return loss, loss

    return one


def proto_maml(rate, steps, first_order, features):
    """`features(p, x, act)` is the body alone."""

    def one(problem):
        p, (x, y) = dict(problem.network), problem.support
        z = features(p, x, problem.act)
        means = torch.stack([z[y == k].mean(0) for k in range(int(y.max()) + 1)])
        p |= {"head.weight": 2 * means, "head.bias": -(means**2).sum(1)}
        for _ in range(steps):
            slopes = problem.slopes(p, list(p), True)
            p = {n: p[n] - rate * (slopes[n].detach() if first_order else slopes[n]) for n in p}
        loss = problem.query_loss(p)
        return loss, loss

    return one


def imaml(rate, steps, proximal):
    """The implicit function theorem with a dense Hessian and a direct solver."""

    def one(problem):
        theta = problem.network
        p = {n: v.detach().clone() for n, v in theta.items()}
        for _ in range(steps):
            at = {n: v.requires_grad_() for n, v in p.items()}
            slopes = problem.slopes(at, list(at), False)
            p = {n: (v - rate * (slopes[n] + proximal * (v - theta[n]))).detach() for n, v in at.items()}
        sizes = [v.numel() for v in p.values()]

        def shaped(flat):
            return {n: f.view(v.shape) for (n, v), f in zip(p.items(), flat.split(sizes), strict=True)}

        end = torch.cat([v.flatten() for v in p.values()])
        hessian = torch.autograd.functional.hessian(lambda flat: problem.support_loss(shaped(flat)), end)
        at = end.clone().requires_grad_()
        loss = problem.query_loss(shaped(at))
        slope = torch.autograd.grad(loss, at)[0]
        v = torch.linalg.solve(hessian + proximal * torch.eye(len(end), dtype=end.dtype), slope)
        flat = torch.cat([t.flatten() for t in theta.values()])
        return loss, proximal * (v @ flat)

    return one


def lstm(steps, hidden):
    """With torch's own LSTM cell."""

    def scaled(x):
        small = x.abs() < torch.exp(torch.tensor(-10.0, dtype=x.dtype))
        size = torch.where(small, -torch.ones_like(x), torch.log(x.abs().clamp(min=1e-300)) / 10)
        return torch.stack([size, torch.where(small, x * torch.exp(torch.tensor(10.0, dtype=x.dtype)), x.sign())], -1)

    def one(problem):
        q, p = problem.rest, dict(problem.network)
        cell = torch.nn.LSTMCell(4, hidden).to(next(iter(p.values())).dtype)
        weights = {
            "weight_ih": q["gates.weight"][:, :4],
            "weight_hh": q["gates.weight"][:, 4:],
            "bias_ih": q["gates.bias"],
            "bias_hh": torch.zeros_like(q["gates.bias"]),
        }
        state = {n: (v.new_zeros(v.numel(), hidden), v.new_zeros(v.numel(), hidden)) for n, v in p.items()}
        gates = {
            n: [torch.sigmoid(q[f"{g}.bias"]).expand(v.numel(), 1) for g in ("take", "keep")] for n, v in p.items()
        }
        for _ in range(steps):
            loss = problem.support_loss(p).detach()
            slopes = problem.slopes({n: v.detach().requires_grad_() for n, v in p.items()}, list(p), False)
            new = {}
            for n, v in p.items():
                g, flat = slopes[n].flatten(), v.reshape(-1, 1)
                x = torch.cat([scaled(g), scaled(loss.reshape(1)).expand(len(g), 2)], 1)
                state[n] = torch.func.functional_call(cell, weights, (x, state[n]))
                take, keep = (
                    torch.sigmoid(
                        torch.cat([state[n][0], flat, gates[n][k]], 1) @ q[f"{gate}.weight"].T + q[f"{gate}.bias"]
                    )
                    for k, gate in enumerate(("take", "keep"))
                )
                gates[n] = [take, keep]
                new[n] = (keep * flat - take * g[:, None]).view(v.shape)
            p = new
        loss = problem.query_loss(p)
        return loss, loss

    return one
