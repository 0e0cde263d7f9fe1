"""Tables of speed and memory."""

from __future__ import annotations

from _markdown import about, load, markdown
from innerloop.bench import cells, failures
from innerloop.evaluation._words import counted


def bench(name: str) -> str:
    """The tables of `innerloop bench`."""
    found = load(name)
    head = ["implementation", "allocator", "ms a step", "speed, same allocator", "speed, peers as installed"]
    head += ["peak, MB", "above first step, MB", "memory, same allocator", "% of peak"]
    parts = []
    for workload in found["workloads"]:
        lines = [head, *(list(cells(row).values()) for row in workload["rows"])]
        parts += [f"{workload['name']}: {workload['title']}.", markdown(lines)]
        parts += [f"{line}." for line in failures(workload)]
    best = max(found["peak_flops"].values()) / 1e9
    settings, machine = found["settings"], found["machine"]
    rounds = max(len(row.get("seconds", ())) for workload in found["workloads"] for row in workload["rows"])
    versions = ", ".join(f"{library} {found['provenance'][library]}" for library in ("torch", "higher", "torchopt"))
    cores = f"{machine['cores']} cores"
    host = f"beside {cores} of a CPU" if settings["device"] == "cuda" else cores
    parts.append(
        f"Speed and memory against the fastest peer; * the mapping that the library picks. Up to {rounds} rounds with "
        f"{counted(settings['threads'], 'threads')} on {machine['device']} ({host}), whose measured peak is "
        f"{best:.0f} GFLOP/s. {versions}. From `results/{name}.json`."
    )
    return "\n\n".join(parts)


def memory(name: str) -> str:
    """The tables of benchmarks/memory.py."""
    found = load(name)
    lines = [["what grows", "outer gradient", "mapping", "inner steps", "tasks", "tensors, MB", "peak, MB"]]
    lines[0] += ["above first step, MB"]
    course = [["mapping", "iteration", "live tensors", "resident, MB"]]
    for row in found["rows"]:
        sizes = [str(row["workload"][size]) for size in ("inner_steps", "tasks")]
        peak, baseline = row["peak_megabytes"], row["baseline_megabytes"]
        if not row["course"]:
            numbers = [f"{row['tensor_megabytes']:.0f}", f"{peak:.0f}", f"{peak - baseline:.0f}"]
            lines.append([row["sweep"], row["outer_gradient"], row["mapping"], *sizes, *numbers])
        for now in row["course"]:
            numbers = [f"{now['iteration']:,}", str(now["live_tensors"]), f"{now['resident_megabytes']:.0f}"]
            course.append([row["mapping"], *numbers])
    return "\n\n".join(
        [markdown(lines), markdown(course), f"From `results/{name}.json`: {about(found['provenance'], 1)}"]
    )
