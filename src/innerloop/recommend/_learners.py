"""What the library's learners need to learn a user: a start without events, and scores of many items at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from innerloop.gradient import GradientLearner
from innerloop.gradient._state import GradientState
from innerloop.learner import State
from innerloop.losses import mean_loss
from innerloop.network_learner import NetworkLearner
from innerloop.networks import Backbone, NormCall, Statistics
from innerloop.recommend._start import SHRINKAGE
from innerloop.recommend._tower import Tower
from innerloop.task import Examples, Tree


class Scores(Protocol):
    """A learner whose predictions for examples `x` are `score(state, tower(x))`."""

    def score(self, state: State, z: Tensor) -> Tensor:
        """Scores `(...)` of items `[q, base]` `(..., F + 1)` for the user whom `state` has learned."""


def network_of(tower: Tower, head: nn.Module) -> Backbone:
    """The two parts as one network, whose head may adapt without the tower being run again.

    >>> from innerloop.recommend._heads import VectorHead
    >>> network_of(Tower(3, 2), VectorHead(2)).width
    3
    """
    return Backbone(tower, head, tower.factors + 1)


class UserSteps(GradientLearner):
    """Gradient steps on a user's events; a user without any keeps the start.

    The head adapts, the tower of items is shared by everyone. See `innerloop.gradient.GradientLearner`.
    """

    def adapt(self, support: Examples, state: GradientState | None = None) -> GradientState:
        """Takes the steps; none where all of the support is padding."""
        seen = support.mask.any()
        # a mean over no events would not be a number
        found = super().adapt(replace(support, mask=support.mask | ~seen), state)
        start = self.start(support) if state is None else state
        kept = {name: torch.where(seen, value, start.parameters[name]) for name, value in found.parameters.items()}
        return found._replace(parameters=kept)

    def score(self, state: GradientState, z: Tensor) -> Tensor:
        """Scores of items."""
        return self._headed(state.parameters, z)

    def _support_loss(
        self, parameters: dict[str, Tensor], support: Examples, features: Tree | None, state: GradientState
    ) -> Tensor:
        if features is None:
            return super()._support_loss(parameters, support, features, state)
        return mean_loss(self._inner_loss(support), self._headed(parameters, features), support)

    def _headed(self, parameters: dict[str, Tensor], z: Tree) -> Tensor:
        """The head's outputs under a user's own weights.

        What `torch.func.functional_call` does, without its search for tied weights and for layers that normalise: on a
        head this small, of which there are none, that search takes a third of a user's time.
        """
        head = self.network.get_submodule("head")
        own = []
        for name, value in parameters.items():
            module, _, leaf = name.removeprefix("head.").rpartition(".")
            own.append((head.get_submodule(module), leaf, value))
        before = [owner._parameters[leaf] for owner, leaf, _ in own]
        try:
            for owner, leaf, value in own:
                owner._parameters[leaf] = cast(nn.Parameter, value)
            found: Tensor = head(z)
        finally:
            for (owner, leaf, _), kept in zip(own, before, strict=True):
                owner._parameters[leaf] = kept
        return found


class NothingLearned(NamedTuple):
    """What the global network knows of a user: nothing beside their features.

    Attributes:
        statistics: none.
    """

    statistics: Statistics


class Unadapted(NetworkLearner):
    """The global network: the same for every user, trained on the same tasks by their query loss alone."""

    family = "transfer"
    state_type = NothingLearned

    def adapt(self, support: Examples, state: NothingLearned | None = None) -> NothingLearned:
        """Looks at nothing."""
        return NothingLearned({})

    def score(self, state: NothingLearned, z: Tensor) -> Tensor:
        """Scores of items."""
        found: Tensor = self.network.get_submodule("head")(z)
        return found


class RidgeState(NamedTuple):
    """A user's regression: what it found, and what it takes to go on.

    Attributes:
        weight: `(F + 1,)` the user's offset and vector.
        precision: `(F + 1, F + 1)` `Φ'Φ + λI`; its inverse times σ² is the covariance of the weight.
        cross: `(F + 1,)` `Φ'r`.
        statistics: none.
    """

    weight: Tensor
    precision: Tensor
    cross: Tensor
    statistics: Statistics


class FactorRidge(NetworkLearner):
    """Ridge regression on learned factors of items, solved exactly for each user and differentiated through.

        w = (Φ'Φ + λI)^-1 Φ'r,   φ_i = [s, q_i],   r_ui = y_ui - base_i,   score = base + φ · w

    It is the posterior mean of a user who is drawn from N(0, σ²/λ I), so few events move it little. Factors, offset s
    and λ are learned end to end. With no factors at all it is the model of user and item biases, with
    `w_0 s = Σ r / (n + λ / s²)`. In a ranking r is a learned number for the user's events, and another one for
    sampled items.

    Going on from a state adds events exactly.

    Args:
        tower: of the items.
        ranking: whether examples are events in front of sampled items.
        strength: where λ starts.
        loss: outer loss.

    Source: Bertinetto et al. 2019, "Meta-learning with differentiable closed-form solvers", section 3.1, as a
    regression on what a bias model leaves; the biases: Koren 2008, "Factorization meets the neighborhood", equation 1.
    """

    family = "metric"
    state_type = RidgeState

    def __init__(self, tower: Tower, *, ranking: bool = False, strength: float = 1.0, loss: Any = None):
        super().__init__(network_of(tower, nn.Identity()), loss=loss, norm="none")
        self.log_strength = nn.Parameter(torch.tensor(strength).log())
        # a user's own mean is then shrunk by as many events as in the model of biases
        self.offset = nn.Parameter((torch.tensor(strength) / SHRINKAGE).sqrt())
        # of the user's events and of sampled items; the numbers to start from are a choice
        self.targets = nn.Parameter(torch.tensor([5.0, -0.1])) if ranking else None

    def inputs(self, z: Tensor) -> Tensor:
        """`φ` `(..., F + 1)` of items `[q, base]`."""
        return torch.cat([self.offset.expand_as(z[..., :1]), z[..., :-1]], dim=-1)

    def adapt(self, support: Examples, state: RidgeState | None = None) -> RidgeState:
        """Solves for the user's weight; adds to `state` if there is one."""
        z = self.network.get_submodule("features")(support.x)
        phi, there = self.inputs(z), support.mask[:, None, None]
        if self.targets is None:
            left = support.y - z[..., -1]
        else:
            left = torch.cat([self.targets[:1], self.targets[1:].expand(z.shape[1] - 1)]).expand(z.shape[:2])
        phi = torch.where(there, phi, 0).flatten(0, 1)
        left = torch.where(support.mask[:, None], left, 0).flatten()
        gram, cross = phi.T @ phi, phi.T @ left
        if state is None:
            gram = gram + self.log_strength.exp() * torch.eye(phi.shape[1], dtype=phi.dtype, device=phi.device)
        else:
            gram, cross = gram + state.precision, cross + state.cross
        return RidgeState(torch.linalg.solve(gram, cross), gram, cross, {})

    def predict_under(self, state: RidgeState, x: Tree, call: NormCall) -> Tensor:
        """Scores `(N, C)`."""
        return self.score(state, self.network.get_submodule("features")(x))

    def score(self, state: RidgeState, z: Tensor) -> Tensor:
        """Scores of items."""
        return z[..., -1] + self.inputs(z) @ state.weight
