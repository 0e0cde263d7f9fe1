"""What `fit` refuses before its first step, and that what is annealed follows the outer step."""

import pytest
import torch
from torch import nn

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.errors import TrainingError
from innerloop.gradient import SGD, AnnealedOrder, AnnealedSteps, GradientLearner
from innerloop.networks import Backbone, mlp
from innerloop.outer import fit
from innerloop.sources import Sinusoids


class Counting(nn.Module):
    """Writes into a buffer of its own in every forward pass."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls.add_(1)
        return self.layer(x)


def refused(learner, match):
    before = snapshot(learner)
    with pytest.raises(TrainingError, match=match):
        fit(learner, Sinusoids().train, steps=3, tasks_per_step=2, progress=False)
    return before


def test_an_inner_loop_that_diverges_is_refused_before_the_first_step():
    learner = methods.maml(mlp(1, 1), inner_steps=40, inner_lr=50.0)
    before = refused(learner, r"The inner loop diverged: after inner step \d+ of 40 .* Lower the inner learning rate")
    assert all(torch.equal(value, learner.state_dict()[name]) for name, value in before.items())


def test_a_network_that_changes_itself_is_refused():
    refused(methods.maml(Counting(), inner_lr=0.01), "Adapting to one task changed network.calls of the learner itself")


def test_an_adaptation_that_changes_nothing_is_refused():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x):
            return self.layer(x).detach() + 0 * self.layer(x)

    refused(methods.maml(Blind(), inner_lr=0.01), "changed no parameter")


@pytest.mark.parametrize("method", ["maml", "meta_sgd", "imaml", "cavia", "boil"])
def test_a_parameter_that_should_have_learned_is_named(method):
    class Forgetful(Backbone):
        def __init__(self):
            body = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
            super().__init__(body, nn.Linear(5, 3), 5)
            self.unused = nn.Linear(2, 2)

    learner = getattr(methods, method)(Forgetful().double(), inner_steps=1, inner_lr=0.1)
    if method == "imaml":  # where it adapts, its pull towards the start is a gradient: zero, but there
        learner(problems.batch()).loss.backward()
        assert float(learner.network.unused.weight.grad.abs().max()) == 0
        return
    with pytest.raises(TrainingError, match=r"No meta-gradient reaches .*unused"):
        learner(problems.batch())


def test_training_tells_the_learner_how_far_it_has_come():
    seen = []

    class Watching(AnnealedOrder):
        def at(self, outer_step):
            seen.append(outer_step)
            return super().at(outer_step)

    learner = GradientLearner(
        mlp(1, 1), optimiser=SGD(0.01), outer_gradient=Watching(2), outer_loss=AnnealedSteps(3), steps=2
    )
    fit(learner, Sinusoids().train, steps=4, tasks_per_step=2, progress=False)
    assert sorted(set(seen)) == [0, 1, 2, 3]
