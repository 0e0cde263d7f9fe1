"""The metric family a second time: plain autograd on hand-written forward functions, task by task.

Nothing of the library is used but to make learners. Each function takes a `helpers.family.Problem` and gives (loss,
surrogate), as `helpers.family.meta` wants it.
"""

import torch
import torch.nn.functional as F
from torch import nn

from helpers import quadratic
from helpers.reference import Norms
from innerloop import metric

WIDTH = 5  # of the features of `problems.perceptron` and `problems.normed`


def relation_module(shape=WIDTH, activation="relu", norm=False):
    module = metric.relation_module(shape, hidden=4, norm=norm, activation=activation, downsample="average")
    return module.double()


LEARNERS = {
    "prototypes": lambda network, **more: metric.Prototypes(network, scale="learned", **more),
    "cosine prototypes": lambda network, **more: metric.Prototypes(network, distance="cosine", scale="learned", **more),
    "matching": lambda network, **more: metric.Matching(network, scale="learned", **more),
    "matching with context": lambda network, **more: metric.Matching(
        network, full_context=True, reads=2, scale=3.0, **more
    ),
    "relation": lambda network, **more: metric.Relation(network, relation=relation_module(network.width), **more),
    "ridge": lambda network, **more: metric.Ridge(network, strength=0.5, **more),
    "svm": lambda network, **more: metric.SVM(network, cost=0.3, **more),
}
"""Name to a function from a network to a learner."""


def embeddings(problem):
    """Of the support and of the query set."""
    norms = Norms()
    z = problem.forward(problem.network, problem.support[0], norms, problem.act)
    given = norms.seen if problem.policy == "support" else None
    return z, problem.forward(problem.network, problem.query[0], Norms(given or None), problem.act)


def one_hot(problem):
    y = problem.support[1]
    return F.one_hot(y, int(y.max()) + 1).to(next(iter(problem.theta.values())).dtype)


def judged(problem, logits):
    loss = F.cross_entropy(logits, problem.query[1])
    return loss, loss


def prototypes(problem):
    z, q = embeddings(problem)
    means = torch.stack([z[problem.support[1] == k].mean(0) for k in range(int(problem.support[1].max()) + 1)])
    return judged(problem, -problem.theta["scale.log"].exp() * torch.cdist(q, means) ** 2)


def cosine_prototypes(problem):
    z, q = embeddings(problem)
    means = torch.stack([z[problem.support[1] == k].mean(0) for k in range(int(problem.support[1].max()) + 1)])
    return judged(problem, problem.theta["scale.log"].exp() * F.cosine_similarity(q[:, None], means[None], dim=-1))


def attention(problem, z, q, scale):
    weights = F.softmax(scale * F.cosine_similarity(q[:, None], z[None], dim=-1), dim=1)
    loss = F.nll_loss((weights @ one_hot(problem)).log(), problem.query[1])
    return loss, loss


def matching(problem):
    return attention(problem, *embeddings(problem), problem.theta["scale.log"].exp())


def context(theta, z, q, reads):
    """Full-context embeddings by PyTorch's own LSTMs; `theta` holds the weights of `FullContext` by name."""
    d = z.shape[1]
    zero = torch.zeros_like(theta["onward.input.bias"])
    weights = {}
    for ours, end in (("onward", ""), ("back", "_reverse")):
        weights |= {
            f"weight_ih_l0{end}": theta[f"{ours}.input.weight"],
            f"weight_hh_l0{end}": theta[f"{ours}.recurrent.weight"],
            f"bias_ih_l0{end}": theta[f"{ours}.input.bias"],
            f"bias_hh_l0{end}": zero,
        }
    both = nn.LSTM(d, d, bidirectional=True).to(z.dtype)
    out = torch.func.functional_call(both, weights, (z,))[0]
    g = z + out[:, :d] + out[:, d:]
    # what comes back is twice as wide as what goes out, so it goes in beside the input
    cell = nn.LSTMCell(3 * d, d).to(z.dtype)
    weights = {
        "weight_ih": torch.cat([theta["query.input.weight"], theta["query.recurrent.weight"]], dim=1),
        "weight_hh": torch.zeros(4 * d, d, dtype=z.dtype),
        "bias_ih": theta["query.input.bias"],
        "bias_hh": zero,
    }
    h, c = q, torch.zeros_like(q)
    for _ in range(reads):
        read = F.softmax(h @ g.T, dim=1) @ g
        out, c = torch.func.functional_call(cell, weights, (torch.cat([q, h, read], dim=1), (torch.zeros_like(q), c)))
        h = out + q
    return g, h


def matching_with_context(problem):
    theta = {n.removeprefix("context."): p for n, p in problem.theta.items() if n.startswith("context.")}
    return attention(problem, *context(theta, *embeddings(problem), 2), 3.0)


def relation(problem):
    z, q = embeddings(problem)
    theta = {n.removeprefix("relation."): p for n, p in problem.theta.items() if n.startswith("relation.")}
    sums = torch.stack([z[problem.support[1] == k].sum(0) for k in range(int(problem.support[1].max()) + 1)])

    def scores(of):
        rows = []
        for each in of:
            for total in sums:
                x = torch.cat([total, each])
                x = problem.act(theta["0.weight"] @ x + theta["0.bias"])
                x = problem.act(theta["2.weight"] @ x + theta["2.bias"])
                rows.append(torch.sigmoid(theta["4.weight"] @ x + theta["4.bias"]))
        return torch.stack(rows).view(len(of), len(sums))

    loss = F.mse_loss(scores(q), F.one_hot(problem.query[1], len(sums)).to(q.dtype))
    return loss, loss


def ridge(problem):
    z, q = (torch.cat([e, torch.ones_like(e[:, :1])], dim=1) for e in embeddings(problem))
    y = problem.support[1]
    classes = not y.is_floating_point()
    target = one_hot(problem) if classes else y
    strength = problem.theta["strength.log"].exp()
    # the other form than the learner's for few examples
    inverse = torch.linalg.inv(z.T @ z + strength * torch.eye(z.shape[1], dtype=z.dtype))
    found = problem.theta["scale.log"].exp() * (q @ inverse @ z.T @ target)
    if classes:
        return judged(problem, 10 * found + problem.theta["bias"])
    loss = F.mse_loss(found + problem.theta["bias"], problem.query[1])
    return loss, loss


def svm(problem):
    z, q = embeddings(problem)
    alpha = quadratic.svm(z @ z.T, one_hot(problem), cost=0.3, smoothing=1.0)
    return judged(problem, problem.theta["scale.log"].exp() * (q @ z.T @ alpha))


REFERENCES = {
    "prototypes": prototypes,
    "cosine prototypes": cosine_prototypes,
    "matching": matching,
    "matching with context": matching_with_context,
    "relation": relation,
    "ridge": ridge,
    "svm": svm,
}
