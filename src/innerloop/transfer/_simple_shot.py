"""SimpleShot: the nearest class mean of frozen features that were centred and normalised."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.demands import at_least
from innerloop.errors import ConfigurationError
from innerloop.learner import Objective
from innerloop.losses import Loss
from innerloop.metric import Prototypes, PrototypeState
from innerloop.modules import in_mode
from innerloop.network_learner import NetworkLearner, within
from innerloop.networks import FunctionalNetwork, NormCall
from innerloop.task import Examples, Task, Tree
from innerloop.transfer._classification import classification_loss, features_of


class Source(Protocol):
    """What a centre is computed from: a source with a flat view."""

    def flat(self) -> Any:
        """The merged classes, as batches."""


class Centre(nn.Module):
    """The mean of the training features, a buffer.

    In training it is a running average over batches, as norm layers keep them; `SimpleShot.centre_on` computes it
    exactly.

    Args:
        width: number of features.
        momentum: share of a new batch in the running average; 0.1 as in the norm layers.
    """

    mean: Tensor

    def __init__(self, width: int, momentum: float = 0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(width))

    def absorb(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the average towards `mean`."""
        self.mean.lerp_(mean.detach(), self.momentum)


class _Centred(nn.Module):
    # features, centred and of length 1: what class means are taken of
    def __init__(self, features: nn.Module, centre: Centre):
        super().__init__()
        self.features, self.centre = features, centre

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(torch.flatten(self.features(x), 1) - self.centre.mean, dim=1)


class SimpleShot(NetworkLearner):
    """Ordinary classification of all training classes; then nearest class means of centred, normalised features.

        z = (f(x) - f̄) / |f(x) - f̄|,   f̄ = mean of f over the training examples
        c_k = mean_{y_i = k} z_i,   logits_k = -s |z - c_k|²

    `fit` trains it as it trains `Pretraining`, on the source's flat view, and keeps a running average of the centre.
    For a network that is trained already, `centre_on(source)` computes the centre; it is a buffer, saved and restored
    with the weights.

    Args:
        network: a network with `features`, `head` and `width`; to be trained, the head has one output per training
            class.
        smoothing: label smoothing of the classification loss.
        loss: loss on tasks (evaluation only); None: cross-entropy.

    Raises:
        ConfigurationError: if the network has no `features` or no `width`.

    Source: Wang et al. 2019, "SimpleShot: revisiting nearest-neighbor classification for few-shot learning", section 3
    (CL2N). s = 5 turns distances into logits as the 10 of cosines does in `Prototypes`, and changes no decision.
    """

    family = "transfer"
    state_type = PrototypeState

    def __init__(self, network: nn.Module, *, smoothing: float = 0.1, loss: Loss | None = None):
        features, width = features_of(network), getattr(network, "width", None)
        if not isinstance(width, int):
            raise ConfigurationError(
                f"{type(network).__name__} has no `width`, the number of its features. "
                "Build it as innerloop.networks.Backbone(features, head, width)."
            )
        super().__init__(network, loss=loss, norm="running")
        self._body, self.smoothing = FunctionalNetwork(features, "running"), smoothing
        like = next(network.parameters(), torch.zeros(()))
        self.centre = Centre(width).to(like.device, like.dtype)
        # holds the same modules as the network; kept in a list so that they are not registered twice
        self._nearest = [Prototypes(_Centred(features, self.centre), scale=5.0, norm="running")]
        self._nearest[0].training = False  # only this flag: the features themselves follow the learner

    def training_source(self, source: Any) -> Any:
        """The merged classes of `source`."""
        return source.flat()

    @torch.no_grad()
    def centre_on(self, source: Source, batches: int = 100) -> SimpleShot:
        """Computes the centre from examples of a training source and keeps it.

        Args:
            source: the training split; its flat view is drawn from.
            batches: batches of the flat view, 128 examples each if the source does not say otherwise. Classes are
                equally likely in them, so that large ones do not draw the centre towards themselves.

        Returns:
            The learner itself.

        Raises:
            ConfigurationError: for less than one batch, or a source without classes.
        """
        at_least("batches=", batches, 1)
        flat, mean = source.flat(), self.centre.mean
        total, count = torch.zeros(mean.shape, dtype=torch.float64), 0
        with in_mode(self, training=False):
            for index in range(batches):
                x = flat.batch(torch.tensor([index])).query.x[0].to(mean.device)
                total += self._features(x, NormCall(running=True)).sum(0).cpu()
                count += len(x)
        mean.copy_(total / count)
        return self

    def objective(self, task: Task) -> Objective:
        """Cross-entropy over all training classes, for a flat batch; keeps its mean features for the centre."""
        call = self.norm_call(task.query.mask, collect=self.collects)
        z = self._features(task.query.x, call)
        logits = self.network.head(z)  # type: ignore[operator]  # nn.Module's attributes are typed for tensors, too
        loss = classification_loss(logits, task.query, self.smoothing)
        seen = within("network.features", call.seen)
        if self.training:
            mean = torch.where(task.query.mask[:, None], z, 0).sum(0) / task.query.mask.sum()
            seen["centre"] = mean, torch.zeros_like(mean)
        return Objective(loss, loss, logits, seen)

    def adapt(self, support: Examples, state: PrototypeState | None = None) -> PrototypeState:
        """Class means of the centred, normalised features."""
        found: PrototypeState = self._frozen().adapt(support, state)
        return found

    def predict(self, state: PrototypeState, x: Tree, mask: Tensor | None = None) -> Any:
        """Logits by squared distance to the class means."""
        return self._frozen().predict(state, x, mask)

    def _features(self, x: Tree, call: NormCall) -> Tensor:
        return torch.flatten(self._body({}, x, call), 1)

    def _frozen(self) -> Prototypes:
        nearest = self._nearest[0]
        nearest._padded = self._padded
        if nearest.norm != "none":
            nearest.norm = self.norm
        return nearest
