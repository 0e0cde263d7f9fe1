"""From a setting's plain values to the learner."""

from __future__ import annotations

from typing import cast

from innerloop.gradient import SGD, FirstOrder, InnerOptimiser, LearnedRates, Unrolled
from innerloop.losses import Loss, squared_error
from innerloop.network_learner import NetworkLearner
from innerloop.recommend._event_attention import EventAttention
from innerloop.recommend._heads import MLPHead, VectorHead
from innerloop.recommend._learners import FactorRidge, Unadapted, UserSteps, network_of
from innerloop.recommend._losses import Shrunk, absolute, bpr, huber, sampled_softmax
from innerloop.recommend._tower import Tower
from innerloop.user_settings import Setting

LOSSES: dict[str, Loss] = {
    "squared": cast(Loss, squared_error), "huber": huber, "absolute": absolute, "softmax": sampled_softmax, "bpr": bpr,
}  # fmt: skip
"""Losses by the name that a setting has for them."""

NAMES = {
    "maml": "MAML", "fomaml": "First-order MAML", "anil": "ANIL", "meta_sgd": "Meta-SGD", "cavia": "CAVIA",
    "ridge": "Ridge on learned factors", "bias": "Learned biases", "attention": "Attention over events",
    "global": "Global network", "fine_tuned": "Global network, fine-tuned",
}  # fmt: skip
"""What tables call them."""


def build_learner(setting: Setting, tower: Tower) -> NetworkLearner:
    """The learner of a setting on a tower of items, with fresh weights.

    >>> build_learner(Setting("cavia", factors=2), Tower(3, 2)).adapted_names
    ['head.context']
    """
    ranking = setting.goal == "ranking"
    loss = LOSSES[setting.loss or ("softmax" if ranking else "squared")]
    if setting.kind in ("ridge", "bias"):
        return _called(setting, FactorRidge(tower, ranking=ranking, strength=setting.strength, loss=loss))
    if setting.kind == "attention":
        made = EventAttention(tower, width=setting.width, layers=setting.layers, ranking=ranking, loss=loss)
        return _called(setting, made)
    if setting.kind in ("global", "fine_tuned"):
        # the fine-tuned one is this one, with the steps of `fine_tuned` afterwards
        return _called(setting, Unadapted(network_of(tower, MLPHead(tower.factors, setting.hidden)), loss=loss))
    return _called(setting, _steps(setting, tower, loss))


def fine_tuned(setting: Setting, trained: NetworkLearner) -> UserSteps:
    """The trained global network with plain gradient steps on a user's events, on the weights that MAML adapts."""
    found = UserSteps(
        trained.network, which="head", optimiser=SGD(setting.inner_lr), outer_gradient=FirstOrder(),
        steps=setting.inner_steps, loss=trained.loss, inner_loss=_inner(setting, cast(Loss, trained.loss)), norm="none",
    )  # fmt: skip
    return cast(UserSteps, _called(setting, found))


def _steps(setting: Setting, tower: Tower, loss: Loss) -> UserSteps:
    head = VectorHead(tower.factors) if setting.kind == "cavia" else MLPHead(tower.factors, setting.hidden)
    which = {"cavia": "context", "anil": "head.output.*"}.get(setting.kind, "head")
    optimiser: InnerOptimiser = SGD(setting.inner_lr)
    if setting.kind == "meta_sgd":
        optimiser = LearnedRates(setting.inner_lr)
    return UserSteps(
        network_of(tower, head), which=which, optimiser=optimiser,
        outer_gradient=FirstOrder() if setting.kind == "fomaml" else Unrolled(), steps=setting.inner_steps, loss=loss,
        inner_loss=_inner(setting, loss), norm="none",
    )  # fmt: skip


def _inner(setting: Setting, loss: Loss) -> Loss:
    return Shrunk(loss, setting.shrinkage) if setting.shrinkage else loss


def _called(setting: Setting, learner: NetworkLearner) -> NetworkLearner:
    learner.name = NAMES[setting.kind]
    return learner
