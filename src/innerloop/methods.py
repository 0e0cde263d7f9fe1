"""The papers' names: each a function of a few lines that returns the configured learner.

Every one takes any `nn.Module` and a `loss=`; the four choices behind the gradient family are the arguments of
`innerloop.gradient.GradientLearner`, so a new combination is a new call.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from innerloop.errors import CheckpointError
from innerloop.gradient import SGD, Adam, FirstOrder, GradientLearner, OuterGradient, Reptile, Unrolled
from innerloop.learner import Learner
from innerloop.losses import Loss
from innerloop.metric import Prototypes
from innerloop.networks import build
from innerloop.networks._norm import Policy
from innerloop.transfer import Constant, Joint, Pretraining, with_new_head

L = TypeVar("L", bound=Learner)


def maml(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """MAML: all parameters adapt, and the outer gradient passes through every inner step.

        θ <- θ - b ∇_θ Σ_i L_i(θ - a ∇_θ L_i(θ))

    Args:
        network: any module.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate `a`; 0.4 is the paper's on Omniglot, 0.01 on sinusoids and miniImageNet.
        test_steps: inner steps in evaluation and use; None: as in training.
        loss: inner and outer loss; None: cross-entropy for classes, squared error otherwise.
        norm: policy of the norm layers for query examples; the published numbers use "batch".

    Source: Finn, Abbeel and Levine 2017, algorithms 1 and 2.

    >>> from innerloop.networks import mlp
    >>> maml(mlp(1, 1), inner_lr=0.01).name
    'MAML'
    """
    return _gradient("maml", "MAML", network, Unrolled(), "all", inner_steps, inner_lr, test_steps, loss, norm)


def fomaml(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """First-order MAML: as `maml`, with the inner gradients taken as constants.

    Source: Finn, Abbeel and Levine 2017, section 5.2.
    """
    return _gradient(
        "fomaml", "First-order MAML", network, FirstOrder(), "all", inner_steps, inner_lr, test_steps, loss, norm
    )


def anil(
    network: nn.Module,
    *,
    inner_steps: int = 1,
    inner_lr: float = 0.4,
    test_steps: int | None = None,
    head: str | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """ANIL (almost no inner loop): MAML in which only the head adapts.

    Args:
        network: a module with a submodule `head`, or any module with `head=` a pattern of parameter names.
        inner_steps: inner steps in training.
        inner_lr: the inner learning rate.
        test_steps: inner steps in evaluation and use; None: as in training.
        head: pattern of the head's parameters; None: `network.head`.
        loss: inner and outer loss.
        norm: policy of the norm layers for query examples.

    Source: Raghu et al. 2020, "Rapid learning or feature reuse?", section 4.
    """
    return _gradient("anil", "ANIL", network, Unrolled(), "head", inner_steps, inner_lr, test_steps, loss, norm, head)


def reptile(
    network: nn.Module,
    *,
    inner_steps: int = 5,
    inner_lr: float = 0.01,
    test_steps: int | None = None,
    loss: Loss | None = None,
    norm: Policy = "batch",
) -> GradientLearner:
    """Reptile: move towards where the inner loop ended; the query set only measures.

        θ <- θ + b mean_i (p_K,i - θ)

    The paper trains with more shots than it tests with: `source.train.with_(shots=15)`.

    Source: Nichol, Achiam and Schulman 2018, algorithm 2.
    """
    return _gradient("reptile", "Reptile", network, Reptile(), "all", inner_steps, inner_lr, test_steps, loss, norm)


def prototypes(
    network: nn.Module, *, distance: Any = "euclidean", loss: Loss | None = None, norm: Policy = "running"
) -> Prototypes:
    """Prototypical networks: the nearest class mean in a learned embedding.

    Args:
        network: the embedding, for instance `innerloop.networks.conv4(outputs=None)`.
        distance: "euclidean" (the paper) or "cosine".
        loss: outer loss; None: cross-entropy.
        norm: policy of the norm layers.

    Source: Snell, Swersky and Zemel 2017.
    """
    learner = Prototypes(network, distance=distance, loss=loss, norm=norm)
    return _named(learner, "prototypes", "Prototypes", network, {"distance": distance, "norm": norm})


def pretraining(network: nn.Module, *, smoothing: float = 0.1) -> Pretraining:
    """Ordinary classification of all training classes, then the nearest mean of the frozen features.

    Source: Chen et al. 2019; Wang et al. 2019. Smoothing 0.1: Szegedy et al. 2016, section 7.
    """
    learner = Pretraining(network, smoothing=smoothing)
    return _named(learner, "pretraining", "Pretrained + nearest mean", network, {"smoothing": smoothing})


def joint(network: nn.Module, *, loss: Loss | None = None) -> Joint:
    """One network for all tasks at once: pretraining where there are no classes to merge.

    Source: Finn, Abbeel and Levine 2017, section 5.1 (the pretrained baseline).
    """
    return _named(Joint(network, loss=loss), "joint", "Joint network", network, {})


def linear_head(
    pretrained: nn.Module, ways: int, *, inner_steps: int = 100, inner_lr: float = 0.01, loss: Loss | None = None
) -> GradientLearner:
    """A linear classifier on frozen pretrained features, fitted to the support set by Adam from zero.

    Args:
        pretrained: a network with `features` and `width`, pretrained.
        ways: classes of a task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy.

    Source: Chen et al. 2019, section 3 (Baseline).
    """
    network = with_new_head(pretrained, ways)
    return _tuned("linear_head", "Pretrained + linear head", network, "head", inner_steps, inner_lr, loss, "running")


def fine_tune(
    pretrained: nn.Module, ways: int, *, inner_steps: int = 50, inner_lr: float = 0.001, loss: Loss | None = None
) -> GradientLearner:
    """All of a pretrained network with a new head, fine-tuned on the support set by Adam.

    Args:
        pretrained: a network with `features` and `width`, pretrained.
        ways: classes of a task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy.
    """
    network = with_new_head(pretrained, ways)
    return _tuned("fine_tune", "Pretrained + fine-tuned", network, "all", inner_steps, inner_lr, loss, "running")


def from_scratch(
    network: nn.Module, *, inner_steps: int = 50, inner_lr: float = 0.001, loss: Loss | None = None
) -> GradientLearner:
    """A network with random weights, trained on the support set alone by Adam.

    Args:
        network: any module; its weights are the random start of every task.
        inner_steps: steps of Adam; choose on validation tasks.
        inner_lr: its learning rate; choose on validation tasks.
        loss: None: cross-entropy for classes, squared error otherwise.
    """
    return _tuned("from_scratch", "From scratch", network, "all", inner_steps, inner_lr, loss, "support")


def nearest_mean(network: nn.Module | None = None) -> Prototypes:
    """The nearest class mean by cosine similarity: on raw inputs, or on the features of a frozen network.

    Args:
        network: an embedding that stays as it is; None: the inputs themselves.
    """
    # a copy: freezing the caller's own network would stop whoever else trains it
    embedding = nn.Flatten() if network is None else copy.deepcopy(network).requires_grad_(False)
    learner = Prototypes(embedding, distance="cosine", norm="running").eval()
    learner.family = "transfer"
    return _named(learner, "nearest_mean", "Nearest mean" if network else "Nearest mean on raw inputs", network, {})


def constant() -> Constant:
    """The trivial predictor: class frequencies, or the mean target, of the support set."""
    return _named(Constant(), "constant", "Trivial predictor", None, {})


def _gradient(
    method: str,
    name: str,
    network: nn.Module,
    outer_gradient: OuterGradient,
    which: str,
    inner_steps: int,
    inner_lr: float,
    test_steps: int | None,
    loss: Loss | None,
    norm: Policy,
    head: str | None = None,
) -> GradientLearner:
    learner = GradientLearner(
        network,
        which=which,
        head=head,
        optimiser=SGD(inner_lr),
        outer_gradient=outer_gradient,
        steps=inner_steps,
        test_steps=test_steps,
        loss=loss,
        norm=norm,
    )
    arguments = {"inner_steps": inner_steps, "inner_lr": inner_lr, "test_steps": test_steps, "norm": norm}
    return _named(learner, method, name, network, arguments | ({"head": head} if head else {}))


def _tuned(
    method: str, name: str, network: nn.Module, which: str, steps: int, rate: float, loss: Loss | None, norm: Policy
) -> GradientLearner:
    learner = GradientLearner(
        network,
        which=which,
        optimiser=Adam(rate),
        outer_gradient=FirstOrder(),
        steps=steps,
        loss=loss,
        norm=norm,
    )
    learner.family = "transfer"
    learner.eval()
    return _named(learner, method, name, network, {"inner_steps": steps, "inner_lr": rate})


def _named(learner: L, method: str, name: str, network: nn.Module | None, arguments: dict[str, Any]) -> L:
    learner.name = name
    network_spec = getattr(network, "spec", None)
    if network_spec is not None or network is None:
        learner.spec = {"method": method, "network": network_spec, "arguments": arguments}
    return learner


_METHODS: dict[str, Callable[..., Learner]] = {
    "maml": maml,
    "fomaml": fomaml,
    "anil": anil,
    "reptile": reptile,
    "prototypes": prototypes,
    "pretraining": pretraining,
    "joint": joint,
    "from_scratch": from_scratch,
    "nearest_mean": nearest_mean,
    "constant": constant,
}


def from_spec(spec: dict[str, Any]) -> Learner:
    """The learner that a `spec` describes, with fresh weights.

    >>> from innerloop.networks import mlp
    >>> from_spec(maml(mlp(1, 1), inner_steps=3).spec).steps
    3
    """
    method, network_spec = spec.get("method"), spec.get("network")
    network = None if network_spec is None else build(network_spec)
    if method in ("linear_head", "fine_tune") and network_spec is not None:
        ways = int(network_spec["outputs"])
        return {"linear_head": linear_head, "fine_tune": fine_tune}[method](
            build(network_spec), ways, **spec["arguments"]
        )
    if method not in _METHODS:
        raise CheckpointError(
            f"The file names the method {method!r}; this version of innerloop knows {', '.join(sorted(_METHODS))}."
        )
    return _METHODS[method](*([network] if network is not None else []), **spec["arguments"])
