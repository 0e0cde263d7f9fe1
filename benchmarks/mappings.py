"""Speed and memory of the mappings on MAML steps, interleaved in one run.

    python benchmarks/mappings.py

writes results/mappings.json: medians over rounds of the time of one meta-gradient, in CPU time of one thread, and the
peak memory of a process that runs only this mapping. The rule in `innerloop.mapping.choose_mapping` rests on it.
`--mappings` and `--workloads` take parts of the names: compiling everything takes long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from innerloop import methods, networks
from innerloop.files import write_json
from innerloop.learner import Learner
from innerloop.mapping import Mapping
from innerloop.outer._run import provenance
from innerloop.sources import Sinusoids
from innerloop.task import Examples, Task

MAPPINGS = {
    str(mapping): mapping
    for mapping in (
        Mapping.named("loop"),
        Mapping.named("vmap"),
        Mapping.named("vmap", 8),
        Mapping.named("captured"),
        Mapping.named("captured", 8),
        Mapping(vectorise=False, graph="captured"),
        Mapping.named("compiled"),
        Mapping.named("compiled", 8),
    )
}

# name: (filters, downsampling, side, channels, queries per class, inner steps, tasks)
PICTURES = {
    "conv4-32 strided 28x28, 5 queries": (32, "stride", 28, 1, 5, 1, 16),
    "conv4-32 strided 28x28, 15 queries": (32, "stride", 28, 1, 15, 1, 16),
    "conv4-64 strided 28x28, 5 queries": (64, "stride", 28, 1, 5, 1, 16),
    "conv4-64 strided 28x28, 15 queries": (64, "stride", 28, 1, 15, 1, 16),
    "conv4-32 pooled 64x64 colour, 5 queries, 5 steps": (32, "pool", 64, 3, 5, 5, 8),
}
SINUSOIDS = {"mlp-40-40 sinusoids, 1 step": 1, "mlp-40-40 sinusoids, 5 steps": 5}


def workload(name: str) -> tuple[Learner, Task]:
    """The learner and the batch of tasks of a workload."""
    torch.manual_seed(0)
    if name in SINUSOIDS:
        learner = methods.maml(networks.mlp(1, 1), inner_lr=0.01, inner_steps=SINUSOIDS[name])
        return learner, Sinusoids().train[0:25]
    filters, downsample, side, channels, queries, steps, tasks = PICTURES[name]
    network = networks.conv4(5, filters, channels=channels, size=side, downsample=downsample)  # type: ignore[arg-type]
    learner = methods.maml(network, inner_lr=0.1, inner_steps=steps)

    def examples(each: int) -> Examples:
        y = torch.arange(5).repeat(each).repeat(tasks, 1)
        x = torch.rand(tasks, 5 * each, channels, side, side)
        return Examples(x, y, torch.ones(tasks, 5 * each, dtype=torch.bool), 5)

    return learner, Task(examples(1), examples(queries), torch.arange(tasks))


def step(learner: Learner, tasks: Task, mapping: Mapping) -> float:
    """CPU seconds of one meta-gradient."""
    learner.mapping = mapping
    learner.zero_grad()
    start = time.process_time()
    learner(tasks).loss.backward()
    return time.process_time() - start


def peak(name: str, mapping: str) -> float:
    """Peak resident memory in MB of a process that runs two steps of a workload under one mapping."""
    command = [sys.executable, __file__, "--only", json.dumps([name, mapping])]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measures everything and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/mappings.json"))
    parser.add_argument("--mappings", nargs="+", default=["loop", "vmap", "captured"], help="beginnings of names")
    parser.add_argument("--workloads", nargs="+", default=["mlp", "conv4"], help="beginnings of names")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.only:
        name, mapping = json.loads(arguments.only)
        learner, tasks = workload(name)
        for _ in range(2):
            step(learner, tasks, MAPPINGS[mapping])
        # not getrusage: its maximum is inherited from the process that started this one
        lines = Path("/proc/self/status").read_text().splitlines()
        print(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024)
        return
    rows: list[dict[str, Any]] = []
    mappings = {name: how for name, how in MAPPINGS.items() if name.startswith(tuple(arguments.mappings))}
    for name in [*SINUSOIDS, *PICTURES]:
        if not name.startswith(tuple(arguments.workloads)):
            continue
        learner, tasks = workload(name)
        times: dict[str, list[float]] = {mapping: [] for mapping in mappings}
        for round_ in range(arguments.rounds + 1):
            for mapping, how in mappings.items():
                seconds = step(learner, tasks, how)
                if round_:  # the first round warms up, captures and compiles
                    times[mapping].append(seconds)
        count = len(tasks.index)
        for mapping, seconds in times.items():
            rows.append(
                {
                    "workload": name,
                    "tasks": count,
                    "mapping": mapping,
                    "milliseconds_per_task": 1000 * statistics.median(seconds) / count,
                    "peak_megabytes": peak(name, mapping),
                    "chosen": str(learner_choice(learner, tasks)),
                }
            )
            print(rows[-1], flush=True)
    about = provenance() | {"command": "python benchmarks/mappings.py"}
    write_json(arguments.out, {"rounds": arguments.rounds, "clock": "CPU time", "rows": rows, "provenance": about})


def learner_choice(learner: Learner, tasks: Task) -> Mapping:
    """What the rule picks."""
    learner.mapping = None
    return learner.mapping_for(tasks)


if __name__ == "__main__":
    main()
