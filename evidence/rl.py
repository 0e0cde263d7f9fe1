"""Meta-reinforcement learning: returns before and after adaptation, beside what needs no meta-learning.

    python evidence/rl.py

A row is one method on one family of tasks, trained with one seed and judged on fixed test tasks. Pooled pretraining has
as many environment steps as ProMP, and "scratch" is the untrained policy. The rate of the inner step at test is for
every method the best of RATES on the validation split. Rows are written to results/rl.json when they are done and
never computed again; a training that was stopped goes on.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _grid import grid

from innerloop import rl
from innerloop.gradient import SGD
from innerloop.outer import Run

OUT = Path("results/rl.json")
NAVIGATION = {"promp": 60, "trpo": 25, "trpo first order": 25, "pooled": 120, "scratch": 0}
"""Outer steps of each method; pooled pretraining draws one round of episodes in each and not two."""
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
BANDITS = ("rl2", "UCB1", "Thompson", "random")
TEST_GOALS, TEST_BANDITS = 40, 1_000


def row(family: str, method: str, seed: int, *, iterations: int | None, runs: Path) -> dict[str, Any]:
    """One method on one family."""
    folder = runs / f"rl-{family}-{method.replace(' ', '-')}-{seed}"
    return (navigation if family == "navigation" else bandit)(method, seed, iterations, folder)


def navigation(method: str, seed: int, iterations: int | None, folder: Path) -> dict[str, Any]:
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
    rate = chosen_rate(learner, goals.validation)
    learner.optimiser = SGD(rate)
    found = rl.evaluate_policy(learner, goals.test, TEST_GOALS, rounds=3)
    return {**fit, "inner_lr": rate, "returns": found.to_json()}


def chosen_rate(learner: rl.PolicyLearner, validation: rl.Environments) -> float:
    """The inner learning rate with the largest return after one round, on validation tasks."""
    after = {}
    for rate in RATES:
        learner.optimiser = SGD(rate)
        after[rate] = rl.evaluate_policy(learner, validation, TEST_GOALS).curve[1].mean
    return max(after, key=lambda rate: after[rate])


def bandit(method: str, seed: int, iterations: int | None, folder: Path) -> dict[str, Any]:
    """Five arms, ten pulls."""
    torch.manual_seed(seed)
    bandits, fit = rl.Bandits(arms=5, pulls=10), {}
    rules = {"UCB1": rl.UCB1(), "Thompson": rl.Thompson(), "random": rl.RandomArm()}
    who: Any = rules.get(method)
    if who is None:
        who = rl.RL2(bandits.train.observation, bandits.train.action, width=48)
        sampling = rl.Sampling(episodes=4, trace=0.95)
        fit = trained(who, bandits.train, rl.PPO(rate=3e-3), iterations or 200, seed, folder, 100, sampling)
    found = rl.evaluate_policy(who, bandits.test, TEST_BANDITS, rounds=0, sampling=rl.Sampling(episodes=4))
    return {**fit, "returns": found.to_json()}


def trained(
    learner: Any, family: rl.Environments, algorithm: rl.Algorithm, steps: int, seed: int, folder: Path,
    tasks: int = 16, sampling: rl.Sampling | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Trains, or goes on where it was stopped."""
    start = time.process_time()
    fit = rl.train(
        learner, family, algorithm=algorithm, iterations=steps, tasks=tasks, sampling=sampling, seed=seed,
        run=Run(folder), resume=True,
    )  # fmt: skip
    if fit.interrupted:
        raise KeyboardInterrupt
    spent = {"seconds": fit.seconds, "processor_seconds": round(time.process_time() - start, 1)}
    return {"iterations": fit.iterations, "environment_steps": fit.environment_steps, **spent}


def main() -> None:
    """Fills in the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--iterations", type=int, default=None, help="instead of each method's own number")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    asked = parser.parse_args()
    head = {"command": "python evidence/rl.py", "test_goals": TEST_GOALS, "test_bandits": TEST_BANDITS}
    families = (("navigation", NAVIGATION), ("bandits", BANDITS))
    cells = [(family, method, seed) for seed in asked.seeds for family, methods in families for method in methods]
    rows = grid(asked.out, head, cells, partial(row, iterations=asked.iterations, runs=asked.runs))
    for found in rows:
        curve = ", ".join(f"{mean:.2f} ± {half:.2f}" for mean, half in found["returns"]["curve"])
        print(f"{' '.join(map(str, found['cell']))}: {curve}")


if __name__ == "__main__":
    main()
