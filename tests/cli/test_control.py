import json

import pytest

from innerloop.cli import main
from innerloop.errors import ConfigurationError

pytestmark = pytest.mark.apps

SMALL = [
    "--train-goals", "2", "--validation-goals", "1", "--test-goals", "2", "--demonstrations", "2", "--steps", "2",
    "--tasks-per-step", "2", "--validation-tasks", "1", "--test-tasks", "2", "--curve-steps", "1", "--limit", "12",
    "--rollouts", "1", "--over-shots", "1", "5", "--mapping", "vmap", "--quiet",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache_and_one_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("innerloop.workers.cores", lambda: 1)
    for name in ("_GRID", "_SMALLER_GRID"):
        monkeypatch.setattr(f"innerloop.cli._success.{name}", ((1, 1e-3),))
    monkeypatch.setattr("innerloop.cli._success._RATES", (1e-3,))


def test_a_run_is_trained_and_measured_by_its_success_with_a_gif(tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", "reach", "--run", str(run), *SMALL]) == 0
    page = (run / "page.html").read_text()
    for said in (
        "How often the goal is reached", "MAML before adapting", "Replay of the demonstration", "Joint network",
        "Nearest demonstrated step", "Last state as context", "Pretrained + fine-tuned",
        "Adam, 1 steps at 0.001, chosen on 1 validation goals",
        "Meta-learning or fine-tuning? One demonstration", "Meta-learning or fine-tuning? 5 demonstrations",
        "How many demonstrations?", "data:image/gif;base64,", "not a chosen one",
    ):  # fmt: skip
        assert said in page
    assert "There is no film" not in page
    curve = json.loads((run / "results" / "success.steps.shots5.fine_tune.json").read_text())
    assert [point["steps"] for point in curve["points"]] == [0, 1]
    capsys.readouterr()
    assert main(["evaluate", str(run), "--curve-steps", "2", "--video", str(tmp_path / "both.gif")]) == 0
    said = capsys.readouterr().out
    assert "success" in said
    assert (tmp_path / "both.gif").read_bytes().startswith(b"GIF")
    found = json.loads((run / "results" / "evaluate.success.test.2goals.json").read_text())
    assert (found["metric"], len(found["values"]), len(found["curve"])) == ("success", 2, 3)
    assert found["source"]["limit_of_rollouts"] == 12
    assert main(["evaluate", str(run), "--metric", "squared error", "--tasks", "2"]) == 0
    assert "squared error" in capsys.readouterr().out
    for words in (["--workers", "2"], ["--norm", "batch"], ["--video", "x.gif", "--metric", "squared error"]):
        assert main(["evaluate", str(run), *words]) == 2
        assert f"{words[0]} means nothing" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--steps", "0"]) == 0
    assert (run / "results" / "evaluate.success.test.2goals.0steps.json").exists()


def test_a_run_that_was_stopped_measures_what_is_missing_and_goes_without_a_film(tmp_path, capsys, monkeypatch):
    run, few = tmp_path / "run", [*SMALL, "--over-shots", "1"]
    monkeypatch.setattr("innerloop.cli._success.video", no_renderer)
    with monkeypatch.context() as patch:
        patch.setattr("innerloop.control.Replay.__init__", stopped)
        assert main(["train", "reach", "--run", str(run), "--method", "cnp", *few]) == 130
    before = (run / "results" / "success.json").read_bytes()
    assert not (run / "results" / "success.replay.json").exists()
    assert not (run / "page.html").exists()
    capsys.readouterr()
    assert main(["train", "reach", "--run", str(run), "--method", "cnp", "--resume", *few]) == 0
    assert (run / "results" / "success.json").read_bytes() == before
    assert "innerloop: no film: Nothing can be rendered" in capsys.readouterr().err
    page = (run / "page.html").read_text()
    assert "There is no film" in page
    assert "before adapting" not in page
    assert "Meta-learning or fine-tuning?" not in page  # a neural process has no inner steps
    assert "How many demonstrations?" not in page  # one number is no curve
    assert main(["report", str(run)]) == 0


def stopped(*about):
    raise KeyboardInterrupt


def no_renderer(*about, **more):
    raise ConfigurationError("Nothing can be rendered")


def test_an_unknown_task_is_one_line(tmp_path, capsys):
    assert main(["train", "reach", "--task", "reech", "--run", str(tmp_path / "run"), *SMALL]) == 2
    said = capsys.readouterr().err
    assert "Did you mean 'reach'?" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()
