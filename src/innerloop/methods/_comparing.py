"""The metric family by the papers' names."""

from __future__ import annotations

from typing import Any

from torch import nn

from innerloop.losses import Loss
from innerloop.methods._named import named
from innerloop.metric import SVM, Matching, Prototypes, Relation, Ridge
from innerloop.networks import Policy


@named("Prototypes")
def prototypes(
    embedding: nn.Module,
    *,
    distance: Any = "euclidean",
    scale: Any = None,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> Prototypes:
    """Prototypical networks: the nearest class mean in a learned embedding.

        c_k = mean_{y_i = k} f(x_i),   logits_k = -s d(f(x), c_k)

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`.
        distance: "euclidean" (the paper) or "cosine".
        scale: s, a number, or "learned"; None: 1 for "euclidean" (the paper), 10 for "cosine".
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for an unknown distance, a scale that is not positive, or a policy that cannot be.

    Source: Snell, Swersky and Zemel 2017.

    >>> from innerloop.networks import mlp
    >>> prototypes(mlp(2, None), scale="learned").spec["arguments"]
    {'distance': 'euclidean', 'scale': 'learned', 'norm': 'running'}
    """
    return Prototypes(embedding, distance=distance, scale=scale, loss=loss, norm=norm)


@named("Meta-Baseline")
def meta_baseline(embedding: nn.Module, *, loss: Loss | None = None, norm: Policy = "running") -> Prototypes:
    """Meta-Baseline: cosine prototypes with a learned scale, meta-trained from pretrained features.

        logits_k = τ cos(f(x), c_k)

    Pretrain a classifier with `pretraining`, then `innerloop.transfer.start_from(learner, pretrained)`, or
    `innerloop train ... --method meta_baseline --start RUN`.

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for norm layers that cannot follow the policy.

    Source: Chen et al. 2021, "Meta-Baseline", section 3; τ starts at 10 there too.

    >>> from innerloop.networks import mlp
    >>> meta_baseline(mlp(2, None)).name
    'Meta-Baseline'
    """
    return Prototypes(embedding, distance="cosine", scale="learned", loss=loss, norm=norm)


@named("Matching networks")
def matching(
    embedding: nn.Module,
    *,
    full_context: bool = False,
    reads: int = 5,
    scale: Any = "learned",
    loss: Loss | None = None,
    norm: Policy = "running",
) -> Matching:
    """Matching networks: attention over the support examples by cosine similarity.

        P(y = k | x) = Σ_{i: y_i = k} softmax_i(s cos(f(x), g(x_i)))

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`; with a `width` for full context.
        full_context: embed every example in the light of the whole support set, whose order then matters. Off, as in
            the paper's rows for Omniglot.
        reads: reads from the support set for each query, with full context.
        scale: s, a number, or "learned" from 10; the paper has 1.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for settings that cannot work, as full context on an embedding without `width`.

    Source: Vinyals et al. 2016.

    >>> from innerloop.networks import mlp
    >>> matching(mlp(2, None), full_context=True).name
    'Matching networks'
    """
    return Matching(embedding, full_context=full_context, reads=reads, scale=scale, loss=loss, norm=norm)


@named("Relation networks")
def relation(maps: nn.Module, *, classes: Any = "sum", loss: Loss | None = None, norm: Policy = "running") -> Relation:
    """Relation networks: how well a query goes with a class is itself a network.

        r_k = σ(g([Σ_{y_i = k} f(x_i), f(x)])),   loss = Σ_k (r_k - [y = k])²

    Args:
        maps: the embedding: with feature maps as in the paper, `innerloop.networks.conv_maps()`, or with vectors,
            `innerloop.networks.conv4(outputs=None)`. The relation module is made to fit.
        classes: "sum" (the paper) or "mean" of the embeddings of a class.
        loss: outer loss; None: squared error against one-hot labels (the paper). `innerloop.losses.cross_entropy` is
            the alternative.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: for an unknown `classes`, or norm layers that cannot follow the policy.

    Source: Sung et al. 2018.

    >>> from innerloop.networks import mlp
    >>> relation(mlp(2, None), classes="mean").spec["arguments"]
    {'classes': 'mean', 'norm': 'running'}
    """
    return Relation(maps, classes=classes, loss=loss, norm=norm)


@named("Ridge (R2-D2)")
def ridge(
    embedding: nn.Module,
    *,
    strength: float = 1.0,
    scale: float = 10.0,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> Ridge:
    """R2-D2: ridge regression on a learned embedding, solved exactly in every task; for classes and for numbers.

        w = Z'(ZZ' + λI)^-1 Y,   prediction = α f(x)'w + β,   (f, λ, α, β) meta-learned

    Args:
        embedding: the network, for instance `innerloop.networks.mlp(1, outputs=None)`.
        strength: where λ starts.
        scale: where α starts in classification; in regression it starts at 1.
        loss: outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: if the strength or the scale is not positive, or the policy cannot be.

    Source: Bertinetto et al. 2019.

    >>> from innerloop.networks import mlp
    >>> ridge(mlp(1, None), strength=0.1).name
    'Ridge (R2-D2)'
    """
    return Ridge(embedding, strength=strength, scale=scale, loss=loss, norm=norm)


@named("SVM (MetaOptNet)")
def svm(
    embedding: nn.Module,
    *,
    cost: float = 0.1,
    smoothing: float = 1.0,
    loss: Loss | None = None,
    norm: Policy = "running",
) -> SVM:
    """MetaOptNet: a multi-class support vector machine on a learned embedding, solved in every task.

        w = argmin 1/2 Σ_k |w_k|² + C Σ_i ξ_i,   logits_k = γ w_k'f(x),   (f, γ) meta-learned

    Args:
        embedding: the network, for instance `innerloop.networks.conv4(outputs=None)`.
        cost: C, the most that an example may weigh; 0.1 is the paper's.
        smoothing: what is added to the diagonal of the dual; 1 in the published code.
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Raises:
        ConfigurationError: if the cost or the smoothing is not positive, or the policy cannot be.

    Source: Lee et al. 2019.

    >>> from innerloop.networks import mlp
    >>> svm(mlp(2, None), cost=1.0).cost
    1.0
    """
    return SVM(embedding, cost=cost, smoothing=smoothing, loss=loss, norm=norm)
