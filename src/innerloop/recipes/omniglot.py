"""Omniglot, protocol A, 5-way 1-shot."""

from __future__ import annotations

from innerloop.recipes._recipe import OmniglotRecipe


def omniglot(method: str = "maml") -> OmniglotRecipe:
    """MAML's setting: strided Conv-4 with 64 filters, 1 inner step at 0.4, 32 tasks a step.

    Source: Finn et al. 2017, appendix A.1. Different here: 5 query examples per class in training, a cosine schedule
    from 3e-3 instead of a constant 1e-3, and 5,000 steps instead of 60,000, so that a run ends within 45 minutes on
    two cores.
    """
    metric = method in ("prototypes", "pretraining")
    return OmniglotRecipe(
        recipe="omniglot",
        method=method,
        ways=5,
        shots=1,
        queries=15,
        train_queries=5,
        filters=64,
        inner_steps=1,
        test_steps=3,
        inner_lr=0.4,
        norm="running" if metric else "batch",
        steps=8_000 if method == "prototypes" else 5_000,
        tasks_per_step=1 if metric else 32,
        # Snell et al. 2017, section 3.1: 60 ways in training, more than in the test
        train_ways=60 if method == "prototypes" else None,
        lr=3e-3,
        schedule="cosine",
        weight_decay=5e-4 if method == "pretraining" else 0.0,
        validate_every=1_000,
        validation_tasks=300,
    )
