"""Memory of training on more users than fit in memory: a million synthetic users, stored, then trained on in batches.

    python benchmarks/recommend_stream.py [--users 1000000] [--quick]

writes results/recommend_stream.json. A generator gives users by ten thousand; their events go to a store on disk and
come back by batches of tasks, padded and masked: an item is its known factors, the first events of a user are the
support set, the next ones the query set. A first-order MAML trains on each user once. Resident memory is read after
every hundred thousand users, as it is then: mapped pages are given back every few steps, never just before.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from innerloop import methods, networks
from innerloop.bench._process import peak_megabytes, resident_megabytes
from innerloop.files import write_json
from innerloop.outer._run import provenance
from innerloop.recommend import Events, Stored, store_events
from innerloop.sources._base import TaskSource
from innerloop.task import Examples, Task

ITEMS = 2_003
"""A prime: steps of any size through the items meet none twice."""
SUPPORT, QUERY = 10, 10
FACTORS, NOISE = 8, 0.5
LEAST, MOST = SUPPORT + 1, 40
"""Events of a user: at least one is left to be predicted."""
PART, RELEASE_EVERY = 10_000, 10


def item_factors() -> np.ndarray:
    """`(ITEMS, FACTORS)`, the same for every user."""
    return np.random.default_rng(0).standard_normal((ITEMS, FACTORS)).astype(np.float32)


def users(count: int) -> Iterator[Events]:
    """Users whose ratings are 3 + u·v / √d + noise, `LEAST` to `MOST` of them, in parts."""
    factors = item_factors()
    for first in range(0, count, PART):
        here = min(PART, count - first)
        random = np.random.default_rng([1, first])
        counts = random.integers(LEAST, MOST + 1, here)
        user = np.repeat(np.arange(here), counts)
        at = np.arange(len(user)) - np.repeat(np.cumsum(counts) - counts, counts)
        start, step = random.integers(0, ITEMS, here), random.integers(1, ITEMS, here)
        item = (start[user] + step[user] * at) % ITEMS
        taste = random.standard_normal((here, FACTORS)).astype(np.float32)
        mean = 3 + np.einsum("nd,nd->n", taste[user], factors[item]) / np.sqrt(FACTORS)
        value = mean + NOISE * random.standard_normal(len(user))
        yield Events.of(user, item, value, at, users=here, items=ITEMS)


@dataclass(frozen=True)
class Histories(TaskSource):
    """Task `i` is user `i` of a store."""

    stored: Stored
    factors: Tensor
    seed: int = 0
    split: str = "train"

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each user, and the end."""
        return self.stored.events.starts

    def batch(self, indices: Tensor) -> Task:
        """Support and query sets of users, in the order of time."""
        events, first = self.stored.events, self.starts[indices.numpy()]
        rows = first[:, None] + np.arange(SUPPORT + QUERY)
        there = rows < self.starts[indices.numpy() + 1][:, None]
        rows = np.minimum(rows, len(events) - 1)
        x = self.factors[torch.from_numpy(events.item[rows])]
        y = torch.from_numpy(events.value[rows].astype(np.float32) - 3)[..., None]
        mask = torch.from_numpy(there)
        both = (slice(None, SUPPORT), slice(SUPPORT, None))
        support, query = (Examples(x[:, part], y[:, part], mask[:, part]) for part in both)
        return Task(support, query, indices)

    def describe(self) -> dict[str, Any]:
        """Sizes."""
        return {"name": "histories", "split": self.split, "support": SUPPORT, "query": QUERY, "seed": self.seed}


def train(stored: Stored, batch: int, every: int) -> list[dict[str, float]]:
    """One pass over all users, and memory and loss on the way."""
    torch.manual_seed(0)
    source = Histories(stored, torch.from_numpy(item_factors()))
    learner = methods.fomaml(networks.mlp(FACTORS, 1, hidden=(16,)), inner_steps=3, inner_lr=0.1)
    optimiser = torch.optim.Adam(learner.parameters(), lr=1e-3)
    course, losses, began = [], [], time.perf_counter()
    for step, first in enumerate(range(0, stored.events.users, batch), start=1):
        end = min(first + batch, stored.events.users)
        outcome = learner(source.batch(torch.arange(first, end)))
        optimiser.zero_grad()
        outcome.loss.backward()
        optimiser.step()
        losses.append(outcome.loss.item())
        if end // every > first // every:
            now = {
                "users": end, "resident_megabytes": resident_megabytes(), "query_loss": float(np.mean(losses)),
                "seconds": time.perf_counter() - began,
            }  # fmt: skip
            course.append(now)
            losses = []
            print(now, flush=True)
        if step % RELEASE_EVERY == 0:
            stored.release()
    return course


def main() -> None:
    """Stores the users, trains on them and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1_000, help="users of a step")
    parser.add_argument("--folder", type=Path, default=None, help="where the store is made, and removed afterwards")
    parser.add_argument("--quick", action="store_true", help="20,000 users: to see that it works, not to measure")
    parser.add_argument("--out", type=Path, default=Path("results/recommend_stream.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    count = 20_000 if given.quick else given.users
    began, imported = time.perf_counter(), resident_megabytes()
    folder = Path(tempfile.mkdtemp(prefix="recommend_stream_", dir=given.folder))
    try:
        stored = store_events(users(count), folder / "events")
        written = {
            "seconds": time.perf_counter() - began, "peak_megabytes": peak_megabytes(), "events": len(stored.events),
            "disk_megabytes": sum(file.stat().st_size for file in stored.folder.iterdir()) / 2**20,
        }  # fmt: skip
        course = train(stored, given.batch, count // 10)
    finally:
        shutil.rmtree(folder)
    resident = [row["resident_megabytes"] for row in course]
    result = {
        "quick": given.quick, "provenance": provenance(), "device": "cpu", "threads": torch.get_num_threads(),
        "users": count, "batch": given.batch, "import_megabytes": imported, "store": written, "course": course,
        # how far memory rises above what it is after the first tenth of the users
        "growth_megabytes": max(resident) - resident[0], "noise_variance": NOISE**2,
        "wall_seconds": time.perf_counter() - began,
    }  # fmt: skip
    write_json(given.out, result)
    print(f"{result['growth_megabytes']:.1f} MB above the first tenth, {result['wall_seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
