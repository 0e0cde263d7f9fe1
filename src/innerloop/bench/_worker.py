"""The process of an implementation: reads commands, a line of JSON each, and answers each with another.

    python -m innerloop.bench._worker

The first line says {"threads", "device", "quick"}. Commands say in "do": "begun" (to know that all
is imported), "about" (versions, implementations, the peak of the machine), "work" (operations of a workload, and the
mapping that the library picks for it), "check" (the meta-gradient in float64 against the reference), "ready" (build a
workload), "turn" (time some steps of it), and "memory" (what it took so far).
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.bench._implementations import MAPPINGS, build, difference, learner_of
from innerloop.bench._peak import needed_flops, peak_flops, synchronise
from innerloop.bench._peers import PEERS
from innerloop.bench._problem import first, network_of, tasks_of
from innerloop.bench._process import peak_megabytes, resident_megabytes
from innerloop.bench._workloads import Workload
from innerloop.errors import ConfigurationError
from innerloop.outer._run import provenance


def main() -> None:
    """Answers until there is nothing more to read."""
    # the answers have the real standard output for themselves, whatever a library prints
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    worker = Worker(job["device"], job["quick"])
    for line in sys.stdin:
        command = json.loads(line)
        if "workload" in command:
            command["workload"] = Workload(**command["workload"])
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:  # the driver goes on with the other rows, and says which failed and why
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Worker:
    """What a process can be asked to do.

    Args:
        device: "cpu" or "cuda".
        quick: rough where that saves time.
    """

    def __init__(self, device: str, quick: bool):
        self.device, self.quick = device, quick
        self._step: Callable[[], Tensor] | None = None
        self._baseline = float("nan")

    def begun(self) -> dict[str, Any]:
        """All is imported."""
        return {"begun": True}

    def about(self) -> dict[str, Any]:
        """The machine, the versions, the implementations."""
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ConfigurationError("There is no CUDA device here. Use --device cpu, with --quick for small sizes.")
        libraries = {}
        for name in ("higher", "torchopt"):
            try:
                libraries[name] = version(name)
            except PackageNotFoundError:
                raise ConfigurationError(
                    f"{name} is not installed. Install what the comparison needs with `pip install 'innerloop[bench]'`."
                ) from None
        return {
            "implementations": [
                *(
                    {"implementation": name, "peer": False, "chunk": mapping.chunk}
                    for name, mapping in MAPPINGS.items()
                ),
                *({"implementation": name, "peer": True, "chunk": None} for name in PEERS),
            ],
            "machine": {"device": _name_of(self.device), "cores": os.cpu_count(), "system": platform.system()},
            "provenance": provenance() | libraries,
            "peak_flops": peak_flops(self.device, small=self.quick),
        }

    def work(self, workload: Workload) -> dict[str, Any]:
        """Operations of a step, and the mapping that the library picks."""
        learner = learner_of(network_of(workload).to(self.device), workload)
        mapping = learner.mapping_for(tasks_of(workload).map(lambda leaf: leaf.to(self.device)))
        if mapping.chunk is not None and mapping.chunk >= workload.tasks:
            mapping = dataclasses.replace(mapping, chunk=None)  # one chunk: the row without chunks is the same
        return {"flops": needed_flops(workload, self.device), "picked": str(mapping)}

    def check(self, workload: Workload, implementation: str) -> dict[str, Any]:
        """The difference of an implementation's meta-gradient to the reference's."""
        return {"difference": difference(implementation, workload, self.device)}

    def ready(self, workload: Workload, implementation: str) -> dict[str, Any]:
        """Builds a workload and takes its first steps; says how long the first and the second took."""
        _, tasks, runner = build(implementation, workload, self.device, torch.float32)
        runner(first(tasks, 1))()  # kernels are loaded and threads started, on one task
        synchronise(self.device)
        self._baseline = torch.cuda.memory_allocated() / 2**20 if self.device == "cuda" else resident_megabytes()
        self._step = runner(tasks)
        return {"first": self._time(1), "second": self._time(1)}

    def turn(self, steps: int) -> dict[str, Any]:
        """Seconds of a step, the mean of some."""
        return {"seconds": self._time(steps)}

    def memory(self) -> dict[str, Any]:
        """The most memory so far, and what there was after import and the first step on one task."""
        peak = torch.cuda.max_memory_allocated() / 2**20 if self.device == "cuda" else peak_megabytes()
        return {"baseline_megabytes": self._baseline, "peak_megabytes": peak}

    def _time(self, steps: int) -> float:
        assert self._step is not None, "nothing is ready"
        synchronise(self.device)
        start = time.perf_counter()
        for _ in range(steps):
            self._step()
        synchronise(self.device)
        return (time.perf_counter() - start) / steps


def _name_of(device: str) -> str:
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
