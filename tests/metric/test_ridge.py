import numpy as np
import pytest
import torch
from torch import nn

from helpers import comparing, family, problems, reference
from helpers.checks import difference, difference_from_finite_differences, measure
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.metric import Ridge
from innerloop.task import Examples, stack

MAPPINGS = pytest.mark.parametrize("mapping", [Mapping.named(n) for n in ("loop", "vmap", "captured")], ids=str)


def data(rows, width=4, outputs=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(rows, n, generator=generator, dtype=torch.float64) for n in (width, outputs))


def solution(x, y, strength):
    """The minimum of |Zw - y|² + λ |w|², as a least-squares problem of numpy."""
    z = np.concatenate([x.numpy(), np.ones((len(x), 1))], axis=1)
    extended = np.concatenate([z, np.sqrt(strength) * np.eye(z.shape[1])])
    return torch.from_numpy(
        np.linalg.lstsq(extended, np.concatenate([y.numpy(), np.zeros((z.shape[1], y.shape[1]))]))[0]
    )


@pytest.mark.parametrize("rows", [2, 4, 5, 12])  # fewer than, as many as, more than the 5 features
def test_both_forms_are_the_ridge_solution(rows):
    x, y = data(rows)
    state = Ridge(nn.Identity(), strength=0.3).double().adapt(Examples(x, y))
    torch.testing.assert_close(state.weight, solution(x, y, 0.3))
    assert set(state.seen) == ({"rows", "targets"} if rows < 5 else {"gram", "cross"})


@pytest.mark.parametrize("cuts", [[2], [1, 2, 3], [4], [5], [7], [3, 6, 11]])
def test_adding_examples_is_reading_all_of_them_in_either_form(cuts):
    x, y = data(12)
    learner, state = Ridge(nn.Identity(), strength=0.3).double(), None
    for start, end in zip([0, *cuts], [*cuts, 12], strict=True):
        state = learner.adapt(Examples(x[start:end], y[start:end]), state)
    torch.testing.assert_close(state.weight, solution(x, y, 0.3))


def test_a_state_of_many_examples_does_not_grow():
    x, y = data(6)
    learner = Ridge(nn.Identity()).double()
    state = learner.adapt(Examples(x, y))
    later = learner.adapt(Examples(x, y), state)
    assert {n: t.shape for n, t in later.seen.items()} == {n: t.shape for n, t in state.seen.items()}


@MAPPINGS
@pytest.mark.parametrize("sizes", [((3, 7),) * 3, ((9, 7),) * 3], ids=["few", "many"])
def test_regression_meta_gradient_is_that_of_an_independent_computation(sizes, mapping):
    learner = comparing.LEARNERS["ridge"](problems.perceptron(None))
    tasks = stack(problems.regression(sizes))
    expected = family.meta(comparing.ridge, reference.perceptron, dict(learner.named_parameters()), tasks)
    learner.mapping = mapping
    assert difference(measure(learner, tasks), expected) < 1e-9


@pytest.mark.parametrize("sizes", [((3, 7),) * 2, ((9, 7),) * 2], ids=["few", "many"])
def test_regression_meta_gradient_is_that_of_finite_differences(sizes):
    learner = Ridge(problems.perceptron(None, "softplus"))
    assert difference_from_finite_differences(learner, stack(problems.regression(sizes))) < 1e-6


def test_padded_targets_count_for_nothing():
    learner = Ridge(problems.perceptron(None))
    each = problems.regression(((3, 7), (8, 5)))
    alone = torch.cat([learner(stack([task])).losses for task in each])
    tasks = stack(each)
    tasks.support.y[~tasks.support.mask] = 1e6
    tasks.support.x[~tasks.support.mask] = 1e3
    torch.testing.assert_close(learner(tasks).losses, alone, rtol=0, atol=1e-9)


def test_scale_and_bias_start_for_classes_and_for_numbers():
    x, y = data(12)
    learner = Ridge(nn.Identity(), strength=0.3, scale=4.0).double()
    z = torch.cat([x, torch.ones(12, 1, dtype=x.dtype)], 1)
    numbers = learner.predict(learner.adapt(Examples(x, y)), x)
    torch.testing.assert_close(numbers, z @ solution(x, y, 0.3))
    labels = torch.arange(12) % 3
    logits = learner.predict(learner.adapt(Examples(x, labels, ways=3)), x)
    torch.testing.assert_close(logits, 4 * z @ solution(x, torch.eye(3, dtype=x.dtype)[labels], 0.3))
    with torch.no_grad():
        learner.scale.log.fill_(np.log(2))
        learner.bias.fill_(7.0)
    torch.testing.assert_close(learner.predict(learner.adapt(Examples(x, y)), x), 2 * numbers + 7)


def test_more_strength_means_smaller_weights():
    x, y = data(12)
    sizes = [Ridge(nn.Identity(), strength=s).double().adapt(Examples(x, y)).weight.norm().item() for s in (0.1, 1, 10)]
    assert sizes == sorted(sizes, reverse=True)


def test_errors():
    with pytest.raises(DataError, match=r"targets of shape \(N, outputs\); got \(3,\)"):
        Ridge(nn.Identity()).adapt(Examples(torch.zeros(3, 2), torch.zeros(3)))
    with pytest.raises(DataError, match=r"\(N, outputs\); got dict"):
        Ridge(nn.Identity()).adapt(Examples(torch.zeros(3, 2), {"a": torch.zeros(3)}))
    for name in ("strength", "scale"):
        with pytest.raises(ConfigurationError, match=f"{name}= must be a positive number; got 0"):
            Ridge(nn.Identity(), **{name: 0})
