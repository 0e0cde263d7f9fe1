"""Other libraries, each used in its own idiom, train as we do: loss by loss, in float64."""

import copy
import json

import pytest
import torch

from innerloop import methods
from innerloop.bench import chosen
from innerloop.bench._implementations import difference
from innerloop.bench._peers import PEERS, pairs
from innerloop.bench._problem import cast, with_plain_norms
from innerloop.cli import main
from innerloop.networks import conv4, mlp
from innerloop.sources import Sinusoids
from innerloop.task import Examples, Task

pytestmark = [pytest.mark.slow, pytest.mark.peers]
for library in ("higher", "torchopt"):
    pytest.importorskip(library, reason=f"{library} is not installed: pip install 'innerloop[bench]'")

ITERATIONS, TASKS = 100, 3
OPTIMISERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
}


def sinusoids(iteration):
    return cast(Sinusoids(shots=5, queries=5).train[iteration * TASKS : (iteration + 1) * TASKS], torch.float64)


def pictures(iteration):
    generator = torch.Generator().manual_seed(iteration)
    y = torch.arange(6).remainder(3).repeat(TASKS, 1)

    def examples():
        x = torch.randn(TASKS, 6, 1, 16, 16, generator=generator, dtype=torch.float64) + y[..., None, None, None]
        return Examples(x, y, torch.ones(y.shape, dtype=torch.bool), 3)

    return Task(examples(), examples(), torch.arange(TASKS))


def perceptron():
    network = mlp(1, 1, [16, 16])
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(0.5)  # He-uniform weights on inputs up to 5 make outputs so large that plain SGD diverges
    return network


PROBLEMS = {
    "MLP": (perceptron, sinusoids, 0.01),
    "Conv-4 with batch norm": (lambda: conv4(3, 4, size=16, downsample="pool"), pictures, 0.1),
}


@pytest.fixture(scope="module")
def ours():
    """Our losses by (problem, inner steps, optimiser), computed once for all peers."""
    known = {}

    def losses(problem, steps, optimiser):
        key = (problem, steps, optimiser)
        if key not in known:
            network, source, rate = start(problem)
            learner = methods.maml(network, inner_steps=steps, inner_lr=rate)
            outer = OPTIMISERS[optimiser](learner.parameters())
            known[key] = []
            for iteration in range(ITERATIONS):
                outer.zero_grad()
                loss = learner(source(iteration)).loss
                loss.backward()
                outer.step()
                known[key].append(float(loss.detach()))
        return known[key]

    return losses


def start(problem):
    build, source, rate = PROBLEMS[problem]
    torch.manual_seed(0)
    return build().double(), source, rate


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("peer", PEERS)
def test_losses_of_a_training_agree(peer, problem, steps, optimiser, ours):
    network, source, rate = start(problem)
    network = with_plain_norms(copy.deepcopy(network))
    outer = OPTIMISERS[optimiser](network.parameters())
    step = PEERS[peer](network, steps, rate)
    losses = []
    for iteration in range(ITERATIONS):
        losses.append(float(step(pairs(source(iteration)))))  # fills the gradients
        outer.step()
    assert losses == pytest.approx(ours(problem, steps, optimiser), rel=1e-8)
    assert min(losses) < losses[0]


@pytest.mark.parametrize("workload", chosen(["S", "O", "M"], small=True), ids=lambda workload: workload.name)
@pytest.mark.parametrize("peer", PEERS)
def test_meta_gradients_agree(peer, workload):
    assert difference(peer, workload, "cpu") < 1e-9


def test_the_command(tmp_path, capsys):
    out = tmp_path / "bench.json"
    arguments = ["--quick", "--quiet", "--workloads", "S1", "--allocator", "installed", "--out", str(out)]
    assert main(["bench", *arguments]) == 0
    said = capsys.readouterr()
    assert "torchopt MetaSGD" in said.out
    assert said.err == ""
    result = json.loads(out.read_text())
    rows = result["workloads"][0]["rows"]
    assert {row["implementation"] for row in rows if row["peer"]} == set(PEERS)
    for row in rows:
        assert row["difference"] < 1e-9
        assert row["median_seconds"] > 0
        assert row["peak_megabytes"] >= row["baseline_megabytes"] > 0
        assert row["as_installed"]["speed"] > 0
    assert result["provenance"]["higher"]
