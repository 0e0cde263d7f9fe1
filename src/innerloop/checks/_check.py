"""All checks of a module, one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import torch
from torch import nn

from innerloop.checks import _derivatives, _outputs, _reach, _structure, _vectorise, _writes
from innerloop.checks._advice import first_line
from innerloop.checks._report import Finding, Report
from innerloop.checks._subject import Subject, subject_of
from innerloop.task import Tree

_CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "parameters": _structure.frozen_parameters,
    "lazy layers": _structure.lazy_layers,
    "batch norms": _structure.batch_norms,
    "tied parameters": _structure.tied_parameters,
    "head": _structure.head,
    "writes": _writes.written,
    "output": _outputs.returned,
    "randomness": _outputs.randomness,
    "rows": _outputs.rows,
    "gradient": _reach.reach,
    "weights in backward": _reach.late_weights,
    "second derivatives": _derivatives.second_derivatives,
    "vmap": _vectorise.vectorised,
}
_BLOCKING = {
    "forward", "parameters", "output", "batch size", "gradient", "captured", "recomputation", "double backward",
    "not finite",
}  # fmt: skip
"""Problems behind which nothing more can be computed."""


def check(module: nn.Module, x: Tree) -> Report:
    """Runs a module through the traps of meta-learning and says in words what to change.

    It looks at what happens, not at names of types: forward passes on the whole batch, on parts and on one row; a
    gradient; the meta-gradient of one inner step in float64 against finite differences, at random points and along
    random directions; two tasks under `vmap` against a loop. Points where a finite difference meets a kink of a ReLU
    or a max-pooling are left out of the verdict. Where a trap can be mended (`convert_norms`, freezing), the rest is
    looked at as if it were. The module itself is not changed.

    Args:
        module: the network that a learner would adapt.
        x: a batch of at least 4 inputs `(N, ...)`, or a tree of them; their values matter little.

    Returns:
        The findings; print them, or ask `report.ok`.

    Raises:
        ConfigurationError: if this is no module, or one that cannot be copied.
        DataError: if the module cannot take the inputs.

    >>> report = check(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), torch.randn(8, 3))
    >>> report.ok, report.problems[0].change
    (False, 'Call innerloop.networks.convert_norms(module): same weights, and statistics under a named policy.')
    """
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    findings: list[Finding] = []
    not_run: list[str] = []
    # what the module warns of is its own affair, and the caller's random numbers stay where they were
    with warnings.catch_warnings(), torch.random.fork_rng(devices=devices):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        subject = subject_of(module, x)
        for name, look in _CHECKS.items():
            stopped = any(found.severity == "problem" and found.name in _BLOCKING for found in findings)
            # an earlier check may have frozen the last parameter that no gradient reaches
            if stopped or (findings and not subject.parameters):
                not_run.append(name)
                continue
            try:
                for found in look(subject):
                    findings.append(found)
            except Exception as error:  # it is the user's forward that runs here, and it may do anything
                findings.append(_failed(name, error))
    return Report(type(module).__name__, tuple(findings), tuple(not_run))


def _failed(name: str, error: Exception) -> Finding:
    return Finding(
        "forward",
        "problem",
        f"Looking at its {name} was cut short by {type(error).__name__}: {first_line(error)}.",
        "A learner calls forward many times: with other rows, with and without gradients, in train() and in eval().",
        "Let forward depend on its input and on parameters alone, and leave the module as it was.",
    )
