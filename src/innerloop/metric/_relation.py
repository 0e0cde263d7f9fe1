"""Relation networks: how well a query goes with a class is itself a network.

Shape legend: Q query examples, W ways, C channels of an embedding (or its length), ... height and width of a map.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from innerloop.errors import ConfigurationError
from innerloop.learner import Objective
from innerloop.losses import Loss
from innerloop.metric._embedding_learner import beside, membership
from innerloop.metric._relation_module import relation_module
from innerloop.network_learner import NetworkLearner, within
from innerloop.networks import FunctionalNetwork, NormCall, Policy, Statistics
from innerloop.networks._norm import norms_of
from innerloop.task import Examples, Task, Tree
from innerloop.ways import demand_same_ways


def relation_error(prediction: Tensor, examples: Examples) -> Tensor:
    """Squared error of relation scores against one-hot labels, averaged over the classes.

    Args:
        prediction: `(N, ways)` logarithms of relation scores, as `Relation.predict` gives them.
        examples: with labels `(N,)`.

    Source: Sung et al. 2018, equation 2 (there the sum).

    >>> relation_error(torch.tensor([[0.5, 0.5]]).log(), Examples(torch.zeros(1), torch.tensor([0]), ways=2))
    tensor([0.2500])
    """
    labels = torch.arange(prediction.shape[-1], device=prediction.device)
    target = (examples.y[:, None] == labels).to(prediction.dtype)
    each: Tensor = (prediction.exp() - target).square().mean(-1)
    return each


class RelationState(NamedTuple):
    """Sums and counts of the embedded support examples; more examples are simply added.

    Attributes:
        sums: `(W, C, ...)`.
        counts: `(W,)`.
        statistics: of the first support set's norm layers in the embedding (only with norm="support").
        relation_statistics: the same in the relation module, from the support examples paired with every class.
        ways: number of classes.
    """

    sums: Tensor
    counts: Tensor
    statistics: Statistics
    relation_statistics: Statistics
    ways: int


class Relation(NetworkLearner):
    """Relation networks: a second network compares the embedding of a query with that of a class.

        r_k = σ(g([Σ_{y_i = k} f(x_i), f(x)])),   loss = Σ_k (r_k - [y = k])²

    Class embeddings are *sums* over the shots, as in the paper, and longer with more shots: train with the shots that
    you will have, or use means. Predictions are `log r`, so that their softmax is `r / Σ r`. Adapting from a state adds
    examples without reading the old ones again.

    If the embedding gives feature maps (`innerloop.networks.conv_maps`, or any network with a `map_shape`), the
    relation module is convolutional, as in the paper; if it gives vectors (`conv4(outputs=None)`, which flattens its
    features), it is a perceptron.

    Args:
        network: the embedding, `(N, ...)` to `(N, C, ...)`.
        relation: the relation module, from `(N, 2 C, ...)`, the class first, to `(N, 1)`; None: `relation_module` for
            what the network gives, with normalisation layers if that has some.
        classes: "sum" (the paper) or "mean" of the embeddings of a class.
        loss: outer loss; None: `relation_error`, as in the paper. `innerloop.losses.cross_entropy` is the alternative.
        norm: policy of the norm layers of both. In the relation module all pairs of a query batch are one batch.

    Raises:
        ConfigurationError: if no relation module is given and it is not known what the network gives; for another word
            in `classes`.

    Source: Sung et al. 2018, "Learning to compare: relation network for few-shot learning", section 3.
    """

    family = "metric"
    state_type = RelationState

    def __init__(
        self,
        network: nn.Module,
        *,
        relation: nn.Module | None = None,
        classes: Literal["sum", "mean"] = "sum",
        loss: Loss | None = None,
        norm: Policy = "running",
    ):
        if classes not in ("sum", "mean"):
            raise ConfigurationError(f"classes= is one of sum, mean; got {classes!r}.")
        if relation is None:
            relation = beside(network, _fitting(network))
        super().__init__(network, loss=loss or relation_error, norm=norm)
        self._relate = FunctionalNetwork(relation, norm)
        if self._relate.has_norms:
            self.norm = norm
        self.relation, self.classes = relation, classes

    def adapt(self, support: Examples, state: RelationState | None = None) -> RelationState:
        """Embeds the support set and sums it per class; adds to `state` if there is one.

        Raises:
            DataError: in regression, where there are no classes; if `state` is of a task with another number of them.
        """
        demand_same_ways(support, state)
        call = self.support_call(support, state)
        z = self.run(support.x, call)
        member = membership(support, z, "Relation networks")
        if call.mask is not None:
            z = torch.where(call.mask.view(-1, *[1] * (z.ndim - 1)), z, 0)
        sums, counts = (member.T @ z.flatten(1)).view(-1, *z.shape[1:]), member.sum(0)
        if state is not None:
            return state._replace(sums=state.sums + sums, counts=state.counts + counts)
        found = RelationState(sums, counts, call.kept, {}, member.shape[1])
        if self.norm != "support":
            return found
        pairs = self.norm_call(support.mask, collect=True)
        self._compare(found, z, pairs)
        return found._replace(relation_statistics=pairs.kept)

    def predict_under(self, state: RelationState, x: Tree, call: NormCall) -> Any:
        """Logarithms of relation scores, `(Q, ways)`."""
        pairs = self._pairs(state, call.mask)
        return self._compare(state, self.run(x, call), pairs)

    def objective(self, task: Task) -> Objective:
        """The query loss; keeps the query batch's statistics for the running averages."""
        state, mask = self.adapt(task.support), task.query.mask
        call, pairs = self.query_call(state, mask), self._pairs(state, mask)
        call.collect = pairs.collect = self.collects
        prediction = self._compare(state, self.run(task.query.x, call), pairs)
        loss = self.query_loss(prediction, task.query)
        return Objective(loss, loss, prediction, within("network", call.seen) | within("relation", pairs.seen))

    def _pairs(self, state: RelationState, mask: Tensor | None) -> NormCall:
        return self.norm_call(mask, given=state.relation_statistics)

    def _compare(self, state: RelationState, z: Tensor, call: NormCall) -> Tensor:
        """`log r` of embeddings `(Q, C, ...)` with every class; `call.mask` is that of the embeddings."""
        queries, ways, classes = z.shape[0], state.ways, state.sums
        if self.classes == "mean":
            classes = classes / state.counts.clamp(min=1).view(-1, *[1] * (classes.ndim - 1))
        shape = (queries, ways, *z.shape[1:])
        pairs = torch.cat([classes[None].expand(shape), z[:, None].expand(shape)], dim=2).flatten(0, 1)
        if call.mask is not None:
            call.mask = call.mask[:, None].expand(queries, ways).flatten()
        score: Tensor = self._relate({}, pairs, call)
        return F.logsigmoid(score.view(queries, ways))


def _fitting(network: nn.Module) -> nn.Module:
    shape = getattr(network, "map_shape", None) or getattr(network, "width", None)
    if shape is None:
        raise ConfigurationError(
            f"{type(network).__name__} has neither `map_shape` nor `width`: what its relation module must take is not "
            "known. Give it one with relation=innerloop.metric.relation_module(...), or build the embedding as "
            "innerloop.networks.Backbone."
        )
    return relation_module(shape, norm=bool(norms_of(network)))
