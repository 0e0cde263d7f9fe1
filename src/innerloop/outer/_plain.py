"""The state of optimisers and schedulers as plain values that survive JSON."""

from __future__ import annotations

from typing import Any

import torch


def plain_group(group: dict[str, Any]) -> dict[str, Any]:
    """A parameter group of an optimiser with numbers for tensors (a learning rate may be one)."""
    return {name: value.item() if isinstance(value, torch.Tensor) else value for name, value in group.items()}


def alike(own: Any, saved: Any) -> bool:
    """Whether two values have the same structure: keys, lengths and kinds; what is None may become anything."""
    if isinstance(own, dict):
        same = isinstance(saved, dict) and own.keys() == saved.keys()
        return same and all(alike(value, saved[key]) for key, value in own.items())
    if isinstance(own, list | tuple):
        same = isinstance(saved, list | tuple) and len(own) == len(saved)
        return same and all(map(alike, own, saved))
    if isinstance(own, bool) or not isinstance(own, int | float):
        return own is None or type(own) is type(saved)
    return isinstance(saved, int | float) and not isinstance(saved, bool)


def same_flags(own: list[dict[str, Any]], saved: list[dict[str, Any]]) -> bool:
    """Whether parameter groups of one structure agree in what no scheduler changes: switches and names."""
    pairs = [(each[name], other[name]) for each, other in zip(own, saved, strict=True) for name in each]
    return all(a == b for a, b in pairs if isinstance(a, bool | str))


_PAIRS = "\0pairs"


def with_pairs(value: Any) -> Any:
    """JSON would turn the numbers that key MultiStepLR's milestones into text: such dicts become lists of pairs."""
    if isinstance(value, dict):
        inside = {key: with_pairs(each) for key, each in value.items()}
        return inside if all(isinstance(key, str) for key in inside) else {_PAIRS: list(inside.items())}
    return [with_pairs(each) for each in value] if isinstance(value, list | tuple) else value


def without_pairs(value: Any) -> Any:
    """What `with_pairs` was given, with lists for tuples."""
    if isinstance(value, dict):
        inside = {key: without_pairs(each) for key, each in value.items()}
        return dict(inside[_PAIRS]) if _PAIRS in inside else inside
    return [without_pairs(each) for each in value] if isinstance(value, list) else value
