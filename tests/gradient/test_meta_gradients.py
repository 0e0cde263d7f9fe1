"""Meta-gradients against finite differences (smooth networks) and a second computation (any network)."""

import pytest
import torch
import torch.nn.functional as F

from helpers import problems, reference
from helpers.checks import (
    difference,
    difference_from_finite_differences,
    finite_differences,
    largest,
    measure,
)
from helpers.learners import ALL, GRADIENT, RATE, SECOND_ORDER, make, outputs
from innerloop import methods
from innerloop.gradient import SGD, Adam, GradientLearner, Unrolled
from innerloop.losses import squared_error
from innerloop.mapping import Mapping
from innerloop.task import stack, take

LOOP, VMAP = Mapping(vectorise=False), Mapping(vectorise=True)

# name: network, hand-written forward function, tasks
NETWORKS = {
    "mlp": (problems.perceptron, reference.perceptron, problems.batch),
    "mlp-norm": (problems.normed, reference.normed, problems.batch),
    "conv-pool": (problems.convolutional, reference.pooled, problems.pictures),
    "conv-stride": (
        lambda outputs=3, activation="relu": problems.convolutional(outputs, activation, "stride"),
        reference.strided,
        problems.pictures,
    ),
}


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@pytest.mark.parametrize("policy", ["batch", "support", "running"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", ALL)
def test_meta_gradient_is_that_of_an_independent_computation(method, network, policy, mapping):
    build, forward, problem = NETWORKS[network]
    net, tasks = build(outputs(method)), problem()
    learner = make(method, net, policy)
    learner.mapping = mapping
    expected = reference.meta(method, forward, net, tasks, policy=policy)
    assert largest(expected[1]) > 1e-3
    assert difference(measure(learner, tasks), expected) < 1e-9


@pytest.mark.parametrize("method", GRADIENT)
def test_regression_too(method):
    net, tasks = problems.perceptron(1), stack(problems.regression())
    expected = reference.meta(method, reference.perceptron, net, tasks)
    assert difference(measure(make(method, net), tasks), expected) < 1e-9


SMOOTH = {
    "mlp": (lambda outputs: problems.perceptron(outputs, "softplus"), problems.batch),
    "mlp-norm": (lambda outputs: problems.normed(outputs, "softplus"), problems.batch),
    "conv-average": (
        lambda outputs: problems.convolutional(outputs, "softplus", "average"),
        problems.pictures,
    ),
}


@pytest.mark.parametrize("policy", ["batch", "support"])
@pytest.mark.parametrize("network", SMOOTH)
@pytest.mark.parametrize("method", [*SECOND_ORDER, "prototypes"])
def test_meta_gradient_is_that_of_finite_differences(method, network, policy):
    build, problem = SMOOTH[network]
    learner = make(method, build(outputs(method)), policy)
    assert difference_from_finite_differences(learner, problem(), 2 if "conv" in network else 4) < 1e-6


@pytest.mark.parametrize("optimiser", [SGD(0.2, momentum=0.9), Adam(0.05)], ids=["momentum", "adam"])
def test_other_inner_optimisers_agree_with_finite_differences(optimiser):
    learner = GradientLearner(
        problems.perceptron(3, "softplus"), optimiser=optimiser, outer_gradient=Unrolled(), steps=3
    )
    # Adam's first step is nearly the gradient's sign, so that its slopes change quickly
    assert difference_from_finite_differences(learner, problems.batch(), step=1e-6) < 1e-6


def test_a_body_that_adapts_agrees_with_finite_differences():
    learner = GradientLearner(problems.normed(3, "softplus"), which="body", optimiser=SGD(0.3), steps=2)
    assert difference_from_finite_differences(learner, problems.batch()) < 1e-6


def test_first_order_gradient_is_the_slope_where_the_inner_loop_ended():
    """dL_query(p + δ)/dδ at δ = 0, with p where the inner loop ended."""
    learner = make("fomaml", problems.perceptron(3, "softplus"))
    tasks = problems.batch()
    _, gradient = measure(learner, tasks)
    each = [take(tasks, i) for i in range(3)]
    with torch.no_grad():
        states = [learner.adapt(task.support) for task in each]
    shift = {name: torch.zeros_like(g) for name, g in gradient.items()}

    def value():
        losses = []
        for task, state in zip(each, states, strict=True):
            moved = {name: p + shift[name] for name, p in state.parameters.items()}
            prediction = learner.predict(state._replace(parameters=moved), task.query.x)
            losses.append(learner.query_loss(prediction, task.query))
        return torch.stack(losses).mean()

    everywhere = {name: list(range(g.numel())) for name, g in gradient.items()}
    expected = finite_differences(value, shift, everywhere)
    assert max(float((gradient[n].flatten() - expected[n]).abs().max()) for n in gradient) < 1e-6


def test_one_reptile_step_of_size_one_lands_on_the_mean_of_the_adapted_parameters():
    net = problems.perceptron()
    learner, tasks = make("reptile", net), problems.batch()
    with torch.no_grad():
        ends = [learner.adapt(take(tasks, i).support).parameters for i in range(3)]
    _, gradient = measure(learner, tasks)
    for name, p in net.named_parameters():
        torch.testing.assert_close(p - gradient[name], torch.stack([end[name] for end in ends]).mean(0))


def test_first_order_differs_from_second_order():
    net, tasks = problems.perceptron(), problems.batch()
    assert difference(measure(make("maml", net), tasks), measure(make("fomaml", net), tasks)) > 1e-3


def test_one_step_of_maml_is_the_papers_formula():
    """(I - a H) ∇L_query(θ - a ∇L_support(θ)) with the Hessian written out."""
    net = problems.perceptron(1, "softplus")
    task = take(tasks := stack(problems.regression(((5, 7),))), 0)
    shapes = {name: p.shape for name, p in net.named_parameters()}

    def loss(theta, examples):
        parts = dict(zip(shapes, theta.split([s.numel() for s in shapes.values()]), strict=True))
        p = {name: parts[name].view(shape) for name, shape in shapes.items()}
        return F.mse_loss(reference.perceptron(p, examples.x, None, F.softplus), examples.y)

    theta = torch.cat([p.detach().flatten() for p in net.parameters()])
    slope = torch.func.grad(loss)
    moved = theta - RATE * slope(theta, task.support)
    hessian = torch.func.jacrev(slope)(theta, task.support)
    expected = slope(moved, task.query) - RATE * hessian @ slope(moved, task.query)

    learner = methods.maml(net, inner_steps=1, inner_lr=RATE, loss=squared_error)
    _, gradient = measure(learner, tasks)
    torch.testing.assert_close(torch.cat([g.flatten() for g in gradient.values()]), expected)
