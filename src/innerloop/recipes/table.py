"""A table in which one column says the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from innerloop.recipes._checked import AtLeast, given
from innerloop.recipes._recipe import Recipe

if TYPE_CHECKING:
    from innerloop.sources import Splits


@dataclass(frozen=True)
class TableRecipe(Recipe):
    """Your own table: a CSV file in which one column says the task."""

    data: str = ""
    """The CSV file."""
    task: str = ""
    """Column that says which task a row belongs to."""
    target: str = ""
    """Column to predict."""
    inputs: tuple[str, ...] = ()
    """Input columns; none given: all other numeric ones."""
    drop: tuple[str, ...] = ()
    """Columns that must not be inputs."""
    order: str | None = None
    """Column, for instance a time: the support rows are a task's first ones by it; None: rows at random."""
    folds: Annotated[int | None, AtLeast(3)] = None
    """Parts of a cross-validation over tasks; None: shares for train, validation and test."""
    fold: Annotated[int, AtLeast(0)] = 0
    """Part that is the test, from 0; the next one is the validation."""
    train_tasks: int | None = None
    """The table's tasks to train on, drawn by the seed, smaller numbers within larger ones; None: all of them."""
    hidden: tuple[int, ...] = (40, 40)
    """Widths of the hidden layers."""

    def _source(self) -> Splits:
        from innerloop.sources import Table

        return Table(
            given(self.data, "the CSV file"),
            task=self.task,
            target=self.target,
            inputs=self.inputs or None,
            drop=self.drop,
            shots=self.shots,
            queries=self.queries,
            order=self.order,
            folds=self.folds,
            fold=self.fold,
        )


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
