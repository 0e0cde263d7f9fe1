"""Context parameters: a few numbers beside a layer's input that say which task it is."""

from __future__ import annotations

from torch import Tensor, nn

from innerloop.errors import ConfigurationError

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class Context(nn.Module):
    """A layer whose input is extended by context parameters `c`, zero at the start of every task.

        y = W x + b + V c

    For a linear layer that is `[W V] [x; c] + b`, the context appended to the input; for a convolution the context is
    the same everywhere in the picture.

    Args:
        layer: an `nn.Linear` or `nn.Conv*d`.
        size: number of context parameters.

    Source: Zintgraf et al. 2019, "Fast context adaptation via meta-learning", section 3.1 and equation 7.

    >>> import torch
    >>> Context(nn.Linear(3, 4), 2)(torch.zeros(5, 3)).shape
    torch.Size([5, 4])
    """

    def __init__(self, layer: nn.Module, size: int):
        super().__init__()
        if not isinstance(layer, _LAYERS) or size < 1:
            raise ConfigurationError(
                f"Context parameters go beside the input of a linear or convolutional layer, at least one of them; got "
                f"{type(layer).__name__} and size={size}."
            )
        self.layer = layer
        like = layer.weight
        # axes behind the channels: the weight says it, since a linear layer takes sequences too, channels last
        self._behind = like.ndim - 2
        self.weight = nn.Parameter(like.new_empty(like.shape[0], size))
        bound = (like[0].numel() + size) ** -0.5  # what torch gives a layer with this many inputs
        nn.init.uniform_(self.weight, -bound, bound)
        # adapted in every task, and never trained: it starts at zero for good
        self.context = nn.Parameter(like.new_zeros(size), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the layer for `x`: `(N, ..., inputs)` for a linear layer, `(N, C, ...)` for a convolution."""
        y: Tensor = self.layer(x)
        shift: Tensor = self.weight @ self.context
        return y + shift.view(-1, *([1] * self._behind))


def with_context(network: nn.Module, size: int, layer: str | None = None) -> nn.Module:
    """Puts context parameters beside the input of one layer of `network`, in place.

    Args:
        network: any module.
        size: number of context parameters.
        layer: the layer's name; None: the first linear or convolutional one.

    Raises:
        ConfigurationError: if there is no such layer.

    >>> from innerloop.networks import mlp
    >>> with_context(mlp(1, 1), 5).features[1].context.shape
    torch.Size([5])
    """
    modules = dict(network.named_modules())
    candidates = [name for name, module in modules.items() if name and isinstance(module, _LAYERS)]
    name = layer if layer is not None else next(iter(candidates), None)
    if name is None or name not in candidates:
        raise ConfigurationError(
            f"{type(network).__name__} has no linear or convolutional layer {layer or ''!r}; "
            f"it has {', '.join(candidates) or 'none at all'}."
        )
    parent, _, child = name.rpartition(".")
    setattr(modules[parent], child, Context(modules[name], size))
    return network
