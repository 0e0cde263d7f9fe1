"""`innerloop budget`: nested parts of the data, a learner of each family, what more data would bring."""

import csv
import json
import random
from itertools import pairwise

import pytest

from helpers import pools
from innerloop.cli import main
from innerloop.cli._budget import Options
from innerloop.cli._budget_plan import plan
from innerloop.outer import Run
from innerloop.recipes import from_json

SMALL = [
    "--steps", "6", "--tasks-per-step", "2", "--hidden", "6", "--validation-tasks", "4", "--curve-steps", "2",
    "--mapping", "vmap", "--tasks", "10", "--processes", "1", "--shots", "3", "--queries", "4", "--train-queries", "4",
]  # fmt: skip


@pytest.fixture(scope="module")
def plants(tmp_path_factory):
    """Fifty tasks, thirty-two of them to train on."""
    path, draw = tmp_path_factory.mktemp("data") / "plants.csv", random.Random(0)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["plant", "light", "height"])
        for plant in range(50):
            rate = draw.uniform(0.5, 1.5)
            for _ in range(8):
                light = draw.uniform(0, 10)
                out.writerow([f"plant {plant}", round(light, 3), round(rate * light, 3)])
    return path


def words(plants, out):
    return ["budget", "table", "--data", plants, "--task", "plant", "--target", "height", *SMALL, "--out", out]


@pytest.fixture(scope="module")
def done(tmp_path_factory, plants):
    out = tmp_path_factory.mktemp("budget") / "out"
    with pytest.MonkeyPatch.context() as patch:
        pools.install(patch)
        assert main([str(word) for word in words(plants, out)]) == 0
        return out, list(pools.log)


@pytest.fixture(scope="module")
def result(done):
    return json.loads((done[0] / "budget.json").read_text())


def test_a_training_for_each_size_and_method(done, result):
    out, log = done
    assert result["unit"] == "training tasks"
    assert result["values"] == [2, 3, 8, 16, 32]
    assert len([entry for entry in log if entry.startswith("train")]) == 5 * 2
    # what needs no training is measured once, not once for each size
    assert log.count("row test None constant") == log.count("row test None from_scratch") == 1
    assert len(list((out / "runs").iterdir())) == 10


def test_parts_are_nested_and_the_test_tasks_are_the_same(done):
    out, _ = done
    parts, tests = [], []
    for size in (2, 3, 8, 16, 32):
        config = Run(out / "runs" / f"table-maml-{size}tasks-0").config()
        source = from_json(config["recipe"]).source()
        assert config["settings"]["train"]["distinct"] == size
        parts.append(set(source.train.data.names))
        tests.append(source.test.describe())
    assert all(small < large for small, large in pairwise(parts))
    assert all(one == tests[0] for one in tests)


def test_what_is_finished_is_skipped(done, plants, in_process):
    out, _ = done
    assert main([str(word) for word in words(plants, out)]) == 0
    assert in_process == []


def test_rows_and_their_numbers(done, result):
    out, _ = done
    names = [row["name"] for row in result["rows"]]
    assert names == [
        "MAML", "Joint network", "Pretrained + fine-tuned", "Pretrained + linear head", "Pooled ridge", "Shrunk ridge",
        "From scratch", "Trivial predictor",
    ]  # fmt: skip
    for row in result["rows"]:
        assert [point["at"] for point in row["points"]] == [2, 3, 8, 16, 32]
    (maml,) = [row for row in result["rows"] if row["name"] == "MAML"]
    for point in maml["points"]:
        kept = json.loads((out / "rows" / f"test.table-maml-{point['at']}tasks-0.json").read_text())["evaluation"]
        assert point["mean"] == pytest.approx(kept["mean"], abs=1e-5)
    (constant,) = [row for row in result["rows"] if row["family"] == "trivial"]
    assert len({point["mean"] for point in constant["points"]}) == 1
    assert set(result["laws"]) == set(names[:6])
    assert all(law["sound"] or law["reason"] for law in result["laws"].values())


def test_the_verdict_names_every_curve(result):
    said = " ".join(result["verdict"])
    for name, law in result["laws"].items():
        assert (f"{name}: twice the 32 training tasks" in said) == law["sound"]
        assert law["sound"] or law["reason"] in said
    assert len(result["crossovers"]["best transfer row"]["meetings"]) == 5
    assert "training split (32 tasks with 256 labelled examples)" in result["equal"][0]


def test_the_page(done):
    page = (done[0] / "page.html").read_text()
    assert page.index("how many training tasks?") < page.index("Over the training tasks")
    assert page.index("Over the training tasks") < page.index("With 32 training tasks")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fractions", "0"], "expected numbers above 0 and up to 1; got 0.0"),
        (["--fractions", "1.5"], "expected numbers above 0 and up to 1; got 1.5"),
        (["--fractions", "x"], "--fractions: expected a list of numbers; got 'x'"),
        (["--sizes", "3", "33"], "there are 32 training tasks; got 33"),
        (["--sizes", "0"], "--sizes must be at least 1"),
        (["--methods", "prototypes"], "prototypes learns classes"),
        (["--seeds"], "--seeds: expected at least one"),
        (["--tasks", "0"], "--tasks must be at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_leave_nothing_behind(options, said, plants, fails, tmp_path, in_process):
    asked = [word for word in words(plants, tmp_path / "out") if word not in ("--tasks", "10")]
    assert said in fails(*asked, *options)
    assert list(tmp_path.iterdir()) == []
    assert in_process == []


def test_mistakes_about_recipes(fails, tmp_path):
    assert "Which recipe?" in fails("budget")
    assert "Did you mean 'table'?" in fails("budget", "tabel")
    line = fails("budget", "sinusoids", "--out", tmp_path / "out")
    assert "There is no end of training tasks here, so no part of them: give --sizes" in line
    assert list(tmp_path.iterdir()) == []


def test_sizes_where_there_is_no_end(tmp_path):
    planned = plan("sinusoids", Options(sizes=(30, 3, 10), seeds=(0, 1), out=str(tmp_path)), {})
    assert planned.unit == "training tasks"
    assert list(planned.jobs) == [3, 10, 30]
    assert [job.name for job in planned.jobs[3]] == [
        "maml, seed 0", "pretraining, seed 0", "maml, seed 1", "pretraining, seed 1",
    ]  # fmt: skip
    first = planned.jobs[10][0]
    assert first.folder.name == "sinusoids-maml-10tasks-0"
    assert first.arguments[first.arguments.index("--train-tasks") + 1] == "10"


def test_classes_of_pictures(pictures, tmp_path, fails):
    settings = {"data": str(pictures), "ways": 2, "queries": 2, "train_queries": 2, "size": 16, "filters": 4}
    options = Options(methods=("prototypes", "pretraining"), fractions=(0.5, 1.0), out=str(tmp_path))
    planned = plan("folder", options, settings | {"train_ways": 5})
    assert planned.unit == "training classes"
    small, large = planned.jobs
    assert large == 2 * small
    # no more ways in training than there are classes
    arguments = planned.jobs[small][0].arguments
    assert arguments[arguments.index("--train-ways") + 1] == str(min(5, small))
    line = fails(
        "budget", "folder", "--data", pictures, "--ways", "2", "--queries", "2", "--train-queries", "2", "--sizes", "1",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert "2-way tasks need 2 classes" in line


def test_a_recipe_without_parts(fails, tmp_path):
    assert "'curves' has no parts of its training" in fails(
        "budget", "curves", "--sizes", "3", "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()
