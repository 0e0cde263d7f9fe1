"""Lake's published runs: the 20 fixed one-shot tasks on Omniglot that people and programs were compared on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.errors import ConfigurationError, DataError
from innerloop.sources._base import TaskSource
from innerloop.sources._omniglot_files import PICTURES
from innerloop.sources._pictures import Pictures
from innerloop.task import Examples, Task

_URL = "https://github.com/brendenlake/omniglot"
_LABELS = "class_labels.txt"


@dataclass(frozen=True, eq=False)
class LakeRuns(TaskSource):
    """The fixed tasks of Lake et al. 2015: within an alphabet, one drawing of each class, one test item of each.

    Task `i` is run `i + 1`. There are 20 with 20 classes each, and no more: `evaluate(learner, runs, tasks=20)`. A
    learner for them is trained on the background alphabets, `Omniglot(protocol="B").train`. Drawings become tensors as
    in `Omniglot`; classes keep the order of the files.

    Args:
        root: folder with `run01`, `run02`, ..., each with `training/class01.png`, ..., `test/item01.png`, ... and
            `class_labels.txt`, whose lines say which training drawing belongs to a test item.
        seed: the tasks are fixed; there for the sake of other sources.
        split: "test".
        centre: move every drawing so that its ink is in the middle, as `Omniglot` does for the learner.

    Raises:
        DataError: if files are missing, or the runs differ in size.

    Source: Lake, Salakhutdinov and Tenenbaum 2015, "Human-level concept learning through probabilistic program
    induction"; `all_runs.zip` of its repository.
    """

    root: str | Path
    seed: int = 0
    split: str = "test"
    centre: bool = False
    _tasks: Task = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.split != "test":
            raise ConfigurationError(f"Lake's runs are test tasks; got split={self.split!r}. Train on Omniglot.")
        folders = sorted(path for path in Path(self.root).glob("run*") if path.is_dir())
        if not folders:
            raise DataError(
                f"There is no folder run01 in {str(self.root)!r}. Unpack all_runs.zip of {_URL} there, or name the "
                "folder that holds run01 to run20."
            )
        pictures = dataclasses.replace(PICTURES, centre=self.centre)
        runs = [_run(folder, pictures) for folder in folders]
        shapes = [tuple(tuple(part.shape) for part in run) for run in runs]
        for folder, shape in zip(folders, shapes, strict=True):
            if shape != shapes[0]:
                raise DataError(
                    f"{folder} has {shape[0][0]} training drawings and {shape[1][0]} test items; {folders[0]} has "
                    f"{shapes[0][0][0]} and {shapes[0][1][0]}. Unpack the runs again."
                )
        support, query, labels = (torch.stack(parts) for parts in zip(*runs, strict=True))
        count, ways = support.shape[:2]
        own = torch.arange(ways).expand(count, ways)
        tasks = Task(
            support=Examples(support, own, torch.ones(own.shape, dtype=torch.bool), ways),
            query=Examples(query, labels, torch.ones(labels.shape, dtype=torch.bool), ways),
            index=torch.arange(count),
        )
        object.__setattr__(self, "_tasks", tasks)

    def __len__(self) -> int:
        return len(self._tasks.index)

    def batch(self, indices: Tensor) -> Task:
        """The runs numbered `indices`, from 0.

        Raises:
            DataError: if there is no such run.
        """
        if len(indices) and not (int(indices.min()) >= 0 and int(indices.max()) < len(self)):
            raise DataError(
                f"There are {len(self)} runs, 0 to {len(self) - 1}; got {indices.tolist()}. Use tasks={len(self)}."
            )
        return self._tasks.map(lambda leaf: leaf[indices])

    def describe(self) -> dict[str, Any]:
        """Name, split and shape of the tasks, and how many there are."""
        ways, queries = self._tasks.support.y.shape[1], self._tasks.query.y.shape[1]
        shape = {"ways": ways, "shots": 1, "queries": queries // ways, "seed": self.seed, "distinct": len(self)}
        name = "omniglot, Lake's runs" + (", centred" if self.centre else "")
        return {"name": name, "split": self.split, **shape}


def _run(folder: Path, pictures: Pictures) -> tuple[Tensor, Tensor, Tensor]:
    """Drawings of the classes, drawings of the items, and the class of each item."""
    classes, items = sorted((folder / "training").glob("class*.png")), sorted((folder / "test").glob("item*.png"))
    try:
        lines = [line.split() for line in (folder / _LABELS).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {folder / _LABELS}: {error}. Unpack the runs again.") from error
    # paths are written from the folder above the run
    answer = {tuple(Path(item).parts[-2:]): Path(of).name for item, of in (line for line in lines if len(line) == 2)}
    names = [path.name for path in classes]
    labels = []
    for item in items:
        if (found := answer.get(("test", item.name))) not in names:
            raise DataError(
                f"{folder / _LABELS} gives test/{item.name} the class {found!r}; expected one of the "
                f"{len(names)} files in {folder / 'training'}. Unpack the runs again."
            )
        labels.append(names.index(found))
    if not classes or not items or len(answer) != len(items):
        raise DataError(
            f"{folder} has {len(classes)} training drawings, {len(items)} test items and {len(answer)} lines in "
            f"{_LABELS}; expected a line for each item. Unpack the runs again."
        )
    return _drawings(classes, pictures), _drawings(items, pictures), torch.tensor(labels)


def _drawings(paths: list[Path], pictures: Pictures) -> Tensor:
    return torch.stack([pictures.load(path) for path in paths]).float().div_(255)
