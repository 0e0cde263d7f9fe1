"""Memory of training: flat in the inner steps with recompute, in the tasks with chunks, and over many iterations.

    python benchmarks/memory.py [--quick]

writes results/memory.json. Every row is a process of its own, with the C library's allocator as it is. The peak
is VmHWM, to be read above what was resident after import and a first step on one task with one inner step, which loads
the kernels; the tasks themselves are there by then. What the tensors of a step take is counted one by one as well.
The network is a pooled Conv-4 with 64 filters on 28x28 pictures, 5-way 1-shot with 15 queries a class.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from innerloop import gradient
from innerloop.bench import WORKLOADS, Workload
from innerloop.bench._problem import first, network_of, tasks_of
from innerloop.bench._process import forget_peak, live_tensors, peak_megabytes, resident_megabytes
from innerloop.files import write_json
from innerloop.mapping import Mapping
from innerloop.mapping._memory import PeakMemory
from innerloop.outer._run import provenance

MAPPINGS = {"loop": Mapping(vectorise=False), "vmap in chunks of 8": Mapping(vectorise=True, chunk=8)}
OUTER_GRADIENTS: dict[str, dict[str, Any]] = {
    "unrolled": {},
    "recompute": {"recompute": True},
    "recompute, stride 5": {"recompute": True, "stride": 5},
}
HERE = {field.name for field in dataclasses.fields(gradient.Unrolled)}
KNOWN = [name for name, arguments in OUTER_GRADIENTS.items() if arguments.keys() <= HERE]
"""Those that this version of the library has."""
STEPS, TASKS = (1, 5, 20), (8, 64, 256)


@dataclass(frozen=True)
class Row:
    """One process.

    Attributes:
        sweep: which table it belongs to.
        workload: sizes.
        outer_gradient: one of `OUTER_GRADIENTS`.
        mapping: one of `MAPPINGS`.
        iterations: of training with Adam; 0: two meta-gradients.
    """

    sweep: str
    workload: Workload
    outer_gradient: str
    mapping: str
    iterations: int = 0


def learner_of(row: Row, inner_steps: int) -> gradient.GradientLearner:
    """MAML with the row's way through the inner loop."""
    learner = gradient.GradientLearner(
        network_of(row.workload),
        optimiser=gradient.SGD(row.workload.inner_lr),
        outer_gradient=gradient.Unrolled(**OUTER_GRADIENTS[row.outer_gradient]),
        steps=inner_steps,
    )
    learner.mapping = MAPPINGS[row.mapping]
    return learner


def measure(row: Row) -> dict[str, Any]:
    """What the process of a row finds."""
    torch.set_num_threads(1)
    imported = resident_megabytes()
    tasks = tasks_of(row.workload)
    learner = learner_of(row, 1)
    learner(first(tasks, 1)).loss.backward()
    torch.optim.Adam(learner.parameters()).step()  # its first step imports much
    forget_peak()
    baseline = resident_megabytes()
    learner = learner_of(row, row.workload.inner_steps)
    optimiser = torch.optim.Adam(learner.parameters())
    course = []
    for iteration in range(row.iterations or 2):
        optimiser.zero_grad()
        learner(tasks).loss.backward()
        if row.iterations:
            optimiser.step()
            if iteration + 1 in (row.iterations // 10, row.iterations // 2, row.iterations):
                now = {"live_tensors": live_tensors(), "resident_megabytes": resident_megabytes()}
                course.append({"iteration": iteration + 1, **now})
    resident = peak_megabytes()
    # the allocator rounds, keeps and trims as it likes: what tensors take is exact
    with PeakMemory() as memory:
        optimiser.zero_grad()
        learner(tasks).loss.backward()
    return {
        "import_megabytes": imported,
        "baseline_megabytes": baseline,
        "peak_megabytes": resident,
        "tensor_megabytes": memory.peak / 2**20,
        "course": course,
    }


def rows_of(outer_gradients: list[str], *, quick: bool) -> list[Row]:
    """Everything that is measured."""
    base, largest = (WORKLOADS["O1"].small(), 16) if quick else (WORKLOADS["O1"], 256)
    rows = []
    for name in outer_gradients:
        for steps in STEPS:
            for mapping, tasks in zip(MAPPINGS, (2, 8), strict=True):
                workload = dataclasses.replace(base, inner_steps=steps, inner_lr=0.01, tasks=tasks)
                rows.append(Row("inner steps", workload, name, mapping))
    for mapping in MAPPINGS:
        for tasks in (size for size in TASKS if size <= largest):
            rows.append(Row("tasks", dataclasses.replace(base, tasks=tasks), outer_gradients[0], mapping))
    iterations = 40 if quick else 2_000
    small = dataclasses.replace(base.small(), tasks=2)  # what is left behind does not depend on sizes, the time does
    rows += [Row("iterations", small, outer_gradients[0], mapping, iterations) for mapping in MAPPINGS]
    return rows


def main() -> None:
    """Measures everything and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outer-gradients", nargs="+", choices=KNOWN, default=KNOWN,
                        help="ways of the outer gradient through the inner loop")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not to measure")
    parser.add_argument("--out", type=Path, default=Path("results/memory.json"))
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        values = json.loads(arguments.only)
        print(json.dumps(measure(Row(**values | {"workload": Workload(**values["workload"])}))))
        return
    result: dict[str, Any] = {"quick": arguments.quick, "provenance": provenance(), "rows": []}
    for row in rows_of(arguments.outer_gradients, quick=arguments.quick):
        values = dataclasses.asdict(row)
        command = [sys.executable, __file__, "--only", json.dumps(values)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result["rows"].append({**values, **json.loads(done.stdout)})
        print(result["rows"][-1], flush=True)
        write_json(arguments.out, result)


if __name__ == "__main__":
    main()
