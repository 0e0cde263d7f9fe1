"""Checks of a recipe's fields: their types, and the bounds that stand beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

from innerloop.demands import at_least, not_negative, positive
from innerloop.errors import ConfigurationError
from innerloop.recipes._types import fits, words

T = TypeVar("T")


class Bound(Protocol):
    """What a field's type says of its values beside the type: `ways: Annotated[int, AtLeast(2)]`."""

    def check(self, name: str, value: Any) -> Any:
        """Raises a ConfigurationError if the value of the field of this name is out of bounds."""


@dataclass(frozen=True)
class AtLeast:
    """A number from `least`. Whole numbers that say nothing else are at least 1."""

    least: int

    def check(self, name: str, value: Any) -> Any:
        """Raises a ConfigurationError if it is less."""
        return at_least(name, value, self.least)


@dataclass(frozen=True)
class Positive:
    """A positive number; errors name the usual one."""

    usual: float

    def check(self, name: str, value: Any) -> Any:
        """Raises a ConfigurationError if it is not."""
        return positive(name, value, self.usual)


class NotNegative:
    """A number from 0."""

    def check(self, name: str, value: Any) -> Any:
        """Raises a ConfigurationError if it is negative."""
        return not_negative(name, value)


class Seed:
    """A number that a seed can be."""

    def check(self, name: str, value: Any) -> Any:
        """Raises a ConfigurationError if it is not."""
        if not 0 <= value < 2**63:
            raise ConfigurationError(f"{name} must be between 0 and 2^63; got {value}.")
        return value


def check(recipe: Any) -> None:
    """Checks a dataclass's values against the types of its fields and their bounds; of lists, each entry.

    Raises:
        ConfigurationError: for the first value that does not fit.

    >>> @dataclass
    ... class Own:
    ...     shots: int
    ...     ways: Annotated[int, AtLeast(2)] = 5
    >>> check(Own(shots=1))
    >>> check(Own(shots=0))
    Traceback (most recent call last):
    innerloop.errors.ConfigurationError: shots must be at least 1; got 0. Give 1 or more.
    """
    kinds = get_type_hints(type(recipe), include_extras=True)
    values = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    for name, value in values.items():
        if not fits(value, kind := _plain(kinds[name])):
            raise ConfigurationError(f"{name}: expected {words(kind)}; got {value!r}.")
    for name, value in values.items():
        for each in value if isinstance(value, tuple | list) else () if value is None else (value,):
            for bound in _bounds(kinds[name], each):
                bound.check(name, each)


def given(path: str, what: str) -> str:
    """The path of a recipe's data.

    Raises:
        ConfigurationError: if it is empty, with `what` it should be.
    """
    if not path:
        raise ConfigurationError(f"This recipe needs data: name {what} with --data.")
    return path


def restored(value: Any, base_of: Callable[[str], T]) -> T:
    """The recipe that a `to_json` wrote.

    Args:
        value: what was written.
        base_of: from a recipe's name to the recipe with its own settings, for its type and its fields.

    Raises:
        ConfigurationError: if it names no recipe, has fields that this version does not know, or values of other types.
    """
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"The saved recipe is damaged: expected fields by name; got {value!r}.")
    base = base_of(str(value.get("recipe")))
    unknown = sorted(set(value) - set(vars(base)))
    if unknown:
        raise ConfigurationError(
            f"The saved recipe has the field {unknown[0]!r}, which {value['recipe']!r} has not in this version of "
            f"innerloop; it has {', '.join(vars(base))}."
        )
    fields: dict[str, Any] = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in value.items()}
    return type(base)(**fields)


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _bounds(kind: Any, value: Any) -> tuple[Bound, ...]:
    if get_origin(kind) is Annotated:
        return get_args(kind)[1:]
    whole = type(value) is int and not (fits(0.5, kind) or fits((0.5,), kind))
    return (AtLeast(1),) if whole else ()
