"""A folder of pictures per class."""

from __future__ import annotations

import dataclasses
from typing import Any

from innerloop.catalogue import family_of, is_merged
from innerloop.recipes._recipe import FolderRecipe

_OWN: dict[str, dict[str, Any]] = {
    # Ye and Chao 2022, published command for 5-way 1-shot
    "unicorn_maml": {"inner_steps": 5, "test_steps": 5, "inner_lr": 0.1},
    # 100 steps on a task: Chen et al. 2019, section 4.1
    "baseline_plus_plus": {"inner_steps": 100, "inner_lr": 0.01},
}
"""What differs, by method."""


def folder(method: str = "maml") -> FolderRecipe:
    """Any pictures: strided Conv-4 with 32 filters at 5 ways and 1 shot, in minutes of one core.

    Source: Finn et al. 2017, appendix A.1: the filters are those of miniImageNet, the strides and the single inner step
    at 0.4 those of Omniglot, which cost a tenth of miniImageNet's five steps with pooling. 64 pixels a side.
    """
    merged = is_merged(method)
    base = FolderRecipe(
        recipe="folder",
        method=method,
        ways=5,
        shots=1,
        queries=10,
        train_queries=5,
        size=64,
        filters=32,
        downsample="stride",
        inner_steps=1,
        test_steps=3,
        inner_lr=0.4,
        norm="batch" if family_of(method) == "gradient" else "running",
        steps=1_000,
        tasks_per_step=1 if merged else 4,
        lr=1e-3,
        schedule="cosine",
        weight_decay=5e-4 if merged else 0.0,
        validation_tasks=100,
        test_tasks=600,
    )
    return dataclasses.replace(base, **_OWN.get(method, {}))
