import json

from innerloop.cli import main


def train(folder, method, *more):
    arguments = ["--steps", "4", "--test-tasks", "8", "--validation-tasks", "4", "--quiet", *more]
    assert main(["train", "sinusoids", "--method", method, "--run", str(folder), *arguments]) == 0


def test_runs_are_compared_on_the_same_tasks(tmp_path, capsys):
    a, b, out, copy = tmp_path / "a", tmp_path / "b", tmp_path / "both", tmp_path / "copy.json"
    train(a, "maml")
    train(b, "pretraining")
    capsys.readouterr()
    arguments = ["--tasks", "8", "--no-baselines", "--processes", "1", "--out", str(out), "--json", str(copy)]
    assert main(["compare", str(a), str(b), *arguments]) == 0
    said = capsys.readouterr().out
    assert "MAML" in said
    assert "Joint network" in said
    found = json.loads((out / "comparison.json").read_text())
    assert found == json.loads(copy.read_text())
    rows = found["tables"]["test"]
    assert [len(row["values"]) for row in rows] == [8, 8]
    assert rows[0]["source"] == rows[1]["source"]
    assert "<html" in (out / "page.html").read_text()

    before = {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}
    assert main(["compare", str(a), str(b), *arguments]) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()} == before


def test_runs_of_other_tasks_are_refused(tmp_path, capsys):
    train(tmp_path / "a", "maml")
    train(tmp_path / "b", "maml", "--shots", "5")
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "both")]) == 2
    assert "other test tasks" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_a_comparison_needs_runs(capsys):
    assert main(["compare"]) == 2
    assert capsys.readouterr().err.startswith("innerloop: ")
