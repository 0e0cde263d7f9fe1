"""`innerloop train navigation` and its like: a run, its page, its measurements, and mistakes in one line."""

import json
import signal

import pytest
import torch

from helpers import damage
from innerloop.cli import main
from innerloop.files import load_tensors
from innerloop.outer import Run
from innerloop.rl._loop import Loop

SMALL = [
    "--iterations", "4", "--tasks", "2", "--episodes", "2", "--horizon", "5", "--hidden", "8",
    "--validation-tasks", "3", "--validate-every", "2", "--test-tasks", "3", "--rounds", "2", "--quiet",
]  # fmt: skip


@pytest.fixture(scope="module")
def navigation_run(tmp_path_factory):
    """A run on navigation. Tests must not change it."""
    run = tmp_path_factory.mktemp("runs") / "navigation"
    assert main(["train", "navigation", "--run", str(run), *SMALL]) == 0
    return run


def test_a_run_is_measured_and_has_a_page_over_environment_steps(navigation_run):
    found = json.loads((navigation_run / "results" / "test.json").read_text())
    assert [len(values) for values in found["values"]] == [3, 3, 3]
    assert json.loads((navigation_run / "results" / "test.untrained.json").read_text())["name"].endswith("untrained")
    page = (navigation_run / "page.html").read_text()
    for said in ("million environment steps", "trivial policy", "after 2 rounds", "MAML policy, untrained", "±"):
        assert said in page
    # 4 steps of 2 tasks and 2 episodes of 5 steps, before and after
    assert "160 environment steps" in page
    assert "http" not in page


def test_one_test_task_has_no_interval_and_is_no_mistake(tmp_path):
    run = tmp_path / "one"
    few = ["--test-tasks", "1", "--validation-tasks", "1"]
    assert main(["train", "navigation", "--run", str(run), *SMALL, *few]) == 0
    assert json.loads((run / "results" / "test.json").read_text())["curve"][0][1] is None
    assert (run / "page.html").exists()
    assert main(["evaluate", str(run), "--tasks", "1"]) == 0


def test_a_run_of_pooled_pretraining_is_validated_after_a_round(tmp_path):
    run = tmp_path / "pooled"
    assert main(["train", "navigation", "--method", "pooled", "--run", str(run), *SMALL]) == 0
    (line, *_) = [line for line in Run(run).metrics() if "validation" in line]
    assert line["validation"] != line["validation_before"]


def test_a_run_of_pooled_pretraining_adapts_at_a_rate_chosen_on_validation_tasks(tmp_path, fails):
    run, rates = tmp_path / "pooled", (0.01, 0.1)
    words = ["--method", "pooled", "--run", str(run), *SMALL, "--inner-rates", *map(str, rates)]
    assert main(["train", "navigation", *words]) == 0
    fit = json.loads((run / "fit.json").read_text())
    assert {fit["inner_lr"], fit["untrained"]} <= {*rates}
    assert f"{fit['inner_lr']:g}, which earned most after one round" in (run / "page.html").read_text()
    whole = json.loads((run / "results" / "test.json").read_text())["values"]
    out = run / "again.json"
    for _ in range(2):  # as it is kept, and chosen again where it was lost
        assert main(["evaluate", str(run), "--tasks", "3", "--out", str(out)]) == 0
        assert json.loads(out.read_text())["values"] == whole
        (run / "fit.json").unlink(missing_ok=True)
    (run / "fit.json").write_text('{"inner_lr": []}')
    assert "says no inner rate" in fails("evaluate", run)
    assert "inner_rates: expected at least one" in fails("train", "navigation", *words[:2], "--inner-rates")
    assert "promp on navigation does not read --inner-rates" in fails("train", "navigation", "--inner-rates", "0.1")


def test_the_page_says_where_the_row_without_meta_learning_is(navigation_run):
    assert "innerloop train navigation --method pooled" in (navigation_run / "page.html").read_text()


def test_bandits_are_measured_beside_their_rules(tmp_path):
    run, small = tmp_path / "bandits", [word for word in SMALL if word not in ("--horizon", "5", "--hidden", "8")]
    assert main(["train", "bandits", "--pulls", "4", "--run", str(run), *small, "--rounds", "0"]) == 0
    names = {path.stem for path in (run / "results").iterdir()}
    assert names == {"test", "test.ucb1", "test.thompson", "test.random"}
    assert "regret against whoever knows the task" in (run / "page.html").read_text()
    found = json.loads((run / "results" / "test.json").read_text())
    assert found["regret"][0][0] == pytest.approx(sum(found["oracle"]) / 3 - found["curve"][0][0], abs=1e-3)


def test_a_run_that_is_interrupted_goes_on_to_the_end_of_one_that_is_not(navigation_run, tmp_path, monkeypatch, capsys):
    run, words = tmp_path / "again", ["train", "navigation", "--run", str(tmp_path / "again"), *SMALL]
    step = Loop.step

    def interrupted_in_the_third(self):
        if self.record.state.step == 2:
            signal.raise_signal(signal.SIGINT)  # Ctrl-C
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "step", interrupted_in_the_third)
        assert main(words) == 130
    assert "with --resume goes on" in capsys.readouterr().err
    assert load_tensors(Run(run).last)[1]["progress"]["step"] == 3
    assert not (run / "results").exists()
    assert not (run / "page.html").exists()
    assert main([*words, "--resume"]) == 0
    one, two = Run(navigation_run), Run(run)
    assert all(one.results()[name]["values"] == two.results()[name]["values"] for name in ("test", "test.untrained"))
    logs = [[{k: v for k, v in line.items() if k != "seconds"} for line in each.metrics()] for each in (one, two)]
    assert logs[0] == logs[1]
    assert [line["step"] for line in logs[0] if "loss" in line] == [1, 2, 3, 4]
    for name in ("last", "best"):
        weights = [load_tensors(getattr(each, name))[0] for each in (one, two)]
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_run_is_measured_again_with_other_rounds_and_tasks(navigation_run, copied, capsys):
    run = copied(navigation_run)
    assert main(["evaluate", str(run), "--rounds", "1", "--tasks", "4"]) == 0
    assert "after 1 round" in capsys.readouterr().out
    found = json.loads((run / "results" / "evaluate.return.test.4tasks.1rounds.json").read_text())
    assert (len(found["values"]), len(found["values"][0])) == (2, 4)
    whole = json.loads((run / "results" / "test.json").read_text())["values"]
    assert found["values"][0][:3] == whole[0]  # the same tasks and episodes
    assert main(["report", str(run)]) == 0


def test_the_page_says_how_often_a_goal_is_reached_where_environments_say_it(navigation_run, copied):
    run = copied(navigation_run)
    assert "reach the goal" not in (run / "page.html").read_text()
    path = run / "results" / "test.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "success": [[0, 0.5, 0], [0.5, 1, 0], [0.5, 1, 0.75]]}))
    assert main(["report", str(run)]) == 0
    page = (run / "page.html").read_text()
    assert "75 %" in page
    assert "Episodes that reach the goal, in per cent, after 0, 1, ... rounds: MAML policy 16.7 ± " in page


def test_costs_are_said_before_anything_is_trained(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "cheetah-velocity", "--preset", "paper", "--help"])
    assert stop.value.code == 0
    assert "320.0 million environment steps" in " ".join(capsys.readouterr().out.split())
    assert main(["recipes"]) == 0
    assert "cheetah-velocity" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "navigtion"], "Did you mean 'navigation'?"),
        (["train", "navigation", "--method", "maml"], "there are promp, maml_trpo"),
        (["train", "navigation", "--preset", "long"], "Unknown preset 'long'"),
        (["train", "navigation", "--arms", "3"], "Unknown option --arms"),
        (["train", "navigation", "--tasks", "few"], "--tasks: expected a whole number; got 'few'"),
        (["train", "navigation", "--iterations", "0"], "iterations must be at least 1; got 0"),
        (["train", "navigation", "--recipe", "bandits"], "the recipe is named once"),
        (["train", "cheetah-velocity", "--method", "rl2"], "environments that are tensors"),
        (["train", "navigation", "--threads", "0"], "threads must be at least 1"),
        (["train", "navigation", "--width", "48"], "promp on navigation does not read --width"),
        (["train", "bandits", "--hidden", "8"], "rl2 on bandits does not read --hidden"),
        (["train", "navigation", "--workers", "2"], "--workers means nothing for navigation"),
        (["train", "bandits", "--ray"], "--ray means nothing for bandits"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, said, fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in fails(*words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--norm", "batch"], "--norm means nothing for a run of reinforcement learning"),
        (["--video", "x.gif"], "--video means nothing"),
        (["--curve-steps", "0"], "--curve-steps means nothing"),  # the default, but somebody has said it
        (["--workers", "2"], "--workers means nothing for navigation"),
        (["--rounds", "-1"], "0 rounds"),
        (["--tasks", "0"], "at least 1 task"),
    ],
)
def test_options_of_other_runs_are_refused(words, said, navigation_run, fails):
    before = damage.snapshot(navigation_run)
    assert said in fails("evaluate", navigation_run, *words)
    assert damage.snapshot(navigation_run) == before


def test_rounds_are_refused_for_other_runs(sinusoid_run, fails):
    assert "--rounds means nothing for a run that is not" in fails("evaluate", sinusoid_run, "--rounds", "1")


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_other_commands_say_which_do(command, navigation_run, fails):
    assert "is a run of reinforcement learning (navigation)" in fails(command, navigation_run)


def test_a_folder_that_is_taken_is_refused(navigation_run, fails):
    assert "already holds a run" in fails("train", "navigation", "--run", navigation_run, *SMALL)


@pytest.mark.parametrize("name", ["results/test.json", "config.json", "metrics.jsonl", "best.safetensors"])
def test_damaged_files_are_one_line(name, navigation_run, copied, fails, capsys):
    run = copied(navigation_run)
    whole = (run / name).read_bytes()
    (run / name).write_bytes(whole[: len(whole) // 2])
    command = "evaluate" if name == "best.safetensors" else "report"
    if name == "metrics.jsonl":
        assert main([command, str(run)]) == 0  # a last line that is cut is left out
    else:
        fails(command, run)
    if name == "results/test.json":
        (run / name).write_text(json.dumps({**json.loads(whole), "values": [[1.0]]}))
        assert "is damaged" in fails(command, run)
        (run / name).unlink()
        assert "has no results/test.json" in fails(command, run)


@pytest.mark.apps
def test_a_simulator_is_trained_in_worker_processes(tmp_path, capsys):
    run, small = tmp_path / "run", [word if word != "3" else "2" for word in SMALL]
    assert main(["train", "cheetah-velocity", "--run", str(run), *small, "--workers", "1"]) == 0
    assert "mujoco" in (run / "config.json").read_text()
    assert main(["evaluate", str(run), "--workers", "1", "--rounds", "0"]) == 0
    assert "return after 0 rounds" in capsys.readouterr().out
