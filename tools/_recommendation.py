"""The tables of recommendation: users left out, the simulator beside its oracle, memory, serving, onboarding."""

from __future__ import annotations

from typing import Any

import numpy as np

from _markdown import about, load, markdown, number

Rows = list[dict[str, Any]]

MAE, RMSE, HR, NDCG = "absolute error", "root mean squared error", "HR@10", "nDCG@10"
META = ("gradient", "memory")
"""Families whose best row is compared with the opponents. What is solved exactly, of the metric family, has a line
of its own."""
MOVES_NOTHING = 0.01
"""A prediction that moves by less of a star is said not to move. A choice: ratings come in steps of a half."""
NEAR, FAR = 10, 25
"""Per cent above the oracle: what the learners were to stay within, and what user and item bias was to exceed."""
LOST = 1_000
"""Per cent above the oracle from which on a mean says nothing but that some users' steps went out of bounds. A choice:
who answers with the same number for everybody is far below it."""
UNADAPTED = "absolute error without events"
"""Of MeLU's steps: what the same network's error would be, were the user's events not known."""
_COMMAND = "`python evidence/recommend.py` does it"


def movielens(name: str) -> str:
    """A table for each number of support events, with verdicts in words."""
    content = load(name)
    pooled = [one for one in content.get("pooled", ()) if one["data"] == "movielens"]
    if not pooled:
        return _missing(content, "movielens")
    names = _names(content)
    seeds = max(len(one["seeds"][metric]) for one in pooled for metric in one["seeds"])
    parts = [
        f"MovieLens small, users left out. Their first K ratings are known, all after the {content['longest']}th are "
        "predicted, so that every K predicts the same. Errors in stars; HR and nDCG in per cent over all items but "
        f"those of the user's first {content['longest']}, liked is a rating of 4 or more; what is learned is fitted "
        "once to ratings, for the errors, and once to rankings, for the places. ± is half of the 95 % interval over "
        f"users; in brackets the standard deviation over {seeds} training seeds, each of which holds another fifth of "
        "the users out.",
        _caveats(content),
    ]
    for shots in sorted({one["shots"] for one in pooled}):
        here = [one for one in pooled if one["shots"] == shots]
        lines = [["recommender", "family", "MAE", "RMSE", "HR@10, %", "nDCG@10, %"]]
        for one in sorted(here, key=_order):
            cells = (_cell(one, metric) for metric in (MAE, RMSE, HR, NDCG))
            lines.append([names[one["method"]], one["family"], *cells])
        users = max(one["users"] for one in here)
        parts += [f"**K = {shots}**, {users:,} users:", markdown(lines), _verdicts(here, names, _validated(content))]
    return "\n\n".join([*filter(None, [*parts, _diverged(content, "movielens")]), _origin(name, content, "movielens")])


def melu(name: str) -> str:
    """One step at 5e-6 beside the network that is not adapted at all."""
    content = load(name)
    pooled = {(one["shots"], one["method"]): one for one in content.get("pooled", ()) if one["data"] == "movielens"}
    shots = sorted({k for k, method in pooled if method == "melu"})
    if not shots:
        return _missing(content, "movielens")
    lines = [["K", "MeLU's steps: MAE", "the same network unadapted: MAE", "global network: MAE", "MAML: MAE"]]
    for k in shots:
        cells = [_cell(pooled[k, "melu"], metric) for metric in (MAE, UNADAPTED)]
        own = (pooled.get((k, method)) for method in ("global", "maml"))
        lines.append([str(k), *cells, *("-" if one is None else _cell(one, MAE) for one in own)])
    parts = [markdown(lines)]
    pairs = {k: pooled[k, "melu"]["against"].get(f"{MAE}: unadapted") for k in shots}
    said = [
        f"at K = {k} {_word(pair, lower=True, words=('lower', 'higher', 'not seen to differ'))} "
        f"({pair['difference']:+.3g} stars, 95 % interval {pair['low']:+.3g} to {pair['high']:+.3g})"
        for k, pair in pairs.items() if pair is not None
    ]  # fmt: skip
    if said:
        parts.append(
            f"The error of MeLU's steps beside that of the same network unadapted, in pairs: {'; '.join(said)}."
        )
    moved = _moved(content)
    if "melu" in moved:
        beside = f"; MAML's five steps move it by {moved['maml']:.2g}" if "maml" in moved else ""
        parts.append(
            f"The step moves a prediction by {moved['melu']:.2g} stars in the mean{beside}. "
            + ("That adapts nothing." if moved["melu"] < MOVES_NOTHING else "That is more than nothing.")
        )
    return "\n\n".join(parts)


def simulated(name: str) -> str:
    """How far each recommender is above the oracle, at each level of noise."""
    content = load(name)
    pooled = [one for one in content.get("pooled", ()) if one["data"].startswith("simulated")]
    levels = sorted({one["data"] for one in pooled}, key=_noise)
    oracles = {one["data"]: one["metrics"][RMSE]["mean"] for one in pooled if one["method"] == "oracle"}
    levels = [level for level in levels if level in oracles]
    if not levels:
        return _missing(content, "simulated")
    names, above = _names(content), {}
    for one in pooled:
        pair = one["against"].get(f"{RMSE}: oracle")
        if pair is not None and one["data"] in oracles:
            scale = 100 / oracles[one["data"]]
            above[one["method"], one["data"]] = [scale * pair[key] for key in ("difference", "low", "high")]
    methods = dict.fromkeys(method for method, _ in above)
    mean = {
        each: float(np.mean([above[each, level][0] for level in levels if (each, level) in above])) for each in methods
    }
    lines = [["recommender", *(f"noise {_noise(level):g}" for level in levels)]]
    lines.append(["oracle: its RMSE", *(f"{oracles[level]:.3f}" for level in levels)])
    for method in sorted(methods, key=lambda each: mean[each]):
        cells = ("-" if (found := above.get((method, level))) is None else _above(found) for level in levels)
        lines.append([names[method], *cells])
    seeds = max(len(one["seeds"][RMSE]) for one in pooled if RMSE in one["seeds"])
    first = (
        f"The simulator with {content['simulated_users']:,} users; per cent by which the RMSE is above the oracle's "
        f"after {max(one['shots'] for one in pooled)} ratings of each user left out, with the 95 % interval of the "
        f"paired difference; {seeds} seeds, each in a world of its own, pooled. {_tuned(content, 'simulated', 'RMSE')}"
    )
    lost = [
        f"{names[one['method']]} blows up for some users with noise {_noise(one['data']):g}: its RMSE by seed is "
        f"{', '.join(f'{value:.3g}' for value in one['seeds'][RMSE])}."
        for one in pooled
        if above.get((one["method"], one["data"]), [0.0])[0] > LOST
    ]
    gone = " ".join(filter(None, [_diverged(content, "simulated"), *lost]))
    parts = [first.rstrip(), markdown(lines), gone, _fixed(above, levels, names)]
    return "\n\n".join([*filter(None, parts), _origin(name, content, "simulated")])


def _diverged(content: dict[str, Any], data: str) -> str:
    """Where there is no number because a training came to no end."""
    return " ".join(
        f"{row['name']} has no number{f' with noise {_noise(at):g}' if data == 'simulated' else ''}: the training with "
        f"seed {seed} diverged, with the setting that was chosen in shorter ones."
        for row in content["rows"]
        for at, _, seed in [row["cell"]]
        if "diverged" in row and at.startswith(data)
    )


def stream(name: str) -> str:
    """Memory of training on a million users."""
    found = load(name)
    lines = [["users so far", "resident, MB", "query loss"]]
    lines += [
        [f"{row['users']:,}", f"{row['resident_megabytes']:.1f}", f"{row['query_loss']:.3f}"] for row in found["course"]
    ]
    store = found["store"]
    return "\n\n".join([
        markdown(lines),
        f"Memory rises by {found['growth_megabytes']:.1f} MB after the first {found['course'][0]['users']:,} users. "
        f"{store['events']:,} events of {found['users']:,} users take {store['disk_megabytes']:.0f} MB on disk, and "
        f"are written with at most {store['peak_megabytes']:.0f} MB of memory, of which "
        f"{found['import_megabytes']:.0f} MB are the library's. The whole took {found['wall_seconds'] / 60:.0f} min. "
        f"From `results/{name}.json`: "
        + about(found["provenance"], 1),
    ])  # fmt: skip


def serving(name: str) -> str:
    """Times of one user and of many, and the size of what is kept."""
    found = load(name)
    goals = found["targets"]
    lines = [[
        "learner", f"learn a user, p50 ms (≤ {goals['adapt_p50_ms']:g})", f"p99 ms (≤ {goals['adapt_p99_ms']:g})",
        f"{found['users']} users at once, ms each (≤ {goals['batch_ms_per_user']:g})",
        f"score {found['items']:,} items, p50 ms (≤ {goals['score_ms']:g})", "recommend with reasons, p50 ms",
        "state, bytes", f"{found['states']:,} users, MB (≤ {goals['states_megabytes']:g})",
    ]]  # fmt: skip
    missed = []
    for row in found["rows"]:
        measured = {
            "adapt_p50_ms": row["adapt"]["p50_ms"], "adapt_p99_ms": row["adapt"]["p99_ms"],
            "batch_ms_per_user": row["batch_ms_per_user"], "score_ms": row["score"]["p50_ms"],
            "states_megabytes": row["states_megabytes"],
        }  # fmt: skip
        times = [f"{measured[key]:.3g}" for key in goals if key != "states_megabytes"]
        lines.append([
            row["learner"], *times, f"{row['recommend']['p50_ms']:.3g}", f"{row['state_bytes']:,}",
            f"{measured['states_megabytes']:.3g}",
        ])  # fmt: skip
        missed += [f"{row['learner']} ({key}: {measured[key]:.3g})" for key in goals if measured[key] > goals[key]]
    said = f"Above what was to be reached: {'; '.join(missed)}." if missed else "All are within what was to be reached."
    quick = "A quick run with few repeats, to see that it works. " if found["quick"] else ""
    return "\n\n".join([
        markdown(lines),
        f"{quick}{said} Users have {found['events']} events; gradient learners take 5 steps; one user on one core, "
        f"many on two. From `results/{name}.json`: torch {found['provenance']['torch']} on a CPU.",
    ])  # fmt: skip


def onboarding(name: str) -> str:
    """The error after so many questions, by how they were chosen."""
    found = load(name)
    choices = list(dict.fromkeys(row["choice"] for row in found["rows"]))
    by_place = {(row["items"], row["choice"]): row["rmse"] for row in found["rows"]}
    lines = [["questions", *(f"{choice}: RMSE" for choice in choices)]]
    for items in sorted({row["items"] for row in found["rows"]}):
        cells = (by_place.get((items, choice)) for choice in choices)
        lines.append([str(items), *("-" if one is None else f"{one['mean']:.4f} ± {one['half']:.4f}" for one in cells)])
    parts = [markdown(lines)]
    for pair in found["paired"]:
        at = f"After {pair['items']} questions: " if "items" in pair else ""
        word = _word(pair, lower=True, words=("lower than", "higher than", "not seen to differ from"))
        parts.append(
            f"- {at}the error with the items of `onboarding` is {word} that with {pair['against']} items: "
            f"{pair['difference']:+.4f}, 95 % interval {pair['low']:+.4f} to {pair['high']:+.4f}, p = {pair['p']:.2g}."
        )
    how = (
        f"{found['users']:,} new users of {len(found['seeds'])} simulated worlds of {found['simulated_users']:,} users "
        f"with noise {found['noise']:g}. Each is asked for so many ratings, and all items that no choice asks for are "
        f"predicted by the ridge on learned factors; ± and intervals over users, p by {found['tosses']:,} random signs "
        "of the paired differences."
    )
    return "\n\n".join([how, parts[0], "\n".join(parts[1:]), f"From `results/{name}.json`."])


def _order(one: dict[str, Any]) -> tuple[float, float]:
    """By error; what only orders items comes last, by nDCG."""
    metrics = one["metrics"]
    return metrics[MAE]["mean"] if MAE in metrics else np.inf, -metrics[NDCG]["mean"] if NDCG in metrics else 0.0


def _cell(one: dict[str, Any], metric: str) -> str:
    found = one["metrics"].get(metric)
    if found is None or found["mean"] is None:
        return "-"
    share = metric in (HR, NDCG)
    means = one["seeds"][metric]
    scale, digits = (100, ".1f") if share else (1, ".3f")
    spread = f" ({scale * np.std(means, ddof=1):{digits}})" if len(means) > 1 else ""
    return (number(found["mean"], found["half"]) if share else f"{found['mean']:.3f} ± {found['half']:.3f}") + spread


def _validated(content: dict[str, Any]) -> dict[tuple[str, str], float]:
    """What a method had on validation users when it was fitted to ratings or to rankings: the mean over seeds."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in content["rows"]:
        if row["cell"][0] == "movielens":
            for goal, done in row.get("done", {}).items():
                found.setdefault((row["cell"][1], goal), []).append(done["best"])
    return {place: float(np.mean(each)) for place, each in found.items()}


def _verdicts(here: Rows, names: dict[str, str], validated: dict[tuple[str, str], float]) -> str:
    """The meta-learned row that is best on validation users against opponents named beforehand; the ridge beside it."""
    lines = []
    for metric, what, goal, rivals, lower in (
        (MAE, "MAE", "ratings", ("ridge_on_factors", "learned_ridge", "user_item_bias", "learned_bias"), True),
        (NDCG, "nDCG@10", "ranking", ("item_knn", "learned_ridge"), False),
    ):
        meta = [one for one in here if one["family"] in META and (one["method"], goal) in validated]
        if not meta:
            continue
        best = min(meta, key=lambda one: (1 if lower else -1) * validated[one["method"], goal])
        learned = [one for one in here if one["method"] == "learned_ridge" and one is not best]
        for title, one in (("best meta-learned row", best), *(("solved exactly", each) for each in learned)):
            said = [
                f"{_word(pair, lower=lower, words=('won', 'lost', 'no difference'))} against {names[rival]} "
                f"({_difference(pair, lower)})"
                for rival in rivals
                if (pair := one["against"].get(f"{metric}: {rival}")) is not None
            ]
            if said:
                lines.append(
                    f"- {what}, {names[one['method']]} ({title}): {'; '.join(said)}.".replace(f" in {what}", "")
                )
    return "\n".join(lines)


def _caveats(content: dict[str, Any]) -> str:
    """What to know before reading: which of the users settings were chosen on, and what flatters a row."""
    rows = [row for row in content["rows"] if row["cell"][0] == "movielens" and "diverged" not in row]
    said = [
        "The best meta-learned row is the one that is best on the validation users of the three folds.",
        "Opponents look at no features of items, what is learned sees the genres; opponents minimise squared errors, "
        "what is learned may try the absolute one, as may its own biases.",
    ]
    opponents = [row["tried"] for row in rows if "known_to_settings" not in row]
    if tried := sorted({len(each) for one in opponents for each in one.values() if each}):
        said.append(
            f"Opponents with settings try {' or '.join(map(str, tried))} of them on the validation users of each fold."
        )
    if learned := _tuned(content, "movielens", "MAE or nDCG@10"):
        said.append(f"{learned} Test users of two of the seeds are among those whom these trials were trained on.")
    said.append("Item kNN, EASE, implicit ALS, BPR and popularity order items and predict no ratings: no MAE, no RMSE.")
    said.append("What is never ranked is fitted to ratings alone.")
    said.append("A user's events of the same second keep the order of the file, which has older films first.")
    recorded: dict[str, list[int]] = {}
    for row in rows:
        if "known_to_settings" in row:
            recorded.setdefault(row["cell"][1], []).append(row["known_to_settings"])
    count = max((sum(each) for each in recorded.values()), default=None)
    among = "how many of the users here are among them is not recorded"
    if count is not None:
        among = f"{count or 'none'} of the users here {'is' if count in (0, 1) else 'are'} among them"
    said.append(
        "The library's settings of what is learned were chosen on validation users of the first fold of users; "
        f"{among}."
    )
    return "\n".join(f"- {each}" for each in said)


def _tuned(content: dict[str, Any], data: str, metric: str) -> str:
    """How the settings of what is learned were chosen."""
    found = [one for one in content.get("tuned", []) if one["cell"][0].startswith(data)]
    if not found:
        return ""
    tried, steps, users = (sorted(each) for each in (
        {len(one["tried"]) for one in found}, {one["steps"] for one in found}, {one["users"] for one in found}
    ))  # fmt: skip
    lists = [" or ".join(f"{number:,}" for number in each) for each in (tried, steps, users)]
    return (
        f"What is learned had its settings chosen from {lists[0]} that were trained for {lists[1]} steps, at most, and "
        f"judged by the {metric} of {lists[2]} validation users, who are test users of no seed."
    )


def _difference(pair: dict[str, Any], errors: bool) -> str:
    scale, digits, unit = (1, "+.3f", "") if errors else (100, "+.1f", " points")
    low, high = (f"{scale * pair[key]:{digits}}" for key in ("low", "high"))
    return f"{scale * pair['difference']:{digits}}{unit}, {low} to {high}"


def _word(pair: dict[str, Any], *, lower: bool, words: tuple[str, str, str]) -> str:
    """What an interval says: the first word if the row is better, the second if it is worse, else the third."""
    if pair["low"] <= 0 <= pair["high"]:
        return words[2]
    return words[0] if (pair["high"] < 0) == lower else words[1]


def _above(found: list[float]) -> str:
    return "blows up" if found[0] > LOST else f"{found[0]:+.1f} % ({found[1]:+.1f} to {found[2]:+.1f})"


def _fixed(above: dict[tuple[str, str], list[float]], levels: list[str], names: dict[str, str]) -> str:
    """Whether the setting is what it was fixed to be, and who stays near the oracle."""
    said = []
    for method in ("user_item_bias", "maml", "cavia", "ridge_on_factors", "learned_ridge"):
        if all((method, level) in above for level in levels):
            found = [above[method, level][0] for level in levels]
            if method == "user_item_bias":
                word = f"at least {FAR} %" if min(found) >= FAR else f"not everywhere {FAR} %"
            else:
                word = f"within {NEAR} %" if max(found) <= NEAR else f"not everywhere within {NEAR} %"
            said.append(f"{names[method]} is {word} above ({min(found):.1f} to {max(found):.1f})")
    return f"{'; '.join(said)}." if said else ""


def _moved(content: dict[str, Any]) -> dict[str, float]:
    """Stars by which the support events move predictions, where that was measured: the mean over seeds."""
    found: dict[str, list[float]] = {}
    for row in content["rows"]:
        if row["cell"][0] == "movielens" and row.get("moved") is not None:
            found.setdefault(row["cell"][1], []).append(row["moved"])
    return {method: float(np.mean(values)) for method, values in found.items()}


def _noise(level: str) -> float:
    return float(level.rpartition(" ")[2])


def _names(content: dict[str, Any]) -> dict[str, str]:
    return {row["cell"][1]: row["name"] for row in content["rows"]}


def _missing(content: dict[str, Any], data: str) -> str:
    rows = sum(row["cell"][0].startswith(data) for row in content.get("rows", ()))
    begun = f" ({rows} rows are there, not yet of all seeds)" if rows else ""
    return f"Not measured yet{begun}: {_COMMAND}."


def _origin(name: str, content: dict[str, Any], data: str) -> str:
    rows = [row for row in content["rows"] if row["cell"][0].startswith(data)]
    return f"From `results/{name}.json`: {about(rows[0]['provenance'], len({row['cell'][2] for row in rows}))}"
