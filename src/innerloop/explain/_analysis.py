"""What every finding can do: be saved, be read again, be said in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from innerloop.errors import DataError
from innerloop.explain._plain import plain, typed


class Analysis(ABC):
    """A finding about a learner; its subclasses are frozen dataclasses of plain values."""

    @property
    @abstractmethod
    def sentences(self) -> list[str]:
        """The finding in words."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the finding back."""
        found: dict[str, Any] = plain(self)
        return found

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The finding that `to_json` wrote.

        Raises:
            DataError: if fields are missing or of another type.
        """
        try:
            found: Self = typed(value, cls)
            return found
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"Not a finding of innerloop ({cls.__name__}): {error!r}. Run `innerloop explain` again."
            ) from error
