"""The posterior in numpy, from the joint normal distribution."""

import numpy as np
import pytest
import torch

import innerloop as il
from helpers import memory
from innerloop.errors import ConfigurationError, DataError
from innerloop.losses import Gaussian
from innerloop.mapping import Mapping
from innerloop.methods import gaussian_process
from innerloop.sources import GPCurves
from innerloop.task import Examples, Task, stack, take

KERNELS = {
    "rbf": lambda d, length, scale, period: scale**2 * np.exp(-0.5 * (d / length) ** 2),
    "matern": lambda d, length, scale, period: (
        scale**2 * (1 + np.sqrt(5) * d / length + 5 / 3 * (d / length) ** 2) * np.exp(-np.sqrt(5) * d / length)
    ),
    "periodic": lambda d, length, scale, period: scale**2 * np.exp(-2 * (np.sin(np.pi * d / period) / length) ** 2),
}
EACH = pytest.mark.parametrize("kernel", KERNELS)


def posterior(kernel, x, y, query, parameters, noise):
    """Mean and variance of an observation at each query point, given the support points."""
    points = np.concatenate([x, query])
    joint = KERNELS[kernel](np.abs(points[:, None] - points[None]), *parameters) + noise**2 * np.eye(len(points))
    n = len(x)
    gain = np.linalg.inv(joint[:n, :n]) @ joint[:n, n:]
    return gain.T @ y, np.diag(joint[n:, n:] - joint[n:, :n] @ gain)


def log_density(y, mean, variance):
    return -0.5 * (np.log(2 * np.pi * variance) + (y - mean) ** 2 / variance)


@pytest.mark.parametrize("tnp", [False, True])
@EACH
def test_predictions_and_log_density_against_numpy(kernel, tnp):
    source = GPCurves.tnp(kernel).test.with_(known=True) if tnp else GPCurves(kernel, shots=8, queries=6).test
    learner = gaussian_process(kernel=kernel, noise=source.noise, known=tnp)
    found = il.evaluate(learner, source, 12)
    parameters = torch.stack(source.parameters(torch.arange(12)), -1).double().numpy()
    for i in range(12):
        task = source[i]
        (x, y), (query, truth) = (
            (part.x[part.mask, 0].double().numpy(), part.y[part.mask, 0].double().numpy())
            for part in (task.support, task.query)
        )
        mean, variance = posterior(kernel, x, y, query, parameters[i], source.noise)
        prediction = learner.predict(learner.adapt(task.support), task.query.x)
        assert isinstance(prediction, Gaussian)
        np.testing.assert_allclose(prediction.mean[task.query.mask, 0].numpy(), mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(prediction.variance[task.query.mask, 0].numpy(), variance, rtol=1e-3, atol=1e-6)
        assert found.losses[i] == pytest.approx(-log_density(truth, mean, variance).mean(), rel=1e-3, abs=1e-3)
        assert found.values[i] == pytest.approx(((truth - mean) ** 2).mean(), rel=1e-3, abs=1e-5)
    assert found.metric == "squared error"


def test_errors_are_as_large_as_it_says():
    source = GPCurves(shots=6, queries=10).test
    learner = gaussian_process()
    tasks = source[0:400]
    prediction = learner.map(lambda t: learner.predict(learner.adapt(t.support), t.query.x), tasks)
    scaled = (tasks.query.y - prediction.mean) / prediction.variance.sqrt()
    assert scaled.square().mean() == pytest.approx(1.0, abs=0.1)


def test_nobody_who_believes_otherwise_does_better():
    source = GPCurves().test
    losses = {
        length: il.evaluate(gaussian_process(length=length), source, 200).losses.mean() for length in (0.3, 0.4, 0.6)
    }
    assert losses[0.4] < min(losses[0.3], losses[0.6])


def test_mappings_agree_and_padding_counts_for_nothing():
    learner = gaussian_process(noise=0.5).double()
    plain = memory.batch("numbers")
    each = [take(plain, i) for i in range(3)]
    padded = stack([Task(memory.spoiled(t.support, 3), memory.spoiled(t.query, 2), t.index) for t in each])
    found = []
    for tasks in (plain, padded):
        for vectorise in (False, True):
            learner.mapping = Mapping(vectorise=vectorise)
            found.append(learner(tasks).losses)
    for other in found[1:]:
        torch.testing.assert_close(other, found[0])


def test_going_on_from_a_state_is_reading_everything_at_once():
    learner, (task,) = gaussian_process(noise=0.5), memory.tasks("numbers", ((7, 5),))
    first, second = (memory.rows(task.support, which) for which in (slice(0, 3), slice(3, None)))
    state = learner.adapt(memory.spoiled(second, 2), learner.adapt(memory.spoiled(first, 1)))
    whole = learner.predict(learner.adapt(task.support), task.query.x)
    for a, b in zip(learner.predict(state, task.query.x), whole, strict=True):
        torch.testing.assert_close(a, b)


def test_there_is_nothing_to_train():
    with pytest.raises(ConfigurationError, match="no parameters to train"):
        il.fit(gaussian_process(), GPCurves().train, steps=1)


def test_a_saved_model_predicts_the_same(tmp_path):
    task = GPCurves().test[0]
    model = gaussian_process().adapted(task.support.x, task.support.y)
    model.save(tmp_path / "model")
    found, again = model(task.query.x), il.load(tmp_path / "model")(task.query.x)
    assert isinstance(again, Gaussian)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


def test_errors():
    with pytest.raises(ConfigurationError, match="noise= must be a positive number; got 0"):
        gaussian_process(noise=0)
    with pytest.raises(ConfigurationError, match="no kernel 'linear'"):
        gaussian_process(kernel="linear")
    labels = Examples(torch.zeros(2, 1), torch.tensor([0, 1]), ways=2)
    with pytest.raises(DataError, match="predicts numbers; this task has classes"):
        gaussian_process().adapt(labels)
    numbers = Examples(torch.zeros(2, 1), torch.zeros(2, 1))
    with pytest.raises(DataError, match=r"inputs \(x, length, scale, period\); got 1 columns"):
        gaussian_process(known=True).adapt(numbers)
    with pytest.raises(DataError, match=r"one tensor of inputs \(N, D\); got dict"):
        gaussian_process().adapt(Examples({"a": torch.zeros(2, 1)}, torch.zeros(2, 1)))
