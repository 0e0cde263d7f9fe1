"""The memory family by the papers' names."""

from __future__ import annotations

from typing import Any

from torch import nn

from innerloop.losses import Loss
from innerloop.memory import MANN, SNAIL, AttentiveProcess, InContext, NeuralProcess, Targets
from innerloop.methods._named import named, spec_of
from innerloop.networks._norm import Policy


def mann(
    embedding: nn.Module,
    *,
    ways: int | None = None,
    outputs: int = 1,
    controller: Any = "lstm",
    slots: int = 128,
    width: int = 40,
    reads: int = 4,
    hidden: int = 200,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> MANN:
    """Memory-augmented neural network: a controller writes the support set into an external memory.

    Args:
        embedding: a network without a head, for instance `innerloop.networks.conv4(outputs=None)`.
        ways: most classes of a task; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        controller: "lstm" or "feedforward".
        slots: of the memory.
        width: numbers in a slot.
        reads: heads, each of which reads and writes.
        hidden: size of the controller.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: cross-entropy or squared error.
        norm: policy of the norm layers.

    Source: Santoro et al. 2016; 128 slots of 40, 4 heads and 200 hidden units are those of public re-implementations.
    """
    learner = MANN(
        embedding, Targets(ways, outputs), controller=controller, slots=slots, width=width, reads=reads, hidden=hidden,
        features=features, loss=loss, norm=norm,
    )  # fmt: skip
    arguments = {
        "ways": ways, "outputs": outputs, "controller": controller, "slots": slots, "width": width, "reads": reads,
        "hidden": hidden, "features": features, "norm": norm,
    }  # fmt: skip
    return named(learner, "mann", "MANN", spec_of(embedding), arguments)


def snail(
    embedding: nn.Module,
    *,
    length: int,
    ways: int | None = None,
    outputs: int = 1,
    filters: int = 32,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> SNAIL:
    """SNAIL: temporal convolutions and causal attention over the support set and a query.

    Args:
        embedding: a network without a head.
        length: support examples of a task and the query: `ways * shots + 1`.
        ways: most classes of a task; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        filters: of the convolutions; keys and values of the attention grow with it. 128 in the paper, 32 here for the
            time of a core.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: cross-entropy or squared error.
        norm: policy of the norm layers.

    Source: Mishra et al. 2018.
    """
    learner = SNAIL(
        embedding, Targets(ways, outputs), length=length, filters=filters, features=features, loss=loss, norm=norm
    )
    arguments = {
        "length": length, "ways": ways, "outputs": outputs, "filters": filters, "features": features, "norm": norm,
    }  # fmt: skip
    return named(learner, "snail", "SNAIL", spec_of(embedding), arguments)


def cnp(
    embedding: nn.Module,
    *,
    ways: int | None = None,
    outputs: int = 1,
    width: int = 128,
    floor: float = 0.01,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> NeuralProcess:
    """Conditional neural process: a task is the mean of its encoded examples; numbers are predicted as a `Gaussian`.

    Args:
        embedding: a network without a head; `innerloop.networks.mlp(1, None, [])` passes numbers on as they are.
        ways: most classes of a task; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        width: of the layers and of the mean.
        floor: smallest standard deviation; 0.1 in the published code, which hides a noise below that.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the norm layers.

    Source: Garnelo et al. 2018.
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    learner = NeuralProcess(embedding, targets, width=width, features=features, loss=loss, norm=norm)
    arguments = {
        "ways": ways, "outputs": outputs, "width": width, "floor": floor, "features": features, "norm": norm,
    }  # fmt: skip
    return named(learner, "cnp", "Neural process", spec_of(embedding), arguments)


def anp(
    embedding: nn.Module,
    *,
    ways: int | None = None,
    outputs: int = 1,
    width: int = 128,
    heads: int = 8,
    floor: float = 0.01,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> AttentiveProcess:
    """Attentive neural process, deterministic path: a query attends to the encoded examples.

    Args:
        embedding: a network without a head; `innerloop.networks.mlp(1, None, [])` passes numbers on as they are.
        ways: most classes of a task; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        width: of the layers.
        heads: of the attention.
        floor: smallest standard deviation; 0.1 in the published code, which hides a noise below that.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the norm layers.

    Source: Kim et al. 2019, without the latent path.
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    learner = AttentiveProcess(embedding, targets, width=width, heads=heads, features=features, loss=loss, norm=norm)
    arguments = {
        "ways": ways, "outputs": outputs, "width": width, "heads": heads, "floor": floor, "features": features,
        "norm": norm,
    }  # fmt: skip
    return named(learner, "anp", "Attentive neural process", spec_of(embedding), arguments)


def in_context(
    embedding: nn.Module,
    *,
    ways: int | None = None,
    outputs: int = 1,
    width: int = 64,
    layers: int = 6,
    heads: int = 4,
    hidden: int = 128,
    floor: float = 0.01,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> InContext:
    """In-context transformer: reads the support set, and learns a task without changing a weight.

    Args:
        embedding: a network without a head; `innerloop.networks.mlp(1, None, [])` passes numbers on as they are.
        ways: most classes of a task; None: targets are numbers, predicted as a `Gaussian`.
        outputs: numbers of a target, where there are no classes.
        width: of a token.
        layers: transformer blocks.
        heads: of the attention.
        hidden: of the blocks' perceptrons.
        floor: smallest standard deviation.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the norm layers.

    Source: Nguyen and Grover 2022 (TNP-D) and its published code's sizes; Müller et al. 2022.
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    learner = InContext(
        embedding, targets, width=width, layers=layers, heads=heads, hidden=hidden, features=features, loss=loss,
        norm=norm,
    )  # fmt: skip
    arguments = {
        "ways": ways, "outputs": outputs, "width": width, "layers": layers, "heads": heads, "hidden": hidden,
        "floor": floor, "features": features, "norm": norm,
    }  # fmt: skip
    return named(learner, "in_context", "In-context transformer", spec_of(embedding), arguments)
