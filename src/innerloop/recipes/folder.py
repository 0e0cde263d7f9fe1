"""A folder of pictures per class."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from innerloop.catalogue import family_of
from innerloop.recipes._checked import given
from innerloop.recipes._methods import of_papers
from innerloop.recipes._picture_recipe import PictureRecipe

if TYPE_CHECKING:
    from innerloop.sources import Pictures, Splits


@dataclass(frozen=True)
class FolderRecipe(PictureRecipe):
    """Your own pictures: a folder per class."""

    data: str = ""
    """The folder."""
    splits: str | None = None
    """JSON file with the class names of train, validation and test; None: by a stable hash of the names."""
    size: int = 84
    """Pictures are cut and resized to this many pixels along each side."""
    grey: bool = False
    """One channel instead of three."""
    ink: Literal["as is", "bright"] = "as is"
    """"bright" inverts pictures of dark ink on light paper."""

    def pictures(self) -> Pictures:
        """As the folder's."""
        from innerloop.sources import Pictures

        return Pictures(self.size, self.grey, self.ink)

    def _source(self) -> Splits:
        from innerloop.sources import ImageFolder

        return ImageFolder(
            given(self.data, "the folder of pictures"),
            ways=self.ways,
            shots=self.shots,
            queries=self.queries,
            size=self.size,
            grey=self.grey,
            ink=self.ink,
            splits=None if self.splits is None else Path(self.splits),
        )


_AS_MAML = ("imaml", "maml_plus_plus", "lstm", "cavia")
"""Methods with MAML's inner loop, for the time: pictures of a folder are larger than those of the papers."""


def folder(method: str = "maml") -> FolderRecipe:
    """Any pictures: strided Conv-4 with 32 filters at 5 ways and 1 shot, in minutes of one core.

    Source: Finn et al. 2017, appendix A.1: the filters are those of miniImageNet, the strides and the single inner step
    at 0.4 those of Omniglot, which cost a tenth of miniImageNet's five steps with pooling. 64 pixels a side.
    """
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
        tasks_per_step=4,
        lr=1e-3,
        schedule="cosine",
        validation_tasks=100,
        test_tasks=600,
    )
    return dataclasses.replace(base, **of_papers(method, "classes", but=_AS_MAML))
