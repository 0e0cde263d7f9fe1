"""Which column of a table is the user, the item, the rating, the time: by its name, unless it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from innerloop.errors import ConfigurationError, DataError, closest
from innerloop.recommend._cells import Cells

ROLES = ("user", "item", "value", "time", "title")

KNOWN: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "username", "customer", "customerid", "client", "clientid", "member", "memberid",
             "reader", "readerid", "visitor", "visitorid", "reviewerid"),
    "item": ("item", "itemid", "iid", "movie", "movieid", "film", "filmid", "product", "productid", "book", "bookid",
             "isbn", "asin", "article", "articleid", "song", "songid", "track", "trackid", "artist", "artistid",
             "game", "gameid", "recipe", "recipeid", "business", "businessid", "anime", "animeid"),
    "value": ("rating", "ratings", "value", "score", "stars", "overall", "userrating", "bookrating"),
    "time": ("time", "timestamp", "date", "datetime", "ts", "unixtime", "unixreviewtime", "createdat", "ratedat"),
    "title": ("title", "name", "itemname", "movietitle", "booktitle", "producttitle"),
}  # fmt: skip
"""Names of columns by role, in lower case, without anything but letters and digits."""


@dataclass(frozen=True)
class Roles:
    """The columns with a role.

    Args:
        user: who.
        item: what.
        value: the rating; None: events are implicit.
        time: when; None: rows are in the order of time.
        title: what people call an item, to show it; None: there is no such column.
    """

    user: str
    item: str
    value: str | None = None
    time: str | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        named = [column for column in (self.user, self.item, self.value, self.time, self.title) if column is not None]
        for column in named:
            if named.count(column) > 1:
                raise ConfigurationError(
                    f"Column {column!r} has two roles; got {self}. Each role needs a column of its own, or None."
                )


def roles_of(table: Cells, items: Cells | None, given: Mapping[str, str | None]) -> Roles:
    """The roles of a table's columns.

    Args:
        table: the events.
        items: the table of items, which may have the titles.
        given: columns that are named, or None for a role that none has; the others are found by `KNOWN` names.

    Raises:
        ConfigurationError: if there is no such role, or one column has two.
        DataError: if a named column is missing, or it is not clear which one is meant.
    """
    for role in given:
        if role not in ROLES:
            raise ConfigurationError(f"There is no role {role!r}; roles are {', '.join(ROLES)}.{closest(role, ROLES)}")
    found: dict[str, str | None] = {}
    for role in ROLES[:4]:
        column = given[role] if role in given else find(table, role)
        if column is None and role in ("user", "item"):
            raise DataError(
                f"{table.name} has no column that is the {role} by its name; it has "
                f"{', '.join(map(repr, table.header))}. Name it: roles={{{role!r}: ...}}."
            )
        found[role] = None if column is None else table.demand(column, role)
    title = given.get("title")
    if title is not None and all(title not in place.header for place in (table, items or table)):
        (items or table).demand(title, "title")
    if "title" not in given:
        titles = [find(place, "title", first=True) for place in (items, table) if place is not None]
        title = next(filter(None, titles), None)
    return Roles(str(found["user"]), str(found["item"]), found["value"], found["time"], title)


def find(table: Cells, role: str, *, first: bool = False) -> str | None:
    """The column that has a role by its name; None if none has.

    Args:
        table: where.
        role: one of `ROLES`.
        first: the first by the order of `KNOWN` names, where several have it.

    Raises:
        DataError: if several have it.
    """
    plain = {column: "".join(filter(str.isalnum, column.lower())) for column in table.header}
    fitting = [column for known in KNOWN[role] for column in table.header if plain[column] == known]
    if len(fitting) > 1 and not first:
        raise DataError(
            f"{table.name} has more than one column that could be the {role}: {', '.join(map(repr, fitting))}. Name "
            f"one: roles={{{role!r}: {fitting[0]!r}}}."
        )
    return fitting[0] if fitting else None


def key_of(table: Cells, column: str, role: str) -> str:
    """The column of a table of items (or users) that names them: as in the events, or by its name, or `id`."""
    return column if column in table.header else find(table, role) or table.demand("id", f"the {role}")
