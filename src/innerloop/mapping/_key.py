"""What a captured graph depends on: whatever is a Python value when a step is recorded stands in the graph for good.

Tensors that a module registers are inputs of the graph, so only their shapes and types count. Everything else that the
module's attributes hold counts by value where it is plain, and by identity otherwise.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
_HOOKS = {"_forward_hooks", "_forward_pre_hooks"}
# registered tensors are inputs and submodules are walked; the rest is PyTorch's own book-keeping, and recurrent layers
# keep their registered tensors in a second list
_INTERNAL = (set(vars(nn.Module())) | {"_compiled_call_impl", "_flat_weights"}) - {"training"} - _HOOKS


@dataclass(frozen=True, eq=False)
class _Same:
    """Equal only to itself. Holds what it stands for, so that its address is not given away."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Settings:
    """Everything of a module and its parts, its registered tensors apart, that a captured graph has made constant.

    Args:
        module: the module.
        ignore: attributes of the module itself that change nothing.

    >>> layer = nn.Dropout(0.1)
    >>> before = Settings(layer)
    >>> before.untouched(), before == Settings(layer)
    (True, True)
    >>> layer.p = 0.2
    >>> before.untouched(), before == Settings(layer)
    (False, False)
    """

    def __init__(self, module: nn.Module, ignore: frozenset[str] = frozenset()):
        self._watched: list[tuple[Any, int, list[tuple[Any, Any]]]] = []
        self._seen: set[int] = set()
        self._values = self._module(module, ignore)
        named = [*module.named_parameters(), *module.named_buffers()]
        self._names = [name for name, _ in named]
        self.registered = [tensor for _, tensor in named]
        self._kinds = _kinds(self.registered)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and (
            (self._names, self._kinds, self._values) == (other._names, other._kinds, other._values)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable things are compared, never looked up

    def untouched(self) -> bool:
        """Whether not a single attribute has been set since: quick, and more than equality asks for."""
        for container, length, items in self._watched:
            if len(container) != length:
                return False
            for key, value in items:
                if container[key] is not value:
                    return False
        return self._kinds == _kinds(self.registered)

    def _module(self, module: nn.Module, ignore: frozenset[str] = frozenset()) -> Any:
        self._seen.add(id(module))
        own = {n: v for n, v in vars(module).items() if n not in _INTERNAL and n not in ignore}
        self._watch(vars(module), own)
        for registered in (module._parameters, module._buffers):
            self._watch(registered, registered)
        # a layer that was swapped for another is seen by its kind; its tensors are inputs
        return type(module), self._items(own), self._value(module._modules)

    def _value(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return kind, value  # the kind too: 1, 1.0 and True are equal
        if isinstance(value, Tensor | type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
            return _Same(value)
        if id(value) in self._seen:
            return kind
        if isinstance(value, nn.Module):
            return self._module(value)
        self._seen.add(id(value))
        if isinstance(value, dict):
            self._watch(value, value)
            return kind, self._items(value)
        if isinstance(value, list | tuple):
            self._watch(value, dict(enumerate(value)))
            return kind, [self._value(each) for each in value]
        if isinstance(value, set | frozenset) and all(type(each) in _PLAIN for each in value):
            return kind, frozenset(value)
        attributes = getattr(value, "__dict__", None)
        if attributes:
            self._watch(attributes, attributes)
            return _Same(value), self._items(attributes)
        return _Same(value)

    def _items(self, found: dict[Any, Any]) -> Any:
        return [(_Same(name) if type(name) not in _PLAIN else name, self._value(each)) for name, each in found.items()]

    def _watch(self, container: Any, items: dict[Any, Any]) -> None:
        if items or not isinstance(container, tuple):
            self._watched.append((container, len(container), list(items.items())))


def _kinds(tensors: list[Tensor]) -> list[tuple[Any, ...]]:
    return [(t.shape, t.dtype, t.device, t.requires_grad) for t in tensors]


def surroundings() -> tuple[Any, ...]:
    """Settings of PyTorch itself that decide which operations are recorded, and by which kernels."""
    devices = ("cpu", "cuda")
    return (
        torch.get_default_dtype(),
        tuple((torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in devices),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cuda.matmul.fp32_precision,
        torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
    )
