"""A table in which one column says the task."""

from __future__ import annotations

from innerloop.recipes._recipe import TableRecipe


def table(method: str = "maml") -> TableRecipe:
    """Any table: 10 support rows of a task, two hidden layers of 40.

    The inner rate, the hidden layers and the outer rate are the sinusoids' (Finn et al. 2017, section 5.1); 5 inner
    steps in training and 10 in evaluation, since a table has many inputs and a step at 0.01 is short. All are the same
    for every method: no paper's are for tables.
    """
    return TableRecipe(
        recipe="table",
        method=method,
        shots=10,
        queries=20,
        train_queries=20,
        inner_steps=5,
        test_steps=10,
        inner_lr=0.01,
        steps=3_000,
        tasks_per_step=8,
        lr=1e-3,
        validation_tasks=100,
        test_tasks=600,
    )
