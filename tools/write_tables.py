"""Writes the tables of README.md, docs/results.md and docs/benchmarks.md from the files in results/.

    python tools/write_tables.py

A table stands between `<!-- results:NAME -->` and `<!-- /results -->`; a test checks that the pages are up to date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from innerloop.bench import cells, failures

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/results.md", "docs/benchmarks.md")
_NORMS = {"batch": "query batch (transductive)", "support": "support set", "running": "running averages", "none": "-"}
_TITLES = {"test": "Test scripts, never seen in training:", "omniglot": "Real handwriting, never seen in training:"}


def load(name: str) -> Any:
    """A results file."""
    return json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))


def evaluations(rows: list[dict[str, Any]]) -> str:
    """A table of evaluations on the same tasks, best first."""
    accuracy = rows[0]["metric"] == "accuracy"
    rows = sorted(rows, key=lambda row: row["mean"], reverse=accuracy)
    seconds = any(row.get("trained_seconds") for row in rows)
    head = ["learner", "accuracy, %" if accuracy else "squared error", "query normalised with"]
    lines = [[*head, "training, s"] if seconds else head]
    for row in rows:
        scale, digits = (100, ".1f") if accuracy else (1, ".3g")
        number = f"{scale * row['mean']:{digits}} ± {scale * row['half']:{digits}}"
        line = [row["name"] + (f" ({row['note']})" if row.get("note") else ""), number, _NORMS[row["norm"]]]
        if seconds:
            line.append(f"{row['trained_seconds']:.0f}" if row.get("trained_seconds") else "-")
        lines.append(line)
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Rows of cells as a table; the first row is the head."""
    head, *body = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|" + "---|" * len(lines[0]), *body])


def about(provenance: dict[str, Any], seeds: int, *extra: str) -> str:
    """Where numbers come from, in a line."""
    said = [
        f"{seeds} training seed{'s' if seeds > 1 else ''}",
        f"torch {provenance['torch']}",
        f"{provenance['threads']} thread{'s' if provenance['threads'] > 1 else ''} of a CPU",
        *extra,
    ]
    return "; ".join(said) + "."


def comparison(name: str, titles: bool) -> str:
    """The tables of `innerloop compare`."""
    found = load(name)
    parts = []
    for key, rows in found["tables"].items():
        if titles:
            heading = _TITLES[key] if len(found["tables"]) > 1 else ""
            parts.append(f"{heading} {_tasks(rows[0])}".strip())
        parts.append(evaluations(rows))
        if not titles:
            break
    best, rest = found["best"], found["verdicts"]
    if titles and rest:
        parts.append(f"Best on these tasks: {best}. {rest[0][0].upper()}{rest[0][1:]}.")
    return "\n\n".join(
        [*filter(None, parts), f"From `results/{name}.json`: " + about({**found["provenance"], **_threads(found)}, 1)]
    )


def sinusoids(name: str) -> str:
    """The sinusoid table."""
    found = load(name)
    lines = [["learner", "inner steps", "squared error", "sd over seeds"]]
    for row in found["table"]:
        spread = f"{row['sd_over_seeds']:.2g}" if row["sd_over_seeds"] is not None else "-"
        lines.append([row["row"], str(row["steps"] or "-"), f"{row['mean']:.3g} ± {row['half']:.2g}", spread])
    times = ", ".join(
        f"{entry['times_lower']:.1f} times after {entry['steps']}" for entry in found["maml_against_pretrained"]
    )
    seeds = len(found["training_seeds"])
    return "\n\n".join([
        f"{found['tasks']['count']:,} test tasks, {found['outer_steps']:,} outer steps; the inner rate of each row was "
        f"chosen among {len(found['rates_tried'])} on {found['chosen_on']}. Predicting zero gives "
        f"{found['predict_zero']:.3g}.",
        markdown(lines),
        f"MAML's error is lower than the pretrained network's by these factors: {times} step(s). Published with "
        "another schedule (Zintgraf et al. 2019, table 1): 0.33 for MAML after one step.",
        f"From `results/{name}.json`: " + about(found["provenance"], seeds),
    ])  # fmt: skip


def robustness(name: str) -> str:
    """The kill test in a sentence."""
    found = load(name)
    said = "equal to the bit" if found["equal"] else f"different in {', '.join(found['different'])}"
    return (
        f"{found['kills']} kills in a run of {found['steps']:,} steps; afterwards the weights are {said} to those of "
        f"the uninterrupted run. From `results/{name}.json`."
    )


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
    parts.append(
        f"Speed and memory against the fastest peer; * the mapping that the library picks. Up to {rounds} rounds with "
        f"{settings['threads']} thread(s) on {machine['device']} ({machine['cores']} cores), whose measured peak is "
        f"{best:.0f} GFLOP/s. {versions}. From `results/{name}.json`."
    )
    return "\n\n".join(parts)


def memory(name: str) -> str:
    """The tables of benchmarks/memory.py."""
    found = load(name)
    lines = [["what grows", "outer gradient", "mapping", "inner steps", "tasks", "peak, MB", "above first step, MB"]]
    course = [["mapping", "iteration", "live tensors", "resident, MB"]]
    for row in found["rows"]:
        sizes = [str(row["workload"][size]) for size in ("inner_steps", "tasks")]
        peak, baseline = row["peak_megabytes"], row["baseline_megabytes"]
        if not row["course"]:
            numbers = [f"{peak:.0f}", f"{peak - baseline:.0f}"]
            lines.append([row["sweep"], row["outer_gradient"], row["mapping"], *sizes, *numbers])
        for now in row["course"]:
            numbers = [f"{now['iteration']:,}", str(now["live_tensors"]), f"{now['resident_megabytes']:.0f}"]
            course.append([row["mapping"], *numbers])
    return "\n\n".join(
        [markdown(lines), markdown(course), f"From `results/{name}.json`: {about(found['provenance'], 1)}"]
    )


def _threads(found: dict[str, Any]) -> dict[str, int]:
    # each row was computed by a process of its own
    return {"threads": next(iter(found["tables"].values()))[0]["about"]["threads"]}


def _tasks(row: dict[str, Any]) -> str:
    source = row["source"]
    shape = f"{source['ways']}-way {source['shots']}-shot" if source.get("ways") else f"{source['shots']} support rows"
    return f"{len(row['values']):,} {source['split']} tasks of {source['name']}, {shape}."


TABLES: dict[str, Callable[[bool], str]] = {
    "demo": lambda full: comparison("demo", full),
    "omniglot": lambda full: comparison("omniglot", full),
    "sinusoids": lambda full: sinusoids("sinusoids"),
    "folder": lambda full: comparison("folder", full),
    "table": lambda full: comparison("table", full),
    "robustness": lambda full: robustness("kill"),
    "bench": lambda full: bench("bench"),
    "memory": lambda full: memory("memory"),
}


FILES = {"robustness": "kill"}
COMMANDS = {"bench": "innerloop bench", "memory": "python benchmarks/memory.py"}


def filled(page: str, text: str) -> str:
    """A page's text with its tables as the results say."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        file = f"results/{FILES.get(name, name)}.json"
        made = f": `{file}` is made by `{COMMANDS[name]}`" if name in COMMANDS else ""
        text = TABLES[name](page != "README.md") if (ROOT / file).exists() else f"Not measured yet{made}."
        return f"<!-- results:{name} -->\n{text}\n<!-- /results -->"

    return re.sub(r"<!-- results:(\w+) -->\n.*?<!-- /results -->", table, text, flags=re.DOTALL)


def main() -> None:
    """Writes the pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(page, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
