"""Checks of single arguments, so that they are worded in one way: what came, what was expected, what to do."""

from __future__ import annotations

from typing import Any

from innerloop.errors import ConfigurationError


def at_least(name: str, value: int, least: int, otherwise: str = "") -> int:
    """`value`, a count.

    Args:
        name: of the argument, at the beginning of a sentence.
        value: what came.
        least: the smallest that can be.
        otherwise: what else there is to give, for instance "None for no end of them".

    Raises:
        ConfigurationError: if it is smaller, or no number.

    >>> at_least("shots", 5, 1)
    5
    """
    if not value >= least:
        raise ConfigurationError(
            f"{name} must be at least {least}; got {value!r}. Give {least} or more{otherwise and f', or {otherwise}'}."
        )
    return value


def positive(name: str, value: float, usual: float) -> float:
    """`value` as a float.

    Args:
        name: of the argument, at the beginning of a sentence.
        value: what came.
        usual: a value that often works, to be named in the error.

    Raises:
        ConfigurationError: if it is not a positive, finite number.

    >>> positive("penalty=", 1, usual=0.1)
    1.0
    """
    return _number(0 < value < float("inf"), name, value, "a positive number", usual)


def not_negative(name: str, value: float, usual: float = 0) -> float:
    """`value` as a float; as `positive`, with 0 allowed.

    Raises:
        ConfigurationError: if it is negative or not finite.
    """
    return _number(0 <= value < float("inf"), name, value, "a number from 0", usual)


def fraction(name: str, value: float, usual: float) -> float:
    """`value` as a float; as `positive`, in [0, 1).

    Raises:
        ConfigurationError: if it lies outside.
    """
    return _number(0 <= value < 1, name, value, "at least 0 and less than 1", usual)


def between(name: str, value: float, usual: float) -> float:
    """`value` as a float; as `positive`, in (0, 1).

    Raises:
        ConfigurationError: if it lies outside.
    """
    return _number(0 < value < 1, name, value, "more than 0 and less than 1", usual)


def _number(fits: bool, name: str, value: Any, what: str, usual: float) -> float:
    if not fits:
        raise ConfigurationError(f"{name} must be {what}; got {value!r}. Try {usual}.")
    return float(value)
