"""The tables that tools/write_tables.py makes of measurements."""

import importlib.util
from pathlib import Path

import pytest

from innerloop.bench._ratios import with_ratios

PROVENANCE = {"torch": "2.13.0", "threads": 1, "higher": "0.2.1", "torchopt": "0.7.3"}


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location("write_tables", Path(__file__).parents[1] / "tools/write_tables.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def rows_of(markdown):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines() if line.startswith("|")]


def test_bench(tool, monkeypatch):
    memory = {"peak_megabytes": 300.0, "baseline_megabytes": 250.0}
    ours = {"implementation": "loop", "peer": False, "allocator": "kept", "seconds": [0.01, 0.01], **memory}
    peer = {"implementation": "higher", "peer": True, "allocator": "default", "seconds": [0.02, 0.04], **memory}
    failed = {"implementation": "vmap", "peer": False, "allocator": "kept", "error": "MemoryError: too much"}
    rows = [row | {"fraction_of_peak": 0.5, "picked": False} for row in with_ratios([ours, peer])]
    rows[0]["picked"] = True
    result = {
        "settings": {"threads": 1},
        "machine": {"device": "a processor", "cores": 2},
        "provenance": PROVENANCE,
        "peak_flops": {"matrix product": 9e10, "convolution": 2e11},
        "workloads": [{"name": "S1", "title": "a title", "rows": [*rows, failed]}],
    }
    monkeypatch.setattr(tool, "load", lambda name: result)
    text = tool.bench("bench")
    head, _, first, second, third = rows_of(text)
    assert len(head) == len(first) == len(second) == len(third)
    assert first[:5] == ["loop *", "kept", "10", "-", "3.00"]
    assert first[5:7] == ["300", "50"]
    assert second[:5] == ["higher", "default", "30", "1.00", "1.00"]
    assert third[2] == "failed"
    assert "vmap (kept allocator) failed on S1: MemoryError: too much." in text
    assert "Up to 2 rounds" in text
    assert "200 GFLOP/s" in text


def test_memory(tool, monkeypatch):
    row = {
        "outer_gradient": "unrolled", "mapping": "loop", "workload": {"inner_steps": 5, "tasks": 8},
        "peak_megabytes": 300.0, "baseline_megabytes": 250.0,
    }  # fmt: skip
    course = [{"iteration": 2000, "live_tensors": 105, "resident_megabytes": 260.0}]
    rows = [row | {"sweep": "tasks", "course": []}, row | {"sweep": "iterations", "course": course}]
    monkeypatch.setattr(tool, "load", lambda name: {"rows": rows, "provenance": PROVENANCE})
    text = tool.memory("memory")
    assert ["tasks", "unrolled", "loop", "5", "8", "300", "50"] in rows_of(text)
    assert ["loop", "2,000", "105", "260"] in rows_of(text)


def test_what_was_not_measured_says_how_to(tool, monkeypatch, tmp_path):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    page = "<!-- results:bench -->\n<!-- /results -->"
    said = "Not measured yet: `results/bench.json` is made by `innerloop bench`."
    assert tool.filled("docs/benchmarks.md", page) == f"<!-- results:bench -->\n{said}\n<!-- /results -->"
