"""The rivals in a comparison: what needs no meta-training, its settings chosen on validation tasks."""

from __future__ import annotations

from typing import Any

ON_FEATURES = {
    "pretraining": ("fine_tune", "linear_head", "linear_probe"),
    "baseline_plus_plus": ("cosine_head", "linear_probe"),
}
"""What is fitted to the features of a run, by the run's method."""
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
_HEAD_STEPS = {"fine_tune": (0, 5)}
"""Steps of the head alone before everything moves, tried with every rate."""
PENALTIES: dict[str, tuple[Any, ...]] = {
    "linear_probe": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "pooled_ridge": (0.001, 0.01, 0.1, 1.0, 10.0),
    # of slopes and of the intercept; a large one leaves the slopes as they are in the pooled fit
    "shrunk_ridge": tuple((s, i) for s in (0.1, 1.0, 10.0, 100.0, 1e3, 1e6) for i in (0.01, 0.1, 1.0, 10.0)),
}
_VALIDATION_TASKS = 40
_CHOSEN = f"chosen on {_VALIDATION_TASKS} validation tasks"


def rival(kind: str, experiment: Any) -> tuple[Any, str]:
    """The learner of a row that is no run, and how it was chosen.

    Args:
        kind: name of a method that needs no training of its own.
        experiment: the recipe's source and, for what is fitted to features, the pretrained learner.
    """
    from innerloop import methods

    if kind == "constant":
        return methods.constant(), ""
    if kind == "nearest_mean":
        return methods.nearest_mean(), ""
    return _penalised(kind, experiment) if kind in PENALTIES else _tuned(kind, experiment)


def _penalised(kind: str, experiment: Any) -> tuple[Any, str]:
    from innerloop import methods
    from innerloop.evaluation import select

    train = experiment.source.train

    def make(penalty: Any) -> Any:
        if kind == "linear_probe":
            return methods.linear_probe(experiment.learner.network, penalty=penalty)
        if kind == "pooled_ridge":
            return methods.pooled_ridge(train, penalty=penalty)
        slopes, intercept = penalty
        return methods.shrunk_ridge(train, slopes=slopes, intercept=intercept)

    found = select(make, PENALTIES[kind], experiment.source.validation, tasks=_VALIDATION_TASKS)
    if kind == "shrunk_ridge":
        slopes, intercept = found.setting
        return found.learner, f"penalties {slopes:g} of slopes and {intercept:g} of the intercept, {_CHOSEN}"
    return found.learner, f"penalty {found.setting:g}, {_CHOSEN}"


def _tuned(kind: str, experiment: Any) -> tuple[Any, str]:
    from innerloop.evaluation import select, tune

    validation = experiment.source.validation
    said: dict[int, str] = {}

    def make(head: int) -> Any:
        chosen = tune(
            lambda rate: _stepping(kind, experiment, rate, _MAX_STEPS[kind], head),
            TUNED_RATES[kind],
            validation,
            max_steps=_MAX_STEPS[kind],
            tasks=_VALIDATION_TASKS,
        )
        first = f", the first {head} of the head alone" if head else ""
        said[head] = f"Adam at {chosen.rate:g}, {chosen.steps} steps{first}, {_CHOSEN}"
        return _stepping(kind, experiment, chosen.rate, chosen.steps, head)

    if kind not in _HEAD_STEPS:
        return make(0), said[0]
    found = select(make, _HEAD_STEPS[kind], validation, tasks=_VALIDATION_TASKS)
    return found.learner, said[found.setting]


def _stepping(kind: str, experiment: Any, rate: float, steps: int, head: int) -> Any:
    import torch

    from innerloop import methods
    from innerloop.recipes._build import build_network, outputs_of

    settings: dict[str, Any] = {"inner_steps": steps, "inner_lr": rate}
    outputs = outputs_of(experiment.source)
    if kind == "from_scratch":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(experiment.recipe.seed)
            return methods.from_scratch(build_network(experiment.recipe, experiment.source, outputs), **settings)
    pretrained = experiment.learner.network
    if kind == "cosine_head":
        return methods.cosine_head(pretrained, **settings)
    if kind == "linear_head":
        return methods.linear_head(pretrained, outputs, **settings)
    return methods.fine_tune(pretrained, outputs, head_steps=head, **settings)
