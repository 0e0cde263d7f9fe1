"""Losses: `(prediction, examples) -> one loss per example`; the library averages them under the mask."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError
from innerloop.task import Examples

Loss = Callable[[Any, Examples], Tensor]
"""`(prediction, examples) -> (N,)`."""


class Gaussian(NamedTuple):
    """A prediction that says how sure it is: a normal distribution for every number.

    Attributes:
        mean: `(N, ...)`.
        variance: `(N, ...)`, positive. It is that of an observed target, noise included.

    >>> Gaussian(torch.zeros(1), torch.ones(1)).variance.sqrt()
    tensor([1.])
    """

    mean: Tensor
    variance: Tensor


def mean_of(prediction: Any) -> Any:
    """The mean of a `Gaussian`; any other prediction as it is.

    >>> mean_of(Gaussian(torch.zeros(1), torch.ones(1)))
    tensor([0.])
    """
    return prediction.mean if isinstance(prediction, Gaussian) else prediction


def cross_entropy(prediction: Tensor, examples: Examples) -> Tensor:
    """`-log softmax(prediction)[y]` for logits `(N, ways)` and labels `(N,)`.

    >>> cross_entropy(torch.zeros(1, 2), Examples(torch.zeros(1), torch.tensor([0]))).item()
    0.6931...
    """
    if examples.y.is_floating_point():
        raise DataError(
            f"Cross-entropy needs whole-number labels; got y of type {examples.y.dtype}. "
            "Use y.long(), or loss=innerloop.losses.squared_error for a regression."
        )
    if examples.y.ndim != 1:
        raise DataError(
            f"Cross-entropy needs one label per example, shape (N,); got labels of shape {tuple(examples.y.shape)}. "
            "Use y.flatten(), or y.argmax(1) for one-hot rows."
        )
    return F.cross_entropy(prediction, examples.y, reduction="none")


def squared_error(prediction: Tensor | Gaussian, examples: Examples) -> Tensor:
    """Mean over the outputs of `(prediction - y)^2`, for predictions and targets `(N, ...)`.

    >>> squared_error(torch.ones(1, 2), Examples(torch.zeros(1), torch.zeros(1, 2))).item()
    1.0
    """
    return _mean_over_outputs(prediction, examples, Tensor.square)


def absolute_error(prediction: Tensor | Gaussian, examples: Examples) -> Tensor:
    """Mean over the outputs of `|prediction - y|`, for predictions and targets `(N, ...)`.

    >>> absolute_error(torch.full((1, 2), 3.0), Examples(torch.zeros(1), torch.zeros(1, 2))).item()
    3.0
    """
    return _mean_over_outputs(prediction, examples, Tensor.abs)


def gaussian_nll(prediction: Any, examples: Examples) -> Tensor:
    """Negative log-density of the targets in nats, the sum over the outputs of a point.

        1/2 Σ_d [ log(2π v_d) + (y_d - m_d)^2 / v_d ]

    Args:
        prediction: means and variances `(N, ...)`.
        examples: targets `(N, ...)`.

    Raises:
        DataError: if the prediction is no `Gaussian`, or of another shape than the targets.

    >>> one = Gaussian(torch.zeros(1, 1), torch.ones(1, 1))
    >>> gaussian_nll(one, Examples(torch.zeros(1), torch.zeros(1, 1))).item()  # log(2π) / 2
    0.918...
    """
    if not isinstance(prediction, Gaussian):
        raise DataError(
            f"gaussian_nll needs a Gaussian of means and variances; got {type(prediction).__name__}. "
            "Use a learner that predicts one (innerloop.methods.cnp), or loss=innerloop.losses.squared_error."
        )
    mean, variance = prediction
    if mean.shape != examples.y.shape or variance.shape != mean.shape:
        raise DataError(
            f"Mean, variance and target must have one shape; got {tuple(mean.shape)}, {tuple(variance.shape)} and "
            f"{tuple(examples.y.shape)}. Reshape y or change the number of outputs."
        )
    each = 0.5 * (math.log(2 * math.pi) + variance.log() + (examples.y - mean).square() / variance)
    found: Tensor = each.reshape(each.shape[0], -1).sum(1)
    return found


def mean_loss(loss: Loss, prediction: Any, examples: Examples) -> Tensor:
    """The loss averaged over the rows that are not padding: a scalar.

    Raises:
        DataError: if the loss does not give one number per example.
    """
    each = loss(prediction, examples)
    if each.shape != examples.mask.shape:
        # a mean would count padding, and (N, D) would broadcast against the mask
        raise DataError(
            f"A loss returns one number per example, shape {tuple(examples.mask.shape)}; "
            f"got shape {tuple(each.shape)}. Use reduction='none', and average over the outputs."
        )
    weight = examples.mask.to(each.dtype)
    # a padded row may hold anything, also an infinite loss: replace it, don't multiply it away. That saves the value;
    # the gradient of a row is multiplied by zero all the same, so that a loss needs finite slopes there
    return torch.where(examples.mask, each, 0).sum() / weight.sum()


def default_loss(ways: int | None) -> Loss:
    """Cross-entropy for classification, squared error for regression."""
    return squared_error if ways is None else cross_entropy


def name_of(loss: Loss) -> str:
    """What a loss is called where it was written; without its module, which may be `__main__` one day.

    >>> name_of(gaussian_nll)
    'gaussian_nll'
    """
    return str(getattr(loss, "__qualname__", type(loss).__qualname__))


class Missing:
    """Stands for a loss of somebody's own, of which a file holds the name alone. It cannot be called.

    Args:
        name: what the loss was called.

    Raises:
        ConfigurationError: when it is called.
    """

    def __init__(self, name: str):
        self.__qualname__ = name

    def __call__(self, prediction: Any, examples: Examples) -> Tensor:
        """Raises ConfigurationError: there is no loss."""
        raise ConfigurationError(
            f"This learner had the loss {self.__qualname__}, which is code and not in its file. It predicts without; "
            "to go on learning, set its `loss` (of an adapted model: model.learner.loss) to that function."
        )


LOSSES: dict[str, Loss] = {
    known.__name__: known for known in (cross_entropy, squared_error, absolute_error, gaussian_nll)
}
"""The losses that a learner can be given, by name."""


def _mean_over_outputs(prediction: Tensor | Gaussian, examples: Examples, of: Callable[[Tensor], Tensor]) -> Tensor:
    if isinstance(prediction, Gaussian):
        raise DataError(
            "This loss compares numbers; got a Gaussian. Use loss=innerloop.losses.gaussian_nll, or "
            "innerloop.losses.mean_of(prediction)."
        )
    if prediction.shape != examples.y.shape:
        # broadcasting (N, 1) against (N,) would silently compare every pair
        raise DataError(
            f"Prediction and target must have one shape; got {tuple(prediction.shape)} and "
            f"{tuple(examples.y.shape)}. Reshape y or change the network's outputs."
        )
    each = of(prediction - examples.y)
    return each.reshape(each.shape[0], -1).mean(1)
