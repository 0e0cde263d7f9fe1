import csv
import json

import pytest
import torch

import innerloop
from helpers import folders
from innerloop.cli import main
from innerloop.cli._work import open_learner
from innerloop.sources import Pictures


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_says_what_was_learned_and_saves_it(picture_run, two_classes, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    assert main(["adapt", str(picture_run), "--support", str(two_classes), "--out", str(out)]) == 0
    assert lines(capsys) == ["MAML: learned 2 classes from 6 pictures: dark (3), light (3)", str(out)]
    model = innerloop.load(out)
    assert model.classes == ["dark", "light"]
    assert model.about == {"pictures": {"size": 16, "grey": False, "ink": "as is", "centre": False}}


def test_the_model_is_the_one_that_python_gives(picture_run, two_classes, adapted):
    pictures = Pictures(16)
    x = torch.stack([pictures.load(two_classes / name / f"{i}.png") for name in ("dark", "light") for i in range(3)])
    y = torch.tensor([0, 0, 0, 1, 1, 1])
    _, _, learner = open_learner(picture_run)
    expected = learner.adapted(x / 255, y, classes=["dark", "light"])
    assert torch.equal(innerloop.load(adapted)(x / 255), expected(x / 255))


def test_predicts_files_and_folders(picture_run, two_classes, tmp_path, capsys):
    alone = folders.write_picture(tmp_path / "alone.png", 215, 7)
    folders.write_picture(tmp_path / "more" / "deep" / "down.png", 35, 8)
    code = main(["adapt", str(picture_run), "--support", str(two_classes), "--out", str(tmp_path / "m.safetensors"),
                 "--predict", str(alone), str(tmp_path / "more"), "--json"])  # fmt: skip
    rows = [json.loads(line) for line in lines(capsys)]
    assert code == 0
    assert [row["picture"] for row in rows] == [str(alone), str(tmp_path / "more/deep/down.png")]
    assert {row["class"] for row in rows} <= {"dark", "light"}
    assert all(0.5 <= row["confidence"] <= 1 for row in rows)


def test_a_saved_model_predicts_the_same_without_the_run(picture_run, two_classes, adapted, tmp_path, capsys):
    out = tmp_path / "m.safetensors"
    main(["adapt", str(picture_run), "--support", str(two_classes), "--out", str(out), "--predict", str(two_classes),
          "--json"])  # fmt: skip
    here = lines(capsys)
    assert main(["adapt", "--model", str(adapted), "--predict", str(two_classes), "--json"]) == 0
    assert lines(capsys) == here
    assert len(here) == 6


def test_the_model_of_a_run_is_found_without_its_name(picture_run, two_classes, copied, capsys):
    run = copied(picture_run)
    main(["adapt", str(run), "--support", str(two_classes)])
    assert lines(capsys)[-1] == str(run / "adapted.safetensors")
    assert main(["adapt", str(run), "--predict", str(two_classes / "dark")]) == 0
    table = lines(capsys)
    assert table[0].split() == ["picture", "class", "confidence"]
    assert len(table) == 4
    assert all(line.endswith(" %") for line in table[1:])


def test_needs_no_training_data(picture_run, table_run, two_classes, table, copied, tmp_path, capsys):
    for run, support in ((picture_run, two_classes), (table_run, table)):
        run = copied(run)
        config = json.loads((run / "config.json").read_text())
        config["recipe"]["data"] = "/gone"
        (run / "config.json").write_text(json.dumps(config))
        assert main(["adapt", str(run), "--support", str(support)]) == 0


def test_warns_of_unequal_classes(picture_run, two_classes, tmp_path, capsys):
    for i in range(2):
        folders.write_picture(tmp_path / "s" / "few" / f"{i}.png", 40, i)
    for i in range(5):
        folders.write_picture(tmp_path / "s" / "many" / f"{i}.png", 200, i)
    out = tmp_path / "m.safetensors"
    assert main(["adapt", str(picture_run), "--support", str(tmp_path / "s"), "--out", str(out)]) == 0
    warning = capsys.readouterr().err
    assert warning.startswith("warning: the classes have unequal numbers of examples ('few' 2, 'many' 5)")
    assert warning.count("\n") == 1


@pytest.mark.parametrize("method", ["prototypes", "pretraining"])
def test_learners_without_a_head_take_any_number_of_classes(method, pictures, tmp_path, capsys):
    run = folders.train("folder", tmp_path / method, "--method", method, "--data", str(pictures))
    assert main(["adapt", str(run), "--support", str(pictures), "--predict", str(pictures / "class 3")]) == 0
    assert "learned 12 classes from 48 pictures" in capsys.readouterr().out


def test_characters_are_prepared_as_in_training(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("INNERLOOP_CACHE")  # the letters are rendered there already, by other tests
    run = tmp_path / "run"
    small = [o for o in folders.PICTURE_OPTIONS if o not in ("--size", "16")]
    assert main(["train", "characters", "--run", str(run), *small]) == 0
    support = folders.write_pictures(tmp_path / "letters", classes=2)
    assert main(["adapt", str(run), "--support", str(support)]) == 0
    assert innerloop.load(run / "adapted.safetensors").about == {
        "pictures": {"size": 28, "grey": True, "ink": "bright", "centre": False}
    }


def test_tables_are_predicted_in_their_own_units(table_run, table, tmp_path, capsys):
    rows = list(csv.DictReader(table.read_text().splitlines()))
    support, new, out = tmp_path / "support.csv", tmp_path / "new.csv", tmp_path / "m.safetensors"
    with open(support, "w", newline="") as file:
        writer = csv.DictWriter(file, ["plant", "light", "water", "height"])
        writer.writeheader()
        writer.writerows(rows[:5])
    new.write_text("light;water\n" + "".join(f"{row['light']};{row['water']}\n" for row in rows[5:9]))
    code = main(
        ["adapt", str(table_run), "--support", str(support), "--out", str(out), "--predict", str(new), "--json"]
    )
    found = [json.loads(line) for line in lines(capsys)]
    assert code == 0
    assert [row["line"] for row in found] == [2, 3, 4, 5]

    from innerloop.sources import Table

    scaling = Table(table, "plant", "height", shots=3, queries=4).scaling
    _, _, learner = open_learner(table_run)
    model = learner.adapted(scaling.rows(rows[:5]), scaling.targets(rows[:5]))
    expected = scaling.restore(model(scaling.rows(rows[5:9])).double()).flatten()
    assert [row["height"] for row in found] == expected.tolist()
    assert main(["adapt", "--model", str(out), "--predict", str(new), "--json"]) == 0
    assert [json.loads(line) for line in lines(capsys)] == found


def test_tables_of_classes(tmp_path, capsys):
    path = tmp_path / "kinds.csv"
    body = "".join(f"t{i % 12},{i % 5},{i % 7},{'tall' if i % 3 else 'small'}\n" for i in range(140))
    path.write_text("task,a,b,kind\n" + body)
    options = [o if o != "plant" else "task" for o in folders.TABLE_OPTIONS]
    options[options.index("height")] = "kind"
    run = tmp_path / "run"
    assert main(["train", "table", "--run", str(run), "--data", str(path), *options]) == 0
    capsys.readouterr()
    one_class = tmp_path / "one.csv"
    one_class.write_text("a,b,kind\n1,2,tall\n3,4,tall\n")
    assert main(["adapt", str(run), "--support", str(one_class), "--predict", str(one_class)]) == 0
    said = lines(capsys)
    assert said[0] == "MAML: learned 'kind' from 2 rows"
    assert said[2].split() == ["file", "line", "class", "confidence"]
    assert said[3].split()[2] in ("tall", "small")


def test_more_classes_than_the_head_has(picture_run, pictures, fails, tmp_path):
    out = tmp_path / "m.safetensors"
    line = fails("adapt", picture_run, "--support", pictures, "--out", out)
    assert "A 12-way task needs 12 logits; the network has 2" in line
    assert not out.exists()


def test_sinusoids_have_nothing_to_adapt_to(sinusoid_run, two_classes, fails):
    assert "learner.adapted(x, y)" in fails("adapt", sinusoid_run, "--support", two_classes)


def test_what_is_missing_is_said(picture_run, table_run, two_classes, adapted, fails, tmp_path):
    assert "--support" in fails("adapt")
    assert "--support" in fails("adapt", picture_run)
    assert "one of the two" in fails("adapt", "--model", adapted, "--support", two_classes)
    assert "Which run" in fails("adapt", "--support", two_classes)
    assert "--predict" in fails("adapt", "--model", adapted)
    assert "needs --support" in fails("adapt", "--model", adapted, "--predict", two_classes, "--out", "x")
    assert "no adapted model" in fails("adapt", picture_run, "--predict", two_classes)
    assert "no folder" in fails("adapt", picture_run, "--support", tmp_path / "none")
    assert "one class folder" in fails("adapt", picture_run, "--support", one_class(tmp_path))
    assert "no pictures" in fails("adapt", "--model", adapted, "--predict", empty(tmp_path))
    assert "is not a run" in fails("adapt", tmp_path, "--support", two_classes)


def one_class(root):
    folders.write_picture(root / "single" / "only" / "a.png", 100, 0)
    return root / "single"


def empty(root):
    (root / "empty").mkdir()
    return root / "empty"


def test_nothing_is_saved_when_a_picture_to_predict_is_bad(picture_run, two_classes, fails, tmp_path):
    bad, out = tmp_path / "bad.png", tmp_path / "m.safetensors"
    bad.write_bytes(b"no picture")
    assert "bad.png" in fails("adapt", picture_run, "--support", two_classes, "--predict", bad, "--out", out)
    assert not out.exists()


def test_python_models_say_that_they_do_not_know_their_inputs(fails, two_classes, tmp_path):
    learner = innerloop.methods.maml(innerloop.networks.mlp(2, 2))
    learner.adapted(torch.randn(4, 2), torch.tensor([0, 0, 1, 1])).save(tmp_path / "m.safetensors")
    assert "made from Python" in fails("adapt", "--model", tmp_path / "m.safetensors", "--predict", two_classes)
