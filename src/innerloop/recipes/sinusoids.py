"""Sinusoids: MAML's first experiment."""

from __future__ import annotations

from innerloop.recipes._recipe import SinusoidsRecipe


def sinusoids(method: str = "maml") -> SinusoidsRecipe:
    """K = 10, one inner step, 25 tasks a step, two hidden layers of 40.

    Source: Finn et al. 2017, section 5.1 and its published code (inner rate 0.01, Adam at 1e-3, meta-batch 25, 70,000
    steps). Different here: inner rate 0.02 and a cosine schedule from 6e-3 over 50,000 steps: picked after a few
    short runs, not by a search.
    """
    return SinusoidsRecipe(
        recipe="sinusoids",
        method=method,
        shots=10,
        queries=10,
        train_queries=10,
        inner_steps=1 if method != "reptile" else 5,
        test_steps=1 if method != "reptile" else 5,
        inner_lr=0.02,
        steps=50_000,
        tasks_per_step=25,
        lr=6e-3,
        schedule="cosine",
        validation_tasks=600,  # tasks of the paper's own evaluation
    )
