import json

import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.kernels import covariance
from innerloop.sources import GPCurves
from innerloop.sources._gaussian_process import CurveTasks

KERNELS = pytest.mark.parametrize("kernel", ["rbf", "matern", "periodic"])


@KERNELS
def test_curves_have_the_covariance_of_their_kernel(kernel):
    # whitened by the factor of what they should have, they are independent standard normal numbers
    source = CurveTasks(kernel, shots=4, queries=3)
    indices = torch.arange(3_000)
    tasks = source.batch(indices)
    x = torch.cat([tasks.support.x, tasks.query.x], 1).double()
    y = torch.cat([tasks.support.y, tasks.query.y], 1).double()
    among = covariance(kernel, x, x, *(p.double() for p in source.parameters(indices))) + 0.01 * torch.eye(7)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(among), y, upper=False)[..., 0]
    assert white.mean(0).abs().max() < 4 / 3_000**0.5
    torch.testing.assert_close(white.T @ white / 3_000, torch.eye(7, dtype=torch.float64), atol=0.1, rtol=0)
    assert x.min() >= -2
    assert x.max() <= 2
    torch.testing.assert_close(x.var(), torch.tensor(16 / 12, dtype=torch.float64), atol=0.03, rtol=0)


def test_noise_is_a_standard_deviation():
    # on a function that hardly changes, what is left is the noise
    source = CurveTasks(length=1e3, scale=1.0, noise=0.1, shots=50, queries=1)
    y = source[0:200].support.y[..., 0]
    assert (y - y.mean(1, keepdim=True)).square().mean().sqrt() == pytest.approx(0.1, rel=0.05)


@KERNELS
def test_a_task_is_the_same_in_any_batch_and_order(kernel):
    for source in (CurveTasks(kernel, shots=3), GPCurves.tnp(kernel).train):
        some = source[[9, 4, 9]]
        for position, index in enumerate([9, 4, 9]):
            one = source[index]
            for part in ("support", "query"):
                for field in ("x", "y", "mask"):
                    assert torch.equal(
                        getattr(getattr(one, part), field), getattr(getattr(some, part), field)[position]
                    )


def test_a_task_is_the_same_function_in_whatever_shape():
    shapes = {"shots": 5, "queries": 30}, {"shots": 10, "queries": 7}, {"points": 20}
    sequences = []
    for shape in shapes:
        task = CurveTasks(**shape)[3]
        parts = [part.map(lambda leaf, part=part: leaf[part.mask]) for part in (task.support, task.query)]
        sequences.append(torch.cat([torch.cat([part.x, part.y], 1) for part in parts]))
    shortest = min(map(len, sequences))
    for other in sequences[1:]:
        torch.testing.assert_close(other[:shortest], sequences[0][:shortest])


def test_drawn_sizes_are_tnps():
    source = GPCurves.tnp().train
    tasks = source[0:4_000]
    support, query = tasks.support.mask.sum(1), tasks.query.mask.sum(1)
    assert tasks.support.x.shape == tasks.query.x.shape == (4_000, 46, 1)
    assert (support.min(), support.max()) == (3, 46)
    assert (query.min(), query.max()) == (3, 46)
    assert (support + query).max() <= 50
    counts = torch.bincount(support, minlength=47)[3:]
    assert ((counts - 4_000 / 44).abs() < 5 * (4_000 / 44) ** 0.5).all()
    few = query[support == 40]  # then there are 3 to 9
    assert set(few.tolist()) == set(range(3, 10))
    # padding is behind
    assert torch.equal(tasks.support.mask, torch.arange(46) < support[:, None])
    assert (source.sizes(torch.arange(4_000))[0] == support).all()


def test_drawn_parameters_are_tnps():
    source = GPCurves.tnp("periodic").test
    for values, (low, high) in zip(
        source.parameters(torch.arange(20_000)), ((0.1, 0.6), (0.1, 1.0), (0.1, 0.5)), strict=True
    ):
        scaled = ((values - low) / (high - low)).sort().values
        distance = (scaled - torch.linspace(0, 1, len(scaled))).abs().max()
        assert distance < 2.5 / len(scaled) ** 0.5  # Kolmogorov and Smirnov, one in 100,000
    fixed = GPCurves().test.parameters(torch.arange(3))
    assert [v.tolist() for v in fixed] == [pytest.approx([v] * 3) for v in (0.4, 1.0, 0.5)]


def test_an_oracle_is_told_the_parameters_of_the_same_task():
    source = GPCurves.tnp().test
    told, plain = source.with_(known=True)[0:5], source[0:5]
    assert torch.equal(told.support.x[..., :1], plain.support.x)
    assert torch.equal(told.query.y, plain.query.y)
    expected = torch.stack(source.parameters(torch.arange(5)), -1)
    assert torch.equal(told.query.x[:, 7, 1:], expected)
    assert source.with_(known=True).describe() == source.describe()


def test_splits_and_seeds_share_no_task():
    curves = GPCurves()
    sources = [curves.train, curves.validation, curves.test, curves.train.with_(seed=1)]
    points = [source[0:200].support.x.flatten() for source in sources]
    for i, one in enumerate(points):
        for other in points[i + 1 :]:
            assert abs(torch.corrcoef(torch.stack([one, other]))[0, 1]) < 0.1


def test_describe_says_what_the_tasks_are():
    said = GPCurves("matern", shots=5, seed=3).test.describe()
    assert said == {
        "name": "curves", "kernel": "matern", "split": "test", "shots": 5, "queries": 20, "seed": 3,
        "length": [0.4, 0.4], "scale": [1.0, 1.0], "period": [0.5, 0.5], "noise": 0.1,
    }  # fmt: skip
    drawn = GPCurves.tnp().test.describe()
    assert (drawn["shots"], drawn["length"], drawn["noise"]) == ("3 to 46", [0.1, 0.6], 0.02)
    assert json.loads(json.dumps(drawn)) == drawn


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kernel": "linear"}, "no kernel 'linear'; use one of rbf"),
        ({"length": 0.0}, r"length= must be a positive number or a range \(low, high\); got \(0.0, 0.0\)"),
        ({"scale": (2.0, 1.0)}, r"scale= must be a positive number.*Try 0\.5"),
        ({"shots": 0}, "shots must be at least 1; got 0"),
        ({"queries": 0}, "queries must be at least 1; got 0"),
        ({"noise": 0.0}, "noise= must be a positive number; got 0"),
        ({"points": 6}, "points= must be at least 7; got 6"),
    ],
)
def test_errors(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        CurveTasks(**wrong)
