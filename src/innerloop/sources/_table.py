"""Tasks over a table: the rows of one patient, shop or machine are a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._partition import Partition, fold, partition
from innerloop.sources._scaling import Scaling, fit_scaling
from innerloop.sources._table_file import TableFile, read_table
from innerloop.sources._table_tasks import TableData, TableTasks


class Table(Splits):
    """Tasks from a CSV file in which one column says which task a row belongs to.

    A target of numbers makes regression tasks, a target of words classification tasks over the table's own
    classes, whose labels mean the same in every task. (Write classes that are numbers as words, for instance
    "class 3".) Tasks, not rows, are divided into train, validation and test. Inputs, and targets of a
    regression, are scaled with the mean and standard deviation over the rows of the training tasks.

    Args:
        path: the file: UTF-8, a header line, cells separated by commas, semicolons or tabs.
        task: the column that says the task.
        target: the column to predict.
        inputs: the columns to predict from; all others if left out.
        drop: columns to leave out, above all those that would give the target away.
        shots: support rows of a task.
        queries: query rows of a task; a task with fewer rows left has a masked rest.
        splits: task names of each split (train, validation, test), a JSON file of them, or three shares of
            the tasks, dealt by a stable hash of their names; 0.64, 0.16 and 0.2 if left out.
        seed: another seed gives other tasks.
        order: a column of numbers, for instance a time. The support rows are then a task's first ones by it, and the
            query rows are drawn from the later ones; None: all rows are drawn at random.
        folds: for cross-validation over tasks: they are dealt to this many parts, in place of `splits`.
        fold: the part that is the test, from 0; the next one is the validation.

    Attributes:
        scaling: from the table's units to the network's and back; for new rows too.

    Raises:
        DataError: if a column is missing or of the wrong kind, a cell is not a number, or a task has too few
            rows.
        ConfigurationError: if there is no such fold, or both folds and splits are named.
    """

    def __init__(
        self,
        path: str | Path,
        task: str,
        target: str,
        inputs: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        shots: int = 10,
        queries: int = 20,
        splits: Partition = None,
        seed: int = 0,
        order: str | None = None,
        folds: int | None = None,
        fold: int = 0,
    ):
        table = read_table(path)
        columns = _input_columns(table, task, target, inputs, drop)
        x = np.stack([_input(table, name) for name in columns], axis=1)
        values = table.numbers(target)
        classes = sorted(set(table.words(target))) if values is None else None
        if classes is not None and len(classes) < 2:
            raise DataError(
                f"The target {target!r} has the one class {classes[0]!r}; expected at least two, or numbers."
            )
        names, owner = np.unique(np.array(table.words(task)), return_inverse=True)
        parts = _parts(names.tolist(), splits, folds, fold)
        rows = {name: np.flatnonzero(owner == number) for number, name in enumerate(names.tolist())}
        if order is not None:
            at_time = _input(table, _known(table, order, "order"))
            rows = {name: of_task[np.argsort(at_time[of_task], kind="stable")] for name, of_task in rows.items()}
        train = np.concatenate([rows[name] for name in parts["train"]])
        self.scaling = fit_scaling(columns, x[train], target, None if values is None else values[train], classes)
        inputs_, targets = self.scaling.scale(x), _targets(self.scaling, table, values)

        def tasks(split: str) -> TableTasks:
            chosen = [rows[name] for name in parts[split]]
            at = torch.from_numpy(np.concatenate(chosen))
            counts, ways = [len(row) for row in chosen], None if classes is None else len(classes)
            data = TableData(inputs_[at], targets[at], counts, parts[split], ways)
            return TableTasks(data, shots, queries, seed, split, name=Path(path).stem, ordered=order is not None)

        super().__init__(*(tasks(split) for split in SPLITS))


def _input_columns(
    table: TableFile, task: str, target: str, inputs: Sequence[str] | None, drop: Sequence[str]
) -> list[str]:
    for what, names in (("task", [task]), ("target", [target]), ("inputs", inputs or ()), ("drop", drop)):
        if isinstance(names, str):
            raise ConfigurationError(f"{what} must be a list of column names; got {names!r}. Write [{names!r}].")
        for name in names:
            _known(table, name, what)
    if task == target:
        raise ConfigurationError(f"task and target must be different columns; got {task!r} for both.")
    left = [name for name in (table.columns if inputs is None else inputs) if name not in drop]
    columns = [name for name in left if name not in (task, target)]
    if not columns or (inputs is not None and len(columns) < len(inputs)):
        raise DataError(
            f"Expected input columns that are neither task {task!r}, target {target!r} nor dropped "
            f"({list(drop)}); got {left}."
        )
    return columns


def _parts(names: list[str], splits: Partition, folds: int | None, number: int) -> dict[str, list[str]]:
    if folds is None:
        return partition(names, splits, what="tasks")
    if splits is not None:
        raise ConfigurationError(f"folds={folds} divides the tasks, and so does splits={splits!r}. Name one of them.")
    return fold(names, folds, number, what="tasks")


def _known(table: TableFile, name: str, what: str) -> str:
    if name not in table.columns:
        raise DataError(f"{table.path} has no column {name!r} ({what}); it has {', '.join(map(repr, table.columns))}.")
    return name


def _input(table: TableFile, name: str) -> NDArray[np.float64]:
    values = table.numbers(name)
    if values is None:
        raise DataError(
            f"Column {name!r} of {table.path} holds text (line {table.lines[0]}: "
            f"{table.columns[name][0]!r}); expected numbers, with a decimal point. Leave it out with "
            f"drop=[{name!r}], or encode it as numbers first."
        )
    return values


def _targets(scaling: Scaling, table: TableFile, values: NDArray[np.float64] | None) -> Tensor:
    return scaling.targets(table.rows()) if values is None else scaling.scale_target(values)
