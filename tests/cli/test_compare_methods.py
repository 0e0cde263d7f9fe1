"""Methods in place of runs: trained, compared, over shots; what is there is not done again."""

import json

import pytest

from helpers import damage, folders, pools
from innerloop.cli import _training, main

STEPS = ["--steps", "8"]
SMALL = [
    "--tasks-per-step", "2", "--hidden", "6", "--validation-tasks", "4", "--curve-steps", "2", "--mapping", "vmap",
    "--tasks", "12", "--processes", "1",
]  # fmt: skip


def compare(out, *more):
    return main(["compare", "--recipe", "sinusoids", *STEPS, *SMALL, "--out", str(out), *more])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Two methods with two seeds at three numbers of shots."""
    out = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        pools.install(patch)
        assert compare(out, "--seeds", "0", "3", "--shots", "5", "10", "20") == 0
        return out, list(pools.log)


@pytest.fixture(scope="module")
def result(done):
    return json.loads((done[0] / "comparison.json").read_text())


def test_each_training_and_each_row_is_made_once(done):
    out, log = done
    assert log[:4] == [
        "train maml, seed 0",
        "train pretraining, seed 0",
        "train maml, seed 3",
        "train pretraining, seed 3",
    ]
    rows = [entry for entry in log if entry.startswith("row")]
    # maml, joint, fine-tuned, linear head with two seeds; from scratch and trivial with one; at three numbers of shots
    assert len(rows) == len(set(rows)) == 3 * (4 * 2 + 2)
    assert len([entry for entry in log if entry.startswith("cost")]) == 3 * 6
    assert sorted(path.name for path in (out / "runs").iterdir()) == [
        "sinusoids-maml-0", "sinusoids-maml-3", "sinusoids-pretraining-0", "sinusoids-pretraining-3",
    ]  # fmt: skip


def test_what_is_finished_is_skipped(done, in_process, capsys):
    out, _ = done
    before = {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}
    assert compare(out, "--seeds", "0", "3", "--shots", "5", "10", "20") == 0
    assert in_process == []
    assert {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()} == before
    assert "4 trainings, 4 of them done already" in capsys.readouterr().out


def test_rows_that_are_missing_are_made(done, in_process, tmp_path):
    out, _ = done
    (out / "rows" / "test.5shots.sinusoids-maml-3.json").unlink()
    (out / "rows" / "test.constant.cost.json").unlink()
    damaged = out / "rows" / "test.20shots.constant.json"
    damaged.write_text(damaged.read_text()[:50])
    assert compare(out, "--seeds", "0", "3", "--shots", "5", "10", "20") == 0
    assert sorted(in_process) == ["cost None constant", "row test 20 constant", "row test 5 sinusoids-maml-3"]


def test_rows_are_means_over_seeds(done, result):
    out, _ = done
    (maml,) = [row for row in result["tables"]["test"] if row["name"] == "MAML"]
    single = [
        json.loads((out / "rows" / f"test.sinusoids-maml-{seed}.json").read_text())["evaluation"] for seed in (0, 3)
    ]
    assert [seed for seed, _ in maml["seeds"]] == [0, 3]
    assert [mean for _, mean in maml["seeds"]] == pytest.approx([one["mean"] for one in single], abs=1e-5)
    assert maml["values"] == pytest.approx(
        [(a + b) / 2 for a, b in zip(single[0]["values"], single[1]["values"], strict=True)], abs=2e-6
    )
    assert maml["spread"] == pytest.approx(abs(single[0]["mean"] - single[1]["mean"]) / 2**0.5, rel=1e-3)
    (constant,) = [row for row in result["tables"]["test"] if row["family"] == "trivial"]
    assert constant["spread"] is None


def test_costs(done, result):
    out, _ = done
    rows = {row["name"]: row for row in result["tables"]["test"]}
    maml = rows["MAML"]["spent"]
    # 1 -> 6 -> 1
    assert (maml["adapted"], maml["adapted_is"], maml["parameters"]) == (19, "parameters", 19)
    # 8 steps of 2 tasks with 10 support and 10 query points
    assert (maml["train_steps"], maml["train_labels"]) == (8, 8 * 2 * 20)
    fits = [json.loads((out / "runs" / f"sinusoids-maml-{seed}" / "fit.json").read_text()) for seed in (0, 3)]
    assert maml["train_seconds"] == pytest.approx(sum(one["seconds"] for one in fits) / 2)
    assert rows["Pretrained + linear head"]["spent"]["adapted"] == 7
    assert rows["Pretrained + fine-tuned"]["spent"]["train_steps"] == 8
    assert rows["Trivial predictor"]["spent"]["train_seconds"] is None
    assert rows["From scratch"]["spent"]["parameters"] == 0
    assert all(row["spent"]["adapt_seconds"] > 0 for row in rows.values())
    # the joint network learns nothing from a task
    assert {name for name, row in rows.items() if row["spent"]["adapt_bytes"] == 0} == {"Joint network"}
    assert all(row["spent"]["threads"] == 1 for row in rows.values())
    assert "adapting" in rows["Trivial predictor"]["not_beaten"] or rows["Trivial predictor"]["not_beaten"] == []


def test_rivals_are_tuned_for_each_number_of_shots(done):
    out, _ = done
    chosen = [
        json.loads((out / "rows" / f"test{shots}.from_scratch.json").read_text())
        for shots in (".5shots", "", ".20shots")
    ]
    assert all(entry["chosen"]["steps"] >= 1 for entry in chosen)
    assert all("chosen on 6 validation tasks" in entry["note"] for entry in chosen)
    assert [entry["evaluation"]["source"]["shots"] for entry in chosen] == [5, 10, 20]


def test_the_crossover_agrees_with_the_rows(result):
    shots = result["shots"]
    assert shots["values"] == [5, 10, 20]
    assert [len(row["points"]) for row in shots["rows"]] == [3] * 6
    base = {row["name"]: row["mean"] for row in result["tables"]["test"]}
    for row in shots["rows"]:
        assert row["points"][1]["mean"] == pytest.approx(base[row["name"]])
    means = {(row["name"], p["at"]): p["mean"] for row in shots["rows"] for p in row["points"]}
    families = {row["name"]: row["family"] for row in shots["rows"]}
    for meeting in shots["crossovers"]["best transfer row"]["meetings"]:
        rivals = [name for name, family in families.items() if family == "transfer"]
        best = min(rivals, key=lambda name: means[name, meeting["at"]])
        assert (meeting["meta"], meeting["transfer"]) == ("MAML", best)
        advantage = means[best, meeting["at"]] - means["MAML", meeting["at"]]
        assert meeting["advantage"] == pytest.approx(advantage, abs=1e-4)
    assert [one["at"] for one in shots["rulings"]] == [5, 10, 20]


def test_the_page_and_the_verdict(done, result):
    page = (done[0] / "page.html").read_text()
    assert "When there are more examples" in page
    assert "What it costs" in page
    assert "The verdict" in page
    assert result["winner"] in ("meta-learning", "transfer", "level", "trivial")
    assert "Equal: 8 outer steps. Not equal: the training time." in result["equal"]


def test_other_settings_in_the_same_folder_are_refused(done, fails, in_process):
    out, _ = done
    before = damage.snapshot(out)
    words = ["compare", "--recipe", "sinusoids", *STEPS, *SMALL, "--out", out]
    assert "was made with lr 0.006; asked for is 0.5" in fails(*words, "--lr", "0.5")
    assert "was made with minutes None; asked for is 2.0" in fails(
        "compare", "--recipe", "sinusoids", "--minutes", "2", *SMALL, "--out", out
    )
    assert damage.snapshot(out) == before
    assert in_process == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--methods", "maml", "prototypes"], "prototypes learns classes, and these tasks have no classes"),
        (["--methods", "mmal"], "Unknown method 'mmal'"),
        (["--methods", "maml", "maml"], "each only once"),
        (["--seeds", "1", "1"], "each only once"),
        (["--seeds"], "--seeds: expected at least one"),
        (["--seeds", "-1"], "seed must be between 0"),
        (["--minutes", "0", "--steps", "3"], "minutes must be a positive number"),
        (["--minutes", "1", "--steps", "3"], "name one of the two"),
        (["--shots", "0"], "--shots must be at least 1"),
        (["--shots", "x"], "--shots: expected a list of whole numbers"),
        (["--tasks", "0"], "--tasks must be at least 1"),
        (["--processes", "0"], "--processes must be at least 1"),
        (["--threads", "0"], "--threads must be at least 1"),
        (["--lr", "-1"], "lr must be a positive number"),
        (["--method", "maml"], "here it is --methods"),
        (["--seed", "3"], "here it is --seeds"),
        (["some/run"], "give one of the two"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_leave_nothing_behind(options, said, fails, tmp_path, in_process):
    line = fails("compare", "--recipe", "sinusoids", *options, "--out", tmp_path / "out")
    assert said in line
    assert list(tmp_path.iterdir()) == []
    assert in_process == []


def test_mistakes_about_recipes(fails):
    assert "Did you mean 'sinusoids'?" in fails("compare", "--recipe", "sinusoid")
    assert "This recipe needs data" in fails("compare", "--recipe", "folder")
    assert "--seeds is for runs that are trained here" in fails("compare", "runs/a", "--seeds", "1", "2")


def test_a_class_with_too_few_examples_is_said_first(pictures, fails, tmp_path, in_process):
    run = folders.train("folder", tmp_path / "run", "--data", str(pictures))
    in_process.clear()
    line = fails("compare", run, "--shots", "1", "50", "--out", tmp_path / "out")
    assert "50 shots and 2 queries need 52" in line
    assert not (tmp_path / "out").exists()
    assert in_process == []


def test_a_training_that_fails_is_said(tmp_path, fails, monkeypatch):
    monkeypatch.setattr(_training, "_start", lambda job: pools.Done(1))
    line = fails("compare", "--recipe", "sinusoids", *SMALL, "--out", tmp_path / "out")
    assert "Training maml, seed 0 ended with code 1" in line
