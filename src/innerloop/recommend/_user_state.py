"""A user as a kilobyte: their latest events, and the vector that was learned from them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from innerloop.errors import CheckpointError

EVENTS = 80
"""Events of a user that are kept, the latest ones: with a vector of up to 94 numbers they take 1 KB at most."""

_HEADER = struct.Struct("<4sBBH")
_MAGIC = b"ilu1"


@dataclass(frozen=True, eq=False)
class UserState:
    """What is kept of a user between visits.

    The events say all: the vector is computed from them, from the same start each time, so a state that has grown
    event by event equals one that was read at once. It is kept so that scoring needs no adaptation.

    Args:
        items: `(n,)` numbers of the items, in the order of time.
        values: `(n,)` ratings; 1 for implicit events.
        vector: `(d,)` what the learner made of them, where that is a short vector; else empty.

    >>> state = UserState(np.array([3, 1]), np.array([4.0, 2.5], np.float32), np.zeros(3, np.float32))
    >>> len(state.to_bytes()), UserState.from_bytes(state.to_bytes()).items.tolist()
    (36, [3, 1])
    """

    items: NDArray[np.int64]
    values: NDArray[np.float32]
    vector: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.items)

    def to_bytes(self) -> bytes:
        """At most 1 KB: 8 bytes for each event, 4 for each number of the vector, 8 more."""
        parts = (self.items.astype("<u4"), self.values.astype("<f4"), self.vector.astype("<f4"))
        return _HEADER.pack(_MAGIC, len(self.items), 0, len(self.vector)) + b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, content: bytes) -> UserState:
        """The state that `to_bytes` wrote. Nothing in it is executed.

        Raises:
            CheckpointError: if it is damaged.
        """
        if len(content) < _HEADER.size or (found := _HEADER.unpack_from(content))[0] != _MAGIC:
            raise CheckpointError(f"{len(content)} bytes that are no user state of this version. Read the events anew.")
        _, events, _, width = found
        if len(content) != _HEADER.size + 8 * events + 4 * width:
            raise CheckpointError(
                f"A user state of {events} events has {_HEADER.size + 8 * events + 4 * width} bytes; got "
                f"{len(content)}. It is damaged: read the events anew."
            )
        at, parts = _HEADER.size, []
        for kind, count in (("<u4", events), ("<f4", events), ("<f4", width)):
            parts.append(np.frombuffer(content, kind, count, at))
            at += 4 * count
        return cls(parts[0].astype(np.int64), parts[1].astype(np.float32), parts[2].astype(np.float32))
