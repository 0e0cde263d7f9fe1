"""Drawings moved to the middle of their picture."""

from __future__ import annotations

import torch
from torch import Tensor


def centred(pictures: Tensor) -> Tensor:
    """Moves bright ink by whole pixels so that its centre of mass is in the middle; nothing is resized.

    Where somebody put a letter on the sheet says nothing of which letter it is, and one example cannot show that.

    Args:
        pictures: `(..., H, W)`, dark where there is no ink. Ink that leaves the picture is lost.

    Returns:
        The moved pictures, of the same shape and type.

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section
    III.A, which centres MNIST's digits so.

    >>> picture = torch.zeros(5, 5)
    >>> picture[0, 4] = 1
    >>> centred(picture).nonzero().tolist()
    [[2, 2]]
    """
    for axis in (-2, -1):
        length = pictures.shape[axis]
        places = torch.arange(length, device=pictures.device)
        ink = pictures.sum(-3 - axis, dtype=torch.float32)  # of each row, or of each column
        centre = (ink * places).sum(-1) / ink.sum(-1).clamp(min=torch.finfo(ink.dtype).tiny)
        came_from = places - ((length - 1) / 2 - centre).round().long()[..., None]
        inside = (came_from >= 0) & (came_from < length)
        came_from, inside = came_from.unsqueeze(-3 - axis), inside.unsqueeze(-3 - axis)
        pictures = pictures.gather(axis, came_from.clamp(0, length - 1).expand_as(pictures)) * inside
    return pictures
