"""Meta-reinforcement learning: returns before and after adaptation, beside what needs no meta-learning.

    python evidence/rl.py --seeds 0 1 2
    python evidence/rl.py --families cheetah --workers 2

A row is one method on one family of tasks, trained with one seed and judged on fixed test tasks. Pooled pretraining has
as many environment steps as ProMP, and "scratch" is the untrained policy. The rate of the inner step at test, and the
width of UCB1's interval, are for every method the best of some on the validation split. Rows are written to
results/rl.json when they are done and never computed again; a training that was stopped goes on. The half cheetah is
for those who have hours, and needs the extra `rl`.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _grid import Row, grid

from innerloop import rl
from innerloop.gradient import SGD
from innerloop.outer import Run
from innerloop.recipes import policy_recipe
from innerloop.recipes._build_policy import build_policy
from innerloop.workers import close_workers

OUT = Path("results/rl.json")
NAVIGATION = {"promp": 60, "trpo": 25, "trpo first order": 25, "pooled": 120, "scratch": 0}
"""Outer steps of each method; pooled pretraining draws one round of episodes in each and not two."""
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
CHEETAH = ("promp", "pooled", "trpo", "scratch")
"""By the recipe cheetah-velocity; the returns on validation speeds over environment steps are kept as well."""
CHEETAH_RATES = (0.02, 0.05, 0.1, 0.2, 0.5)
BANDITS = ("rl2", "UCB1", "UCB1 tuned", "Thompson", "random")
WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0)
TEST_GOALS, TEST_BANDITS, TEST_SPEEDS, TUNED_ON = 40, 1_000, 40, 500
FAMILIES = {"navigation": tuple(NAVIGATION), "bandits": BANDITS, "bandits 100": BANDITS, "cheetah": CHEETAH}


def row(family: str, method: str, seed: int, *, iterations: int | None, runs: Path, workers: int | None) -> Row:
    """One method on one family."""
    folder = runs / f"rl-{family}-{method}-{seed}".replace(" ", "-")
    if family == "navigation":
        return navigation(method, seed, iterations, folder)
    if family == "cheetah":
        return cheetah(method, seed, iterations, folder, workers)
    return bandit(method, 100 if family == "bandits 100" else 10, seed, iterations, folder)


def navigation(method: str, seed: int, iterations: int | None, folder: Path) -> Row:
    """A point that looks for a goal."""
    torch.manual_seed(seed)
    goals = rl.Navigation()
    policy = rl.policy_for(goals.train, hidden=(32, 32), std=0.2)
    learner = rl.maml_policy(policy, inner_lr=0.05, first_order=method.endswith("first order"))
    algorithms = {
        "promp": rl.ProMP(rate=5e-3), "trpo": rl.TRPO(), "trpo first order": rl.TRPO(), "pooled": rl.Pooled(rate=5e-3),
    }  # fmt: skip
    fit = {}
    if method in algorithms:
        steps = iterations or NAVIGATION[method]
        fit = trained(learner, goals.train, algorithms[method], steps, seed, folder)
    rate = chosen_rate(learner, goals.validation, RATES)
    learner.optimiser = SGD(rate)
    found = rl.evaluate_policy(learner, goals.test, TEST_GOALS, rounds=3)
    return {**fit, "inner_lr": rate, "returns": found.to_json()}


def chosen_rate(learner: rl.PolicyLearner, validation: rl.Environments, rates: tuple[float, ...], **told: Any) -> float:
    """The inner learning rate with the largest return after one round, on validation tasks."""
    after = {}
    for rate in rates:
        learner.optimiser = SGD(rate)
        after[rate] = rl.evaluate_policy(learner, validation, TEST_GOALS, **told).curve[1].mean
    return max(after, key=lambda rate: after[rate])


def bandit(method: str, pulls: int, seed: int, iterations: int | None, folder: Path) -> Row:
    """Five arms."""
    torch.manual_seed(seed)
    bandits, fit, more = rl.Bandits(arms=5, pulls=pulls), {}, {}
    sampling = rl.Sampling(episodes=4, trace=0.95)
    rules = {"UCB1": rl.UCB1(), "Thompson": rl.Thompson(), "random": rl.RandomArm()}
    who: Any = rules.get(method)
    if method == "UCB1 tuned":
        tried = {
            width: rl.evaluate_policy(rl.UCB1(width), bandits.validation, TUNED_ON, rounds=0, sampling=sampling)
            for width in WIDTHS
        }
        more = {"width": max(tried, key=lambda width: tried[width].curve[0].mean)}
        who = rl.UCB1(more["width"])
    if who is None:
        who = rl.RL2(bandits.train.observation, bandits.train.action, width=48)
        fit = trained(
            who, bandits.train, rl.PPO(rate=3e-3), iterations or 200, seed, folder, tasks=100, sampling=sampling,
            validation=bandits.validation, validation_tasks=TUNED_ON,
        )  # fmt: skip
    found = rl.evaluate_policy(who, bandits.test, TEST_BANDITS, rounds=0, sampling=rl.Sampling(episodes=4))
    return {**fit, **more, "returns": found.to_json()}


def cheetah(method: str, seed: int, iterations: int | None, folder: Path, workers: int | None) -> Row:
    """A half cheetah that finds out how fast to run."""
    name = {"trpo": "maml_trpo", "scratch": "promp"}.get(method, method)
    recipe = dataclasses.replace(policy_recipe("cheetah-velocity", name), seed=seed)
    made = build_policy(recipe, workers)
    settings, learner, fit = made.train_settings(), made.learner, {}
    assert isinstance(learner, rl.PolicyLearner)
    if method != "scratch":
        steps = recipe.iterations if iterations is None else iterations * (2 if method == "pooled" else 1)
        fit = trained(learner, settings.pop("environments"), settings.pop("algorithm"), **(
            settings | {"steps": steps, "folder": folder}
        ))  # fmt: skip
    rate = chosen_rate(learner, made.environments.validation, CHEETAH_RATES, sampling=made.sampling)
    learner.optimiser = SGD(rate)
    found = made.evaluate(learner, "test", TEST_SPEEDS, rounds=3)
    close_workers()
    return {**fit, "inner_lr": rate, "returns": found.to_json()}


def trained(
    learner: Any, family: rl.Environments, algorithm: rl.Algorithm, steps: int, seed: int, folder: Path,
    iterations: int | None = None, **settings: Any,
) -> Row:  # fmt: skip
    """Trains, or goes on where it was stopped; with the returns on validation tasks over environment steps."""
    start = time.process_time()
    run = Run(folder)
    fit = rl.train(learner, family, algorithm=algorithm, iterations=steps, seed=seed, run=run, resume=True, **settings)
    if fit.interrupted:
        raise KeyboardInterrupt
    lines = [line for line in run.metrics() if "validation" in line]
    return {
        "iterations": fit.iterations,
        "environment_steps": fit.environment_steps,
        "seconds": fit.seconds,
        "processor_seconds": round(time.process_time() - start, 1),
        "course": [[line["environment_steps"], line["validation_before"], line["validation"], line["half"]]
                   for line in lines],
    }  # fmt: skip


def main() -> None:
    """Fills in the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--families", nargs="+", default=["navigation", "bandits", "bandits 100"], choices=FAMILIES)
    parser.add_argument("--methods", nargs="+", default=None, help="of those that a family has; else all of them")
    parser.add_argument("--iterations", type=int, default=None, help="instead of each method's own number")
    parser.add_argument("--workers", type=int, default=None, help="processes for the cheetah; else one for each core")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    head = {
        "command": "python evidence/rl.py", "test_goals": TEST_GOALS, "test_bandits": TEST_BANDITS,
        "test_speeds": TEST_SPEEDS,
    }  # fmt: skip
    cells = [
        (family, method, seed)
        for seed in asked.seeds for family in asked.families for method in FAMILIES[family]
        if asked.methods is None or method in asked.methods
    ]  # fmt: skip
    compute = partial(row, iterations=asked.iterations, runs=asked.runs, workers=asked.workers)
    for found in grid(asked.out, head, cells, compute):
        curve = ", ".join(f"{mean:.2f} ± {half:.2f}" for mean, half in found["returns"]["curve"])
        print(f"{' '.join(map(str, found['cell']))}: {curve}")


if __name__ == "__main__":
    main()
