"""From a recipe's plain values to its network, with fresh weights."""

from __future__ import annotations

from typing import Any, Literal, cast

from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.networks import bias_mlp, conv4, conv_maps, mlp, resnet12
from innerloop.recipes._picture_recipe import PictureRecipe
from innerloop.recipes._recipe import Recipe
from innerloop.recipes.clinc import ClincRecipe
from innerloop.recipes.control import ControlRecipe
from innerloop.recipes.text import TextRecipe
from innerloop.sources import Splits


def build_network(recipe: Recipe, source: Splits, outputs: int | None) -> nn.Module:
    """A network for the recipe's inputs with fresh weights."""
    task = source.train[0]
    if isinstance(recipe, PictureRecipe):
        channels, size = task.support.x.shape[1], task.support.x.shape[2]
        if recipe.network == "resnet12":
            return resnet12(outputs, recipe.filters, channels=channels, size=size)
        return conv4(outputs, recipe.filters, channels=channels, size=size, downsample=recipe.downsample)
    hidden = cast(Any, recipe).hidden
    if isinstance(recipe, ControlRecipe) and outputs is not None:
        return bias_mlp(task.support.x[0].numel(), outputs, hidden, recipe.bias)
    # the vectors of texts are long and sparse: small weights would make all texts alike
    initial: Literal["torch", "he"] = "he" if isinstance(recipe, TextRecipe | ClincRecipe) else "torch"
    return mlp(task.support.x[0].numel(), outputs, hidden, initial=initial)


def build_maps(recipe: Recipe, source: Splits) -> nn.Module:
    """A network whose output is a feature map, with fresh weights; where inputs are no pictures, a vector.

    Raises:
        ConfigurationError: for ResNet-12, whose output is a vector.
    """
    if not isinstance(recipe, PictureRecipe):
        return build_network(recipe, source, None)
    if recipe.network != "conv4":
        raise ConfigurationError(
            f"{recipe.method} wants feature maps, which --network conv4 gives; got --network {recipe.network}, whose "
            "features are a vector. Leave out --network, or compare vectors with --method prototypes."
        )
    channels, size = source.train[0].support.x.shape[1:3]
    return conv_maps(recipe.filters, channels=channels, size=size, downsample=recipe.downsample)


def outputs_of(source: Splits) -> int:
    """How many outputs a head needs: the ways, or the width of the target."""
    task = source.train[0]
    return task.ways or int(task.support.y.shape[-1])
