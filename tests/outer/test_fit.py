import dataclasses
import signal

import pytest
import torch
from torch import nn

from helpers import training
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.evaluation import evaluate
from innerloop.files import load_tensors
from innerloop.networks import Backbone, mlp
from innerloop.outer import Run, _fit, fit, load_weights
from innerloop.sources import GPCurves, Sinusoids
from innerloop.task import Examples, Task


class Made:
    """A source whose tasks a function changes."""

    def __init__(self, source, change):
        self.source, self.change = source, change

    def batch(self, indices):
        return self.change(self.source.batch(indices), indices)

    def describe(self):
        return self.source.describe()


def quick(learner, source, **settings):
    return fit(learner, source, **{"steps": 3, "tasks_per_step": 2, "progress": False, **settings})


def test_training_makes_adaptation_better():
    torch.manual_seed(0)
    sinusoids = Sinusoids()
    learner = methods.maml(mlp(1, 1), inner_lr=0.01)
    before = evaluate(learner, sinusoids.test, 100).mean
    fit(learner, sinusoids.train, steps=300, tasks_per_step=10, progress=False)
    assert evaluate(learner, sinusoids.test, 100).mean < 0.8 * before


class Interrupting:
    """A source that asks to stop, as Ctrl-C does, when the tasks of one step are asked for."""

    def __init__(self, source, at):
        self.source, self.at = source, at

    def batch(self, indices):
        if int(indices[0]) == self.at:
            signal.raise_signal(signal.SIGINT)
        return self.source.batch(indices)

    def describe(self):
        return self.source.describe()


@pytest.mark.parametrize(("step", "validated"), [(4, True), (6, False)])
def test_after_an_interruption_the_last_weights_are_what_is_spoken_of(step, validated):
    learner, source = training.make("maml")
    train = Interrupting(source.train, 2 * (step - 1))
    said = quick(
        learner, train, validation=source.validation, steps=20, validate_every=4, validation_tasks=6, mapping="loop"
    )
    assert (said.steps, said.best_step, said.interrupted) == (step, step, True)
    now = evaluate(learner, source.validation, 6).mean
    assert said.best == (pytest.approx(now) if validated else None)


class Judging:
    """Judges by the tasks of another source; whatever comes after the first look is worse."""

    def __init__(self, source):
        self.source, self.looks = source, 0

    def judge(self, learner):
        found = evaluate(learner, self.source, 3)
        self.looks += 1
        return dataclasses.replace(found, values=found.values + (1e6 if self.looks > 1 else 0))

    def describe(self):
        return {"name": "judging"}


def test_somebody_else_may_judge_and_the_start_may_be_the_best(tmp_path):
    learner, source = training.make("maml")
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    judge = Judging(source.validation)
    said = quick(learner, source.train, validation=judge, validate_start=True, validate_every=1, run=tmp_path / "run")
    assert (judge.looks, said.steps, said.best_step) == (4, 3, 0)
    assert said.best == pytest.approx(evaluate(learner, source.validation, 3).mean)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert Run(tmp_path / "run").config()["settings"]["validation"] == {"name": "judging"}
    later = quick(training.make("maml")[0], source.train, validation=Judging(source.validation), validate_every=1)
    assert later.best_step == 1


def test_the_best_weights_are_kept_and_are_those_in_the_file(tmp_path):
    # a rate so large that the weights get worse again
    rough = {"optimiser": lambda parameters: torch.optim.SGD(parameters, lr=0.3), "validate_every": 2}
    learner, said = training.run_fit("maml", tmp_path, **rough)
    lines = [line for line in Run(tmp_path).metrics() if "validation" in line]
    best = min(lines, key=lambda line: line["validation"])
    assert len(lines) == 10
    assert (said.best_step, said.best) == (best["step"], best["validation"])
    assert said.best_step < said.steps, "the test needs a run that gets worse"
    again, source = training.make("maml")
    about = load_weights(tmp_path / "best.safetensors", again)
    assert about["step"] == said.best_step
    for name, value in again.state_dict().items():
        assert torch.equal(learner.state_dict()[name], value)
    assert evaluate(learner, source.validation, 6).mean == said.best


def test_without_validation_the_last_weights_are_kept(tmp_path):
    learner, source = training.make("maml")
    said = quick(learner, source.train, run=tmp_path)
    tensors, _ = load_tensors(tmp_path / "last.safetensors")
    assert (said.best, said.best_step, said.interrupted) == (None, 3, False)
    for name, value in learner.state_dict().items():
        assert torch.equal(tensors[f"learner.{name}"], value)
    assert not (tmp_path / "best.safetensors").exists()


def test_files_of_a_run(tmp_path):
    training.run_fit("maml", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.safetensors", "config.json", "last.safetensors", "metrics.jsonl",
    ]  # fmt: skip
    assert [line["step"] for line in Run(tmp_path).metrics() if "loss" in line] == list(range(1, 21))


def test_no_files_without_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training.run_fit("maml", None)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_folder_is_refused_and_stays_as_it_was(tmp_path):
    training.run_fit("maml", tmp_path)
    before = training.contents(tmp_path)
    with pytest.raises(ConfigurationError, match="already holds a run"):
        training.run_fit("maml", tmp_path)
    assert training.contents(tmp_path) == before


@pytest.mark.parametrize("method", training.METHODS)
def test_the_users_random_numbers_are_left_alone(method, tmp_path):
    learner, source = training.make(method)  # with dropout
    torch.manual_seed(77)
    before = torch.get_rng_state()
    quick(learner, source.train, validation=source.validation, validation_tasks=3, run=tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_random_in_a_learner_follows_the_seed():
    def trained(user, seed):
        learner, source = training.make("prototypes")
        torch.manual_seed(user)
        quick(learner, source.train, seed=seed)
        return learner.network.features[0].weight.detach()

    assert torch.equal(trained(1, 0), trained(2, 0))
    assert not torch.equal(trained(1, 0), trained(1, 9))


def test_patience(tmp_path):
    still = {"optimiser": lambda parameters: torch.optim.SGD(parameters, lr=0.0), "validate_every": 2}
    _, said = training.run_fit("maml", tmp_path, patience=3, **still)
    assert (said.steps, said.best_step) == (8, 2)  # one best, then three that are no better
    assert not said.interrupted


def test_a_loss_that_is_not_finite_raises_and_keeps_the_checkpoint(tmp_path):
    learner, source = training.make("maml")
    grown = Made(source.train, lambda tasks, at: huge(tasks) if int(at[0]) >= 6 else tasks)
    with pytest.raises(TrainingError, match="step 3"):
        quick(learner, grown, steps=9, run=tmp_path, checkpoint_seconds=0.0)
    tensors, about = load_tensors(tmp_path / "last.safetensors")
    assert about["progress"]["step"] == 3
    assert all(bool(torch.isfinite(value).all()) for value in tensors.values())
    assert all(bool(torch.isfinite(p).all()) for p in learner.parameters())


def huge(tasks):
    return Task(
        Examples(tasks.support.x, tasks.support.y * 1e30, tasks.support.mask),
        Examples(tasks.query.x, tasks.query.y * 1e30, tasks.query.mask),
        tasks.index,
    )


class _NanBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


@pytest.mark.parametrize("clip", [None, 10.0])
def test_a_gradient_that_is_not_finite_raises_before_it_spoils_the_weights(clip):
    class Spoiled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = mlp(8, None, [5])

        def forward(self, x):
            return _NanBackward.apply(self.inner(x))

    from innerloop.mapping import Mapping

    learner = methods.prototypes(Spoiled())
    learner.mapping = Mapping(vectorise=False)
    with pytest.raises(TrainingError, match="meta-gradient's norm became nan at step 0"):
        quick(learner, training.blobs().train, clip=clip)
    assert all(bool(torch.isfinite(p).all()) for p in learner.parameters())


def test_a_learner_that_diverges_in_validation_is_never_the_best():
    learner, source = training.make("maml")
    far = Made(source.validation, lambda tasks, at: huge(tasks))
    said = quick(learner, source.train, validation=far, validation_tasks=2, validate_every=1)
    assert said.best is None


def test_a_learner_that_predicts_a_density_is_chosen_by_it(tmp_path):
    torch.manual_seed(0)
    learner, curves = methods.cnp(mlp(1, None, []), width=8), GPCurves()
    said = quick(learner, curves.train, validation=curves.validation, validation_tasks=3, run=tmp_path / "run")
    found = evaluate(learner, curves.validation, 3, metric="negative log-density")
    assert said.best == pytest.approx(found.mean)
    lines = [line for line in Run(tmp_path / "run").metrics() if "validation" in line]
    assert {line["metric"] for line in lines} == {"negative log-density"}


def test_query_in_support_is_found():
    learner, source = training.make("maml")
    leak = Made(source.train, lambda tasks, at: Task(tasks.support, tasks.support, tasks.index))
    with pytest.raises(DataError, match="5 of the 5 query examples of task 0 are also in its support set"):
        quick(learner, leak)


def test_an_inner_step_that_changes_nothing_is_found():
    # the support loss does not depend on the network where all targets are predicted exactly
    network = mlp(1, 1, [4])
    nn.init.zeros_(network.head.weight)
    learner = methods.anil(network, inner_lr=0.1)
    flat = Made(Sinusoids().train, lambda tasks, at: Task(zero(tasks.support), tasks.query, tasks.index))
    with pytest.raises(TrainingError, match="inner step changed no parameter"):
        quick(learner, flat)


def zero(examples):
    return Examples(examples.x, torch.zeros_like(examples.y), examples.mask)


def test_bad_data_leave_no_folder_behind(tmp_path):
    learner, source = training.make("maml")
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    spoiled = Made(
        source.train, lambda tasks, at: Task(tasks.support, huge(huge(tasks)).query, tasks.index)
    )  # 1e60 is infinite in float32
    with pytest.raises(DataError, match="task 0 holds NaN or infinity"):
        quick(learner, spoiled, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for name, value in learner.state_dict().items():
        assert torch.equal(before[name], value)


def test_examples_that_the_network_cannot_take(tmp_path):
    learner = methods.maml(mlp(7, 1))
    with pytest.raises(DataError, match=r"cannot take inputs of shape and type \(10, 1\) torch.float32"):
        quick(learner, Sinusoids().train, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match="one shape"):
        quick(methods.maml(mlp(1, 3)), Sinusoids().train)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0), ("tasks_per_step", 0), ("validate_every", 0), ("validation_tasks", -1), ("patience", 0),
        ("clip", 0.0), ("clip", float("nan")), ("checkpoint_seconds", -1.0), ("checkpoint_seconds", float("nan")),
    ],
)  # fmt: skip
def test_settings_that_cannot_work(name, value, tmp_path):
    learner, source = training.make("maml")
    with pytest.raises(ConfigurationError, match=f"{name} must be .*{value}"):
        quick(learner, source.train, run=tmp_path / "run", **{name: value})
    assert not (tmp_path / "run").exists()


def test_a_learner_without_parameters_is_refused():
    with pytest.raises(ConfigurationError, match="no parameters to train"):
        quick(methods.constant(), Sinusoids().train)


def test_a_parameter_without_meta_gradient_is_named():
    body = nn.Sequential(nn.Linear(1, 4), nn.ReLU())
    network = Backbone(body, nn.Linear(4, 1), 4)
    network.unused = nn.Parameter(torch.zeros(3))
    with pytest.raises(TrainingError, match=r"network\.unused"):
        quick(methods.maml(network, inner_lr=0.1), Sinusoids().train)


def test_an_optimiser_may_be_given_made():
    learner, source = training.make("maml")
    before = learner.network.head.weight.detach().clone()
    said = quick(learner, source.train, optimiser=torch.optim.SGD(learner.parameters(), lr=0.1))
    assert said.steps == 3
    assert not torch.equal(before, learner.network.head.weight)


def test_what_fit_says_is_plain(tmp_path):
    _, said = training.run_fit("maml", tmp_path)
    assert dataclasses.asdict(said)["steps"] == 20
    assert 0 < said.seconds < 60


def test_tasks_drawn_ahead_are_those_of_their_step_and_drawn_once(monkeypatch):
    """As on an accelerator, where the next step's tasks are drawn while it works."""

    def trained(ahead):
        drawn = []
        source = Made(Sinusoids().train, lambda tasks, indices: drawn.append(indices.tolist()) or tasks)

        class Ahead(_fit.MetaLoss):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                self._draws_ahead = ahead

        monkeypatch.setattr(_fit, "MetaLoss", Ahead)
        torch.manual_seed(0)
        learner = methods.maml(mlp(1, 1))
        fit(learner, source, steps=4, tasks_per_step=2, mapping="vmap")
        return learner, drawn

    (plain, expected), (other, drawn) = trained(False), trained(True)
    assert drawn == expected
    assert drawn[-4:] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    for name, value in plain.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])
