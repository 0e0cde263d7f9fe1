"""A folder of pictures per class."""

from __future__ import annotations

from innerloop.recipes._recipe import FolderRecipe


def folder(method: str = "maml") -> FolderRecipe:
    """Any pictures: pooled Conv-4 with 32 filters, as MAML on miniImageNet, at 5 ways and 1 shot.

    Source: Finn et al. 2017, appendix A.1 (miniImageNet: 32 filters, max-pooling, 4 tasks a step, 5 inner steps at
    0.01, 10 at test). 64 pixels a side and 1,000 steps instead of 84 and 60,000, so that two cores are done in minutes.
    """
    return FolderRecipe(
        recipe="folder",
        method=method,
        ways=5,
        shots=1,
        queries=10,
        train_queries=5,
        size=64,
        filters=32,
        downsample="pool",
        inner_steps=5,
        test_steps=10,
        inner_lr=0.01,
        norm="running" if method in ("prototypes", "pretraining") else "batch",
        steps=1_000,
        tasks_per_step=1 if method == "pretraining" else 4,
        lr=1e-3,
        weight_decay=5e-4 if method == "pretraining" else 0.0,
        validation_tasks=100,
        test_tasks=600,
    )
