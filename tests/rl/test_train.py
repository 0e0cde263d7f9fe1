"""Training samples, adapts and steps; a run that was stopped goes on to the same bits."""

import os
import signal

import pytest
import torch

from helpers.given import weights
from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.outer import Run, load_weights
from innerloop.rl import (
    TRPO,
    Bandits,
    Navigation,
    NavigationTasks,
    ProMP,
    Sampling,
    evaluate_policy,
    from_spec,
    maml_policy,
    policy_for,
    train,
)

GOALS = Navigation(horizon=5)
SETTINGS = {"tasks": 3, "sampling": Sampling(episodes=2), "validation_tasks": 4, "progress": False}


def learner_of():
    torch.manual_seed(3)
    return maml_policy(policy_for(GOALS.train, (8,), std=0.3), inner_lr=0.05)


def trained(iterations, algorithm=None, **arguments):
    learner = learner_of()
    algorithm = algorithm or ProMP(rate=1e-2, steps=2)
    given = {"algorithm": algorithm, "validation": GOALS.validation, "validate_every": 2, **SETTINGS, **arguments}
    return learner, train(learner, given.pop("environments", GOALS.train), iterations=iterations, **given)


@pytest.mark.parametrize("algorithm", [ProMP(rate=1e-2, steps=2), TRPO(products=3)], ids=["promp", "trpo"])
def test_a_stopped_run_goes_on_to_the_same_bits(algorithm, tmp_path):
    whole, fit = trained(5, algorithm, run=tmp_path / "whole")
    assert (fit.iterations, fit.interrupted) == (5, False)

    class Stopping(type(algorithm)):
        def update(self, learner, optimiser, course, sampling):
            stopping.append(1)
            if len(stopping) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            return super().update(learner, optimiser, course, sampling)

    stopping = []
    Stopping.__name__ = type(algorithm).__name__
    _, half = trained(5, Stopping(**vars(algorithm)), run=tmp_path / "half")
    assert (half.iterations, half.interrupted) == (3, True)
    # as if it had been killed: the log knows of a step that the checkpoint does not
    Run(tmp_path / "half").log(step=4, seconds=0, environment_steps=10**6, loss=0.0)
    again, fit_again = trained(5, algorithm, run=tmp_path / "half", resume=True)
    assert weights(again) == weights(whole)
    assert fit_again.environment_steps == fit.environment_steps
    logs = [Run(tmp_path / name).metrics() for name in ("whole", "half")]
    assert [{**line, "seconds": 0} for line in logs[0]] == [{**line, "seconds": 0} for line in logs[1]]


def test_the_log_has_returns_over_environment_steps(tmp_path):
    _, fit = trained(4, run=tmp_path)
    lines = [line for line in Run(tmp_path).metrics() if "loss" in line]
    # no goal is reached within 5 steps of these: 3 tasks, 2 episodes, before and after
    assert lines[-1]["environment_steps"] == fit.environment_steps <= 4 * 3 * 2 * 5 * 2
    assert lines[0]["environment_steps"] < lines[1]["environment_steps"]
    assert all({"before", "after", "still", "loss"} <= line.keys() for line in lines)
    config = Run(tmp_path).config()
    assert config["settings"]["optimiser"] == {"name": "ProMP", **vars(ProMP(rate=1e-2, steps=2))}
    assert config["settings"]["train"]["name"] == "navigation"


def test_the_best_weights_are_kept(tmp_path):
    learner, fit = trained(6, run=tmp_path)
    validations = [(line["validation"], line["step"]) for line in Run(tmp_path).metrics() if "validation" in line]
    assert [step for _, step in validations] == [2, 4, 6]
    assert (fit.best, fit.best_iteration) == max(validations)
    other = from_spec(Run(tmp_path).config()["settings"]["learner"])
    load_weights(tmp_path / "best.safetensors", other)
    assert weights(other) == weights(learner)


def test_training_makes_adaptation_better():
    family = NavigationTasks(horizon=10)
    learner = maml_policy(policy_for(family, (16,), std=0.2), inner_lr=0.05)
    sampling = Sampling(episodes=8)
    train(learner, family, algorithm=ProMP(rate=1e-2), iterations=25, tasks=16, sampling=sampling, progress=False)
    found = evaluate_policy(learner, NavigationTasks(horizon=10, split="test"), sampling=sampling)
    (before, _), (after, half) = found.curve
    assert after - half > before
    assert after - half > found.still.mean()


def test_a_folder_that_is_taken_or_of_other_settings_is_refused(tmp_path):
    trained(1, run=tmp_path)
    with pytest.raises(ConfigurationError, match="already holds a run"):
        trained(1, run=tmp_path)
    with pytest.raises(ConfigurationError, match="optimiser changed"):
        trained(1, ProMP(rate=1e-3, steps=2), run=tmp_path, resume=True)


def test_a_choice_that_diverged_stops_as_well():
    bandits = Bandits(arms=3, pulls=2).train
    policy = policy_for(bandits, (4,))
    with torch.no_grad():
        policy.body[0].bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="task 0, episode 0, gives NaN at step 0"):
        train(maml_policy(policy), bandits, algorithm=ProMP(), iterations=1, **SETTINGS)


@pytest.mark.parametrize("name", ["iterations", "tasks", "validate_every"])
def test_numbers_that_cannot_be_are_refused(name):
    with pytest.raises(ConfigurationError, match="at least 1"):
        trained(**{"iterations": 1, name: 0})


def test_all_three_splits_at_once_are_refused():
    with pytest.raises(ConfigurationError, match=r"environments\.train"):
        trained(1, environments=GOALS)


class Broken(NavigationTasks):
    """Gives NaN in one episode of task 1."""

    def step(self, state, action, keys, time):
        after = super().step(state, action, keys, time)
        after.reward[1, 1] = float("nan")
        return after


def test_an_environment_that_gives_nan_stops_with_task_and_episode():
    with pytest.raises(DataError, match="task 1, episode 1, gives NaN at step 0"):
        trained(1, environments=Broken(horizon=5))


def test_a_policy_that_diverged_stops():
    learner = learner_of()
    with torch.no_grad():
        learner.network.body[0].weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="task 0, episode 0, gives NaN"):
        train(learner, GOALS.train, algorithm=ProMP(), iterations=1, **SETTINGS)
