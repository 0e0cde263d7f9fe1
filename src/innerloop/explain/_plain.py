"""Findings as plain values for a file, and back again by the types of their fields."""

from __future__ import annotations

import dataclasses
import math
import types
from typing import Any, Union, get_args, get_origin, get_type_hints


def plain(value: Any) -> Any:
    """Dataclasses and named tuples as objects, numbers with six digits; what is not finite is None.

    >>> from innerloop.evaluation import Interval
    >>> plain([Interval(1 / 3, float("inf")), 2])
    [{'mean': 0.333333, 'half': None}, 2]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: plain(entry) for name, entry in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def typed(value: Any, kind: Any) -> Any:
    """The value of type `kind` that `plain` wrote; None where a number is expected becomes NaN.

    Raises:
        TypeError, KeyError or ValueError: if it is something else.

    >>> typed([1, None], list[float])
    [1.0, nan]
    """
    origin, inside = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        (other,) = (each for each in inside if each is not type(None))
        return None if value is None else typed(value, other)
    if origin is list:
        return [typed(entry, inside[0]) for entry in _of(value, list)]
    if origin is dict:
        return {name: typed(entry, inside[1]) for name, entry in _of(value, dict).items()}
    if kind is float:
        return math.nan if value is None else float(_of(value, int | float))
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        fields = get_type_hints(kind)
        return kind(**{name: typed(_of(value, dict)[name], fields[name]) for name in fields})
    return _of(value, kind)


def _of(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not of the expected type")
    return value
