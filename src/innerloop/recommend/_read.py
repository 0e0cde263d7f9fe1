"""Any table of events as a dataset: from CSV, Parquet, pandas, polars, with what is known of items and users."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from innerloop.errors import ConfigurationError, DataError
from innerloop.recommend._attribute import Attribute, Side
from innerloop.recommend._dataset import Dataset
from innerloop.recommend._events import Events, Whole
from innerloop.recommend._feature import Feature, Kind
from innerloop.recommend._features import Column, Features
from innerloop.recommend._frames import open_table
from innerloop.recommend._measures import Duplicates, Measures, single
from innerloop.recommend._numbering import inverse
from innerloop.recommend._plan import Plan
from innerloop.recommend._roles import roles_of
from innerloop.recommend._schema import Schema
from innerloop.recommend._side import Known, Unknown


@dataclass(frozen=True, eq=False)
class Table:
    """What was read.

    Args:
        dataset: events and features.
        schema: what the columns mean, and the names of the items.
        users: names of the users; user `u` is `users[u]`.
        left_out: columns that are not used, and why.
        dropped: how many events were left out because of `unknown="drop"`, or as duplicates.
    """

    dataset: Dataset
    schema: Schema
    users: tuple[str, ...] = field(repr=False)
    left_out: Mapping[str, str]
    dropped: int = 0

    def __repr__(self) -> str:
        left = "".join(f", without {name!r} ({why})" for name, why in self.left_out.items())
        return f"Table({self.events}, {self.schema}{left})"

    @property
    def events(self) -> Events:
        """The dataset's events."""
        return self.dataset.events


def read_table(
    table: object, *, items: object = None, users: object = None, schema: Schema | None = None,
    roles: Mapping[str, str | None] | None = None, kinds: Mapping[str, Kind] | None = None, features: bool = True,
    unknown: Unknown = "refuse", duplicates: Duplicates = "refuse",
) -> Table:  # fmt: skip
    """Reads events, one a row, and what is known of items and users.

    A table is the path of a CSV file (UTF-8, a header line; others with `text_file`) or of a Parquet file, a frame of
    pandas, polars or pyarrow, or a dict of columns. It is gone through once, some thousand rows at a time.

    Without a schema, one is inferred:

    - The columns of user, item, rating, time and title are known by their names (`userId`, `movie_id`, `rating`, ...).
      No rating: events are implicit. No time: rows are in the order of time.
    - Every other column of `items` and `users` is a feature. So is another column of the events in which all rows
      of an item, or else of a user, have the same cell.
    - Cells with `|` in them, or lists, are several categories; a column of whose different cells nine tenths are
      numbers is a number (the others are mistakes, and refused); anything else is a category. A column that never
      changes is left out, and so is one of at least 20 texts of which no two are the same (a name).
    - Items, users and categories are numbered by value if all are whole numbers, else by their text. So neither the
      order of the columns nor that of the rows matters.

    With a schema, the same columns are read in the same way: items keep their numbers, a category that is not in it has
    code 0, a rating outside its range is refused. Users are numbered anew in every table.

    A missing cell (empty, `NA`, `null`, ...) is the unknown category 0 or the mean of a feature; as a user, an item, a
    rating or a time it is refused. Codes are whole numbers, never wide one-hot rows; a column may have 2 million
    different cells.

    Args:
        table: the events.
        items: a table with a row for each item, which may have items without events.
        users: a table with a row for each user.
        schema: what the columns mean, from another table; None: it is inferred.
        roles: columns by role ("user", "item", "value", "time", "title") where the rules would not find them; None in
            place of a name: there is no such column.
        kinds: what a column is ("category", "number", `Several("|")`, "ignore"), where the rules would be wrong.
        features: False: events alone, as for serving a model that keeps the features of its items.
        unknown: what to do with a user or an item that is not in its table, or not in the schema: "refuse", "drop"
            its rows, or "keep" it: its features are missing, and an item gets the next number of an extended schema.
        duplicates: what to do with several events of one user and one item: "refuse", keep the "first" or the "last".

    Raises:
        DataError: if anything in a table is not as it must be; one line that names the row and the remedy.
        ConfigurationError: if the arguments contradict each other, or a package is missing.

    >>> table = read_table({"user": ["ann", "bob", "ann"], "film": [7, 7, 3], "stars": [4, 2, 5], "date":
    ...                     ["2024-02-01", "2024-01-01", "2024-01-01"], "genres": ["art|war", "art|war", "art"]})
    >>> table.users, table.schema.items, table.events.item.tolist(), table.events.value.tolist()
    (('ann', 'bob'), ('3', '7'), [0, 1, 1], [5.0, 4.0, 2.0])
    >>> table.dataset.item_features.columns["genres"].codes.tolist()
    [[1, -1], [1, 2]]
    >>> new = {"user": ["eve"], "film": [3], "stars": [3], "date": ["2024-03-01"]}
    >>> read_table(new, schema=table.schema, features=False).events.item.tolist()
    [0]
    """
    source, of_items, of_users = (None if part is None else open_table(part) for part in (table, items, users))
    if source is None:
        raise DataError("Expected a table of events; got None. Give a path, a frame or a dict of columns.")
    if schema is not None and (roles or kinds):
        raise ConfigurationError("A schema says what columns mean; leave roles and kinds out, or infer another one.")
    chosen = roles_of(source, of_items, roles or {}) if schema is None else schema.roles
    for role, column in dataclasses.asdict(chosen).items():
        if column is not None and role != "title":
            source.demand(column, role)
    plan = Plan(source, of_items, of_users, chosen, schema, dict(kinds or {}), features)
    known: dict[Side, Known] = {
        "item": Known("item", None if schema is None else schema.items, unknown, chosen.item),
        "user": Known("user", None, unknown, chosen.user),
    }
    for side, part in plan.parts.items():
        known[side].read(part, plan.keys[side], plan.columns(side))
    raw, loose, dropped = _read_events(plan, known)
    return _assemble(plan, known, loose, raw, duplicates, dropped)


def _read_events(plan: Plan, known: dict[Side, Known]) -> tuple[list[Any], dict[str, Attribute], int]:
    """Columns user, item, value, time and line; what else the table says; how many rows were dropped."""
    table, roles = plan.source, plan.roles
    measures = Measures(table, roles, None if plan.schema is None else plan.schema.range)
    loose = {
        name: Attribute(table, name, sides, wanted=plan.schema is not None or name in plan.kinds)
        for name, sides in plan.loose().items()
    }
    parts, dropped = [], 0
    item, user = known["item"], known["user"]
    for chunk in table.chunks():
        who = user.names.numbers(chunk.columns[roles.user], table, chunk.lines, roles.user, "the user")
        what = item.names.numbers(chunk.columns[roles.item], table, chunk.lines, roles.item, "the item")
        kept = item.kept(table, roles.item, what, chunk) & user.kept(table, roles.user, who, chunk)
        if not kept.all():
            who, what, chunk = who[kept], what[kept], chunk.where(kept)
            dropped += int((~kept).sum())
        if not len(who):
            continue
        parts.append((who, what, *measures.read(chunk), np.array(chunk.lines, np.int64)))
        for attribute in loose.values():
            attribute.add(chunk, {"item": (what, item.names), "user": (who, user.names)})
    if not parts:
        said = f"none of its {dropped} events is of a known user and item" if dropped else "it has no rows"
        raise DataError(f"{table.name} has no events: {said}; expected at least one. Export the table again.")
    return [np.concatenate(column) for column in zip(*parts, strict=True)], loose, dropped


def _assemble(
    plan: Plan, known: dict[Side, Known], loose: dict[str, Attribute], raw: list[Any], duplicates: Duplicates,
    dropped: int,
) -> Table:  # fmt: skip
    user, item, value, time, lines = raw
    kept = single(user, item, time, lines, duplicates, plan.source, (plan.roles.user, plan.roles.item))
    places = {side: part.order() for side, part in known.items()}
    who, what = inverse(places["user"])[user[kept]], inverse(places["item"])[item[kept]]
    explicit = plan.roles.value is not None
    events = Events.of(
        who, what, value[kept], time[kept], users=len(places["user"]), items=len(places["item"]), explicit=explicit
    )  # fmt: skip
    left_out = {
        name: "is no feature: rows of one item differ and so do rows of one user, or it has too many different cells"
        for name, attribute in loose.items() if attribute.side is None
    }  # fmt: skip
    found: dict[Side, tuple[Feature, ...]] = {}
    columns: dict[Side, dict[str, Column]] = {"item": {}, "user": {}}
    titles = None
    for side, part in known.items():
        attributes = part.attributes | {name: at for name, at in loose.items() if at.side == side}
        if side == "item" and plan.roles.title in attributes:
            titles = attributes.pop(str(plan.roles.title)).texts(places[side])
        learned = {name: _feature(plan, name, attribute, places[side]) for name, attribute in attributes.items()}
        left_out |= {name: why for name, why in learned.items() if isinstance(why, str)}
        features = sorted((f for f in learned.values() if isinstance(f, Feature)), key=lambda f: f.column)
        found[side] = tuple(features)
        columns[side] = {f.column: attributes[f.column].encode(f, places[side]) for f in features}
    names = [known["item"].names.known[place] for place in places["item"].tolist()]
    if plan.schema is None:
        range_ = (float(events.value.min()), float(events.value.max())) if explicit else None
        schema = Schema(plan.roles, tuple(names), found["item"], found["user"], range_, titles)
    else:
        new = len(plan.schema.items)
        schema = plan.schema.extended(names[new:], None if titles is None else titles[new:])
    dataset = Dataset(
        events, Features(columns["item"], len(places["item"])), Features(columns["user"], len(places["user"]))
    )
    users = tuple(known["user"].names.known[place] for place in places["user"].tolist())
    return Table(dataset, schema, users, left_out, dropped + int((~kept).sum()))


def _feature(plan: Plan, name: str, attribute: Attribute, places: Whole) -> Feature | str:
    if plan.schema is not None:
        both = (*plan.schema.item_features, *plan.schema.user_features)
        side = plan.schema.item_features if attribute.side == "item" else plan.schema.user_features
        return next(feature for feature in (*side, *both) if feature.column == name)
    return attribute.learn(places, plan.kinds.get(name))
