"""A fresh distortion of every picture: turned, sheared, scaled, bent, and drawn with a thicker stroke.

Shape legend: N pictures, K nodes of the bending on each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor

from innerloop.counter import uniform

_NODES = 4
_AFFINE = 5
_LIGHT, _FULL = 0.2, 0.35
"""Shares of ink in a clean picture between which the thickening fades out."""


@dataclass(frozen=True)
class Warp:
    """Distorts `(N, 1, H, W)` pictures in `[0, 1]` with a dark background, each by its own key.

    The same picture and key give the same pixels in any batch.

    Args:
        rotation: largest angle, in degrees.
        shear: largest horizontal shift per unit of height.
        scale: largest relative change of the width and of the height, drawn apart.
        elastic: standard deviation of the smooth displacement, in half picture sides.
        stroke: largest share of a one-pixel widening of the strokes on either side. Pictures that are full of
            ink get less of it: a bold letter with thicker strokes is a blob.
        size: side of the pictures that come out.
        zoom: side of the seen square at scale 1, in sides of the clean picture.

    >>> picture = torch.zeros(2, 1, 32, 32)
    >>> picture[:, :, 8:24, 14:18] = 1
    >>> warped = Warp()(picture, torch.tensor([1, 2]))
    >>> warped.shape, bool((warped[0] != warped[1]).any())
    (torch.Size([2, 1, 28, 28]), True)
    """

    rotation: float = 20.0
    shear: float = 0.3
    scale: float = 0.25
    elastic: float = 0.13
    stroke: float = 1.0
    size: int = 28
    zoom: float = 1.2

    def __call__(self, pictures: Tensor, keys: Tensor) -> Tensor:
        """The pictures `(N, 1, H, W)` distorted with `keys` `(N,)`: `(N, 1, size, size)`."""
        draws = 2 * uniform(keys[:, None], torch.arange(_AFFINE + 2 * _NODES**2, device=keys.device)) - 1
        places = self._places(draws)
        warped = F.grid_sample(pictures, places.movedim(1, -1), mode="bilinear", align_corners=False)
        thickness = self.stroke * (1 + draws[:, 4]) / 2
        return _thickened(warped, thickness * _room(pictures))

    def _places(self, draws: Tensor) -> Tensor:
        """`(N, 2, size, size)`: x and y of the place in the clean picture that a pixel shows, in [-1, 1]."""
        # 3 ** 0.5: uniform draws in [-1, 1] have a variance of a third
        heights = self.elastic * 3**0.5 * draws[:, _AFFINE:].reshape(-1, 2, _NODES**2)
        weights = torch.cat([self._affine(draws), heights], dim=2).flatten(0, 1)
        places = _exact(weights) @ _exact(_fields(self.size, draws.device))
        return places.float().reshape(-1, 2, self.size, self.size)

    def _affine(self, draws: Tensor) -> Tensor:
        """`(N, 2, 2)`: how x and y of the place move with a step to the right, and with a step down."""
        angle = radians(self.rotation) * draws[:, 0]
        across = self.zoom / (1 + self.scale * draws[:, 1])
        down = self.zoom / (1 + self.scale * draws[:, 2])
        cos, sin, shear = torch.cos(angle), torch.sin(angle), self.shear * draws[:, 3]
        x = torch.stack([across * (cos + shear * sin), across * (shear * cos - sin)], dim=1)
        y = torch.stack([down * sin, down * cos], dim=1)
        return torch.stack([x, y], dim=1)


def _fields(size: int, device: torch.device) -> Tensor:
    """`(2 + K * K, size * size)`: x and y of every pixel, and a bump around each node."""
    line = (torch.arange(size, device=device) + 0.5) * (2 / size) - 1
    nodes = torch.linspace(-1, 1, _NODES, device=device)
    bumps = torch.exp(-(((line - nodes[:, None]) * (_NODES - 1) / 2) ** 2))
    # so that the displacement has the same spread everywhere, not only at the nodes
    bumps = bumps / bumps.square().sum(0).sqrt()  # (K, size)
    bumps = bumps[:, None, :, None] * bumps[None, :, None, :]
    x, y = line.expand(size, size), line[:, None].expand(size, size)
    return torch.cat([torch.stack([x, y]).flatten(1), bumps.reshape(_NODES**2, -1)])


def _exact(numbers: Tensor) -> Tensor:
    # Whole multiples of 2^-20: all products and sums are exact in float64, so that no order of summation,
    # which a matrix product chooses by the size of the batch, changes a place.
    return (numbers * 2**20).round().double() / 2**20


def _room(pictures: Tensor) -> Tensor:
    """`(N,)`: 1 for a picture with little ink, 0 for one so full that thicker strokes would make a blob."""
    # in float64 the sum of pixels that were bytes is exact, so it cannot depend on the size of the batch
    ink = pictures.mean(dim=(1, 2, 3), dtype=torch.float64).float()
    return ((_FULL - ink) / (_FULL - _LIGHT)).clamp(0, 1)


def _thickened(pictures: Tensor, thickness: Tensor) -> Tensor:
    # towards the largest of the neighbours: the background stays exactly 0, unlike under a soft threshold
    wide = F.pad(pictures, (1, 1, 1, 1))
    for dim in (2, 3):  # two passes of slices are nine times as fast as max_pool2d on a CPU
        before, here, after = (wide.narrow(dim, k, wide.shape[dim] - 2) for k in range(3))
        wide = torch.maximum(torch.maximum(before, here), after)
    return torch.lerp(pictures, wide, thickness[:, None, None, None])
