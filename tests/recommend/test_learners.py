"""Each learner of users against a computation by other means, and users without events."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.ratings import cases, ratings
from innerloop import Mapping
from innerloop.recommend import CaseTasks, Setting, Tower, UserTasks
from innerloop.recommend._build import build_learner, fine_tuned
from innerloop.recommend._rows import Scale
from innerloop.task import Examples, Task, take

KNOWN = torch.ones(30, dtype=torch.bool)
STEPS = ["maml", "fomaml", "anil", "meta_sgd", "cavia"]
ALL = [*STEPS, "ridge", "attention", "global"]


def made(kind, *, seed=0, **more):
    """A learner with random weights everywhere, in double precision."""
    torch.manual_seed(seed)
    _, features = ratings()
    learner = build_learner(Setting(kind, **{"factors": 3, "hidden": (4,), "width": 4, **more}), Tower(30, 3, features))
    for name, parameter in learner.named_parameters():
        if parameter.requires_grad and parameter.ndim and not name.startswith("optimiser"):
            torch.nn.init.normal_(parameter, std=0.5)
    return learner.double().eval()


def tasks(number=3, *, ranking=False, shots=4):
    events, _ = ratings()
    source = UserTasks(events, KNOWN, None if ranking else Scale(3.0, 1.5), shots=shots, queries=5, negatives=6)
    return source[0:number].map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf)


@pytest.mark.parametrize("steps", [1, 3])
def test_cavia_is_descent_on_the_vector_written_by_hand(steps):
    learner = made("cavia", inner_steps=steps, inner_lr=0.2, shrinkage=2.0)
    support = take(tasks(), 1).support
    z = learner.network.features(support.x)[:, 0].detach()
    scale = learner.network.head.scale.item()
    phi = torch.cat([torch.full_like(z[:, :1], scale), z[:, :-1]], 1)
    vector, y, n = torch.zeros(4, dtype=torch.float64), support.y[:, 0], int(support.mask.sum())
    phi, y, base = phi[support.mask], y[support.mask], z[support.mask, -1]
    for _ in range(steps):
        vector = vector - 0.2 * 2 * phi.T @ (base + phi @ vector - y) / (n + 2.0)
    found = learner.adapt(support)
    torch.testing.assert_close(found.parameters["head.context"], vector)
    torch.testing.assert_close(learner.predict(found, support.x)[support.mask, 0], base + phi @ vector)


@given(st.integers(0, 100), st.integers(1, 11))
@settings(deadline=None, max_examples=20)
def test_ridge_solves_the_normal_equations_by_least_squares_on_extended_rows(seed, shots):
    learner = made("ridge", seed=seed, strength=0.7)
    support = take(tasks(shots=shots), 0).support
    mask = support.mask
    z = learner.network.features(support.x)[mask, 0].detach().numpy()
    phi = np.concatenate([np.full((len(z), 1), learner.offset.item()), z[:, :-1]], 1)
    rows = np.concatenate([phi, np.sqrt(0.7) * np.eye(4)])
    left = np.concatenate([support.y[mask, 0].numpy() - z[:, -1], np.zeros(4)])
    expected = np.linalg.lstsq(rows, left, rcond=None)[0]
    np.testing.assert_allclose(learner.adapt(support).weight.detach().numpy(), expected, rtol=1e-6, atol=1e-8)


def test_ridge_of_a_ranking_is_ridge_on_its_two_targets():
    learner = made("ridge", goal="ranking")
    support = take(tasks(ranking=True), 0).support
    phi = learner.inputs(learner.network.features(support.x))[support.mask].flatten(0, 1)
    y = torch.tensor([1.0] + 6 * [-1.0]).repeat(int(support.mask.sum())).double()
    own = torch.where(y > 0, learner.targets[0], learner.targets[1])
    penalty = learner.log_strength.exp() * torch.eye(4).double()
    torch.testing.assert_close(learner.adapt(support).weight, torch.linalg.inv(phi.T @ phi + penalty) @ (phi.T @ own))


def test_ridge_without_factors_is_the_shrunken_bias():
    torch.manual_seed(0)
    learner = build_learner(Setting("bias", factors=0, strength=4.0), Tower(30, 0))
    torch.nn.init.normal_(learner.network.features.biases.weight)
    support = take(tasks(), 2).support.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    z = learner.network.features(support.x)[..., -1]
    left = (support.y - z)[support.mask]
    expected = z + left.sum() / (len(left) + 5.0)
    torch.testing.assert_close(learner.predict(learner.adapt(support), support.x)[support.mask], expected[support.mask])


@pytest.mark.parametrize("kind", ["ridge", "attention"])
def test_going_on_from_a_state_equals_reading_everything(kind):
    learner, support = made(kind), take(tasks(shots=5), 0).support
    support = support.map(lambda leaf: leaf[:5])
    first, rest = (support.map(lambda leaf, part=part: leaf[part]) for part in (slice(0, 2), slice(2, 5)))
    whole, parts = learner.adapt(support), learner.adapt(rest, learner.adapt(first))
    torch.testing.assert_close(learner.predict(parts, support.x), learner.predict(whole, support.x))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_the_order_of_events_does_not_count(kind, goal):
    learner = made(kind, goal=goal)
    task = take(tasks(ranking=goal == "ranking", shots=5), 0)
    other = task.support.map(lambda leaf: leaf.flip(0))
    x = task.query.x
    torch.testing.assert_close(
        learner.predict(learner.adapt(other), x), learner.predict(learner.adapt(task.support), x)
    )


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
@given(lengths=st.lists(st.integers(1, 9), min_size=2, max_size=9), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=4)
def test_uneven_histories_together_equal_each_alone(kind, goal, lengths, seed):
    events, _ = ratings()
    wanted = np.zeros(events.users, np.int64)
    wanted[: len(lengths)] = lengths
    support = events.where(np.arange(len(events)) % 12 < wanted[events.user])
    query = events.where((np.arange(len(events)) % 12 >= 10) & (wanted[events.user] > 0))
    found = cases(events, [0])
    found = type(found)(support, query)
    source = CaseTasks(found, KNOWN, None if goal == "ranking" else Scale(3.0, 1.5), negatives=4)
    learner = made(kind, goal=goal, seed=seed)

    def batch(users):
        # in double precision, so that a difference would be one of the computation and not of rounding
        return source.batch(users).map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf)

    def one(task: Task):
        return learner.predict(learner.adapt(task.support), task.query.x)

    learner.mapping = Mapping(vectorise=True)
    with torch.no_grad():
        together = learner.map(one, batch(torch.arange(len(lengths))))
        assert together.dtype == torch.float64
        for user, length in enumerate(lengths):
            alone = take(batch(torch.tensor([user])), 0)
            kept = alone.support.map(lambda leaf, mask=alone.support.mask: leaf[mask])
            assert len(kept) == length
            expected = one(Task(kept, alone.query))
            torch.testing.assert_close(together[user], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_a_user_without_events_gets_what_a_new_user_gets(kind, goal):
    learner = made(kind, goal=goal)
    task = take(tasks(ranking=goal == "ranking"), 0)
    z = learner.network.features(task.query.x)
    found = []
    for fill in (0, 1):
        nobody = Examples(
            {name: leaf * fill for name, leaf in task.support.x.items()}, task.support.y * fill,
            torch.zeros_like(task.support.mask), task.ways,
        )  # fmt: skip
        found.append(learner.predict(learner.adapt(nobody), task.query.x))
    assert torch.isfinite(found[0]).all()
    torch.testing.assert_close(found[0], found[1])
    if kind in ("ridge", "cavia"):
        torch.testing.assert_close(found[0], z[..., -1])


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_scores_of_a_table_are_the_predictions(kind, goal):
    learner, task = made(kind, goal=goal), take(tasks(ranking=goal == "ranking"), 1)
    state, z = learner.adapt(task.support), learner.network.features(task.query.x)
    torch.testing.assert_close(learner.score(state, z), learner.predict(state, task.query.x))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_every_weight_has_a_meta_gradient_the_same_in_a_loop(kind, goal):
    found = {}
    for vectorise in (True, False):
        learner = made(kind, goal=goal).train()
        learner.mapping = Mapping(vectorise=vectorise)
        learner(tasks(ranking=goal == "ranking")).loss.backward()
        found[vectorise] = {name: p.grad for name, p in learner.named_parameters() if p.requires_grad}
    for name, value in found[True].items():
        assert value is not None, name
        assert value.abs().sum() > 0, name
        torch.testing.assert_close(value, found[False][name])


def test_fine_tuning_moves_what_maml_moves_from_the_global_network():
    network = made("global")
    tuned, task = fine_tuned(Setting("fine_tuned", shrinkage=0.0, inner_lr=0.1), network), take(tasks(), 0)
    head = [name for name, _ in network.network.named_parameters() if name.startswith("head.")]
    assert tuned.adapted_names == head == made("maml").adapted_names
    zero, one, *_ = tuned.trajectory(task.support, 1)
    torch.testing.assert_close(
        tuned.predict(zero, task.query.x), network.predict(network.adapt(task.support), task.query.x)
    )
    own = {name: network.network.get_parameter(name).detach().clone().requires_grad_() for name in head}
    z = network.network.features(task.support.x).detach()
    out = torch.func.functional_call(network.network.head, {n.removeprefix("head."): p for n, p in own.items()}, (z,))
    loss = (out - task.support.y)[task.support.mask].square().mean()
    for (name, before), gradient in zip(own.items(), torch.autograd.grad(loss, list(own.values())), strict=True):
        torch.testing.assert_close(one.parameters[name], before - 0.1 * gradient)


def test_before_training_they_are_the_bias_model():
    torch.manual_seed(0)
    task = take(tasks(), 0).map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    for kind in ("maml", "attention", "global"):
        learner = build_learner(Setting(kind, factors=3), Tower(30, 3)).eval()
        torch.nn.init.normal_(learner.network.features.biases.weight)
        base = learner.network.features(task.query.x)[..., -1]
        start = learner.start(task.support) if kind == "maml" else learner.adapt(task.support)
        if kind == "attention":  # of users and items, in closed form
            z = learner.network.features(task.support.x)[..., -1]
            left = (task.support.y - z)[task.support.mask]
            base = base + left.sum() / (len(left) + 5.0)
        torch.testing.assert_close(learner.predict(start, task.query.x), base)
