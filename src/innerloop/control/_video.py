"""A policy before and after it was shown demonstrations, side by side, as a moving picture."""

from __future__ import annotations

import gc
import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._rollouts import Episode, episode_of, steps
from innerloop.control._tasks import Manipulation
from innerloop.errors import ConfigurationError
from innerloop.evaluation._evaluate import evaluating
from innerloop.files import write_whole
from innerloop.learner import Learner, State

Frame = NDArray[np.uint8]

_FRAMES_A_SECOND = 20
_HELD = 10
"""Frames for which the last picture stays."""
_LEFT, _TOP, _SIDE = 0.08, 0.27, 0.66
"""The part of the camera's picture that the table fills, in shares of its side; the rest is floor and wall."""
_COLOURS = 128


def video(
    learner: Learner,
    source: DemonstrationTasks,
    path: str | Path,
    *,
    task: int = 0,
    episode: int = 0,
    limit: int = 200,
    every: int = 4,
    size: int = 300,
) -> Path:
    """Writes a GIF of one episode: on the left the policy without an inner step, on the right the adapted one.

    Both start alike. A learner without inner steps has the right side alone. Pictures come from software (EGL, or
    OSMesa if `MUJOCO_GL=osmesa`), some ten a second.

    Args:
        learner: any learner whose predictions are actions.
        source: a split.
        path: the file, whole or not there.
        task: number of the task: which goal, and which demonstrations.
        episode: number of the start.
        limit: most steps.
        every: steps between two pictures.
        size: pixels of a side.

    Returns:
        the path.

    Raises:
        ConfigurationError: for numbers that make no sense, or if nothing can be rendered here.
        DataError: if the policy or the simulator gives what is not a finite number.
    """
    if every < 1 or size < 16:
        raise ConfigurationError(f"every is at least 1 and size at least 16; got every={every} and size={size}.")
    of_task = source[task]
    run = episode_of(source, task, episode, limit)
    with evaluating(learner), torch.no_grad():
        adapted = learner.adapt(of_task.support)
        taken = getattr(learner, "test_steps", None)
        shown = [] if taken is None else [("before", next(iter(learner.trajectory(of_task.support, 0))))]
        shown.append((f"after {source.shots} demonstration{'s' if source.shots > 1 else ''}", adapted))
        with _renderer(run, round(size / _SIDE)) as arm:
            sides = [_filmed(arm, learner, state, source, run, every, name, size) for name, state in shown]
    frames = max(len(side) for side in sides) + _HELD
    sides = [side + [side[-1]] * (frames - len(side)) for side in sides]
    pictures = _few_colours([Image.fromarray(np.concatenate(row, axis=1)) for row in zip(*sides, strict=True)])
    content = io.BytesIO()
    pictures[0].save(
        content, "GIF", save_all=True, append_images=pictures[1:], duration=1_000 // _FRAMES_A_SECOND, loop=0
    )
    write_whole(Path(path), content.getvalue())
    return Path(path)


def _filmed(
    arm: Manipulation, learner: Learner, state: State, source: DemonstrationTasks, run: Episode, every: int, name: str,
    size: int,
) -> list[Frame]:  # fmt: skip
    frames = []
    for step, (_, success) in enumerate(steps(learner, state, source.normalisation, run, arm)):
        if success or step % every == 0:
            frames.append(_titled(_table(arm.frame(), size), f"{name}: reached" if success else name))
    return frames


def _table(frame: Frame, size: int) -> Frame:
    """The part of a frame that the table fills."""
    top, left = (min(round(share * len(frame)), len(frame) - size) for share in (_TOP, _LEFT))
    return frame[top : top + size, left : left + size]


def _few_colours(pictures: list[Image.Image]) -> list[Image.Image]:
    # one palette and no dithering: what does not move is then equal from picture to picture, and the file ten times
    # smaller
    palette = pictures[0].quantize(_COLOURS, dither=Image.Dither.NONE)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def _titled(frame: Frame, title: str) -> Frame:
    picture = Image.fromarray(frame)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, picture.width, 14), fill="white")
    draw.text((4, 1), title, fill="black")
    return np.asarray(picture)


def _let_go(error: Exception) -> None:
    """Lets the frames of an error go of a half-made window now, without what its `__del__` would have to say."""
    before, sys.unraisablehook = sys.unraisablehook, lambda about: None
    try:
        traceback.clear_frames(error.__traceback__)
        gc.collect()
    finally:
        sys.unraisablehook = before


@contextmanager
def _renderer(run: Episode, size: int) -> Iterator[Manipulation]:
    before = os.environ.get("MUJOCO_GL")
    if before is None and not os.environ.get("DISPLAY"):
        os.environ["MUJOCO_GL"] = "egl"  # without a display, what mujoco would choose cannot be opened
    try:
        arm = Manipulation(run.task, vary_start=run.vary_start, size=size)
        try:
            try:
                arm.begin(run.goal, *run.key)
                arm.frame()
            except Exception as error:  # what libraries of graphics raise has no common kind
                _let_go(error)
                raise ConfigurationError(
                    f"Nothing can be rendered with MUJOCO_GL={os.environ.get('MUJOCO_GL', '')!r} ({error}). Install a "
                    "software renderer (on Debian: libegl1 and libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa)."
                ) from error
            yield arm
        finally:
            arm.close()
    finally:
        if before is None:
            os.environ.pop("MUJOCO_GL", None)
