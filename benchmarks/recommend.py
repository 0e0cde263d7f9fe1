"""What serving personalised recommendations costs: to learn a user, many users, to score items, to keep users.

    python benchmarks/recommend.py [--quick]

writes results/bench_recommend.json. A user has 20 events, gradient learners take 5 steps, the catalogue has 10,000
items. One user is learned on one core, step by step and without vmap; 256 users side by side on two cores; times of one
user are percentiles over many users, in milliseconds of wall time, the first of them left out as warm-up; the
processor's time beside them does not depend on what else the machine does. The weights are fresh ones: no time depends
on their values.

Users side by side are vectorised and not captured: a graph spares what Python and autograd cost in each operation, and
256 users share that already.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from innerloop.files import write_json
from innerloop.outer._run import provenance
from innerloop.recommend import RECOMMENDERS, Events, Personalised, Service

ITEMS, EVENTS, USERS, STATES = 10_000, 20, 256, 100_000
LEARNERS = ("cavia", "learned_ridge", "maml", "anil", "attention")
TARGETS = {
    "adapt_p50_ms": 3.0, "adapt_p99_ms": 10.0, "batch_ms_per_user": 0.3, "score_ms": 10.0, "states_megabytes": 100.0,
}  # fmt: skip
"""What is promised of each learner that is served."""


def world(users: int) -> Events:
    """Ratings of popular and rare items at random."""
    rng = np.random.default_rng(0)
    item = np.concatenate([rng.choice(ITEMS, EVENTS, replace=False) for _ in range(users)])
    value = rng.integers(1, 11, users * EVENTS) / 2
    return Events.of(np.repeat(np.arange(users), EVENTS), item, value, users=users, items=ITEMS)


def timed(action: Callable[[int], object], times: int) -> dict[str, float]:
    """Percentiles of the time of `action(0)`, `action(1)`, ... in milliseconds, and the threads that it may take."""
    for number in range(max(3, times // 10)):
        action(number)
    wall, processor = [], []
    for number in range(times):
        start, worked = time.perf_counter(), time.process_time()
        action(number)
        processor.append(1_000 * (time.process_time() - worked))
        wall.append(1_000 * (time.perf_counter() - start))
    return {
        "p50_ms": float(np.percentile(wall, 50)), "p99_ms": float(np.percentile(wall, 99)),
        "processor_p50_ms": float(np.percentile(processor, 50)), "times": times, "threads": torch.get_num_threads(),
    }  # fmt: skip


def measure(name: str, events: Events, repeats: int) -> dict[str, Any]:
    """One learner's row."""
    model = RECOMMENDERS[name]()
    assert isinstance(model, Personalised)
    model.begin(events)
    service, users = Service(model), np.arange(USERS)
    histories = [events.history(user) for user in range(USERS)]
    states = [service.read(own.item.tolist(), own.value.tolist()) for own in histories]
    supports = [service._support(state, None) for state in states]
    batch = model._cases(_cases(events), users=users).batch(torch.arange(USERS))
    torch.set_num_threads(1)
    learner = model.learner.eval()

    def adapt(number: int) -> object:
        with torch.no_grad():
            return learner.adapt(supports[number % USERS])

    def adapt_all(number: int) -> object:
        return model._map(lambda task: _vectors(learner.adapt(task.support)), batch)

    row: dict[str, Any] = {"name": name, "learner": model.name, "mapping": str(learner.mapping_of_map(batch))}
    row["adapt"] = timed(adapt, repeats)
    row["read"] = timed(lambda n: service.read(histories[n % USERS].item.tolist(), histories[n % USERS].value.tolist()),
                        repeats)  # fmt: skip
    row["score"] = timed(lambda n: service.scores(states[n % USERS]), max(5, repeats // 10))
    row["recommend"] = timed(lambda n: service.recommend(states[n % USERS]), max(5, repeats // 10))
    torch.set_num_threads(2)
    row["batch"] = timed(adapt_all, max(3, repeats // 50))
    row["batch_ms_per_user"] = row["batch"]["p50_ms"] / USERS
    row["state_bytes"] = max(len(state.to_bytes()) for state in states)
    row["states_megabytes"] = STATES * row["state_bytes"] / 1e6
    return row


def _cases(events: Events) -> Any:
    from innerloop.recommend import Cases

    return Cases(events, events.where(np.zeros(len(events), bool)))


def _vectors(state: Any) -> Any:
    """The tensors of a state, which is all that leaves a mapping."""
    leaves = [leaf for leaf in torch.utils._pytree.tree_leaves(state) if isinstance(leaf, torch.Tensor)]
    return tuple(leaves)


def main() -> None:
    """Measures everything and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="+", choices=LEARNERS, default=LEARNERS, help="which learners")
    parser.add_argument("--quick", action="store_true", help="few repeats: to see that it works, not to measure")
    parser.add_argument("--out", type=Path, default=Path("results/bench_recommend.json"))
    arguments = parser.parse_args()
    events = world(USERS)
    result: dict[str, Any] = {
        "quick": arguments.quick, "items": ITEMS, "events": EVENTS, "users": USERS, "states": STATES,
        "targets": TARGETS, "device": "cpu", "provenance": provenance(), "rows": [],
    }  # fmt: skip
    for name in arguments.learners:
        result["rows"].append(measure(name, events, 20 if arguments.quick else 1_000))
        print(result["rows"][-1], flush=True)
        write_json(arguments.out, result)


if __name__ == "__main__":
    main()
