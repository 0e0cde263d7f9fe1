"""Sinusoids: MAML's first experiment."""

from __future__ import annotations

from innerloop.recipes._recipe import SinusoidsRecipe


def sinusoids(method: str = "maml") -> SinusoidsRecipe:
    """K = 10, one inner step at 0.01, 25 tasks a step, two hidden layers of 40, Adam at 1e-3.

    Source: Finn et al. 2017, section 5.1 and its published code (meta-batch 25, 70,000 steps). 20,000 steps here.
    """
    return SinusoidsRecipe(
        recipe="sinusoids",
        method=method,
        shots=10,
        queries=10,
        train_queries=10,
        inner_steps=1 if method != "reptile" else 5,
        test_steps=1 if method != "reptile" else 5,
        inner_lr=0.01,
        steps=20_000,
        tasks_per_step=25,
        lr=1e-3,
        validation_tasks=600,  # tasks of the paper's own evaluation
    )
