"""The checks of the meta-gradient tests on learners with a bug planted: each must report a difference."""

from dataclasses import replace

import pytest
import torch

import innerloop.gradient._learner
from helpers import problems, reference
from helpers.checks import difference, difference_from_finite_differences, measure
from helpers.learners import ALL, GRADIENT, SECOND_ORDER, make, outputs
from innerloop.gradient import FirstOrder, GradientLearner, Unrolled
from innerloop.mapping import Mapping
from innerloop.metric import Prototypes


def gap(method, vectorise):
    """What `test_meta_gradient_is_that_of_an_independent_computation` looks at."""
    net, tasks = problems.perceptron(outputs(method)), problems.batch()
    learner = make(method, net)
    learner.mapping = Mapping(vectorise=vectorise)
    return difference(measure(learner, tasks), reference.meta(method, reference.perceptron, net, tasks))


def gap_from_finite_differences(method):
    """What `test_meta_gradient_is_that_of_finite_differences` looks at."""
    learner = make(method, problems.perceptron(outputs(method), "softplus"))
    return difference_from_finite_differences(learner, problems.batch())


def query_loss_with_unadapted_weights(monkeypatch):
    predict = GradientLearner.predict_under
    monkeypatch.setattr(
        GradientLearner,
        "predict_under",
        lambda self, state, x, call: predict(
            self, state._replace(parameters={n: self.network.get_parameter(n) for n in state.parameters}), x, call
        ),
    )
    adapt = Prototypes.adapt

    def unadapted(self, support, state=None):
        found = adapt(self, support, state)
        return found._replace(sums=torch.zeros_like(found.sums))

    monkeypatch.setattr(Prototypes, "adapt", unadapted)


def support_labels_not_passed(monkeypatch):
    loss = GradientLearner._inner_loss

    def blind(self, support):
        return lambda prediction, examples: loss(self, support)(
            prediction, replace(examples, y=torch.zeros_like(examples.y))
        )

    monkeypatch.setattr(GradientLearner, "_inner_loss", blind)
    adapt = Prototypes.adapt
    monkeypatch.setattr(
        Prototypes,
        "adapt",
        lambda self, support, state=None: adapt(self, replace(support, y=support.y.flip(0)), state),
    )


def inner_gradients_without_graph(monkeypatch):
    original = innerloop.gradient._learner.gradient
    monkeypatch.setattr(
        innerloop.gradient._learner,
        "gradient",
        lambda function, parameters, *, differentiable: original(function, parameters, differentiable=False),
    )


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("method", ALL)
def test_nothing_planted_nothing_found(method, vectorise):
    assert gap(method, vectorise) < 1e-9


@pytest.mark.parametrize("plant", [query_loss_with_unadapted_weights, support_labels_not_passed])
@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("method", ALL)
def test_query_loss_without_adaptation_and_adaptation_without_labels_are_found(method, vectorise, plant, monkeypatch):
    plant(monkeypatch)
    assert gap(method, vectorise) > 1e-3


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("method", SECOND_ORDER)
def test_inner_gradients_without_their_graph_are_found(method, vectorise, monkeypatch):
    inner_gradients_without_graph(monkeypatch)
    assert gap(method, vectorise) > 1e-3
    assert gap_from_finite_differences(method) > 1e-3


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_finite_differences_find_a_query_loss_differentiated_at_the_start(method, monkeypatch):
    monkeypatch.setattr(
        Unrolled,
        "surrogate",
        lambda self, loop: FirstOrder.surrogate(self, loop) * 0.99,
    )
    assert gap_from_finite_differences(method) > 1e-3


@pytest.mark.parametrize("vectorise", [False, True])
@pytest.mark.parametrize("method", [m for m in GRADIENT if m not in SECOND_ORDER])
def test_first_order_learners_with_another_outer_gradient_are_found(method, vectorise, monkeypatch):
    monkeypatch.setattr(GradientLearner, "step", lambda self, state, support, features=None, *, keep_graph=None: state)
    assert gap(method, vectorise) > 1e-3


def test_first_order_that_keeps_the_graph_is_found(monkeypatch):
    monkeypatch.setattr(FirstOrder, "keeps_graph", lambda self, step, steps: True)
    assert gap("fomaml", False) > 1e-3


def test_reptile_with_the_gradient_of_the_query_loss_is_found(monkeypatch):
    monkeypatch.setattr("innerloop.methods._outer_gradients.Reptile", FirstOrder)
    assert gap("reptile", False) > 1e-3


@pytest.mark.parametrize("vectorise", [False, True])
def test_prototypes_without_their_gradient_are_found(vectorise, monkeypatch):
    adapt = Prototypes.adapt

    def detached(self, support, state=None):
        found = adapt(self, support, state)
        return found._replace(sums=found.sums.detach())

    monkeypatch.setattr(Prototypes, "adapt", detached)
    assert gap("prototypes", vectorise) > 1e-3


def test_prototypes_of_another_task_are_found(monkeypatch):
    adapt, seen = Prototypes.adapt, []

    def stale(self, support, state=None):
        seen.append(adapt(self, support, state))
        return seen[-1] if len(seen) == 1 else seen[-2]._replace(sums=seen[-2].sums.detach())

    monkeypatch.setattr(Prototypes, "adapt", stale)
    assert gap("prototypes", False) > 1e-3
