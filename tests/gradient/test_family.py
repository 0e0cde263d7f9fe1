"""Every other member of the family: a second computation, finite differences, all mappings."""

import pytest
import torch
from torch import nn

from helpers import family, needs, problems, reference
from helpers.checks import difference, difference_from_finite_differences, largest, measure
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.gradient import (
    SGD,
    AnnealedOrder,
    AnnealedSteps,
    GradientLearner,
    Implicit,
    LearnedRates,
    Reptile,
    Truncated,
    Unrolled,
    WeightedSteps,
    _recompute,
)
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, Norm
from innerloop.task import stack

LOOP, VMAP = Mapping(vectorise=False), Mapping(vectorise=True)
STEPS, RATE = 2, 0.3
DEVICES = ["cpu", pytest.param("cuda", marks=needs.CUDA)]
NETWORKS = {
    "mlp": (problems.perceptron, reference.perceptron, problems.batch),
    "mlp-norm": (problems.normed, reference.normed, problems.batch),
    "conv-pool": (problems.convolutional, reference.pooled, problems.pictures),
}


def is_norm(network):
    owners = [name for name, module in network.named_modules() if isinstance(module, Norm)]
    return lambda name: name.rpartition(".")[0] in owners


def features(forward):
    """The body of a hand-written forward function."""

    def body(p, x, act):
        without = {n: v for n, v in p.items() if not n.startswith("head.")}
        return forward(without, x, reference.Norms(), act)

    return body


def build(method, network, norm="batch", **more):
    settings = {"inner_steps": STEPS, "inner_lr": RATE, "norm": norm} | more
    if method == "maml_plus_plus":
        settings = {"anneal_until": 100} | settings
    if method == "imaml":
        # so large that the system is positive definite also where batch norm bends the loss
        settings |= {"proximal": 30.0, "solver_steps": 40, "inner_lr": 0.01} | more
    if method == "lstm":
        settings = {"hidden": 3} | settings
    if method == "cavia":
        settings = {"context": 2} | settings
    learner = getattr(methods, method)(network, **settings)
    with torch.no_grad():  # away from where the meta-parameters start, so that no two of them are equal
        for name, p in learner.named_parameters():
            if not name.startswith("network.") or name.endswith(("context", "features.1.weight")):
                p.add_(0.05 * torch.randn_like(p) if not name.endswith("context") else 0)
    return learner


def second(method, learner, forward, step=0):
    """The second computation of a method."""
    net = learner.network
    return {
        "boil": lambda: family.descent(lambda n: not n.startswith("head."), RATE, STEPS),
        "meta_sgd": lambda: family.meta_sgd(STEPS),
        "maml_plus_plus": lambda: family.maml_plus_plus(
            STEPS, AnnealedSteps(100).at(step).weights(STEPS), is_norm(net)
        ),
        "imaml": lambda: family.imaml(0.01, STEPS, 30.0),
        "meta_curvature": lambda: family.meta_curvature(RATE, STEPS),
        "proto_maml": lambda: family.proto_maml(RATE, STEPS, False, features(forward)),
        "lstm": lambda: family.lstm(STEPS, 3),
        "cavia": lambda: family.cavia(RATE, STEPS, "features.1", 2),
    }[method]()


def meta_parameters(learner):
    return {name: p for name, p in learner.named_parameters() if p.requires_grad}


METHODS = ("boil", "meta_sgd", "maml_plus_plus", "imaml", "meta_curvature", "proto_maml", "lstm")


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@pytest.mark.parametrize("policy", ["batch", "support"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_meta_gradient_is_that_of_an_independent_computation(method, network, policy, mapping):
    make, forward, problem = NETWORKS[network]
    learner, tasks = build(method, make(), policy), problem()
    learner.mapping = mapping
    expected = family.meta(second(method, learner, forward), forward, meta_parameters(learner), tasks, policy)
    assert largest(expected[1]) > 1e-3
    assert difference(measure(learner, tasks), expected) < 1e-9


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
def test_cavia_is_an_extended_input(mapping):
    learner, tasks = build("cavia", problems.perceptron()), problems.batch()
    learner.mapping = mapping
    one = second("cavia", learner, reference.perceptron)
    expected = family.meta(one, reference.perceptron, meta_parameters(learner), tasks)
    assert difference(measure(learner, tasks), expected) < 1e-9
    assert learner.network.get_parameter("features.1.context").abs().max() == 0


SMOOTH = {
    "mlp": (lambda: problems.perceptron(3, "softplus"), problems.batch),
    "mlp-norm": (lambda: problems.normed(3, "softplus"), problems.batch),
    "conv-average": (lambda: problems.convolutional(3, "softplus", "average"), problems.pictures),
}


@pytest.mark.parametrize("network", SMOOTH)
@pytest.mark.parametrize("method", ["boil", "meta_sgd", "maml_plus_plus", "meta_curvature", "proto_maml", "cavia"])
def test_meta_gradient_is_that_of_finite_differences(method, network):
    make, problem = SMOOTH[network]
    learner = build(method, make())
    assert difference_from_finite_differences(learner, problem(), 2) < 1e-6


def test_implicit_gradient_at_the_minimum_is_that_of_finite_differences():
    learner = build("imaml", problems.perceptron(3, "softplus"), inner_steps=60, inner_lr=0.2, proximal=2.0)
    learner.mapping = VMAP
    assert difference_from_finite_differences(learner, problems.batch(), components=2) < 1e-6


def test_implicit_gradient_of_a_head_reaches_the_body():
    """At the minimum over the head, finite differences see the body as well."""
    learner = GradientLearner(
        problems.perceptron(3, "softplus"), which="head", optimiser=SGD(0.4), steps=80,
        outer_gradient=Implicit(proximal=1.0, solver_steps=20),
    )  # fmt: skip
    learner.mapping, tasks = VMAP, problems.batch()
    assert difference_from_finite_differences(learner, tasks, components=2) < 1e-6
    vectorised = measure(learner, tasks)
    learner.mapping = LOOP
    assert difference(measure(learner, tasks), vectorised) < 1e-12


class Recurrent(nn.Module):
    """A GRU over a sequence of four numbers."""

    def __init__(self):
        super().__init__()
        self.features, self.head = nn.GRU(1, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.features(x[..., None])[0][:, -1])


@pytest.mark.parametrize("method", ["maml", *(m for m in METHODS if m != "proto_maml")])
def test_recurrent_networks_are_looped_over_and_right(method):
    net = Recurrent().double()
    learner, tasks = build(method, net, "none"), problems.batch()

    def forward(p, x, norms, act):
        return torch.func.functional_call(net, p, (x,))

    one = family.descent(lambda n: True, RATE, STEPS) if method == "maml" else second(method, learner, forward)
    expected = family.meta(one, forward, meta_parameters(learner), tasks)
    assert not learner.mapping_for(tasks).vectorise
    assert difference(measure(learner, tasks), expected) < 1e-9


@pytest.mark.parametrize("mapping", [LOOP, VMAP], ids=str)
@pytest.mark.parametrize("last", [0, 1, 2, 3])
def test_truncated_keeps_second_derivatives_in_the_last_steps(last, mapping):
    net, tasks = problems.perceptron(), problems.batch()
    learner = GradientLearner(net, optimiser=SGD(RATE), steps=3, outer_gradient=Truncated(last))
    learner.mapping = mapping
    one = family.descent(lambda n: True, RATE, 3, graph=lambda step: step >= 3 - last)
    expected = family.meta(one, reference.perceptron, meta_parameters(learner), tasks)
    assert difference(measure(learner, tasks), expected) < 1e-9


@pytest.mark.parametrize(
    "optimiser", [SGD(0.3), SGD(0.3, momentum=0.5), LearnedRates(0.3)], ids=lambda o: type(o).__name__
)
@pytest.mark.parametrize("which", ["all", "head", "body"])
def test_recomputed_steps_give_the_same_gradient(which, optimiser):
    net, tasks = problems.normed(), problems.batch()

    def learner(recompute):
        made = GradientLearner(net, which=which, optimiser=optimiser, steps=3, outer_gradient=Unrolled(recompute))
        made.mapping = None if recompute else LOOP
        return made

    again = learner(True)
    assert "recomputed" in again.mapping_for(tasks).reason
    kept, found = measure(again, tasks), measure(learner(False), tasks)
    assert difference(kept, found) < 1e-12


@pytest.mark.parametrize("stride", [2, 3, 5, 9])
@pytest.mark.parametrize("optimiser", [SGD(0.1, momentum=0.5), LearnedRates(0.3)], ids=lambda o: type(o).__name__)
def test_a_stride_gives_the_same_gradient(stride, optimiser):
    net, tasks, found = problems.normed(), problems.batch(), []
    for outer_gradient in (Unrolled(), Unrolled(recompute=True, stride=stride)):
        learner = GradientLearner(net, optimiser=optimiser, steps=5, outer_gradient=outer_gradient)
        learner.mapping = None if outer_gradient.recompute else LOOP
        found.append(measure(learner, tasks))
    assert difference(*found) < 1e-12


@pytest.mark.parametrize(("stride", "states"), [(1, 9), (3, 3), (4, 3), (9, 1), (20, 1)])
def test_a_stride_keeps_fewer_states(stride, states):
    learner = GradientLearner(problems.perceptron(), steps=9, outer_gradient=Unrolled(recompute=True, stride=stride))
    seen, waiting = set(), [learner.objective(problems.classification()[0]).surrogate.grad_fn]
    while waiting:  # every node of the graph that is kept
        if (node := waiting.pop()) is not None and node not in seen:
            seen.add(node)
            waiting += [parent for parent, _ in node.next_functions]
    assert sum("Recomputed" in type(node).__name__ for node in seen) == states


def test_a_stride_fits_to_recomputing_and_to_the_last_step_alone():
    with pytest.raises(ConfigurationError, match="stride=2 is a setting of recompute=True"):
        Unrolled(stride=2)
    outer_gradient = Unrolled(recompute=True, stride=2)
    with pytest.raises(ConfigurationError, match="weighs those between"):
        GradientLearner(problems.perceptron(), steps=4, outer_gradient=outer_gradient, outer_loss=AnnealedSteps(9))


@pytest.mark.parametrize("device", DEVICES)
def test_recomputed_steps_drop_the_same_units_again(device):
    net = Backbone(nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Softplus()), nn.Linear(50, 3), 50).double()
    net, found = net.to(device), []
    tasks = stack(problems.classification()[:1]).map(lambda leaf: leaf.to(device))
    for recompute in (False, True):
        learner = GradientLearner(net, optimiser=SGD(0.1), steps=3, outer_gradient=Unrolled(recompute), norm="none")
        learner.mapping = None if recompute else LOOP
        torch.manual_seed(0)
        found.append(measure(learner, tasks))
    assert difference(*found) < 1e-12


def test_what_a_device_draws_is_drawn_again(monkeypatch):
    # a generator that is not the CPU's, as a GPU has one; on a GPU the test above does it for real
    device = torch.Generator().manual_seed(3)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda number: device.get_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, number: device.set_state(state))
    monkeypatch.setattr(_recompute, "device_generators", lambda tensors: {0: torch.cuda.get_rng_state(0)})
    x = torch.ones(4, dtype=torch.float64, requires_grad=True)
    found = _recompute.recomputed(lambda x: x * torch.rand(4, generator=device, dtype=torch.float64), x, [])
    after = device.get_state()
    (slope,) = torch.autograd.grad(found.sum(), x)
    assert torch.equal(slope, found.detach())
    assert torch.equal(device.get_state(), after), "the backward pass moved the generator"


def test_order_is_annealed_with_the_outer_step():
    tasks, net = problems.batch(), problems.perceptron()
    annealed = GradientLearner(net, optimiser=SGD(RATE), steps=2, outer_gradient=AnnealedOrder(until=5))
    first, full = (measure(m(net, inner_steps=2, inner_lr=RATE), tasks) for m in (methods.fomaml, methods.maml))
    assert difference(measure(annealed, tasks), first) < 1e-12
    annealed.begin_step(5)
    assert difference(measure(annealed, tasks), full) < 1e-12


def test_the_outer_loss_is_annealed_in_stages():
    weights = [AnnealedSteps(until=100, stages=10).at(step).weights(4) for step in range(101)]
    assert weights[0] == [0.25] * 4
    assert weights[100] == [0, 0, 0, 1]
    assert all(sum(w) == pytest.approx(1) for w in weights)
    assert len({tuple(w) for w in weights}) == 11
    last = [w[-1] for w in weights]
    assert last == sorted(last)


@pytest.mark.parametrize("step", [0, 55, 100])
def test_maml_plus_plus_in_the_course_of_training(step):
    learner, tasks = build("maml_plus_plus", problems.normed()), problems.batch()
    learner.begin_step(step)
    expected = family.meta(
        second("maml_plus_plus", learner, reference.normed, step), reference.normed, meta_parameters(learner), tasks
    )
    assert difference(measure(learner, tasks), expected) < 1e-9


def test_later_steps_use_the_last_steps_rates_and_norms():
    learner = build("maml_plus_plus", problems.normed(), test_steps=5).eval()
    support = problems.classification()[0].support
    assert [s.steps for s in learner.trajectory(support, 5)] == [0, 1, 2, 3, 4, 5]
    with torch.no_grad():
        changed = learner.adapt(support).parameters["features.0.weight"].clone()
        learner.optimiser.rates["features/0/weight"][-1] += 1.0
    assert not torch.equal(learner.adapt(support).parameters["features.0.weight"], changed)


def test_a_proto_maml_learner_takes_any_number_of_ways():
    learner = methods.proto_maml(problems.perceptron(None), inner_steps=1, inner_lr=0.1)
    for ways in (2, 3, 5):
        tasks = problems.batch(ways=ways, sizes=((10, 10), (10, 10)))
        assert learner(tasks).prediction.shape[-1] == ways


def test_prototype_heads_are_nearest_means_before_the_first_step():
    net, task = problems.perceptron(None), problems.classification()[0]
    learner = methods.proto_maml(net, inner_steps=1, inner_lr=0.1)
    with torch.no_grad():
        state = next(iter(learner.trajectory(task.support, 1)))
        z = net.features(task.query.x)
        means = torch.stack([net.features(task.support.x)[task.support.y == k].mean(0) for k in range(3)])
    expected = torch.log_softmax(-torch.cdist(z, means).square(), 1)
    torch.testing.assert_close(torch.log_softmax(learner.predict(state, task.query.x), 1), expected)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"outer_gradient": Reptile(), "optimiser": LearnedRates(0.1)}, "would never learn"),
        ({"outer_gradient": Implicit(), "optimiser": LearnedRates(0.1)}, "would never learn"),
        ({"outer_gradient": Implicit(), "outer_loss": WeightedSteps((0.5, 0.5)), "steps": 2}, "LastStep"),
        ({"outer_gradient": Implicit(), "outer_loss": AnnealedSteps(10), "steps": 2}, "LastStep"),
        ({"which": "context"}, "no context parameters"),
        ({"which": "lora"}, "no trainable LoRA adapters"),
        ({"start": "prototypes"}, "Freeze them"),
    ],
)
def test_combinations_that_cannot_work(choices, message):
    with pytest.raises(ConfigurationError, match=message):
        GradientLearner(problems.perceptron(), **choices)


def test_an_outer_loss_that_is_set_later_is_looked_at_too():
    learner = GradientLearner(problems.perceptron(), outer_gradient=Implicit(), steps=2)
    learner.outer_loss = WeightedSteps((0.5, 0.5))
    with pytest.raises(ConfigurationError, match=r"WeightedSteps weighs.*outer_loss=LastStep"):
        learner(problems.batch())


def test_a_plain_function_is_an_inner_optimiser():
    net, tasks = problems.perceptron(), problems.batch()
    own = GradientLearner(net, optimiser=lambda g, p: {n: p[n] - RATE * g[n] for n in p}, steps=STEPS)
    assert difference(measure(own, tasks), measure(methods.maml(net, inner_steps=STEPS, inner_lr=RATE), tasks)) < 1e-12
    with pytest.raises(ConfigurationError, match="returns a new tensor for each"):
        GradientLearner(net, optimiser=lambda g, p: {}, steps=1)(tasks)


@pytest.mark.parametrize("method", [*METHODS, "cavia"])
def test_padded_equals_unpadded(method):
    whole = problems.classification(((6, 6),))
    learner = build(method, problems.normed())
    longer = problems.classification(((9, 9),), seed=5)
    alone, padded = measure(learner, stack(whole)), learner(stack([*whole, *longer]))
    torch.testing.assert_close(padded.losses[0], alone[0][0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [1, 7])
def test_cg_solves_what_a_dense_solver_solves(size):
    from innerloop.gradient import conjugate_gradients

    generator = torch.Generator().manual_seed(size)
    a = torch.randn(size, size, generator=generator, dtype=torch.float64)
    a, b = a @ a.T + torch.eye(size, dtype=torch.float64), torch.randn(size, generator=generator, dtype=torch.float64)

    def product(x):
        image = a @ torch.cat([x["u"], x["v"]])
        return {"u": image[: size // 2], "v": image[size // 2 :]}

    right = {"u": b[: size // 2], "v": b[size // 2 :]}
    found = conjugate_gradients(product, right, 3 * size)
    torch.testing.assert_close(torch.cat([found["u"], found["v"]]), torch.linalg.solve(a, b))
    assert all(
        bool(torch.isfinite(x).all())
        for x in conjugate_gradients(product, {n: 0 * r for n, r in right.items()}, 4).values()
    )


def test_cg_ends_where_the_form_curves_down():
    from innerloop.gradient import conjugate_gradients

    def solve(diagonal, right, steps):
        def product(x):
            return {"a": diagonal * x["a"]}

        return conjugate_gradients(product, {"a": right}, steps)["a"]

    ones = torch.ones(3, dtype=torch.float64)
    down, mixed = torch.tensor([-1.0, -2.0, -0.5]).double(), torch.tensor([4.0, 3.0, -0.1]).double()
    assert torch.equal(solve(down, ones, 5), ones)  # nowhere to go: the right side itself
    # the first direction is the right side and curves up (6.9); further ones do not
    first = ones * (3 / 6.9)
    torch.testing.assert_close(solve(mixed, ones, 1), first)
    far = solve(mixed, ones, 20)
    value = [float(0.5 * (x * mixed * x).sum() - (ones * x).sum()) for x in (first, far)]
    assert value[1] <= value[0]
    assert bool(torch.isfinite(far).all())
    both = torch.vmap(lambda diagonal: solve(diagonal, ones, 5))(torch.stack([down, 1 - down]))
    torch.testing.assert_close(both, torch.stack([ones, ones / (1 - down)]))
