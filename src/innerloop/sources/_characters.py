"""Letters of the world's scripts, each drawn anew every time: few-shot pictures without a download."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from innerloop.sources._base import SPLITS, Splits
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._glyphs import glyphs
from innerloop.sources._warp import Warp


@dataclass(frozen=True)
class Letter:
    """A class of the source.

    Args:
        split: "train", "validation" or "test".
        script: the writing system that it belongs to.
        code: its code point.
    """

    split: str
    script: str
    code: int

    @property
    def name(self) -> str:
        """Script and code point.

        >>> Letter("test", "Georgian", 0x10D0).name
        'Georgian U+10D0'
        """
        return f"{self.script} U+{self.code:04X}"


class Characters(Splits):
    """Tell letters apart: 28x28 pictures of the scripts of the world, rendered from matplotlib's own fonts.

    A class is a letter; all classes of a task are from one script, and no script is in two splits. Every
    picture is of one of the fonts that have the letter (bold and slanted ones among them), turned, sheared,
    scaled, bent and thickened by a draw of its own, so that no two are alike. Letters that look like another
    one in any font are left out, across scripts too.

    The first use renders the letters, in some seconds, and keeps them in `$INNERLOOP_CACHE`, else
    `$XDG_CACHE_HOME/innerloop`, else `~/.cache/innerloop`. With another version of matplotlib the classes and
    their order are the same and so are the tasks, but its FreeType draws edges a little differently.

    Args:
        ways: classes in a task.
        shots: support pictures per class.
        queries: query pictures per class.
        seed: another seed gives other tasks.

    Raises:
        DataError: if the installed matplotlib lacks the fonts.

    >>> task = Characters(ways=3, shots=1, queries=2).test[0]
    >>> task.support.x.shape, task.query.x.shape
    (torch.Size([3, 1, 28, 28]), torch.Size([6, 1, 28, 28]))
    """

    train: ClassTasks
    validation: ClassTasks
    test: ClassTasks

    def __init__(self, ways: int = 5, shots: int = 1, queries: int = 15, seed: int = 0):
        data = _data()
        super().__init__(
            *(ClassTasks(data[split], ways, shots, queries, seed, split, True, "characters") for split in SPLITS)
        )


def letters() -> list[Letter]:
    """All classes: by split, then script, then code point."""
    content = json.loads((files("innerloop.sources") / "characters.json").read_text(encoding="utf-8"))
    return [
        Letter(split, script, code)
        for split in SPLITS
        for script, codes in sorted(content["splits"][split].items())
        for code in sorted(codes)
    ]


@cache
def _data() -> dict[str, ClassData]:
    chosen = letters()
    pictures, counts = glyphs([letter.code for letter in chosen])
    scripts = sorted({letter.script for letter in chosen})
    data, first_class, first_row = {}, 0, 0
    for split in SPLITS:
        members = [letter for letter in chosen if letter.split == split]
        count = counts[first_class : first_class + len(members)]
        rows = pictures[first_row : first_row + int(count.sum())]
        data[split] = ClassData(
            rows=rows[:, None],
            counts=count.tolist(),
            names=[letter.name for letter in members],
            groups=[scripts.index(letter.script) for letter in members],
            transform=Warp(),
        )
        first_class, first_row = first_class + len(members), first_row + len(rows)
    return data
