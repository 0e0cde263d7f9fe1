"""Writes the tables of README.md and of pages in docs/ from the files in results/.

    python tools/write_tables.py

A table stands between `<!-- results:NAME -->` and `<!-- /results -->`; a test checks that the pages are up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import _control
import _recommendation
from _explained import explain
from _families import PROBLEMS, answers
from _grids import omniglot_attempts, omniglot_methods, sinusoid_family
from _learned import budget, comparison, crossover, robustness, sinusoids
from _markdown import ROOT
from _measured import bench, memory
from _regression import curves, parkinsons
from _returns import attempts, kills, returns

PAGES = (
    "README.md",
    "docs/results.md",
    "docs/families.md",
    "docs/benchmarks.md",
    "docs/explain.md",
    "docs/control.md",
    "docs/rl.md",
    "docs/recommend.md",
)

TABLES: dict[str, Callable[[bool], str]] = {
    "demo": lambda full: comparison("demo", full),
    "omniglot": lambda full: comparison("omniglot", full),
    "sinusoids": lambda full: sinusoids("sinusoids"),
    "folder": lambda full: comparison("folder", full),
    "table": lambda full: comparison("table", full),
    "robustness": lambda full: robustness("kill"),
    "bench": lambda full: bench("bench"),
    "bench_28": lambda full: bench("bench_28"),
    "bench_84": lambda full: bench("bench_84"),
    "bench_gpu": lambda full: bench("bench_gpu"),
    "bench_gpu_28": lambda full: bench("bench_gpu_28"),
    "memory": lambda full: memory("memory"),
    "omniglot_methods": lambda full: omniglot_methods("omniglot_methods"),
    "omniglot_gpu": lambda full: omniglot_methods("omniglot_gpu"),
    "omniglot_attempts": lambda full: omniglot_attempts("omniglot_attempts"),
    "sinusoid_family": lambda full: sinusoid_family("sinusoid_family"),
    "curves": lambda full: curves("curves"),
    "parkinsons": lambda full: parkinsons("parkinsons"),
    "explain": lambda full: explain("explain"),
    "control": lambda full: _control.control("control"),
    "control_replay": lambda full: _control.replay("control"),
    "control_curves": lambda full: _control.curves("control"),
    "control_more": lambda full: _control.more("control"),
    "rl": lambda full: returns("rl"),
    "rl_attempts": lambda full: attempts("rl_attempts"),
    "rl_kills": lambda full: kills("rl_kills"),
    "recommend": lambda full: _recommendation.movielens("recommend"),
    "recommend_melu": lambda full: _recommendation.melu("recommend"),
    "recommend_simulated": lambda full: _recommendation.simulated("recommend"),
    "recommend_stream": lambda full: _recommendation.stream("recommend_stream"),
    "bench_recommend": lambda full: _recommendation.serving("bench_recommend"),
    "onboarding": lambda full: _recommendation.onboarding("onboarding"),
    "families": lambda full: answers("families"),
    **{f"families_{name}": lambda full, name=name: crossover(f"families_{name}") for name in PROBLEMS},
    "families_data": lambda full: budget("families_data"),
}
FILES = {
    "robustness": "kill", **dict.fromkeys(("control_replay", "control_curves", "control_more"), "control"),
    **dict.fromkeys(("recommend_melu", "recommend_simulated"), "recommend"),
}  # fmt: skip
COMMANDS = {
    "bench": "innerloop bench --workloads S --allocator default --seconds 30",
    "bench_28": "innerloop bench --workloads O --threads 2 --seconds 70 --out results/bench_28.json",
    "bench_84": "innerloop bench --workloads M --threads 2 --seconds 150 --rounds 5 --out results/bench_84.json",
    "bench_gpu": "innerloop bench --device cuda --workloads S1 O1 --sweep --out results/bench_gpu.json",
    "bench_gpu_28": "innerloop bench --device cuda --workloads O1 --sweep --out results/bench_gpu_28.json",
    "memory": "python benchmarks/memory.py",
    "omniglot_methods": "python evidence/omniglot.py",
    "omniglot_gpu": "python evidence/omniglot.py --device cuda --out results/omniglot_gpu.json",
    "omniglot_attempts": "python evidence/omniglot_attempts.py",
    "sinusoid_family": "python evidence/sinusoid_family.py",
    "curves": "python evidence/curves.py",
    "parkinsons": "python evidence/parkinsons.py",
    "explain": "python evidence/explain.py",
    **dict.fromkeys(("control", "control_replay", "control_curves", "control_more"), "python evidence/control.py"),
    "rl": "python evidence/rl.py",
    "rl_attempts": "python evidence/rl.py --families cheetah --methods promp --iterations 800 --rate 3e-3 --workers 2 "
    "--threads 2 --runs runs/attempts --out results/rl_attempts.json --image runs/rl_attempts.png",
    "rl_kills": "python evidence/rl_kills.py",
    **dict.fromkeys(("recommend", "recommend_melu", "recommend_simulated"), "python evidence/recommend.py"),
    "recommend_stream": "python benchmarks/recommend_stream.py",
    "bench_recommend": "python benchmarks/recommend.py",
    "onboarding": "python evidence/onboarding.py",
    **dict.fromkeys(
        (f"families_{name}" for name in (*PROBLEMS, "data")),
        "python evidence/families.py",
    ),
}


def filled(page: str, text: str) -> str:
    """A page's text with its tables as the results say."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        file = f"results/{FILES.get(name, name)}.json"
        made = f": `{file}` is made by `{COMMANDS[name]}`" if name in COMMANDS else ""
        there = name == "families" or (ROOT / file).exists()  # that one is put together from several files
        text = TABLES[name](page != "README.md") if there else f"Not measured yet{made}."
        return f"<!-- results:{name} -->\n{text}\n<!-- /results -->"

    return re.sub(r"<!-- results:(\w+) -->\n.*?<!-- /results -->", table, text, flags=re.DOTALL)


def main() -> None:
    """Writes the pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(page, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
