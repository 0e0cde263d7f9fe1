"""What the tests of meta-gradients measure; also used on planted bugs, to see that the tests can fail."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from innerloop.learner import Learner
from innerloop.task import Task

Measured = tuple[Tensor, dict[str, Tensor]]


def measure(learner: Learner, tasks: Task) -> Measured:
    """Losses of the tasks and the meta-gradient, by name in the learner's network."""
    learner.zero_grad()
    outcome = learner(tasks)
    outcome.loss.backward()
    torch.testing.assert_close(outcome.loss.detach(), outcome.losses.mean())
    return outcome.losses, {
        name.removeprefix("network."): p.grad.clone() for name, p in learner.named_parameters() if p.requires_grad
    }


def difference(a: Measured, b: Measured) -> float:
    """Largest difference of two measurements, in a loss or in a component of the gradient."""
    assert a[1].keys() == b[1].keys()
    pairs = [(a[0], b[0]), *((a[1][name], b[1][name]) for name in a[1])]
    return max(float((one - other).abs().max()) for one, other in pairs)


def finite_differences(
    value: Callable[[], Tensor], parameters: dict[str, Tensor], at: dict[str, list[int]], step: float = 1e-5
) -> dict[str, Tensor]:
    """Central differences of `value()` in the components `at` of the parameters (flat positions)."""
    found = {}
    with torch.no_grad():
        for name, parameter in parameters.items():
            flat, slopes = parameter.view(-1), []
            for position in at[name]:
                before = flat[position].clone()
                ends = []
                for sign in (1, -1):
                    flat[position] = before + sign * step
                    ends.append(value())
                flat[position] = before
                slopes.append((ends[0] - ends[1]) / (2 * step))
            found[name] = torch.stack(slopes)
    return found


def difference_from_finite_differences(learner: Learner, tasks: Task, components: int = 4, step: float = 1e-5) -> float:
    """Largest difference of the meta-gradient from finite differences of the reported loss.

    In every parameter the largest component and evenly spaced others are looked at.
    """
    _, gradient = measure(learner, tasks)
    parameters = {n.removeprefix("network."): p for n, p in learner.named_parameters() if p.requires_grad}
    at = {}
    for name, g in gradient.items():
        spread = torch.linspace(0, g.numel() - 1, min(components, g.numel())).long().tolist()
        at[name] = sorted({int(g.abs().argmax()), *spread})

    expected = finite_differences(lambda: learner(tasks).loss, parameters, at, step)
    return max(float((gradient[n].flatten()[at[n]] - expected[n]).abs().max()) for n in gradient)


def largest(gradient: dict[str, Tensor]) -> float:
    """The largest component: differences mean nothing where everything is zero."""
    return max(float(g.abs().max()) for g in gradient.values())


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """A copy of everything in the state dict."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the mapping has said in the log."""
    return [record.getMessage() for record in caplog.records if record.name == "innerloop.mapping"]
