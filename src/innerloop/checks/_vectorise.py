"""Whether tasks can be computed side by side, and give the same numbers as one by one."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from innerloop.checks._advice import of_vmap
from innerloop.checks._meta import MetaLoss
from innerloop.checks._precision import double_precision
from innerloop.checks._report import Finding
from innerloop.checks._subject import Subject, alike, calls, place
from innerloop.mapping import Mapping

_LOOP = "learner.mapping = innerloop.Mapping(vectorise=False)"


def vectorised(subject: Subject) -> Iterator[Finding]:
    """`vmap` over two tasks with weights of their own, against a loop over them."""
    tried = subject.twin()  # vmap may leave tensors behind that nobody can use any more
    meta = MetaLoss(tried)
    try:
        with calls(tried.network) as trace:
            meta.mapped(Mapping(vectorise=True), meta.tasks(2))
    except Exception as error:  # it is the user's forward that runs here
        modules = dict(tried.network.named_modules())
        inside = [name for name in trace.inside if name in modules]
        recurrent = any(isinstance(modules[name], nn.RNNBase | nn.LSTMCell) for name in inside)
        means, change = of_vmap(error, recurrent)
        yield Finding(
            "vmap",
            "warning",
            f"Tasks cannot be computed side by side{place(inside)}: {means}.",
            "A loop does it, with the same numbers and the memory of one task, but small networks take several times "
            "as long.",
            f"{change} Or stay with the loop: {_LOOP}.",
        )
        return
    if not subject.repeatable or subject.random:
        yield Finding("vmap", "ok", "Tasks can be computed side by side.")
    elif _agree(subject):
        yield Finding("vmap", "ok", "Tasks computed side by side give the same numbers as one by one.")
    else:
        yield Finding(
            "vmap",
            "problem",
            "Tasks computed side by side give other numbers than one by one.",
            "An operation has a batching rule that is wrong for second derivatives, or tasks share a tensor.",
            f"Stay with the loop: {_LOOP}.",
        )


def _agree(subject: Subject) -> bool:
    with double_precision():
        try:
            return _difference_below(subject.exact(), 1e-6)
        except Exception:  # a forward that has said already that it does not run in float64
            pass
    return _difference_below(subject, 1e-2)


def _difference_below(subject: Subject, tolerance: float) -> bool:
    meta = MetaLoss(subject)
    tasks = meta.tasks(2)
    alone, together = (meta.mapped(Mapping(vectorise=vectorise), tasks) for vectorise in (False, True))
    return alike(alone, together, tolerance)
