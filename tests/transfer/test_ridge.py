import numpy as np
import pytest
import torch

from helpers import problems
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.sources import Sinusoids
from innerloop.task import Examples, Task, pad, stack, take
from innerloop.transfer import PooledRidge, ShrunkRidge

TASKS = stack(problems.regression())


def rows(examples):
    """Inputs with a column of ones, and targets, of all rows that count."""
    x = examples.x.flatten(0, -2)[examples.mask.flatten()].numpy()
    y = examples.y.flatten(0, -2)[examples.mask.flatten()].numpy()
    return np.column_stack([x, np.ones(len(x))]), y


def pooled_by_hand(tasks, penalty):
    """Least squares with rows of data added that stand for the penalty."""
    (a, y), (b, z) = rows(tasks.support), rows(tasks.query)
    design, targets = np.concatenate([a, b]), np.concatenate([y, z])
    extra = np.sqrt(penalty * len(design)) * np.eye(design.shape[1])[:-1]
    whole = np.concatenate([design, extra])
    return np.linalg.lstsq(whole, np.concatenate([targets, np.zeros((len(extra), y.shape[1]))]), rcond=None)[0]


def solved(kind=PooledRidge, **settings):
    learner = kind(4, 1, **settings).double()
    learner.solve(TASKS)
    return learner


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 10.0])
def test_the_pooled_fit_is_ridge_regression(penalty):
    learner = solved(penalty=penalty)
    expected = pooled_by_hand(TASKS, penalty)
    np.testing.assert_allclose(learner.coefficients.numpy(), expected, rtol=1e-7, atol=1e-9)
    x, _ = rows(TASKS.query)
    found = learner.predict(learner.adapt(take(TASKS, 0).support), TASKS.query.x.flatten(0, 1))
    np.testing.assert_allclose(found.numpy(), x @ expected, atol=1e-9)


def test_padded_rows_are_not_pooled():
    tasks = [Task(pad(t.support, 8), pad(t.query, 9), t.index) for t in problems.regression()]
    for task in tasks:
        task.support.x[5:], task.query.y[7:] = float("nan"), 1e30
    learner = PooledRidge(4, 1).double()
    learner.solve(stack(tasks))
    torch.testing.assert_close(learner.coefficients, solved().coefficients)


@pytest.mark.parametrize(("slopes", "intercept"), [(0.5, 2.0), (100.0, 0.1)])
def test_a_shrunk_fit_is_the_posterior_mean_of_a_mixed_model(slopes, intercept):
    # deviations of a task ~ N(0, D) with noise of variance 1, so that Λ = D^-1: the best linear predictor by the
    # covariance of the data, D X' (X D X' + I)^-1 (y - X w)
    learner = solved(ShrunkRidge, slopes=slopes, intercept=intercept)
    task = take(TASKS, 1)
    x, y = rows(task.support)
    pooled = learner.coefficients.numpy()
    spread = np.diag([1 / slopes] * 4 + [1 / intercept])
    expected = pooled + spread @ x.T @ np.linalg.solve(x @ spread @ x.T + np.eye(len(x)), y - x @ pooled)
    state = learner.adapt(task.support)
    np.testing.assert_allclose(state.coefficients.numpy(), expected, atol=1e-9)
    q, _ = rows(task.query)
    np.testing.assert_allclose(learner.predict(state, task.query.x).numpy(), q @ expected, atol=1e-9)


def test_the_ends_of_shrinking():
    support = problems.regression(((9, 3),))[0].support
    x, y = rows(support)
    least_squares = np.linalg.lstsq(x, y, rcond=None)[0]
    free = solved(ShrunkRidge, slopes=1e-9, intercept=1e-9).adapt(support).coefficients
    np.testing.assert_allclose(free.numpy(), least_squares, atol=1e-6)
    learner = solved(ShrunkRidge, slopes=1e12, intercept=1e12)
    torch.testing.assert_close(learner.adapt(support).coefficients, learner.coefficients)
    level = solved(ShrunkRidge, slopes=1e12, intercept=2.0)
    state = level.adapt(support)
    residual = (y - x @ level.coefficients.numpy()).sum() / (len(y) + 2.0)  # a mean that leans towards zero
    assert float(state.coefficients[-1] - level.coefficients[-1]) == pytest.approx(residual)
    torch.testing.assert_close(state.coefficients[:-1], level.coefficients[:-1])


def test_adding_rows_is_reading_all_of_them():
    learner, support = solved(ShrunkRidge), problems.regression(((9, 3),))[0].support
    first, second = (support.map(lambda leaf, at=at: leaf[at]) for at in (slice(0, 4), slice(4, None)))
    for a, b in zip(learner.adapt(second, learner.adapt(first))[:3], learner.adapt(support)[:3], strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", [PooledRidge, ShrunkRidge])
def test_a_loop_and_vmap_agree_on_padded_tasks(kind):
    learner = solved(kind)
    tasks = stack(problems.regression(((5, 7), (8, 4), (1, 9))))
    losses = []
    for vectorise in (False, True):
        learner.mapping = Mapping(vectorise=vectorise)
        losses.append(learner(tasks).losses)
    torch.testing.assert_close(*losses)
    alone = stack(problems.regression(((5, 7),)))
    torch.testing.assert_close(learner(alone).losses[0], losses[0][0])


def test_classes_are_regressed_as_one_hot_rows():
    tasks = problems.batch()
    learner = PooledRidge(4, 3, penalty=0.2).double()
    learner.solve(tasks)
    hot = tasks.map(lambda leaf: leaf)
    one_hot = [torch.nn.functional.one_hot(part.y, 3).double() for part in (hot.support, hot.query)]
    numbers = Task(*(Examples(part.x, y, part.mask) for part, y in zip((hot.support, hot.query), one_hot, strict=True)))
    np.testing.assert_allclose(learner.coefficients.numpy(), pooled_by_hand(numbers, 0.2), atol=1e-9)
    assert learner(tasks).prediction.shape == (3, 6, 3)
    assert learner(problems.batch(ways=2)).prediction.shape == (3, 6, 2)  # the third class is left unused
    with pytest.raises(DataError, match="A 4-way task needs 4 logits; the network has 3"):
        learner(problems.batch(ways=4))
    with pytest.raises(DataError, match="made for 4 inputs and 3 outputs; got rows with 4 and 4"):
        ShrunkRidge(4, 3)(problems.batch(ways=4))


def test_a_source_is_read_at_once():
    source = Sinusoids(shots=3, queries=4)
    for make in (methods.pooled_ridge, methods.shrunk_ridge):
        learner = make(source.train, penalty=0.01, tasks=20)
        expected = pooled_by_hand(
            source.train[0:20].map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf), 0.01
        )
        np.testing.assert_allclose(learner.coefficients.numpy(), expected, rtol=1e-4, atol=1e-5)
        assert (learner.spec["arguments"]["inputs"], learner.spec["arguments"]["outputs"]) == (1, 1)


def test_correlated_columns_are_solved():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 400, 3, generator=generator)
    x[..., 2] = 3 * x[..., 1]  # as two of the voice measures are
    y = x[..., :1] + x[..., 1:2]
    tasks = Task(Examples(x[0], y[0]), Examples(x[0], y[0])).map(lambda leaf: leaf[None])
    learner = ShrunkRidge(3, 1, penalty=1e-6, slopes=1e-3)
    learner.solve(tasks)
    state = learner.adapt(take(tasks, 0).support)
    torch.testing.assert_close(learner.predict(state, x[0]), y[0], atol=1e-3, rtol=0)


def test_errors():
    for name in ("penalty", "slopes", "intercept"):
        with pytest.raises(ConfigurationError, match=f"{name}= must be a positive number; got 0"):
            ShrunkRidge(4, 1, **{name: 0.0})
    with pytest.raises(DataError, match="made for 3 inputs and 1 outputs; got rows with 4 and 1"):
        ShrunkRidge(3, 1).adapt(problems.regression()[0].support)
    for make in (methods.pooled_ridge, methods.shrunk_ridge):
        with pytest.raises(ConfigurationError, match="Name the training split, or inputs= and outputs="):
            make()
