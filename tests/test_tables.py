"""The tables that tools/write_tables.py makes of measurements."""

import numpy as np
import pytest

import _control
import _explained
import _families
import _grids
import _learned
import _measured
import _regression
import _returns
import write_tables
from innerloop.bench._ratios import with_ratios

PROVENANCE = {"torch": "2.13.0", "threads": 1, "higher": "0.2.1", "torchopt": "0.7.3"}


def rows_of(markdown):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines() if line.startswith("|")]


def test_bench(monkeypatch):
    memory = {"peak_megabytes": 300.0, "baseline_megabytes": 250.0}
    ours = {"implementation": "loop", "peer": False, "allocator": "kept", "seconds": [0.01, 0.01], **memory}
    peer = {"implementation": "higher", "peer": True, "allocator": "default", "seconds": [0.02, 0.04], **memory}
    failed = {"implementation": "vmap", "peer": False, "allocator": "kept", "error": "MemoryError: too much"}
    rows = [row | {"fraction_of_peak": 0.5, "picked": False} for row in with_ratios([ours, peer])]
    rows[0]["picked"] = True
    result = {
        "settings": {"threads": 1, "device": "cpu"},
        "machine": {"device": "a processor", "cores": 2},
        "provenance": PROVENANCE,
        "peak_flops": {"matrix product": 9e10, "convolution": 2e11},
        "workloads": [{"name": "S1", "title": "a title", "rows": [*rows, failed]}],
    }
    monkeypatch.setattr(_measured, "load", lambda name: result)
    text = _measured.bench("bench")
    head, _, first, second, third = rows_of(text)
    assert len(head) == len(first) == len(second) == len(third)
    assert first[:5] == ["loop *", "kept", "10", "-", "3.00"]
    assert first[5:7] == ["300", "50"]
    assert second[:5] == ["higher", "default", "30", "1.00", "1.00"]
    assert third[2] == "failed"
    assert "vmap (kept allocator) failed on S1: MemoryError: too much." in text
    assert "Up to 2 rounds" in text
    assert "200 GFLOP/s" in text


def test_memory(monkeypatch):
    row = {
        "outer_gradient": "unrolled", "mapping": "loop", "workload": {"inner_steps": 5, "tasks": 8},
        "peak_megabytes": 300.0, "baseline_megabytes": 250.0, "tensor_megabytes": 40.0,
    }  # fmt: skip
    course = [{"iteration": 2000, "live_tensors": 105, "resident_megabytes": 260.0}]
    rows = [row | {"sweep": "tasks", "course": []}, row | {"sweep": "iterations", "course": course}]
    monkeypatch.setattr(_measured, "load", lambda name: {"rows": rows, "provenance": PROVENANCE})
    text = _measured.memory("memory")
    assert ["tasks", "unrolled", "loop", "5", "8", "40", "300", "50"] in rows_of(text)
    assert ["loop", "2,000", "105", "260"] in rows_of(text)


def test_what_was_not_measured_says_how_to(monkeypatch, tmp_path):
    monkeypatch.setattr(write_tables, "ROOT", tmp_path)
    page = "<!-- results:bench -->\n<!-- /results -->"
    command = "innerloop bench --workloads S --allocator default --seconds 30"
    said = f"Not measured yet: `results/bench.json` is made by `{command}`."
    assert write_tables.filled("docs/benchmarks.md", page) == f"<!-- results:bench -->\n{said}\n<!-- /results -->"


def test_sinusoid_family(monkeypatch):
    def curve(value):
        return {"mean": [value + step for step in range(11)], "half": [0.5] * 11}

    def row(method, seed, value):
        cell = [method, 5, seed, 0.03, 15_000, 1_000]
        shown = {"name": method.upper(), "trained_steps": 2, "trained_seconds": 60.0, "provenance": PROVENANCE}
        return {"cell": cell, **shown, "inside": curve(value), "outside": curve(value + 100)}

    lost = {"cell": ["imaml", 5, 0, 0.003, 15_000, 1_000], "name": "iMAML", "diverged": "at step 9"}
    broken = row("anil", 0, 3.0) | {"inside": {"mean": [None] * 11, "half": [None] * 11}}
    result = {
        "tasks": 1_000, "outer_steps": 15_000, "tuning_steps": 3_000, "outside": [5.0, 10.0],
        "tuned": [{"cell": ["lstm"], "rate": None, "tried": dict.fromkeys("abcdefgh")}],
        "rows": [row("maml", 0, 1.0), broken, row("maml", 1, 2.0), lost],
        "rivals": [{"name": "Oracle", "shots": 5, "inside": [0.0, 0.0], "outside": [0.0, 0.0]}],
    }  # fmt: skip
    monkeypatch.setattr(_grids, "load", lambda name: result)
    head, _, maml, anil, oracle = rows_of(_grids.sinusoid_family("sinusoid_family"))
    assert len(head) == len(maml) == len(anil) == len(oracle)
    mean_of_the_seeds = ["2.5 ± 0.5 (0.71)", "3.5 ± 0.5 (0.71)", "11.5 ± 0.5 (0.71)", "104 ± 0.5 (0.71)"]
    assert maml == ["MAML", "0.03", "15,000", "2", *mean_of_the_seeds, "2"]
    assert anil[4:7] == ["diverged"] * 3
    assert oracle[0] == "Oracle"
    said = _grids.sinusoid_family("sinusoid_family")
    assert "every rate that was tried: lstm." in said
    assert "held in the trials: iMAML at K = 5, seed 0." in said


def test_omniglot_methods(monkeypatch):
    def row(method, seed, rivals=(), minutes=10, **accuracy):
        measured = {norm: {"mean": mean, "half": 0.01} for norm, mean in accuracy.items()}
        cell = [method, "A", 5, 1, seed, minutes, None, 64, 1_000]
        shown = {"name": method.upper(), "family": "gradient", "steps": 2_000, "trained_seconds": 600}
        return {"cell": cell, **shown, "accuracy": measured, "rivals": list(rivals), "provenance": PROVENANCE}

    head = {"name": "Head", "note": "a rate", "mean": 0.85, "half": 0.02}
    rows = [row("maml", 0, batch=0.8, support=0.7), row("maml", 1, batch=0.82, support=0.7)]
    rows += [row("pre", 0, [head], running=0.9), row("pre", 0, [], minutes=20, running=0.95)]
    found = {"tasks": 1_000, "device": "cpu", "rows": rows}
    monkeypatch.setattr(_grids, "load", lambda name: found)
    text = _grids.omniglot_methods("omniglot_methods")
    _, _, *body = rows_of(text)
    assert body[:3] == [
        ["PRE", "gradient", "-", "90.0 ± 1.0", "1", "2,000", "10"],
        ["Head (a rate)", "gradient", "-", "85.0 ± 2.0", "1", "2,000", "10"],
        ["MAML", "gradient", "81.0 ± 1.0 (1.4)", "70.0 ± 1.0 (0.0)", "2", "2,000", "10"],
    ]
    assert body[5:] == [["PRE", "gradient", "-", "95.0 ± 1.0", "2,000", "10"]]
    assert "Protocol A, 5-way 1-shot, 20 minutes" in text
    assert "at most 2 training seeds" in text
    assert "20 minutes of training on one core" in text
    found["device"] = "H100"
    text = _grids.omniglot_methods("omniglot_methods")
    assert "20 minutes of training on one H100" in text
    assert "thread" not in text


def test_omniglot_attempts(monkeypatch):
    def row(method, attempt, validation, test):
        cell = [method, attempt, 20.0, 0, 1_000]
        shown = {"name": method.upper(), "steps": 2_000, "trained_seconds": 600, "provenance": PROVENANCE}
        return {"cell": cell, **shown, "validation": validation, "accuracy": {"running": {"mean": test, "half": 0.01}}}

    rows = [row("ridge", "60 ways", 0.97, 0.985), row("ridge", "20 ways", 0.98, 0.979), row("svm", "one", 0.9, 0.9)]
    rows += [row("snail", "one", 0.97, 0.9699)]
    asked = {"ridge": 98.0, "snail": 97.0, "mann": 82.0}
    monkeypatch.setattr(_grids, "load", lambda name: {"asked": asked, "rows": rows})
    text = _grids.omniglot_attempts("omniglot_attempts")
    _, _, *body = rows_of(text)
    assert body[0] == ["RIDGE", "98", "60 ways", "98.5 ± 1.0", "97.0", "2,000", "10"]
    assert body[2][:2] == ["SVM", "-"]
    # chosen by validation, not by the test
    assert "RIDGE: 98 % is not reached; of 2 attempts the one with the best validation has 97.9 %" in text
    assert "SNAIL: 97 % is reached" in text
    assert "MANN" not in text


def test_curves(monkeypatch):
    def row(method, losses):
        known = {"posterior_squared_error": [0.1, 0.01], "constant_squared_error": [1.0, 0.1]}
        known |= {"posterior_log_density": [1.5, 0.01]}
        own = {"squared_error": [0.2, 0.01], "log_density": None, "gap": None, "losses": losses}
        if losses:
            own |= {"log_density": [-np.mean(losses), 0.02], "gap": [0.3, 0.2, 0.4]}
        cell = [method, "tnp", 0, 10.0, None, 50]
        shown = {"name": method.upper(), "steps": 2_000, "trained_seconds": 600, "provenance": PROVENANCE}
        return {"cell": cell, **shown, "measured": {"matern": known | own}}

    rows = [row("cnp", [1.0, 2.0] * 9), row("anp", [0.5, 1.6] * 9), row("maml", None)]
    monkeypatch.setattr(_regression, "load", lambda name: {"tasks": 18, "rows": rows})
    text = _regression.curves("curves")
    _, _, *body = rows_of(text)
    assert body[0] == ["Exact posterior", "1.500 ± 0.010", "0", "0.1 ± 0.01", "-", "-"]
    assert body[1] == ["CNP", "-1.500 ± 0.020", "0.300 (0.200 to 0.400)", "0.2 ± 0.01", "2,000", "10"]
    assert body[3][1:3] == ["-", "-"]
    assert "The conditional neural process is below the attentive one by 0.45" in text


def test_parkinsons(monkeypatch):
    def row(method, fold, errors):
        cell, shown = [method, 5, "random", fold, None, 600], {"name": method.upper(), "family": "transfer"}
        return {"cell": cell, **shown, "patients": errors, "provenance": PROVENANCE}

    rows = [row("constant", 0, {"1": 2.0, "2": 3.0}), row("constant", 1, {"3": 4.0, "4": 5.0})]
    rows += [row("ridge", 0, {"1": 1.0, "2": 2.1}), row("ridge", 1, {"3": 2.9, "4": 4.0})]
    rows += [row("maml", 0, {"1": None, "2": 2.0}), row("maml", 1, {"3": 9.0, "4": 9.0})]
    monkeypatch.setattr(_regression, "load", lambda name: {"tasks": 600, "folds": 2, "rows": rows})
    text = _regression.parkinsons("parkinsons")
    _, _, own, ridge, maml = rows_of(text)
    assert own == ["The patient's own mean", "transfer", "3.5 ± 1.27"]
    assert ridge == ["RIDGE", "transfer", "**2.5 ± 1.24**"]
    assert maml[2] == "diverged"
    assert "- 5 rows: RIDGE is better, by -1.000" in text
    assert "parts are measured" not in text
    # a fold that one method has not been measured on yet is left out for all
    monkeypatch.setattr(_regression, "load", lambda name: {"tasks": 600, "folds": 2, "rows": rows[:5]})
    _, _, own, *_ = rows_of(partly := _regression.parkinsons("parkinsons"))
    assert own == ["The patient's own mean", "transfer", "2.5 ± 0.98"]
    assert "With 5 rows, drawn at random, 1 of 2 parts are measured." in partly


def test_returns(monkeypatch):
    def row(family, method, seed, values, **spent):
        means = [[float(np.mean(each)), 0.0] for each in values]
        said = {"values": values, "curve": means, "episodes": 8, "still": [-4.0, -2.0], "oracle": [-1.0, -1.0]}
        said["source"] = {"versions": {"mujoco": "3.3.0"}} if family == "cheetah" else {}
        return {"cell": [family, method, seed], "returns": said, "provenance": PROVENANCE, **spent}

    spent = {"environment_steps": 1_200_000, "seconds": 20.4}
    rows = [row("navigation", "promp", seed, [[-4.0, -2.0], [-2.0, -1.0 - seed]], **spent) for seed in (0, 1)]
    rows[1] |= {"cpu_seconds": 15.2, "inner_lr": 0.2, "settings": {"inner_rates": [0.1, 0.2]}}
    rows += [row("navigation", "scratch", 0, [[-5.0, -5.0], [-4.0, -4.0]]), row("bandits", "UCB1", 0, [[-2.0, -3.0]])]
    rows += [row("bandits", "Thompson", 0, [[-1.5, -2.5]])]
    course = [[1e6 * k, -9.0, -8.0 + k, 0.5] for k in range(1, 5)]
    rows += [row("cheetah", "promp", 0, [[-4.0, -2.0], [-2.0, -1.0]], course=course, workers=2, **spent)]
    monkeypatch.setattr(_returns, "load", lambda name: {"rows": rows})
    text = _returns.returns("rl")
    head, _, promp, scratch, still, oracle, *others = rows_of(text)
    bandits, cheetah = others[:6], others[6:]
    assert head == ["method", "before", "after 1 round", "environment steps", "training, s", "CPU, s"]
    # a task's mean over seeds comes first, so the second task has -1.5
    assert promp == ["ProMP", "-3 ± 1.96", "-1.75 ± 0.49", "1.20 million", "20", "15"]
    assert scratch[1:] == ["-5 ± 0", "-4 ± 0", "-", "-", "-"]
    assert still == ["standing still", "-3 ± 1.96", "", "-", "-", "-"]
    assert "At an edge of the inner rates that were tried: ProMP 0.2 (seed 1)." in text
    assert oracle[:2] == ["the goal known", "-1 ± 0"]
    # regret is against whoever knows the task: 1 and 2, where Thompson sampling has 0.5 and 1.5
    assert bandits[2][:4] == ["UCB1", "-2.5 ± 0.98", "1.5 ± 0.98", "1.50"]
    assert bandits[3][2:4] == ["1 ± 0.98", "1.00"]
    assert bandits[5][:3] == ["the best arm known", "-1 ± 0", "0 ± 0"]
    assert cheetah[-1] == ["ProMP", *(f"{-8 + k} ± 0.5 ({k}.0 million)" for k in (1, 1, 2, 3, 4))]
    assert "After one round, seed by seed: ProMP -1.5, -2 (trained in 15 s of CPU time)." in text
    assert "Navigation, 2 fixed test goals, 8 episodes a round." in text
    assert "Navigation, from `results/rl.json`: 2 training seeds; torch" in text
    assert "Cheetah, from `results/rl.json`: 1 training seed; torch" in text
    assert "of a CPU; 2 worker processes; mujoco 3.3.0." in text

    tried = rows[-1] | {"settings": {"rate": 3e-3}}
    monkeypatch.setattr(_returns, "load", lambda name: {"rows": [tried]})
    attempt = ["ProMP", "0.003", "-3 ± 1.96", "-1.5 ± 0.98", "1.20 million", "20", "-"]
    assert rows_of(_returns.attempts("rl_attempts"))[-1] == attempt


def test_kills_of_reinforcement_learning(monkeypatch):
    events = [{"victim": "main", "orphans": 0}, {"victim": "worker", "orphans": None}, {"victim": "main", "orphans": 1}]
    found = {"kills": 3, "iterations": 100, "workers": 2, "equal": True, "different": [], "events": events}
    monkeypatch.setattr(_returns, "load", lambda name: found)
    text = _returns.kills("rl_kills")
    for said in ("at 3 random moments", "2 times of the main process", "1 times of a worker", "equal to the bit",
                 "10 seconds after the main process was killed, 1 worker was still there"):  # fmt: skip
        assert said in text
    events[2] |= {"orphans": 0, "during": "start"}
    monkeypatch.setattr(_returns, "load", lambda name: {**found, "orphan_seconds": 5.0})
    assert "5 seconds after the main process was killed, no worker was still there" in _returns.kills("rl_kills")
    assert "`--resume`, 1 of them within four seconds of its start, and 1 times" in _returns.kills("rl_kills")
    monkeypatch.setattr(_returns, "load", lambda name: {**found, "equal": False, "different": ["best: x"]})
    assert "different in best: x" in _returns.kills("rl_kills")


def test_explain(monkeypatch):
    def row(name, **more):
        each = {"mean": 0.9, "half": 0.01}
        planted = {by: {"mean": 0.5, "half": 0.06} for by in ("most_harmful", "most_contradicted")}
        planted |= {"first": {"mean": 0.955, "half": 0.03}, "examples": 25}
        shuffled = {"shuffled": {"mean": 0.2, "half": 0.01}}
        shown = {"name": name, "accuracy": each, "planted": planted, "memorisation": shuffled}
        return {"cell": [name, 0], **shown, "provenance": PROVENANCE, **more}

    layers = [{"head": head, "cka": {"mean": mean, "half": 0.002}}
              for head, mean in ((False, 0.99), (False, 0.95), (True, 0.4))]  # fmt: skip
    moved = [{"head": head, "relative": [{"mean": 0.5}, {"mean": mean}]} for head, mean in ((False, 0.2), (True, 0.06))]
    rows = [row("MAML", similarity={"layers": layers}, movement={"layers": moved}), row("Prototypes")]
    monkeypatch.setattr(
        _explained,
        "load",
        lambda name: {"tasks": 200, "shots": 5, "outer_steps": 900, "planted_from": 1_000, "rows": rows},
    )
    text = _explained.explain("explain")
    _, _, *body = rows_of(text)
    measured = ["90.0 ± 1.0", "95.5 ± 3.0", "50.0 ± 6.0", "50.0 ± 6.0", "20.0 ± 1.0"]
    assert body == [
        ["MAML", *measured, "0.950 ± 0.002", "0.400 ± 0.002"],
        ["Prototypes", *measured, "-", "-"],
    ]
    assert "MAML: in weights its body moves more than its head (20.0 % of a layer at most, 6.0 %); " in text
    assert "changes less in the body than in the head (CKA 0.95 at least, 0.40)." in text
    assert "guessing would rank it first in 4 %" in text
    assert "1 training seed;" in text


def test_rows_with_seeds_and_costs():
    spent = {"train_steps": 3000.0, "adapt_seconds": 0.0213, "adapt_bytes": 1_234_567, "adapted": 25_000}
    base = {"metric": "accuracy", "norm": "running", "note": ""}
    rows = [
        {**base, "name": "a", "mean": 0.7, "half": 0.01, "spread": 0.012, "trained_seconds": 60.4, "spent": spent},
        {**base, "name": "b", "mean": 0.8, "half": 0.01, "spread": None, "trained_seconds": None, "spent": None},
    ]
    head, _, second, first = rows_of(_learned.evaluations(rows))
    assert head == [
        "learner", "accuracy, %", "sd over seeds", "query normalised with", "training, s", "outer steps",
        "adapting, ms a task", "its memory, MB", "left by a task",
    ]  # fmt: skip
    assert second == ["b", "80.0 ± 1.0", "-", "running averages", "-", "-", "-", "-", "-"]
    assert first == ["a", "70.0 ± 1.0", "1.2", "running averages", "60", "3,000", "21", "1.2", "25,000"]
    assert rows_of(_learned.evaluations(rows, costs=False))[0][-1] == "training, s"
    # a file from before these were measured has the columns that it always had
    old = [{name: row[name] for name in (*base, "name", "mean", "half", "trained_seconds")} for row in rows]
    assert rows_of(_learned.evaluations(old))[0] == ["learner", "accuracy, %", "query normalised with", "training, s"]


def over(metric="accuracy"):
    def point(at, mean, spread=None):
        return {"at": at, "mean": mean, "half": 0.01, "spread": spread}

    return {
        "unit": "shots", "metric": metric, "values": [1, 20],
        "rows": [
            {"name": "MAML", "family": "gradient", "points": [point(1, 0.8, 0.02), point(20, 0.85)]},
            {"name": "Fine-tuned", "family": "transfer", "points": [point(1, 0.6), point(20, 0.9)]},
            {"name": "Lost", "family": "metric", "points": [point(1, None), point(20, None)]},
        ],
    }  # fmt: skip


def test_families_over_shots_and_data(monkeypatch):
    source = {"name": "characters"}
    row = {"values": [0.1] * 600, "source": source, "seeds": [[0, 0.8], [1, 0.9]], "about": {"threads": 1}}
    rest = {"verdict": ["Transfer wins.", "It catches up."], "equal": ["Equal: all."], "provenance": PROVENANCE}
    files = {
        "families_clinc": {"tables": {"test": [row]}, "shots": over(), **rest},
        "families_data": {"tables": {"test": [row]}, **over("squared error"), "unit": "training classes", **rest},
    }
    monkeypatch.setattr(_learned, "load", files.__getitem__)
    text = _learned.crossover("families_clinc")
    head, _, first, second, third = rows_of(text)
    assert head == ["learner, over shots", "1", "20"]
    assert first == ["Fine-tuned (transfer)", "60.0 ± 1.0", "**90.0 ± 1.0**"]
    assert second == ["MAML (gradient)", "**80.0 ± 1.0 (2.0)**", "85.0 ± 1.0"]
    assert third == ["Lost (metric)", "diverged", "diverged"]
    assert "- Transfer wins.\n- It catches up." in text
    assert "2 training seeds" in text
    text = _learned.budget("families_data")
    head, _, first, *_ = rows_of(text)
    assert head[0] == "learner, over training classes"
    assert first == ["MAML (gradient)", "0.8 ± 0.01 (0.02)", "**0.85 ± 0.01**"]


def test_the_script_of_the_families_gives_commands_that_exist(monkeypatch, tmp_path):
    import families

    from innerloop.cli._budget import read as read_budget
    from innerloop.cli._compare import read as read_compare

    seen = []
    monkeypatch.setattr(families, "innerloop", lambda words: seen.append(words) or 0)
    (tmp_path / "omniglot-A-maml-5w1s-0").mkdir()
    monkeypatch.setattr("sys.argv", ["families.py", "--minutes", "0.5", "--filters", "8", "--runs", str(tmp_path)])
    assert families.main() == 0
    for words, (name, problem) in zip(seen, families.PROBLEMS.items(), strict=False):
        given = {"filters": 8} if problem.recipe == "characters" else {}
        given |= {"train_shots": 5} if problem.more else {}
        if problem.command == "compare":
            options, settings = read_compare(words[1:])
            assert (options.recipe, options.shots) == (problem.recipe, problem.at)
        else:
            recipe, options, settings = read_budget(words[1:])
            assert (recipe, options.fractions) == (problem.recipe, problem.at)
        assert (options.methods, options.seeds, options.minutes) == (problem.methods, problem.seeds, 0.5)
        assert settings == given
        assert options.json.endswith(f"families_{name}.json")
    options, _ = read_compare(seen[-1][1:])
    assert options.runs == (str(tmp_path / "omniglot-A-maml-5w1s-0"),)
    assert options.shots == families.OMNIGLOT_SHOTS


def test_the_answer_of_the_families(monkeypatch, tmp_path):
    def course(name, family, *means):
        points = [{"at": at, "mean": mean, "half": 0.01} for at, mean in zip((1, 5), means, strict=True)]
        return {"name": name, "family": family, "points": points}

    best = {"meta-learning": "MAML", "transfer": "Tuned"}
    rulings = [
        {"at": 1, "winner": "meta-learning", "best": best, "sentences": ["Meta-learning wins at 1 shot."]},
        {"at": 5, "winner": "transfer", "best": best, "sentences": ["Transfer wins at 5 shots."]},
    ]
    rows = [course("MAML", "gradient", 0.8, 0.9), course("Tuned", "transfer", 0.6, 0.95)]

    def patient(method, family, **errors):
        seconds = None if family == "trivial" else 14.2
        about = {"name": method.upper(), "family": family, "trained_seconds": seconds}
        return {"cell": [method, 5, "random", 0], **about, "patients": errors}

    patients = [patient("constant", "trivial", a=2.0, b=3.0, c=2.5), patient("maml", "gradient", a=1.0, b=2.2, c=1.6)]
    files = {
        "families_clinc": {"shots": {"metric": "accuracy", "rows": rows, "rulings": rulings}},
        "parkinsons": {"rows": patients, "folds": 1},
    }
    (tmp_path / "results").mkdir()
    for name in files:
        (tmp_path / "results" / f"{name}.json").touch()
    monkeypatch.setattr(_families, "ROOT", tmp_path)
    monkeypatch.setattr(_families, "load", files.__getitem__)
    text = _families.answers("families")
    _, _, first, second, third = rows_of(text)
    assert first == [
        "CLINC150", "1", "meta-learning", "MAML (gradient), 80.0 ± 1.0", "Tuned (transfer), 60.0 ± 1.0", "+20.0",
    ]  # fmt: skip
    assert second[2:3] + second[5:] == ["transfer", "-5.0"]
    assert third[:3] == ["Parkinsons, rows random", "5", "meta-learning"]
    assert "Not measured yet: Characters; Characters, trained with 5 shots; Omniglot A; Sinusoids." in text
    assert "- Meta-learning wins at 1 shot.\n- Transfer wins at 5 shots." in text
    assert "MAML errs by 0.90 points less than CONSTANT" in text
    assert "training took 14 s against nothing." in text
    files["parkinsons"]["folds"] = 2
    assert "CONSTANT" not in _families.answers("families")


def test_control(monkeypatch):
    def row(method, seed, success, before=None, chosen=None):
        cell = [method, "reach", seed, 1_000, 150, 50, 2, [1], 200]
        about = {"metaworld": "3.1.1", "mujoco": "3.3.0", "gymnasium": "1.4.0"}
        shown = {"method": method, "name": method.upper(), "family": "gradient", "seconds": {"training": 20.0}}
        shown |= {"success": [success, 0.05], "not_adapted": before, "chosen": chosen, "values": [success] * 10}
        return {"cell": cell, **shown, "about": about, "provenance": PROVENANCE}

    tuned = {"inner_steps": 50, "inner_lr": 0.003}
    rows = [row("maml", 0, 0.9, [0.1, 0.02]), row("maml", 1, 0.8, [0.2, 0.04]), row("replay", 0, 0.3)]
    rows.append(row("joint_fine_tuned", 0, 0.5, [0.1, 0.1], tuned))
    rows.append(row("joint_fine_tuned", 1, 0.6, [0.1, 0.1], tuned | {"inner_steps": 5}))
    rows.append(row("last_state", 1, 0.8))
    monkeypatch.setattr(_control, "load", lambda name: {"rows": rows})
    text = _control.control("control")
    _, _, maml, last, fine_tuned, replay = rows_of(text)
    assert maml == ["MAML", "gradient", "85.0 ± 5.0 (7.1)", "15.0 ± 3.0 (7.1)", "2", "20"]
    choices = "50 steps at 0.003, 5 steps at 0.003"
    assert fine_tuned[0] == f"JOINT_FINE_TUNED (chosen on validation goals, over the seeds: {choices})"
    assert last[0] == "LAST_STATE"
    # half of the pairs are ahead by .4, half by .2
    assert "against LAST_STATE: no difference; against JOINT_FINE_TUNED: MAML ahead by 30.0 points" in text
    assert replay[2:5] == ["30.0 ± 5.0", "-", "1"]
    assert "at most 2 training seeds" in text
    assert "mujoco 3.3.0" in text
    assert "Demonstrations, training" not in text
    parts = ("demonstrations", "training", "evaluation")
    for used in ("seconds", "cpu_seconds"):
        rows[0][used] = dict(zip(parts, (60.0, 30.0, 30.0), strict=True))
    said = "of MAML took, seed by seed: 2.0 minutes of CPU time (1.0 for the demonstrations), 2.0 of wall time."
    assert said in _control.control("control")


def a_row_of_control(method, task, success, **more):
    cell = [method, task, 0, 1_000, 150, 50, 2, [1], 200]
    about = {"metaworld": "3.1.1", "mujoco": "3.3.0", "gymnasium": "1.4.0"}
    shown = {"method": method, "name": method.upper(), "family": "gradient", "seconds": {"training": 20.0}}
    shown |= {"success": [success, 0.05], "not_adapted": None, "chosen": None, **more}
    return {"cell": cell, **shown, "about": about, "provenance": PROVENANCE}


def test_control_on_other_tasks_says_where_nothing_is_adapted(monkeypatch):
    rows = [
        a_row_of_control("maml", "reach", 0.9),
        a_row_of_control("replay", "drawer-close", 0.8, hides_its_goal=False),
        a_row_of_control("replay", "pick-place", 0.1, hides_its_goal=True),
    ]
    monkeypatch.setattr(_control, "load", lambda name: {"rows": rows})
    text = _control.more("control")
    assert "succeeds in 80.0 %, more than 45: drawer-close does not test adaptation." in text
    assert "The goal of drawer-close is where its object is" in text
    assert text.count("does not test") == text.count("The goal of") == 1
    assert "reach" not in text
    assert "drawer-close" not in _control.control("control")
    monkeypatch.setattr(_control, "load", lambda name: {"rows": rows[:1]})
    assert _control.more("control") == "Not measured yet: `python evidence/control.py --parts more` does it."


def test_rows_on_other_numbers_of_goals_are_not_mixed(monkeypatch):
    rows = [a_row_of_control("maml", "reach", 0.9), a_row_of_control("replay", "reach", 0.3)]
    cell = rows[1]["cell"]
    rows[1]["cell"] = [*cell[:5], 20, *cell[6:]]
    monkeypatch.setattr(_control, "load", lambda name: {"rows": rows})
    with pytest.raises(ValueError, match="cannot stand in one table"):
        _control.control("control")


def test_what_was_not_measured_on_a_task_is_named(monkeypatch):
    rows = [a_row_of_control(method, "reach", success) for method, success in (("maml", 0.9), ("replay", 0.3))]
    rows.append(a_row_of_control("maml", "push", 0.9))
    monkeypatch.setattr(_control, "load", lambda name: {"rows": rows})
    text = _control.control("control")
    assert "Not measured yet on push: REPLAY." in text
    assert "Not measured yet on reach" not in text
    said = _control.replay("control")
    assert "not measured yet on push; 30.0 % on reach, not more than the 45 of a task solved blindly" in said
    rows.append(a_row_of_control("replay", "push", 0.5))
    assert "50.0 % on push, more than" in _control.replay("control")
    assert "Not measured yet" not in _control.control("control")


def test_curves_of_control(monkeypatch, tmp_path):
    def row(method, seed, *means):
        values = {str(k): [mean] * 10 for k, mean in zip((1, 5), means, strict=True)}
        over = {k: [each[0], 0.1] for k, each in values.items()}
        steps = {} if method == "last_state" else {"1": [[0.0, 0.0], [means[0], 0.1]]}
        told = a_row_of_control(method, "reach", 0.0) | {"over_shots": over, "over_steps": steps, "values": values}
        told["values_over_steps"] = {"1": [[0.0] * 10, values["1"]]} if steps else {}
        return told | {"cell": [method, "reach", seed, 1_000, 150, 10, 200]}

    rows = [row("maml", 0, 0.9, 0.7), row("maml", 1, 0.8, 0.7), row("joint_fine_tuned", 0, 0.3, 0.7)]
    rows += [row("joint_fine_tuned", 1, 0.3, 0.7), row("last_state", 0, 0.8, 0.9)]
    monkeypatch.setattr(_control, "load", lambda name: {"rows": [], "curves": rows})
    monkeypatch.setattr(_control, "ROOT", tmp_path)
    text = _control.curves("control")
    assert "K = 1: MAML ahead by 55.0 points, " in text
    assert "K = 5: no difference" in text
    assert "After K inner steps on 1 demonstration, MAML against fine-tuning (paired 95 % intervals): K = 1" in text
    head, _, tuned, _, maml, _, _, _, maml_steps = rows_of(text)
    assert head == ["learner", "1 shown", "5 shown", "seeds"]
    assert tuned[1:] == ["30.0 ± 10.0 (0.0)", "70.0 ± 10.0 (0.0)", "2"]
    assert maml[1:] == ["85.0 ± 10.0 (7.1)", "70.0 ± 10.0 (0.0)", "2"]
    assert maml_steps == ["MAML", "0.0 ± 0.0 (0.0)", "85.0 ± 10.0 (7.1)", "2"]
    assert "control_curves.png" not in text
    (tmp_path / "docs" / "images").mkdir(parents=True)
    (tmp_path / _control.PICTURE).touch()
    assert "](images/control_curves.png)" in _control.curves("control")
    monkeypatch.setattr(_control, "load", lambda name: {"rows": []})
    assert _control.curves("control") == "Not measured yet: `python evidence/control.py --parts curves` does it."
