"""On a GPU the numbers are those of the CPU, by every method and every mapping."""

import copy
import dataclasses
import json

import pytest
import torch
from torch import nn

from helpers import needs, problems
from helpers.checks import difference, largest, measure
from helpers.learners import ALL, make, outputs
from innerloop.cli import main
from innerloop.evaluation import evaluate
from innerloop.mapping import Mapping
from innerloop.mapping._launch import Launch
from innerloop.outer import fit
from innerloop.recipes import METHODS, recipe
from innerloop.recipes._build import build

pytestmark = needs.CUDA

LOOP, VMAP, CAPTURED = Mapping.named("loop"), Mapping.named("vmap"), Mapping.named("captured")
MAPPINGS = [LOOP, VMAP, CAPTURED, Mapping.named("captured", chunk=2), Mapping(False, graph="captured")]


def there(tasks):
    return tasks.map(lambda leaf: leaf.cuda())


def under(learner, mapping, tasks):
    learner.mapping = mapping
    losses, gradient = measure(learner, tasks)
    return losses.cpu(), {name: g.cpu() for name, g in gradient.items()}


def launches(learner):
    return [graph.run for graph in learner._workspace.graphs._kept if isinstance(graph.run, Launch)]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize(
    ("network", "problem"), [(problems.normed, problems.batch), (problems.convolutional, problems.pictures)]
)
@pytest.mark.parametrize("method", ALL)
def test_the_numbers_of_the_cpu(method, network, problem, mapping):
    learner, tasks = make(method, network(outputs(method))), problem()
    expected = under(learner, LOOP, tasks)
    assert largest(expected[1]) > 1e-3
    learner, tasks = copy.deepcopy(learner).cuda(), there(tasks)
    for _ in range(3):
        assert difference(under(learner, mapping, tasks), expected) < 1e-9
    assert not learner._workspace._instead, "it fell back"
    assert len(launches(learner)) == (0 if mapping.graph == "eager" else 2 if mapping.chunk else 1)


@pytest.mark.parametrize("mapping", [CAPTURED, Mapping(False, graph="captured")], ids=str)
@pytest.mark.parametrize("method", ALL)
def test_single_precision_is_one_launch(method, mapping):
    learner, tasks = make(method, problems.normed(outputs(method))).float().cuda(), there(problems.batch())
    tasks = tasks.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    expected = under(learner, LOOP, tasks)
    assert difference(under(learner, mapping, tasks), expected) < 1e-3
    assert len(launches(learner)) == 1


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_compiled_steps_are_one_launch(method):
    learner, tasks = make(method, problems.normed(outputs(method))), problems.batch()
    expected = under(learner, LOOP, tasks)
    learner, tasks = copy.deepcopy(learner).cuda(), there(tasks)
    for _ in range(2):
        assert difference(under(learner, Mapping.named("compiled"), tasks), expected) < 1e-6
    assert len(launches(learner)) == 1
    assert not learner._workspace._instead


def test_what_changes_between_launches_is_seen():
    learner, tasks = make("maml", problems.perceptron()).cuda(), there(problems.batch())
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.1)
    for seed in range(3):
        tasks = there(problems.batch(seed=seed))
        assert difference(under(learner, CAPTURED, tasks), under(learner, LOOP, tasks)) < 1e-9
        optimiser.step()
    for parameter in learner.parameters():  # to another address
        parameter.data = parameter.data + 0.1
    assert difference(under(learner, CAPTURED, tasks), under(learner, LOOP, tasks)) < 1e-9
    assert learner._workspace.graphs.captures == 1


def test_results_of_a_launch_outlive_the_next_one():
    learner = make("maml", problems.perceptron()).cuda()
    first, second = there(problems.batch(seed=0)), there(problems.batch(seed=1))
    learner.mapping = CAPTURED
    kept = learner(first).losses
    before = kept.clone()
    learner(second)
    assert torch.equal(kept, before)


@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_running_averages_move_once_a_step(method):
    learner = make(method, problems.normed(outputs(method)), "running")
    other, tasks = copy.deepcopy(learner).cuda(), problems.batch()
    for _ in range(3):
        expected = under(learner, LOOP, tasks)
        assert difference(under(other, CAPTURED, there(tasks)), expected) < 1e-9
    for name, value in learner.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name].cpu(), value)


def test_dropout_draws_anew_and_as_without_a_graph():
    net = problems.doubled(nn.Sequential(nn.Linear(4, 30), nn.Dropout(0.5), nn.Linear(30, 3)))
    learner, tasks = make("maml", net).cuda(), there(problems.batch())

    def losses(mapping, seed):
        learner.mapping = mapping
        torch.manual_seed(seed)
        return learner(tasks).losses

    first, second = losses(CAPTURED, 1), losses(CAPTURED, 2)
    assert not torch.equal(first, second)
    assert torch.equal(first, losses(CAPTURED, 1))
    torch.testing.assert_close(first, losses(VMAP, 1))
    assert launches(learner)


def test_what_waits_for_the_gpu_is_started_one_by_one(caplog):
    class Waiting(nn.Module):
        def forward(self, x):
            return x + torch.ones((), dtype=x.dtype).to(x.device)  # a copy from the CPU's memory

    net = problems.doubled(nn.Sequential(nn.Linear(4, 5), Waiting(), nn.Tanh(), nn.Linear(5, 3)))
    learner, tasks = make("maml", net).cuda(), there(problems.batch())
    expected = under(learner, LOOP, tasks)
    for _ in range(2):
        assert difference(under(learner, CAPTURED, tasks), expected) < 1e-9
    assert not launches(learner)
    assert "cannot be one CUDA graph" in caplog.text
    assert not learner._workspace._instead
    # nothing of the attempt is left
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert torch.cuda.get_sync_debug_mode() == 0
    assert torch.rand(1, device="cuda").item() < 1
    torch.cuda.empty_cache()
    other = make("maml", problems.perceptron()).cuda()
    under(other, CAPTURED, tasks)
    assert len(launches(other)) == 1


@pytest.mark.filterwarnings("ignore")
def test_what_waits_is_found_before_it_is_recorded():
    x = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError):
        Launch(lambda x: [x * x.sum().item()], [x], 0)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    (found,) = Launch(lambda x: [2 * x], [x], 0)(x)
    assert torch.equal(found, 2 * x)
    assert torch.cuda.get_sync_debug_mode() == 0


def test_a_number_on_the_cpu_is_read_every_time():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.tensor(2.0, dtype=torch.float64)

        def forward(self, x):
            return torch.tanh(x * self.scale)

    layer = Scaled()
    net = problems.doubled(nn.Sequential(nn.Linear(4, 5), layer, nn.Linear(5, 3)))
    learner, tasks = make("maml", net).cuda(), there(problems.batch())
    for value in (2.0, 0.5):
        layer.scale.fill_(value)
        assert difference(under(learner, CAPTURED, tasks), under(learner, LOOP, tasks)) < 1e-9


def test_precision_is_part_of_what_a_graph_is_made_for(monkeypatch):
    learner, tasks = make("maml", problems.perceptron()).cuda(), there(problems.batch())
    under(learner, CAPTURED, tasks)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    under(learner, CAPTURED, tasks)
    assert learner._workspace.graphs.captures == 2


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_and_is_measured(method):
    name = "curves" if method in ("cnp", "anp") else "characters"
    chosen = dataclasses.replace(
        recipe(name, method), steps=4, tasks_per_step=4, validate_every=2, validation_tasks=4, test_tasks=4,
    )  # fmt: skip
    if name == "characters":
        chosen = dataclasses.replace(chosen, filters=4, queries=2)
    experiment = build(chosen)
    experiment.learner.cuda()
    found = fit(experiment.learner, **experiment.fit_settings())
    assert not found.interrupted
    assert all(bool(torch.isfinite(p).all()) and p.is_cuda for p in experiment.learner.parameters())
    here = copy.deepcopy(experiment.learner).cpu().double()
    on_gpu = evaluate(experiment.learner, experiment.source.test, 4)
    assert evaluate(here.float(), experiment.source.test, 4).interval[0] == pytest.approx(on_gpu.interval[0], abs=0.1)


@pytest.mark.parametrize("recipe", ["sinusoids", "characters"])
def test_the_command(recipe, tmp_path):
    small = ["--steps", "4", "--validation-tasks", "4", "--test-tasks", "4"]
    small += ["--filters", "4"] if recipe == "characters" else []
    assert main(["train", recipe, "--device", "cuda", "--run", str(tmp_path / "run"), *small]) == 0
    assert json.loads((tmp_path / "run" / "results" / "test.json").read_text())["about"]["device"].startswith("cuda")
    assert (tmp_path / "run" / "page.html").exists()
    assert main(["evaluate", str(tmp_path / "run"), "--tasks", "4"]) == 0
