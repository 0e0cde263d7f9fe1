"""What a forward pass returns: rows, real numbers, the same ones again, each row by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.checks._precision import double_precision
from innerloop.checks._report import Finding
from innerloop.checks._subject import Subject, listed, outputs, same
from innerloop.networks import NormCall


def returned(subject: Subject) -> Iterator[Finding]:
    """Whether outputs are real numbers with one row per example."""
    with torch.no_grad():
        found = subject.run({}, subject.take(slice(None)))
        fewer = _tried(subject, slice(0, subject.rows - 1))
    leaves = pytree.tree_leaves(found)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    shapes = ", ".join(str(tuple(leaf.shape)) for leaf in tensors)
    if len(tensors) < len(leaves) or not tensors:
        other = next((type(leaf).__name__ for leaf in leaves if not isinstance(leaf, Tensor)), type(found).__name__)
        yield Finding(
            "output",
            "problem",
            f"forward returns {type(found).__name__}{f' with {other} inside' if leaves and other else ''}.",
            "A prediction is a tensor, or a tuple, list or dict of tensors.",
            "Return the tensor alone, for instance output.logits of an output object.",
        )
    elif not all(leaf.ndim and leaf.shape[0] == subject.rows and leaf.numel() for leaf in tensors):
        yield Finding(
            "output",
            "problem",
            f"For {subject.rows} examples forward returns {shapes}.",
            "Losses, masks and evaluation take one row per example, in front.",
            "Return (N, ...): batch_first=True for recurrent and attention layers, outputs and not a loss, no "
            "states that put layers first.",
        )
    elif not outputs(found) or len(outputs(found)) < len(tensors):
        kinds = ", ".join(sorted({str(leaf.dtype).removeprefix("torch.") for leaf in tensors}))
        yield Finding(
            "output",
            "problem",
            f"forward returns {kinds}.",
            "The losses need real floating-point numbers with a gradient.",
            "Return logits and not labels (no argmax), and torch.view_as_real or .abs() of complex values.",
        )
    elif not all(bool(torch.isfinite(leaf).all()) for leaf in outputs(found)):
        yield Finding(
            "output",
            "problem",
            "forward returns NaN or infinity for finite inputs.",
            "A single such value spoils the meta-parameters.",
            "Guard logarithms, divisions and roots: torch.log(x + 1e-6), x / (norm + 1e-6).",
        )
    elif isinstance(fewer, Exception) or any(leaf.shape[0] != subject.rows - 1 for leaf in outputs(fewer)):
        said = str(fewer).split("\n")[0] if isinstance(fewer, Exception) else "other numbers of rows come back"
        yield Finding(
            "batch size",
            "problem",
            f"It takes {subject.rows} examples, but not {subject.rows - 1}: {said}.",
            "Support sets, query sets and single inputs in use have other sizes.",
            "Take the size from the input: x.view(len(x), -1), or x.flatten(1).",
        )
    elif not isinstance(found, Tensor):
        yield Finding(
            "output",
            "warning",
            f"forward returns {type(found).__name__} of {shapes}.",
            "The built-in losses take one tensor of logits or values.",
            "Return that tensor alone, or give the method a loss= that takes what comes.",
        )
    else:
        yield Finding("output", "ok", f"{subject.rows} examples give {shapes}.")


def randomness(subject: Subject) -> Iterator[Finding]:
    """Whether two forward passes differ, in `train()` and in `eval()`, and under one seed."""
    with torch.no_grad():
        subject.repeatable = _repeats(subject, seed=True)
        subject.random = not _repeats(subject, seed=False)
        subject.network.eval()
        always = not _repeats(subject, seed=False)
        subject.network.train()
    if not subject.repeatable:
        yield Finding(
            "hidden state",
            "problem",
            "Two forward passes differ under the same seed of torch.",
            "It draws from numpy or random, or remembers earlier calls: no run can be repeated or resumed, vmap gives "
            "all tasks one draw, and derivatives cannot be checked.",
            "Draw with torch (torch.randn_like, F.dropout), and keep nothing between calls.",
        )
    elif always:
        yield Finding(
            "random predictions",
            "warning",
            "Two forward passes differ, also in eval().",
            "An adapted model gives another prediction at each call.",
            "Draw only `if self.training`: F.dropout(x, p, self.training) and not F.dropout(x, p).",
        )
    elif subject.random:
        layers = [n for n, m in subject.network.named_modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p]
        yield Finding(
            "randomness",
            "warning",
            f"It draws in train(){f', in {listed(layers)}' if layers else ''}.",
            "Each inner step and the query see other draws. They are seeded, so that a run can be repeated, but vmap "
            "and the loop draw in another order: their numbers agree on average only.",
            "Set p=0 where mappings must agree to the digit; a small inner loop rarely needs dropout.",
        )


def rows(subject: Subject) -> Iterator[Finding]:
    """Whether the prediction of a row depends on the others."""
    if not subject.repeatable:
        return
    with double_precision():  # in a deep network, single precision makes a row alone another one
        exact = subject.exact()
        if isinstance(_tried(exact, slice(None)), Exception):
            exact = subject.twin()
        exact.network.eval()
        alone, few, among = (_tried(exact, slice(0, count), running=True) for count in (1, 3, subject.rows))
    if isinstance(alone, Exception) or (
        not isinstance(among, Exception) and any(leaf.ndim == 0 or len(leaf) != 1 for leaf in outputs(alone))
    ):
        said = str(alone).split("\n")[0] if isinstance(alone, Exception) else "the leading axis is lost"
        yield Finding(
            "one row",
            "problem",
            f"A single example cannot be predicted: {said}.",
            "Adapted models are asked about one input at a time.",
            "Name the axis of a squeeze: x.squeeze(-1) and not x.squeeze().",
        )
    elif not (_agree(alone, among, 1) and _agree(few, among, 3)):
        yield Finding(
            "rows",
            "problem",
            "The prediction of an example depends on which others stand in the batch.",
            "Queries would help to answer each other, rows of padding count, and in use a single input gets another "
            "answer.",
            "Reduce over axes behind the first only: dim=1 or -1 of mean, softmax, norm and attention, never dim=0.",
        )


def _agree(some: Any, among: Any, count: int) -> bool:
    return not isinstance(some, Exception) and same(outputs(some), [leaf[:count] for leaf in outputs(among)], 1e-3)


def _repeats(subject: Subject, seed: bool) -> bool:
    with torch.random.fork_rng(devices=_devices(subject)):
        found = []
        for _ in range(2):
            if seed:
                torch.manual_seed(0)
            found.append(outputs(subject.run({}, subject.take(slice(None)))))
    return same(found[0], found[1], 1e-6)


def _devices(subject: Subject) -> list[torch.device]:
    return list({leaf.device for leaf in pytree.tree_leaves(subject.x) if leaf.device.type == "cuda"})


def _tried(subject: Subject, which: slice, running: bool = False) -> Any:
    """Outputs for some rows, or the error."""
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=_devices(subject)):
            torch.manual_seed(0)
            return subject.run({}, subject.take(which), call=NormCall(running=running))
    except Exception as error:  # it is the user's forward that runs here
        return error
