"""Whether second derivatives can be taken, and are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

import torch

from innerloop.checks._advice import FIRST_ORDER, first_line, of_backward
from innerloop.checks._meta import MetaLoss, nearby, norm_of
from innerloop.checks._precision import Coarser, double_precision
from innerloop.checks._report import Finding
from innerloop.checks._subject import Parameters, Subject, calls, place

_POINTS, _ENOUGH = 8, 3
"""Points in parameter space that are tried, and how many must be smooth for a verdict."""

_STEPS = (1e-8, 2e-9)
"""Relative steps of the finite differences: small, since every ReLU that changes sign on the way spoils one."""

_SMOOTH, _WRONG = 1e-5, 1e-4
"""Relative difference between two finite differences above which a point is no use, and median error above which a
derivative is wrong. In float64 right ones are far below both."""

_STEADY = 1e-5
"""Relative change of a derivative over one step above which nothing can be said of it."""


def second_derivatives(subject: Subject) -> Iterator[Finding]:
    """The meta-gradient of one inner step against finite differences along random directions, in float64."""
    meta = MetaLoss(subject)
    parameters: Parameters = dict(subject.parameters)
    try:
        with calls(subject.network) as trace:
            found = meta.gradient(parameters)
    except Exception as error:  # it is the user's forward that runs here
        means, change = of_backward(error)
        yield Finding(
            "double backward",
            "problem",
            f"The gradient cannot be differentiated again{place(trace.inside)}: {means}.",
            "MAML and all others that learn through the inner loop need second derivatives.",
            f"{change} Or take {FIRST_ORDER}.",
        )
        return
    if not all(bool(torch.isfinite(g).all()) for g in found.values()):
        yield Finding(
            "not finite",
            "problem",
            "The meta-gradient is NaN or infinite, though the gradient is finite.",
            "Second derivatives of roots and norms have no bound near zero.",
            f"Guard them: torch.sqrt(x + 1e-6), F.normalize(x, eps=1e-3); or take {FIRST_ORDER}.",
        )
        return
    if not subject.repeatable:
        return
    with double_precision():
        exact = subject.exact()
        try:
            meta = MetaLoss(exact)
            with Coarser() as coarser:
                meta.inner_value(dict(exact.parameters))
        except Exception as error:  # it is the user's forward that runs here
            yield _in_single_precision(f"forward does not run in float64: {first_line(error)}")
            return
        if coarser.seen:
            kinds = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in coarser.seen))
            yield _in_single_precision(f"Parts of forward stay in {kinds} when all else is float64")
            return
        yield from _compared(exact, meta)


def _in_single_precision(seen: str) -> Finding:
    return Finding(
        "double precision",
        "warning",
        f"{seen}; its second derivatives run, but could not be checked.",
        "It makes tensors of a fixed type, casts to one, or holds constants outside of buffers.",
        "Take the type from the input: torch.zeros(n, dtype=x.dtype), .to(x.dtype) and not .float(). Hold constants in "
        "register_buffer.",
    )


def _compared(exact: Subject, meta: MetaLoss) -> Iterator[Finding]:
    second = _errors(exact, meta.value, meta.gradient)
    if len(second) < _ENOUGH:
        yield Finding(
            "second derivative",
            "ok",
            "It runs; whether it is right could not be judged: near every point there is a kink.",
        )
    elif median(second) <= _WRONG:
        yield Finding(
            "second derivative",
            "ok",
            f"It agrees with finite differences at {len(second)} random points (error {median(second):.0e}); at a kink "
            "(ReLU at zero, a tie in max-pooling) there is nothing to compare.",
        )
    elif (first := _errors(exact, meta.inner_value, meta.inner_gradient)) and median(first) > _WRONG:
        yield Finding(
            "first derivative",
            "warning",
            f"The gradient differs from finite differences by {100 * median(first):.2g} %.",
            "Something passes on another gradient than its own: detach() or no_grad() on a part, a straight-through "
            "estimator, or a torch.autograd.Function with a wrong backward. Meta-learning differentiates that.",
            "Leave it if it is meant; otherwise take detach() out, or correct the backward.",
        )
    else:
        yield Finding(
            "second derivative",
            "problem",
            f"The meta-gradient differs from finite differences by {100 * median(second):.2g} %; the gradient agrees.",
            "Somewhere backward computes with values that carry no graph: its own derivative is lost, silently.",
            "In a torch.autograd.Function use ctx.save_for_backward and torch functions in backward, without detach(), "
            f"no_grad() and @once_differentiable. Or take {FIRST_ORDER}.",
        )


def _errors(
    exact: Subject, value: Callable[[Parameters], float], gradient: Callable[[Parameters], Parameters]
) -> list[float]:
    """Relative errors of a gradient at random points; those where the function has a kink nearby are left out."""
    draw, found = torch.Generator().manual_seed(0), []
    for _ in range(_POINTS):
        point = {name: nearby(parameter, draw) for name, parameter in exact.parameters.items()}
        found += _error(value, gradient, point, draw)
        if len(found) == _ENOUGH:
            break
    return found


def _error(
    value: Callable[[Parameters], float],
    gradient: Callable[[Parameters], Parameters],
    point: Parameters,
    draw: torch.Generator,
) -> list[float]:
    """The relative error along one direction; nothing where the function has a kink nearby."""
    found = gradient(point)
    size = norm_of(point)
    noise = {name: torch.randn(p.shape, generator=draw, dtype=torch.float64).to(p.device) for name, p in point.items()}
    steepness, spread = norm_of(found), norm_of(noise)
    # half along the gradient, so that the slope is not lost in rounding; half at random, so that all is seen
    direction = {name: found[name] / (steepness or 1.0) + noise[name] / spread for name in point}
    expected, slopes = _along(found, direction), []
    for step in _STEPS:
        by = step * size
        up, down = ({n: p + sign * by * direction[n] for n, p in point.items()} for sign in (1, -1))
        slopes.append((value(up) - value(down)) / (2 * by))
    # where the function is flat there are only rounding errors to compare
    scale = max(abs(slopes[1]), abs(expected), 1e-6 * abs(value(point)) / size)
    if not abs(slopes[0] - slopes[1]) <= _SMOOTH * scale:
        return []
    error = abs(slopes[1] - expected) / scale
    # before a derivative is called wrong: does it stay what it is along the way, or is the function too wild here?
    if not (error <= _WRONG or abs(_along(gradient(up), direction) - expected) <= _STEADY * scale):
        return []
    return [error]


def _along(gradient: Parameters, direction: Parameters) -> float:
    return float(sum((gradient[name] * direction[name]).sum() for name in gradient))
