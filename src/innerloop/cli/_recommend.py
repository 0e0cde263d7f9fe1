"""`innerloop recommend RUN --events FILE.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """Recommend items to a user by their events, and say which of these count."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of a run of `innerloop train ratings`."""
    events: str
    """CSV file of one user with a header line: item, and rating where ratings were learned; time, where lines are not
    in its order. Columns may be called as in the table of the training."""
    about: tuple[str, ...] = ()
    """What is known of the user, column=value, where the training had features of users; what is missing is unknown."""
    k: int = 10
    """How many items."""
    reasons: int = 3
    """How many of the user's events are named for each."""
    seen: bool = False
    """Recommend items of the user's events too."""
    threads: int | None = None
    """Threads of a CPU."""


def run(arguments: Sequence[str]) -> int:
    """Prints one line for each recommendation."""
    options = parse(Options, arguments, "innerloop recommend", "Recommend items to a user, with reasons.")
    from pathlib import Path

    from innerloop.cli._events_file import features_of, read_events, schema_of
    from innerloop.cli._ratings import MODEL
    from innerloop.cli._work import set_threads
    from innerloop.errors import CheckpointError, DataError
    from innerloop.recommend import Service, load

    set_threads(options.threads)
    path = Path(options.run) / MODEL
    if not path.exists():
        raise CheckpointError(f"{options.run} holds no recommender. Train one with `innerloop train ratings`.")
    model, about = load(path)
    rated = model.scale is not None
    schema = schema_of(about.get("schema"), model.tower.items, rated=rated)
    titles = schema.titles or schema.items
    names = [title or name for title, name in zip(titles, schema.items, strict=True)]
    features = features_of(options.about, schema)
    if features is None and options.about:
        raise DataError(f"{options.run} knows nothing of users but their events. Leave --about out.")
    events = read_events(Path(options.events), schema)
    service = Service(model)
    user = service.read(events.item.tolist(), events.value.tolist() if rated else None, features)
    wanted = service.recommend(
        user, options.k, reasons=options.reasons, exclude_seen=not options.seen, features=features
    )  # fmt: skip
    for place, found in enumerate(wanted, 1):
        new = "" if found.known else "  (new: known by its features alone)"
        print(f"{place:>3}. {names[found.item]}  {found.score:.2f}{new}")
        for reason in found.reasons:
            rating = f" ({reason.value:g})" if rated else ""
            print(f"       {reason.effect:+.2f}  {names[reason.item]}{rating}")
    return 0
