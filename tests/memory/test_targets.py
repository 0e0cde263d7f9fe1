import math

import pytest
import torch

from innerloop.errors import ConfigurationError, DataError
from innerloop.losses import Gaussian, gaussian_nll
from innerloop.memory import Targets
from innerloop.task import Examples


def test_classes_are_shown_as_slots():
    shown = Targets(ways=4).encode(Examples(torch.zeros(3, 1), torch.tensor([2, 0, 1]), ways=3), torch.float64)
    assert torch.equal(shown, torch.eye(4, dtype=torch.float64)[[2, 0, 1]])


def test_numbers_are_shown_as_they_are():
    y = torch.randn(3, 2, 2)
    assert torch.equal(Targets(outputs=4).encode(Examples(torch.zeros(3, 1), y), torch.float32), y.reshape(3, 4))


@pytest.mark.parametrize(
    ("targets", "size", "head", "loss"),
    [
        (Targets(ways=3), 3, 3, None),
        (Targets(ways=3, gaussian=True), 3, 3, None),
        (Targets(outputs=2), 2, 2, None),
        (Targets(outputs=2, gaussian=True), 2, 4, gaussian_nll),
    ],
)
def test_sizes(targets, size, head, loss):
    assert (targets.size, targets.head, targets.loss) == (size, head, loss)


def test_what_becomes_of_the_outputs():
    raw = torch.tensor([[1.0, -2.0, 0.0, 3.0]])
    assert torch.equal(Targets(ways=4).decode(raw, 3), raw[:, :3])
    assert torch.equal(Targets(outputs=4).decode(raw, None), raw)
    mean, variance = Targets(outputs=2, gaussian=True, floor=0.1).decode(raw, None)
    assert torch.equal(mean, raw[:, :2])
    expected = [(0.1 + 0.9 * math.log1p(math.exp(s))) ** 2 for s in (0.0, 3.0)]
    torch.testing.assert_close(variance, torch.tensor([expected]))
    sure = Targets(gaussian=True, floor=0.1).decode(torch.tensor([[0.0, -50.0]]), None)
    assert isinstance(sure, Gaussian)
    assert sure.variance.item() == pytest.approx(0.01)


def test_errors():
    for wrong in ({"ways": 1}, {"outputs": 0}):
        with pytest.raises(ConfigurationError, match="at least 2 classes, or outputs= of at least 1 number"):
            Targets(**wrong)
    with pytest.raises(ConfigurationError, match="between 0 and 1; got 0"):
        Targets(floor=0)
    with pytest.raises(DataError, match=r"is 1 numbers; got 2, from targets of shape \(3, 2\)"):
        Targets().encode(Examples(torch.zeros(3, 1), torch.zeros(3, 2)), torch.float32)
    with pytest.raises(DataError, match="must be one tensor; got dict"):
        Targets().encode(Examples(torch.zeros(3, 1), {"a": torch.zeros(3, 1)}), torch.float32)
