"""The rivals in a comparison: what needs no meta-training, its settings chosen on validation tasks."""

from __future__ import annotations

from itertools import chain
from typing import Any

ON_FEATURES = {
    "pretraining": ("fine_tune", "linear_head", "linear_probe"),
    "baseline_plus_plus": ("cosine_head", "linear_probe"),
}
"""What is fitted to the features of a run on classes that are new in every task, by the run's method."""
ON_NETWORK = {"pretraining": ("fine_tune", "linear_head")}
"""What goes on from the network of a run whose outputs mean the same in every task, by the run's method."""
FROM_RUNS = frozenset(chain(*ON_FEATURES.values(), *ON_NETWORK.values()))
"""All that begin with a run and have its training as a price."""
CLOSED_FORMS = ("pooled_ridge", "shrunk_ridge")
"""What a table's tasks have besides."""

TUNED_RATES = {
    # tried on validation tasks, with equal trials for each; 1, 2, ... steps of each rate are tried at once
    "linear_head": (0.003, 0.01, 0.03, 0.1),
    "cosine_head": (0.003, 0.01, 0.03, 0.1),
    "fine_tune": (0.0003, 0.001, 0.003, 0.01),
    "from_scratch": (0.0003, 0.001, 0.003, 0.01),
}
_MAX_STEPS = {"linear_head": 40, "cosine_head": 40, "fine_tune": 15, "from_scratch": 15}
_SMALL_RATES, _SMALL_MAX_STEPS = (0.001, 0.003, 0.01, 0.03), 40
"""For rows of tables and points of curves, whose perceptrons cost little."""
_HEAD_STEPS = {"fine_tune": (0, 5)}
"""Steps of the head alone before everything moves, tried with every rate."""
_WIDEN = 2
"""How often more is tried where the choice lies at an edge."""
PENALTIES: dict[str, tuple[Any, ...]] = {
    "linear_probe": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "raw_ridge": (0.01, 0.1, 1.0, 10.0, 100.0),
    "pooled_ridge": (0.001, 0.01, 0.1, 1.0, 10.0),
    # of slopes and of the intercept; a large one leaves the slopes as they are in the pooled fit
    "shrunk_ridge": tuple((s, i) for s in (0.1, 1.0, 10.0, 100.0, 1e3, 1e6) for i in (0.01, 0.1, 1.0, 10.0)),
}
_VALIDATION_TASKS = 40


def rivals_of(method: str, classes: bool) -> tuple[str, ...]:
    """What goes on from a run of that method; `classes`: whether they are new in every task."""
    return (ON_FEATURES if classes else ON_NETWORK).get(method, ())


def rival(
    kind: str, experiment: Any, shots: int | None = None, chosen: dict[str, Any] | None = None
) -> tuple[Any, str, dict[str, Any] | None]:
    """The learner of a row that is no run, how it was chosen in words, and the settings that were chosen.

    Args:
        kind: name of a method that needs no training of its own.
        experiment: the recipe's source and, for what is fitted to features, the pretrained learner.
        shots: support examples (per class) of the tasks; None: as in the recipe.
        chosen: the settings, if they are known already; None: they are chosen on validation tasks.
    """
    from innerloop import methods

    if kind == "constant":
        return methods.constant(), "", None
    if kind == "nearest_mean":
        return methods.nearest_mean(), "", None
    make = _penalised if kind in PENALTIES else _stepping
    if chosen is not None:
        return make(kind, experiment, **chosen), "", chosen
    validation = experiment.source.validation
    validation = validation if shots is None else validation.with_(shots=shots)
    return (_select if kind in PENALTIES else _tune)(kind, experiment, validation)


def _select(kind: str, experiment: Any, validation: Any) -> tuple[Any, str, dict[str, Any]]:
    from innerloop.evaluation import select

    found = select(
        lambda penalty: _penalised(kind, experiment, penalty), PENALTIES[kind], validation, tasks=_VALIDATION_TASKS
    )
    if kind == "shrunk_ridge":
        slopes, intercept = found.setting
        said = f"penalties {slopes:g} of slopes and {intercept:g} of the intercept"
    else:
        said = f"penalty {found.setting:g}"
    return found.learner, f"{said}, {_chosen()}", {"penalty": found.setting}


def _tune(kind: str, experiment: Any, validation: Any) -> tuple[Any, str, dict[str, Any]]:
    from innerloop.evaluation import Tuned, select, tune

    rates, most = (TUNED_RATES[kind], _MAX_STEPS[kind]) if _classes(experiment) else (_SMALL_RATES, _SMALL_MAX_STEPS)
    tuned: dict[int, Tuned] = {}

    def make(head: int) -> Any:
        tuned[head] = tune(
            lambda rate: _stepping(kind, experiment, rate, most, head),
            rates,
            validation,
            max_steps=most,
            tasks=_VALIDATION_TASKS,
            widen=_WIDEN,
        )
        return _stepping(kind, experiment, tuned[head].rate, tuned[head].steps, head)

    selected = select(make, _HEAD_STEPS.get(kind, (0,)), validation, tasks=_VALIDATION_TASKS)
    head, found = selected.setting, tuned[selected.setting]
    first = f", the first {min(head, found.steps)} of the head alone" if head else ""
    edge = ", at the edge of what was tried" if found.at_edge else ""
    note = f"Adam at {found.rate:.3g}, {found.steps} steps{first}, {_chosen()}{edge}"
    return selected.learner, note, {"rate": found.rate, "steps": found.steps, "head_steps": head}


def _chosen() -> str:
    return f"chosen on {_VALIDATION_TASKS} validation tasks"


def _classes(experiment: Any) -> bool:
    """Whether classes are new in every task; else an output means the same in all of them."""
    from innerloop.recipes._recipe import ClassRecipe

    return isinstance(experiment.recipe, ClassRecipe)


def _penalised(kind: str, experiment: Any, penalty: Any) -> Any:
    from innerloop import methods

    if kind == "linear_probe":
        return methods.linear_probe(experiment.learner.network, penalty=penalty)
    if kind == "raw_ridge":
        return methods.raw_ridge(penalty=penalty)
    if kind == "pooled_ridge":
        return methods.pooled_ridge(experiment.source.train, penalty=penalty)
    slopes, intercept = penalty
    return methods.shrunk_ridge(experiment.source.train, slopes=slopes, intercept=intercept)


def _stepping(kind: str, experiment: Any, rate: float, steps: int, head_steps: int = 0) -> Any:
    import torch

    from innerloop import methods
    from innerloop.recipes._build import build_network, outputs_of

    settings: dict[str, Any] = {"inner_steps": steps, "inner_lr": rate}
    if kind == "from_scratch":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(experiment.recipe.seed)
            network = build_network(experiment.recipe, experiment.source, outputs_of(experiment.source))
        return methods.from_scratch(network, **settings)
    pretrained = experiment.learner.network
    if kind == "cosine_head":
        return methods.cosine_head(pretrained, **settings)
    ways = outputs_of(experiment.source) if _classes(experiment) else None
    if kind == "linear_head":
        return methods.linear_head(pretrained, ways, **settings)
    return methods.fine_tune(pretrained, ways, head_steps=head_steps, **settings)
