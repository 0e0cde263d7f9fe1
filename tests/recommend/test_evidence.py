"""The script that makes the evidence: rows, pooled users and verdicts, on a small world."""

import json
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from _user_statistics import RIVALS, SIMULATED_RIVALS, UNADAPTED, kept, pooled, statistics

import recommend as evidence
from helpers import needs
from innerloop.errors import DataError, TrainingError
from innerloop.recommend import RECOMMENDERS, Simulator, leave_users_out
from innerloop.recommend._tuned import TRIALS
from innerloop.recommend.rivals import GlobalMean, UserMean


def test_rows_pool_to_verdicts(tmp_path):
    rows = []
    for method in ("oracle", "user_item_bias", "global_mean", "popularity"):
        for seed in (0, 1):
            found = evidence.row("simulated 0.5", method, seed, folder="", runs=str(tmp_path), users=120)
            rows.append({"cell": ["simulated 0.5", method, seed], **found})
    bias = rows[2]
    assert len(bias["tried"]["ratings"]) == 8
    assert bias["settings"]["ratings"] in [setting for setting, _ in bias["tried"]["ratings"]]
    table = json.loads(json.dumps(statistics(rows, str(tmp_path)), allow_nan=False))
    by_method = {one["method"]: one for one in table}
    assert [one["users"] for one in table] == [48] * 4  # two folds of a fifth of 120
    against = by_method["user_item_bias"]["against"]["root mean squared error: oracle"]
    assert against["low"] > 0
    assert against["ratio"] > 1.25
    assert "user_item_bias is worse than oracle" in against["verdict"]
    assert by_method["popularity"]["against"] == {}
    users = [np.load(kept(str(tmp_path), "simulated 0.5", 20, "oracle", seed))["users"] for seed in (0, 1)]
    assert not set(users[0]) & set(users[1])


def test_a_method_without_all_seeds_is_not_pooled(tmp_path):
    rows = []
    for method, seed in (("global_mean", 0), ("global_mean", 1), ("item_mean", 0)):
        found = evidence.row("simulated 1.0", method, seed, folder="", runs=str(tmp_path), users=60)
        rows.append({"cell": ["simulated 1.0", method, seed], **found})
    assert list(pooled(rows, 20, str(tmp_path))) == ["global_mean"]
    with pytest.raises(DataError, match="The rows of global_mean differ in family or settings"):
        pooled([rows[0], {**rows[1], "family": "another"}], 20, str(tmp_path))
    kept(str(tmp_path), "simulated 1.0", 20, "global_mean", 1).unlink()
    with pytest.raises(DataError, match=r"global_mean-1.npz is not there, though its row is"):
        pooled(rows, 20, str(tmp_path))


def test_a_training_that_diverges_is_a_row_without_numbers(tmp_path, monkeypatch):
    class Diverging(UserMean):
        def fit(self, train, validation):
            raise TrainingError("The meta-gradient's norm became inf at step 3.")

    make = partial(evidence.row, "simulated 0.5", folder="", runs=str(tmp_path), users=60)
    rows = [{"cell": ["simulated 0.5", method, seed], **make(method, seed)}
            for method, seed in (("global_mean", 0), ("global_mean", 1), ("user_mean", 1))]  # fmt: skip
    monkeypatch.setitem(evidence.RECOMMENDERS, "user_mean", lambda **settings: Diverging())
    gone = make("user_mean", 0)
    assert gone == {
        "name": "user mean", "family": "trivial", "diverged": "The meta-gradient's norm became inf at step 3."
    }  # fmt: skip
    rows.append({"cell": ["simulated 0.5", "user_mean", 0], **gone})
    assert [one["method"] for one in statistics(rows, str(tmp_path))] == ["global_mean"]


def test_how_far_events_move_a_prediction():
    events = Simulator(users=40, items=50, least=12, most=20).events()
    split = leave_users_out(events, shots=5, test=0.2)
    means = GlobalMean().fit(split.train, split.validation), UserMean().fit(split.train, split.validation)
    assert evidence.moved(means[0], split.test) == 0
    assert evidence.moved(means[1], split.test) > 0.01


def test_settings_are_written_whatever_they_are():
    @dataclass
    class Setting:
        steps: int = 3

    assert evidence.setting_of(Setting()) == evidence.setting_of({"steps": 3}) == {"steps": 3}


def test_every_rival_of_a_verdict_is_in_the_table():
    named = {name for names in (*RIVALS.values(), *SIMULATED_RIVALS.values()) for name in names}
    assert named <= {*RECOMMENDERS, "oracle"}


def trials_of(kind, method):
    found = evidence.combinations(**evidence.TRIALS[kind][method])
    assert len(found) == TRIALS  # as many for each
    return found


def test_everything_learned_tries_settings_for_what_it_is_fitted_to():
    for method in evidence.LEARNED:
        for goal in evidence.goals("movielens", method):
            assert [evidence.LEARNED[method](goal=goal, **trial) for trial in trials_of(goal, method)]
    assert evidence.goals("movielens", "melu") == evidence.goals("simulated 0.5", "maml") == ("ratings",)
    steps = {method: evidence.LEARNED[method]().setting.inner_steps for method in ("maml", "fine_tuned")}
    assert steps["maml"] == steps["fine_tuned"]
    assert not any("inner_steps" in tried for kind in evidence.TRIALS.values() for tried in kind.values())


def test_simulated_worlds_have_settings_and_trials_of_their_own(tmp_path):
    assert set(evidence.SIMULATED) == set(evidence.TRIALS["simulated"]) == set(evidence.LEARNED)
    small = {"steps": 1, "tasks_per_step": 2}
    for method, own in evidence.SIMULATED.items():
        assert [evidence.LEARNED[method](**{**own, **trial}) for trial in trials_of("simulated", method)]
    for method, tried in evidence.SIMULATED_OPPONENTS.items():
        made = evidence.RECOMMENDERS[method](settings=evidence.combinations(**tried))
        assert len(made.settings) == TRIALS
        assert [made.make(**setting) for setting in made.settings]
    found = evidence.row("simulated 0.75", "cavia", 0, folder="", runs=str(tmp_path), users=60, changes=small)
    assert {**found["settings"]["ratings"], **evidence.SIMULATED["cavia"], **small} == found["settings"]["ratings"]
    assert found["settings"]["ratings"]["inner_lr"] == 1.0  # the catalogue's


def test_what_is_learned_is_tuned_on_validation_users_of_the_table(tmp_path, monkeypatch):
    monkeypatch.setitem(evidence.TRIALS["simulated"], "cavia", {"inner_lr": (1e-9, 0.5, 1e6), "shrinkage": (7.0,)})
    small = {"steps": 1, "tasks_per_step": 2}
    found = evidence.tune("simulated 0.5", "cavia", "ratings", users=120, changes=small)
    values = [value for _, value in found["tried"]]
    assert [one["inner_lr"] for one, _ in found["tried"]] == [1e-9, 0.5, 1e6]
    assert values[1] < values[0]  # learning a user pays
    assert found["setting"] == found["tried"][1][0] == {"inner_lr": 0.5, "shrinkage": 7.0}
    assert values[2] is None or values[2] > values[1]
    json.dumps(found, allow_nan=False)
    made = evidence.row(
        "simulated 0.5", "cavia", 0, folder="", runs=str(tmp_path), users=120, changes=small,
        tuned={("simulated 0.5", "cavia", "ratings"): found},
    )  # fmt: skip
    assert made["tried"] == {"ratings": found["tried"]}
    assert {**made["settings"]["ratings"], **found["setting"]} == made["settings"]["ratings"]


def test_settings_are_chosen_on_users_who_are_in_no_test():
    events = Simulator(users=200).events()
    folds = [leave_users_out(events, shots=5, test=0.2, fold=fold) for fold in evidence.FOLDS]
    asked = {user for split in folds for user in split.test.users.tolist()}
    assert len(asked) == 3 * 40
    for fold in (evidence.TUNED_ON, evidence.CHOSEN_ON):
        chosen_on = set(leave_users_out(events, shots=5, test=0.2, fold=fold).validation.users.tolist())
        assert len(chosen_on) == 20
        assert not asked & chosen_on


@pytest.mark.data
def test_what_is_learned_is_fitted_to_ratings_and_to_rankings(tmp_path):
    movielens_small = str(needs.data("movielens-latest-small"))
    small = {"steps": 2, "factors": 2, "tasks_per_step": 2, "negatives": 2}
    found = evidence.row("movielens", "cavia", 0, folder=movielens_small, runs=str(tmp_path), users=0, changes=small)
    assert set(found["fit_seconds"]) == {"ratings", "ranking"}
    assert set(found["means"]) == {"5", "10", "20"}
    assert {goal: done["steps"] for goal, done in found["done"].items()} == {"ratings": 2, "ranking": 2}
    assert found["known_to_settings"] == 0
    for means in found["means"].values():
        assert set(means) == {"absolute error", "root mean squared error", "HR@10", "nDCG@10"}
    [at_5, at_20] = (np.load(kept(str(tmp_path), "movielens", shots, "cavia", 0)) for shots in (5, 20))
    assert np.array_equal(at_5["users"], at_20["users"])


@pytest.mark.data
def test_melus_steps_are_compared_with_their_own_network_and_not_ranked(tmp_path):
    movielens_small = str(needs.data("movielens-latest-small"))
    small = {"steps": 1, "factors": 2, "tasks_per_step": 2, "hidden": (4,)}
    found = evidence.row("movielens", "melu", 0, folder=movielens_small, runs=str(tmp_path), users=0, changes=small)
    assert set(found["means"]["5"]) == {"absolute error", "root mean squared error", UNADAPTED}
    assert found["means"]["5"][UNADAPTED] == pytest.approx(found["means"]["5"]["absolute error"], abs=1e-3)
    [at_5, *_] = statistics([{"cell": ["movielens", "melu", 0], **found}], str(tmp_path))
    assert abs(at_5["against"]["absolute error: unadapted"]["difference"]) < 1e-3
