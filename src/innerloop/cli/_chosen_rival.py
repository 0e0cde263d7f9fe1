"""From a row of `RIVALS` to its learner, with settings chosen on validation tasks."""

from __future__ import annotations

from typing import Any

from innerloop.cli._rivals import RIVALS, Penalties, Rates

_SMALL_RATES, _SMALL_STEPS = (0.001, 0.003, 0.01, 0.03), 40
"""For rows of tables and points of curves, whose perceptrons cost little."""
_WIDEN = 2
"""How often more is tried where the choice lies at an edge."""
_VALIDATION_TASKS = 40
"""That settings are chosen on."""


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
    tries = RIVALS[kind].tries
    if tries is None:
        return _made(kind, experiment), "", None
    if chosen is not None:
        return _made(kind, experiment, **_arguments(tries, chosen)), "", chosen
    validation = experiment.source.validation
    validation = validation if shots is None else validation.with_(shots=shots)
    return (_select if isinstance(tries, Penalties) else _tune)(kind, experiment, validation, tries)


def _select(kind: str, experiment: Any, validation: Any, tries: Any) -> tuple[Any, str, dict[str, Any]]:
    from innerloop.evaluation import select

    def make(penalty: Any) -> Any:
        return _made(kind, experiment, **_arguments(tries, {"penalty": penalty}))

    found = select(make, tries.values, validation, tasks=_VALIDATION_TASKS)
    said = tries.said.format(*_each(found.setting))
    return found.learner, f"{said}, {_chosen()}", {"penalty": found.setting}


def _tune(kind: str, experiment: Any, validation: Any, tries: Any) -> tuple[Any, str, dict[str, Any]]:
    from innerloop.evaluation import Tuned, select, tune

    rates, most = (tries.rates, tries.steps) if _classes(experiment) else (_SMALL_RATES, _SMALL_STEPS)
    tuned: dict[int, Tuned] = {}

    def stepping(rate: float, steps: int, head: int) -> Any:
        return _made(kind, experiment, **_arguments(tries, {"rate": rate, "steps": steps, "head_steps": head}))

    def make(head: int) -> Any:
        tuned[head] = tune(
            lambda rate: stepping(rate, most, head),
            rates,
            validation,
            max_steps=most,
            tasks=_VALIDATION_TASKS,
            widen=_WIDEN,
        )
        return stepping(tuned[head].rate, tuned[head].steps, head)

    selected = select(make, tries.head_steps, validation, tasks=_VALIDATION_TASKS)
    head, found = selected.setting, tuned[selected.setting]
    first = f", the first {min(head, found.steps)} of the head alone" if head else ""
    edge = ", at the edge of what was tried" if found.at_edge else ""
    note = f"Adam at {found.rate:.3g}, {found.steps} steps{first}, {_chosen()}{edge}"
    return selected.learner, note, {"rate": found.rate, "steps": found.steps, "head_steps": head}


def _chosen() -> str:
    return f"chosen on {_VALIDATION_TASKS} validation tasks"


def _arguments(tries: Rates | Penalties, chosen: dict[str, Any]) -> dict[str, Any]:
    """A choice, as it is kept with a row, as arguments of the method."""
    if isinstance(tries, Penalties):
        return dict(zip(tries.arguments, _each(chosen["penalty"]), strict=True))
    head = chosen.get("head_steps", 0)
    return {"inner_lr": chosen["rate"], "inner_steps": chosen["steps"], **({"head_steps": head} if head else {})}


def _each(penalty: Any) -> tuple[Any, ...]:
    return tuple(penalty) if isinstance(penalty, list | tuple) else (penalty,)


def _classes(experiment: Any) -> bool:
    """Whether classes are new in every task; else an output means the same in all of them."""
    from innerloop.recipes._recipe import ClassRecipe

    return isinstance(experiment.recipe, ClassRecipe)


def _made(kind: str, experiment: Any, **arguments: Any) -> Any:
    from innerloop import methods
    from innerloop.recipes._build_network import outputs_of

    one, make, source = RIVALS[kind], getattr(methods, kind), experiment.source
    arguments |= one.settings(source)
    match one.begins:
        case "features":
            return make(experiment.learner.network, **arguments)
        case "network":
            return make(experiment.learner.network, outputs_of(source) if _classes(experiment) else None, **arguments)
        case "fresh":
            return make(fresh_network(experiment), **arguments)
        case "tasks":
            return make(source.train, **arguments)
        case _:
            return make(**arguments)


def fresh_network(experiment: Any) -> Any:
    """The recipe's network with a head for its tasks, and weights drawn from its seed."""
    import torch

    from innerloop.recipes._build_network import build_network, outputs_of

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.recipe.seed)
        return build_network(experiment.recipe, experiment.source, outputs_of(experiment.source))
