"""The memory family by the papers' names."""

from __future__ import annotations

from typing import Any

from torch import nn

from innerloop.losses import Loss
from innerloop.memory import MANN, SNAIL, AttentiveProcess, InContext, NeuralProcess, Targets
from innerloop.methods._named import named
from innerloop.networks import Policy


@named("MANN")
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

        h_t = controller(z_t, y_{t-1}, r_{t-1}),   M_t = M_{t-1} + w_t' k(h_t),   r_t = softmax(β cos(k(h_t), M_t)) M_t

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

    Raises:
        ConfigurationError: for sizes that cannot be, or an embedding whose width nobody says.

    Source: Santoro et al. 2016; 128 slots of 40, 4 heads and 200 hidden units are those of public re-implementations.

    >>> from innerloop.networks import mlp
    >>> mann(mlp(2, None), ways=5).name
    'MANN'
    """
    return MANN(
        embedding, Targets(ways, outputs), controller=controller, slots=slots, width=width, reads=reads, hidden=hidden,
        features=features, loss=loss, norm=norm,
    )  # fmt: skip


@named("SNAIL")
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

        prediction = SNAIL((z_1, y_1), ..., (z_N, y_N), (z, 0)) at the last place

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

    Raises:
        ConfigurationError: for sizes that cannot be, or an embedding whose width nobody says.

    Source: Mishra et al. 2018.

    >>> from innerloop.networks import mlp
    >>> snail(mlp(2, None), ways=5, length=6).length
    6
    """
    return SNAIL(
        embedding, Targets(ways, outputs), length=length, filters=filters, features=features, loss=loss, norm=norm
    )


@named("Conditional neural process")
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

        r = 1/N Σ_i h(z_i, y_i),   (m, v) = g(r, z),   y ~ N(m, v)

    Args:
        embedding: a network without a head; `innerloop.networks.mlp(1, None, [])` passes numbers on as they are.
        ways: most classes of a task; None: targets are numbers.
        outputs: numbers of a target, where there are no classes.
        width: of the layers and of the mean.
        floor: smallest standard deviation; 0.1 in the published code, which hides a noise below that.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for sizes that cannot be, or an embedding whose width nobody says.

    Source: Garnelo et al. 2018.

    >>> from innerloop.networks import mlp
    >>> cnp(mlp(1, None, []), width=16).name
    'Conditional neural process'
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    return NeuralProcess(embedding, targets, width=width, features=features, loss=loss, norm=norm)


@named("Attentive neural process")
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

        r(z) = attention(query a(z), keys a(z_i), values h(z_i, y_i)),   (m, v) = g(r(z), z),   y ~ N(m, v)

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

    Raises:
        ConfigurationError: for sizes that cannot be, or an embedding whose width nobody says.

    Source: Kim et al. 2019, without the latent path.

    >>> from innerloop.networks import mlp
    >>> anp(mlp(1, None, []), width=16, heads=4).heads
    4
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    return AttentiveProcess(embedding, targets, width=width, heads=heads, features=features, loss=loss, norm=norm)


@named("In-context transformer")
def in_context(
    embedding: nn.Module,
    *,
    ways: int | None = None,
    outputs: int = 1,
    width: int = 64,
    layers: int | None = None,
    heads: int | None = None,
    hidden: int = 128,
    floor: float = 0.01,
    features: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> InContext:
    """In-context transformer: reads the support set, and learns a task without changing a weight.

        support token  W z_i + V y_i,   query token  W z + u,   prediction = transformer(tokens) at the query

    Args:
        embedding: a network without a head; `innerloop.networks.mlp(1, None, [])` passes numbers on as they are.
        ways: most classes of a task; None: targets are numbers, predicted as a `Gaussian`.
        outputs: numbers of a target, where there are no classes.
        width: of a token.
        layers: transformer blocks; None: 6 for numbers, as in the paper's published code, and 2 for classes: one in
            which examples meet one another, one in which a query is compared with them.
        heads: of the attention; None: 4 for numbers, as there, and 1 for classes, which compares whole tokens.
        hidden: of the blocks' perceptrons.
        floor: smallest standard deviation.
        features: width of the embedding; None: its attribute `width`.
        loss: outer loss; None: the negative log-density, or cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for sizes that cannot be, or an embedding whose width nobody says.

    Source: Nguyen and Grover 2022 (TNP-D) and its published code's sizes; Müller et al. 2022.

    >>> from innerloop.networks import mlp
    >>> len(in_context(mlp(1, None, []), width=16, layers=2).blocks)
    2
    """
    targets = Targets(ways, outputs, gaussian=True, floor=floor)
    if layers is None:
        layers = 6 if ways is None else 2
    if heads is None:
        heads = 4 if ways is None else 1
    return InContext(
        embedding, targets, width=width, layers=layers, heads=heads, hidden=hidden, features=features, loss=loss,
        norm=norm,
    )  # fmt: skip
