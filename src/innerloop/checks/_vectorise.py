"""Whether tasks can be computed side by side, and give the same numbers as one by one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from innerloop.checks._advice import of_vmap
from innerloop.checks._meta import MetaLoss
from innerloop.checks._precision import double_precision
from innerloop.checks._report import Finding
from innerloop.checks._subject import Subject, apart, calls, place
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
    agree = None if not subject.repeatable or subject.random else _agree(subject)
    if agree is None:
        yield Finding("vmap", "ok", "Tasks can be computed side by side.")
    elif agree:
        yield Finding("vmap", "ok", "Tasks computed side by side give the same numbers as one by one.")
    else:
        yield Finding(
            "vmap",
            "problem",
            "Tasks computed side by side give other numbers than one by one.",
            "An operation has a batching rule that is wrong for second derivatives, or tasks share a tensor.",
            f"Stay with the loop: {_LOOP}.",
        )


def _agree(subject: Subject) -> bool | None:
    """Whether both ways give the same numbers; None where rounding errors grow so much that nobody can say."""
    with double_precision():
        try:
            return _same_numbers(subject.exact(), 1e-6)
        except Exception:  # a forward that has said already that it does not run in float64
            pass
    return _same_numbers(subject, 1e-2)


def _same_numbers(subject: Subject, tolerance: float) -> bool | None:
    alone, together = (_numbers(subject, vectorise) for vectorise in (False, True))
    difference = apart(alone, together)
    if difference <= tolerance:
        return True
    shaken = subject.twin()
    for parameter in shaken.parameters.values():
        # far more than rounding does, far less than a wrong rule
        parameter.data *= 1 + 1e4 * torch.finfo(parameter.dtype).eps * torch.randn_like(parameter)
    return None if apart(alone, _numbers(shaken, False)) > 1e-3 * difference else False


def _numbers(subject: Subject, vectorise: bool) -> list[Tensor]:
    meta = MetaLoss(subject)
    return meta.mapped(Mapping(vectorise=vectorise), meta.tasks(2))
