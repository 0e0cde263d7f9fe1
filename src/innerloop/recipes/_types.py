"""Whether a plain value is of a field's type, and the type in words. Used for saved recipes and for command lines."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "None"}


def words(kind: Any) -> str:
    """A type in words.

    >>> words(int | None), words(Literal["A", "B"]), words(tuple[int, ...])
    ('a whole number or None', 'A or B', 'a list of whole numbers')
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(words(each) for each in inside)
    if origin is Literal:
        return " or ".join(map(str, inside))
    if origin is tuple:
        return f"a list of {words(inside[0]).removeprefix('a ')}{'' if inside[0] is str else 's'}"
    return _WORDS.get(kind, str(kind))


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type; a whole number is a number, but True is no number.

    >>> fits(3, float), fits(True, int), fits((1, 2), tuple[int, ...]), fits("C", Literal["A", "B"])
    (True, False, True, False)
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in inside)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inside)
    if origin is tuple:
        return isinstance(value, tuple | list) and all(fits(each, inside[0]) for each in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is not int or not isinstance(value, bool))


def reads(texts: list[str], kind: Any) -> bool:
    """Whether command-line words can be read as a value of a type.

    >>> reads(["3"], int), reads(["3.5"], int), reads(["3", "4"], tuple[int, ...]), reads([], str)
    (True, False, True, False)
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(reads(texts, each) for each in inside)
    if origin is tuple:
        return all(reads([text], inside[0]) for text in texts)
    if kind is bool:
        return not texts
    if len(texts) != 1:
        return False
    if origin is Literal:
        return texts[0] in map(str, inside)
    if kind is type(None):
        return texts[0] == "None"
    try:
        kind(texts[0])
    except ValueError:
        return False
    return True
