"""`innerloop train ratings` and `innerloop recommend`, on a small world in place of the simulator."""

import json
from functools import partial

import pytest

from helpers.ratings import ratings
from innerloop.cli import main
from innerloop.recipes import _build_ratings
from innerloop.recommend import Simulator

SMALL = [
    "--steps", "3", "--tasks-per-step", "4", "--factors", "3", "--shots", "4", "--train-queries", "4", "--negatives",
    "4", "--threads", "1", "--quiet",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small_world(monkeypatch):
    small = partial(Simulator, users=40, items=30, least=12, most=12)
    monkeypatch.setattr(_build_ratings, "Simulator", small)


@pytest.fixture
def folder(tmp_path):
    """A folder like MovieLens's."""
    events, _ = ratings()
    rows = zip(events.user + 1, events.item + 100, events.value, events.time.astype(int), strict=True)
    found = tmp_path / "movies"
    found.mkdir()
    (found / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n" + "".join(f"{u},{i},{v:.1f},{t}\n" for u, i, v, t in rows)
    )
    genres = ("Drama", "Comedy", "Drama|Crime")
    films = "".join(f"{i + 100},Film {i} (1999),{genres[i % 3]}\n" for i in range(events.items))
    (found / "movies.csv").write_text("movieId,title,genres\n" + films)
    return found


@pytest.mark.parametrize("goal", ["ratings", "ranking"])
def test_a_run_recommends_with_reasons(goal, tmp_path, capsys):
    run, events = tmp_path / "run", tmp_path / "events.csv"
    assert main(["train", "ratings", "--method", "cavia", "--goal", goal, "--run", str(run), *SMALL]) == 0
    results = json.loads((run / "results" / "test.json").read_text())
    assert ("absolute error" in results["metrics"]) == (goal == "ratings")
    page = (run / "page.html").read_text()
    rivals = ("user_item_bias", "ridge_on_factors", "oracle") if goal == "ratings" else ("item_knn", "popularity")
    for rival in rivals:
        name = json.loads((run / "results" / f"test.{rival}.json").read_text())["name"]
        assert name in page
    assert "CAVIA met 8 users that it had never seen" in page
    assert "Against the best of its rivals" in page
    assert "95 % interval over users" in page
    assert "interval over tasks" not in page
    assert "Normalised with" not in page
    assert "query examples)" not in page
    assert "oracle is better" not in page
    assert ("Ranking every item" in page) == (goal == "ratings")
    events.write_text("item,rating,time\n4,5,20\n7,1.5,10\n")
    capsys.readouterr()
    assert main(["recommend", str(run), "--events", str(events), "--k", "3", "--reasons", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4].strip() for line in lines if not line.startswith("     ")] == ["1.", "2.", "3."]
    assert len(lines) == 9
    assert all((" 4" in line) or (" 7" in line) for line in lines if line.startswith("     "))


def test_a_run_goes_on_where_it_was_and_a_folder_is_read(folder, tmp_path, capsys):
    run = tmp_path / "run"
    command = ["train", "ratings", "--method", "ridge", "--data", str(folder), "--run", str(run), *SMALL]
    assert main(command) == 0
    assert main(command) == 2
    before = (run / "results" / "test.json").read_text()
    assert main([*command, "--resume"]) == 0
    again = (run / "results" / "test.json").read_text()
    assert json.loads(again)["metrics"] == json.loads(before)["metrics"]
    said = []
    for text in (
        "item,rating\n104,5\n107,1\n",
        "userId,movieId,rating,timestamp\n7,104,5,8\n7,107,1,9\n",  # as in the table of the training
        "item,rating,time\n107,1,2024-06-01\n104,5,2024-05-31\n",
    ):
        (tmp_path / "events.csv").write_text(text)
        capsys.readouterr()
        assert main(["recommend", str(run), "--events", str(tmp_path / "events.csv"), "--k", "2"]) == 0
        said.append(capsys.readouterr().out)
    assert "Film " in said[0]
    assert said[0] == said[1] == said[2]
    arguments = ["recommend", str(run), "--events", str(tmp_path / "events.csv"), "--about", "gender=F"]
    assert main(arguments) == 2
    assert "knows nothing of users but their events" in capsys.readouterr().err
    assert main(["cite", str(run)]) == 0
    cited = capsys.readouterr().out
    assert "koren2008neighborhood" in cited
    assert "lee2019melu" not in cited  # a ridge has no head
    assert main(["adapt", str(run), "--support", str(tmp_path / "events.csv")]) == 2
    assert "use `innerloop recommend RUN" in capsys.readouterr().err


def test_features_of_users_are_told_or_unknown(tmp_path, capsys):
    events, _ = ratings()
    rows = zip(events.user, events.item, events.value, events.user % 3, strict=True)
    table = tmp_path / "table.csv"
    table.write_text("user,item,rating,age\n" + "".join(f"{u},i{i},{v:.1f},{20 + a}\n" for u, i, v, a in rows))
    films = tmp_path / "films.csv"
    films.write_text("item,title,genre\n" + "".join(f"i{i},Film {i},g{i % 3}\n" for i in range(30)))
    run, mine = tmp_path / "run", tmp_path / "events.csv"
    data = ["--data", str(table), "--items", str(films)]
    assert main(["train", "ratings", "--method", "ridge", *data, "--run", str(run), *SMALL]) == 0
    mine.write_text("item,rating\ni4,5\n")
    said = []
    for about in ([], ["--about", "age=20"], ["--about", "age=22"]):
        capsys.readouterr()
        assert main(["recommend", str(run), "--events", str(mine), "--k", "2", *about]) == 0
        said.append(capsys.readouterr().out)
    assert said[1] != said[2]
    assert "Film 4 (5)" in said[0]
    assert main(["recommend", str(run), "--events", str(mine), "--about", "ages=20"]) == 2
    assert "column=value with a column of age; got 'ages=20'" in capsys.readouterr().err


def test_a_later_event_with_an_item_takes_the_place_of_the_earlier_and_nobody_has_to_have_one(tmp_path, capsys):
    run, events = tmp_path / "run", tmp_path / "events.csv"
    assert main(["train", "ratings", "--method", "ridge", "--goal", "ranking", "--run", str(run), *SMALL]) == 0
    said = []
    for text in ("item\n4\n7\n", "item;time\n7;3\n4;2\n7;1\n", "item\n4\n", "item\n"):
        events.write_text(text)
        capsys.readouterr()
        assert main(["recommend", str(run), "--events", str(events), "--k", "2", "--reasons", "5"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    assert len(said[3].splitlines()) == 2  # without events there are no reasons


def test_a_rating_beyond_the_scale_of_the_training_is_refused(folder, tmp_path, capsys):
    run, events = tmp_path / "run", tmp_path / "events.csv"
    assert main(["train", "ratings", "--method", "ridge", "--data", str(folder), "--run", str(run), *SMALL]) == 0
    events.write_text("item,rating\n104,99\n")
    capsys.readouterr()
    assert main(["recommend", str(run), "--events", str(events)]) == 2
    assert "as in the schema; got '99'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item\n4\n", "no column 'rating'"),
        ("item,rating\n4,five\n", "line 2, column 'rating': expected a finite number (a rating); got 'five'"),
        ("item,rating\n4,nan\n", "line 2, column 'rating': expected a finite number"),
        ("item,rating\n4,5\n99,1\n", "line 3, column 'item': expected one of the items in the schema; got '99'"),
        ("item,rating,time\n4,5,noon\n", "line 2, column 'time': expected a number, or a time as 2024-05-31"),
        ("item,rating\n4\n", "line 2: expected 2 cells"),
    ],
)
def test_events_that_cannot_be_are_one_line(text, said, tmp_path, capsys):
    run, events = tmp_path / "run", tmp_path / "events.csv"
    assert main(["train", "ratings", "--method", "ridge", "--run", str(run), *SMALL]) == 0
    events.write_text(text)
    capsys.readouterr()
    assert main(["recommend", str(run), "--events", str(events)]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "prototypes"], "prototypes learns no users"),
        (["--norm", "running"], "--norm has no meaning"),
        (["--test-steps", "9"], "as many inner steps in use as in training"),
        (["--shots", "12"], "more than 12 events"),
        (["--items", "films.csv"], "--items goes with a table in --data"),
    ],
)
def test_what_cannot_be_leaves_nothing(options, said, tmp_path, capsys):
    assert main(["train", "ratings", "--run", str(tmp_path / "run"), *SMALL, *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_minutes_are_refused_and_other_folders_hold_no_recommender(tmp_path, capsys):
    arguments = ["train", "ratings", "--run", str(tmp_path / "run"), "--minutes", "1"]
    assert main(arguments) == 2
    assert "--minutes is not for `ratings`" in capsys.readouterr().err
    (tmp_path / "events.csv").write_text("item,rating\n")
    assert main(["recommend", str(tmp_path), "--events", str(tmp_path / "events.csv")]) == 2
    assert "holds no recommender" in capsys.readouterr().err
