"""A network's layers: which parameters belong together, and what they put out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.networks import Norm

_NORMS = (Norm, nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class Layer:
    """A layer with the norm layers that follow it.

    Attributes:
        name: of its first module in the network.
        parameters: names of its parameters in the network.
        output: name of the module whose output is the layer's.
        head: whether it belongs to the network's head.
        normed: whether a norm layer follows, so that the scale of its weights means nothing.
    """

    name: str
    parameters: tuple[str, ...]
    output: str
    head: bool = False
    normed: bool = False


def layers_of(network: nn.Module) -> list[Layer]:
    """The modules that own parameters, in the order in which the network registered them; a norm joins its layer.

    >>> from innerloop.networks import conv4
    >>> [layer.name for layer in layers_of(conv4(5, 4))]
    ['features.0', 'features.3', 'features.6', 'features.9', 'head']
    >>> layers_of(conv4(5, 4))[0].output
    'features.1'
    """
    owned: dict[str, list[str]] = {}
    for name, _ in network.named_parameters():  # tied ones once
        owned.setdefault(name.rpartition(".")[0], []).append(name)
    found: list[Layer] = []
    # parameters come in the order of modules, but a module's own before its children's
    for module, names in owned.items():
        if found and isinstance(network.get_submodule(module), _NORMS):
            last = found[-1]
            found[-1] = Layer(last.name, (*last.parameters, *names), module, last.head, True)
        else:
            found.append(Layer(module or "network", tuple(names), module, "head" in module.split(".")))
    return found


@contextmanager
def activations(network: nn.Module, layers: Sequence[Layer]) -> Iterator[dict[str, Tensor]]:
    """While it lasts, gathers the outputs of layers by the layers' names; of one that runs more than once, the last.

    Works under `vmap` too, as long as what was gathered is returned from inside.
    """
    seen: dict[str, Tensor] = {}

    def hook(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            seen[name] = next(leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, Tensor))

        return keep

    handles = [network.get_submodule(layer.output).register_forward_hook(hook(layer.name)) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
