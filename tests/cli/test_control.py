import json

import pytest

from innerloop.cli import main

pytestmark = pytest.mark.apps

SMALL = [
    "--train-goals", "2", "--validation-goals", "1", "--test-goals", "2", "--demonstrations", "2", "--steps", "2",
    "--tasks-per-step", "2", "--validation-tasks", "1", "--test-tasks", "2", "--curve-steps", "1", "--limit", "12",
    "--rollouts", "1", "--mapping", "vmap", "--quiet",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache_and_one_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("innerloop.workers.cores", lambda: 1)


def test_a_run_is_trained_and_measured_by_its_success_with_a_gif(tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", "reach", "--run", str(run), *SMALL]) == 0
    assert (run / "page.html").exists()
    capsys.readouterr()
    assert main(["evaluate", str(run), "--curve-steps", "2", "--video", str(tmp_path / "both.gif")]) == 0
    said = capsys.readouterr().out
    assert "success" in said
    assert (tmp_path / "both.gif").read_bytes().startswith(b"GIF")
    found = json.loads((run / "results" / "evaluate.success.test.2goals.json").read_text())
    assert (found["metric"], len(found["values"]), len(found["curve"]), found["limit"]) == ("success", 2, 3, 12)
    assert main(["evaluate", str(run), "--metric", "squared error", "--tasks", "2"]) == 0
    assert "squared error" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--steps", "0"]) == 0
    assert (run / "results" / "evaluate.success.test.2goals.0steps.json").exists()


def test_an_unknown_task_is_one_line(tmp_path, capsys):
    assert main(["train", "reach", "--task", "reech", "--run", str(tmp_path / "run"), *SMALL]) == 2
    said = capsys.readouterr().err
    assert "Did you mean 'reach'?" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()
