import pytest
import torch
import torch.nn.functional as F

from innerloop.errors import DataError
from innerloop.losses import (
    Gaussian,
    absolute_error,
    cross_entropy,
    default_loss,
    gaussian_nll,
    mean_loss,
    mean_of,
    squared_error,
)
from innerloop.task import Examples

LABELS = Examples(torch.zeros(4, 1), torch.tensor([0, 2, 1, 0]), ways=3)


def targets(*shape, mask=None):
    return Examples(torch.zeros(shape[0], 1), torch.randn(shape), mask)


def test_cross_entropy_is_one_number_per_example():
    logits = torch.randn(4, 3)
    expected = -logits.log_softmax(1)[torch.arange(4), LABELS.y]
    torch.testing.assert_close(cross_entropy(logits, LABELS), expected)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2), (4, 2, 3)])
def test_squared_error_is_the_mean_over_the_outputs(shape):
    examples, prediction = targets(*shape), torch.randn(shape)
    each = squared_error(prediction, examples)
    assert each.shape == (4,)
    torch.testing.assert_close(each.mean(), F.mse_loss(prediction, examples.y))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2), (4, 2, 3)])
def test_gaussian_nll_is_the_log_density_of_the_whole_target(shape):
    examples, prediction = targets(*shape), Gaussian(torch.randn(shape), 0.1 + torch.rand(shape))
    each = gaussian_nll(prediction, examples)
    density = torch.distributions.Normal(prediction.mean, prediction.variance.sqrt()).log_prob(examples.y)
    torch.testing.assert_close(each, -density.reshape(4, -1).sum(1))


def test_the_mean_of_a_prediction():
    mean = torch.randn(3)
    assert mean_of(Gaussian(mean, torch.ones(3))) is mean
    assert mean_of(mean) is mean


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2, 3)])
def test_absolute_error_is_the_mean_over_the_outputs(shape):
    examples, prediction = targets(*shape), torch.randn(shape)
    each = absolute_error(prediction, examples)
    assert each.shape == (4,)
    torch.testing.assert_close(each.mean(), F.l1_loss(prediction, examples.y))
    with pytest.raises(DataError, match="one shape"):
        absolute_error(torch.zeros(4, 5), examples)


def test_a_mean_counts_unmasked_rows_only():
    mask = torch.tensor([True, False, True, False])
    examples, prediction = targets(4, 2, mask=mask), torch.randn(4, 2)
    prediction[1], examples.y[3] = float("inf"), 1e30
    prediction.requires_grad_()
    loss = mean_loss(squared_error, prediction, examples)
    torch.testing.assert_close(loss, F.mse_loss(prediction[mask], examples.y[mask]))
    (slope,) = torch.autograd.grad(mean_loss(squared_error, p := torch.randn(4, 2, requires_grad=True), examples), p)
    assert not slope[~mask].any()


def test_defaults():
    assert default_loss(None) is squared_error
    assert default_loss(5) is cross_entropy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cross_entropy(torch.zeros(2, 3), targets(2)),
            r"whole-number labels; got y of type torch\.float32",
        ),
        (lambda: squared_error(torch.zeros(2, 1), targets(2)), r"got \(2, 1\) and \(2,\)"),
        (
            lambda: mean_loss(lambda p, e: F.cross_entropy(p, e.y), torch.zeros(4, 3), LABELS),
            r"one number per example, shape \(4,\); got shape \(\)\. Use reduction='none'",
        ),
        (lambda: squared_error(Gaussian(torch.zeros(2, 1), torch.ones(2, 1)), targets(2, 1)), "got a Gaussian"),
        (lambda: gaussian_nll(torch.zeros(2, 1), targets(2, 1)), "needs a Gaussian of means and variances; got Tensor"),
        (
            lambda: gaussian_nll(Gaussian(torch.zeros(2, 1), torch.ones(2, 1)), targets(2)),
            r"one shape; got \(2, 1\), \(2, 1\) and \(2,\)",
        ),
        (
            lambda: gaussian_nll(Gaussian(torch.zeros(2), torch.ones(2, 1)), targets(2)),
            r"one shape; got \(2,\), \(2, 1\) and \(2,\)",
        ),
        (lambda: mean_loss(lambda p, e: p, torch.zeros(4, 3), LABELS), r"got shape \(4, 3\)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(DataError, match=message):
        call()
