"""The tables of recommendation say what the measurements say, and no more."""

import pytest

import _recommendation as tables

PROVENANCE = {"torch": "2.13.0", "threads": 1}
MAE, RMSE, HR, NDCG = tables.MAE, tables.RMSE, tables.HR, tables.NDCG
NAMES = {
    "maml": ("MAML", "gradient"), "attention": ("Attention over events", "memory"),
    "melu": ("MAML with MeLU's steps", "gradient"), "global": ("Global network", "transfer"),
    "learned_ridge": ("Ridge on learned factors", "metric"), "item_knn": ("item kNN", "closed form"),
    "ridge_on_factors": ("ridge on factors", "closed form"), "user_item_bias": ("user + item bias", "closed form"),
    "cavia": ("CAVIA", "gradient"), "oracle": ("oracle", "oracle"),
}  # fmt: skip


def rows_of(markdown):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines() if line.startswith("|")]


def row(data, method, seed=0, **more):
    about = {"name": NAMES[method][0], "provenance": PROVENANCE, "tried": {}}
    best = {"ratings": 0.9 if method == "attention" else 0.8, "ranking": 0.2 if method == "maml" else 0.3}
    if NAMES[method][1] in ("gradient", "memory"):
        about["done"] = {goal: {"best": value} for goal, value in best.items()}
    return {"cell": [data, method, seed], **about, **more}


def pair(difference, width=0.01):
    return {"difference": difference, "low": difference - width, "high": difference + width, "ratio": 1.0}


def pooled(data, method, shots, against=None, **means):
    metrics = {metric: {"mean": mean, "half": 0.02, "users": 100} for metric, mean in means.items()}
    seeds = {metric: [mean - 0.01, mean + 0.01] for metric, mean in means.items()}
    return {
        "data": data, "shots": shots, "method": method, "family": NAMES[method][1], "users": 366, "metrics": metrics,
        "seeds": seeds, "against": against or {},
    }  # fmt: skip


def shown(monkeypatch, pooled, moved=None, more=None):
    rows = [row(one["data"], one["method"], seed) for one in pooled for seed in (0, 1)]
    rows += [row("simulated 0.5", method) for method in NAMES]
    for each in rows:
        if moved and each["cell"][1] in moved:
            each["moved"] = moved[each["cell"][1]]
    for each in rows:
        each |= more or {}
    content = {"longest": 20, "simulated_users": 2_000, "rows": rows, "pooled": pooled}
    monkeypatch.setattr(tables, "load", lambda name: content)


def test_each_number_of_events_has_its_table_and_verdicts(monkeypatch):
    against = {
        f"{MAE}: ridge_on_factors": pair(0.03), f"{MAE}: user_item_bias": pair(-0.02), f"{NDCG}: item_knn": pair(0.005),
        f"{MAE}: learned_ridge": pair(0.0),
    }  # fmt: skip
    better = {**against, f"{NDCG}: item_knn": pair(0.02)}
    shown(monkeypatch, [
        pooled("movielens", "item_knn", 5, **{HR: 0.5, NDCG: 0.2}),
        pooled("movielens", "maml", 5, against, **{MAE: 0.7, RMSE: 0.9, HR: 0.4, NDCG: 0.205}),
        pooled("movielens", "attention", 5, better, **{MAE: 0.71, RMSE: 0.91, HR: 0.4, NDCG: 0.22}),
        pooled("movielens", "learned_ridge", 5, against, **{MAE: 0.72, RMSE: 0.9, HR: 0.4, NDCG: 0.23}),
        pooled("movielens", "melu", 5, **{MAE: 0.8, RMSE: 1.0}),  # is never ranked
        pooled("movielens", "user_item_bias", 10, **{MAE: 0.7, RMSE: 0.9, HR: 0.4, NDCG: 0.2}),
    ])  # fmt: skip
    text = tables.movielens("recommend")
    head, _, *lines = rows_of(text)
    there = ("maml", "attention", "learned_ridge", "melu", "item_knn")
    assert [line[0] for line in lines[:5]] == [NAMES[m][0] for m in there]
    assert all(len(line) == len(head) for line in lines)
    assert lines[0][2:] == ["0.700 ± 0.020 (0.014)", "0.900 ± 0.020 (0.014)", "40.0 ± 2.0 (1.4)", "20.5 ± 2.0 (1.4)"]
    assert lines[3][4:] == lines[4][2:4] == ["-", "-"]
    assert "**K = 5**, 366 users" in text
    assert "**K = 10**" in text
    # each metric has its own best row, and the ridge that is solved exactly stands beside it
    assert "- MAE, MAML (best meta-learned row): lost against ridge on factors (+0.030, +0.020 to +0.040); no " in text
    assert "won against user + item bias (-0.020, -0.030 to -0.010)." in text
    assert "- nDCG@10, Attention over events (best meta-learned row): won against item kNN (+2.0 points" in text
    assert "- nDCG@10, Ridge on learned factors (solved exactly): no difference against item kNN (+0.5 points" in text
    assert "2 training seeds" in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "how many of the users here are among them is not recorded."),
        ({"known_to_settings": 0}, "none of the users here is among them."),
        ({"known_to_settings": 20}, "40 of the users here are among them."),  # two seeds
        ({"tried": {"ratings": [[{}, 0.5]] * 8, "ranking": []}}, "Opponents with settings try 8 of them"),
    ],
)
def test_caveats_follow_from_the_rows(monkeypatch, more, said):
    shown(monkeypatch, [pooled("movielens", "maml", 5, **{MAE: 0.7, RMSE: 0.9, HR: 0.4, NDCG: 0.2})], more=more)
    text = tables.movielens("recommend")
    assert said in text
    assert ("Opponents with settings try" in text) == ("tried" in more)
    assert "predict no ratings: no MAE" in text


@pytest.mark.parametrize(
    ("step", "said"), [(0.00012, "0.00012 stars in the mean; MAML's five steps move it by 0.3. That adapts nothing."),
                       (0.05, "That is more than nothing.")]
)  # fmt: skip
def test_melu_adapts_nothing_only_if_the_data_say_so(monkeypatch, step, said):
    every = [pooled("movielens", method, 10, **{MAE: 0.8}) for method in ("global", "maml")]
    melu = pooled("movielens", "melu", 10, {f"{MAE}: unadapted": pair(0.002)}, **{MAE: 0.802, tables.UNADAPTED: 0.8})
    shown(monkeypatch, [*every, melu], moved={"melu": step, "maml": 0.3})
    text = tables.melu("recommend")
    assert said in text
    assert "at K = 10 not seen to differ (+0.002 stars, 95 % interval -0.008 to +0.012)" in text
    shown(monkeypatch, [*every, melu])  # not measured: nothing is said about it
    assert "nothing" not in tables.melu("recommend")


def _caption(monkeypatch, gone):
    """The text of MovieLens with more rows, which came to no end."""
    shown(monkeypatch, [pooled("movielens", "maml", 10, **{MAE: 0.7, RMSE: 0.9, NDCG: 0.2, HR: 0.3})])
    content = tables.load("recommend")
    rows = [*content["rows"], *({**row, "cell": ["movielens", *row["cell"][1:]]} for row in gone)]
    monkeypatch.setattr(tables, "load", lambda name: content | {"rows": rows})
    return tables.movielens("recommend")


def test_distance_from_the_oracle(monkeypatch):
    data = ("simulated 1.0", "simulated 0.5")
    every = [pooled(level, "oracle", 20, **{RMSE: 0.5 + 0.5 * at}) for at, level in enumerate(reversed(data))]
    for level in data:
        for method, off in (("user_item_bias", 0.3), ("maml", 0.04), ("cavia", 0.12)):
            every.append(pooled(level, method, 20, {f"{RMSE}: oracle": pair(off)}, **{RMSE: 1.0}))
    shown(monkeypatch, every)
    text = tables.simulated("recommend")
    head, _, oracle, maml, cavia, bias = rows_of(text)
    assert head == ["recommender", "noise 0.5", "noise 1"]
    assert oracle[1:] == ["0.500", "1.000"]
    assert maml[1:] == ["+8.0 % (+6.0 to +10.0)", "+4.0 % (+3.0 to +5.0)"]
    assert [cavia[0], bias[0]] == ["CAVIA", "user + item bias"]
    assert "user + item bias is at least 25 % above (30.0 to 60.0)" in text
    assert "MAML is within 10 % above (4.0 to 8.0)" in text
    assert "CAVIA is not everywhere within 10 % above (12.0 to 24.0)" in text
    assert "settings chosen" not in text
    assert "diverged" not in text
    assert "blows up" not in text
    wild = pooled("simulated 0.5", "global", 20, {f"{RMSE}: oracle": pair(9e4)}, **{RMSE: 9e4})
    shown(monkeypatch, [*every, wild])
    assert rows_of(tables.simulated("recommend"))[-1] == [NAMES["global"][0], "blows up", "-"]
    assert "blows up for some users with noise 0.5: its RMSE by seed is 9e+04, 9e+04." in tables.simulated("recommend")
    shown(monkeypatch, every)
    content = tables.load("recommend")
    gone = {"cell": ["simulated 0.5", "cavia", 1], "name": "CAVIA", "family": "gradient", "diverged": "it became inf"}
    monkeypatch.setattr(tables, "load", lambda name: content | {"rows": [*content["rows"], gone]})
    said = "CAVIA has no number with noise 0.5: the training with seed 1 diverged, with the setting that was chosen"
    assert said in tables.simulated("recommend")
    assert "diverged" not in _caption(monkeypatch, [])
    assert "CAVIA has no number: the training with seed 1 diverged" in _caption(monkeypatch, [gone])
    monkeypatch.setattr(tables, "load", lambda name: content)
    tuned = [{"cell": [data, "maml", "ratings"], "tried": [[{}, 1.0]] * 8, "steps": 300, "users": users}
             for data, users in (("simulated 0.5", 200), ("movielens", 60))]  # fmt: skip
    content |= {"tuned": tuned}
    monkeypatch.setattr(tables, "load", lambda name: content)
    assert "from 8 that were trained for 300 steps, at most, and judged by the RMSE of 200 " in tables.simulated(
        "recommend"
    )


def test_what_is_begun_is_not_yet_measured(monkeypatch):
    monkeypatch.setattr(tables, "load", lambda name: {"rows": [row("movielens", "maml")]})
    for table in (tables.movielens, tables.melu):
        assert table("recommend").startswith("Not measured yet (1 rows are there")
    assert tables.simulated("recommend") == "Not measured yet: `python evidence/recommend.py` does it."


def test_memory_of_a_stream(monkeypatch):
    course = [{"users": 100_000 * k, "resident_megabytes": 340.0 + k, "query_loss": 1 / k} for k in (1, 2)]
    found = {
        "course": course, "growth_megabytes": 1.0, "users": 200_000, "import_megabytes": 230.0, "wall_seconds": 240.0,
        "store": {"events": 5_000_000, "disk_megabytes": 150.0, "peak_megabytes": 290.0}, "provenance": PROVENANCE,
    }  # fmt: skip
    monkeypatch.setattr(tables, "load", lambda name: found)
    text = tables.stream("recommend_stream")
    assert rows_of(text)[2:] == [["100,000", "341.0", "1.000"], ["200,000", "342.0", "0.500"]]
    assert "rises by 1.0 MB after the first 100,000 users" in text


def test_serving(monkeypatch):
    def learner(name, p50):
        time = {"p50_ms": p50, "p99_ms": 2 * p50, "times": 10}
        times = dict.fromkeys(("adapt", "read", "score", "recommend", "batch"), time)
        sizes = {"batch_ms_per_user": 0.1, "state_bytes": 300, "states_megabytes": 30.0}
        return {"name": name, "learner": name.upper(), **times, **sizes}

    goals = {
        "adapt_p50_ms": 3.0, "adapt_p99_ms": 10.0, "batch_ms_per_user": 0.3, "score_ms": 10.0,
        "states_megabytes": 100.0,
    }  # fmt: skip
    found = {
        "quick": False, "items": 10_000, "events": 20, "users": 256, "states": 100_000, "targets": goals,
        "provenance": PROVENANCE, "rows": [learner("cavia", 1.0), learner("maml", 4.0)],
    }  # fmt: skip
    monkeypatch.setattr(tables, "load", lambda name: found)
    text = tables.serving("bench_recommend")
    head, _, cavia, maml = rows_of(text)
    assert len(head) == len(cavia) == len(maml)
    assert cavia == ["CAVIA", "1", "2", "0.1", "1", "1", "300", "30"]
    assert "Above what was to be reached: MAML (adapt_p50_ms: 4)." in text
    found["rows"].pop()
    assert "All are within" in tables.serving("bench_recommend")


def test_onboarding(monkeypatch):
    rows = [
        {"items": items, "choice": choice, "rmse": {"mean": 0.9 + 0.01 * at, "half": 0.02}}
        for items in (5, 10) for at, choice in enumerate(("onboarding", "popular"))
    ]  # fmt: skip
    paired = [
        {"against": "popular", "difference": -0.01, "low": -0.02, "high": -0.005, "p": 0.001},
        {"against": "random", "difference": 0.0, "low": -0.02, "high": 0.02, "p": 0.9, "items": 5},
    ]  # fmt: skip
    told = {"users": 1_200, "seeds": [0, 1, 2], "simulated_users": 2_000, "noise": 0.75, "tosses": 10_000}
    monkeypatch.setattr(tables, "load", lambda name: {"rows": rows, "paired": paired, **told})
    text = tables.onboarding("onboarding")
    assert rows_of(text)[2] == ["5", "0.9000 ± 0.0200", "0.9100 ± 0.0200"]
    assert "1,200 new users of 3 simulated worlds of 2,000 users with noise 0.75." in text
    assert "is lower than that with popular items: -0.0100, 95 % interval -0.0200 to -0.0050, p = 0.001." in text
    assert (
        "After 5 questions: the error with the items of `onboarding` is not seen to differ from that with random"
        in text
    )
