"""innerloop: models that learn a new task from a handful of examples.

    import innerloop as il

    characters = il.sources.Characters(ways=5, shots=1, queries=15)
    learner = il.methods.maml(il.networks.conv4(outputs=5), inner_lr=0.4)
    il.fit(learner, characters.train, validation=characters.validation, steps=2_000)
    print(il.evaluate(learner, characters.test, tasks=1_000))

Names are loaded when they are first used, so that importing the package, and the command's `--help`, need no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from innerloop import evaluation, explain, gradient, losses, memory, methods, metric, networks, sources, transfer
    from innerloop.adapted import AdaptedModel, load
    from innerloop.checks import check
    from innerloop.evaluation import Evaluation, compare, evaluate
    from innerloop.learner import Learner, Objective, Outcome
    from innerloop.mapping import Mapping
    from innerloop.network_learner import NetworkLearner
    from innerloop.outer import fit
    from innerloop.task import Examples, Task, stack

_HOMES = {
    "AdaptedModel": "adapted",
    "load": "adapted",
    "check": "checks",
    "Evaluation": "evaluation",
    "compare": "evaluation",
    "evaluate": "evaluation",
    "Learner": "learner",
    "Objective": "learner",
    "Outcome": "learner",
    "Mapping": "mapping",
    "NetworkLearner": "network_learner",
    "fit": "outer",
    "Examples": "task",
    "Task": "task",
    "stack": "task",
}
_MODULES = (
    "evaluation", "explain", "gradient", "losses", "memory", "methods", "metric", "networks", "sources", "transfer",
)  # fmt: skip

__version__ = "0.1.0"

__all__ = [
    "AdaptedModel",
    "Evaluation",
    "Examples",
    "Learner",
    "Mapping",
    "NetworkLearner",
    "Objective",
    "Outcome",
    "Task",
    "check",
    "compare",
    "evaluate",
    "evaluation",
    "explain",
    "fit",
    "gradient",
    "load",
    "losses",
    "memory",
    "methods",
    "metric",
    "networks",
    "sources",
    "stack",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"innerloop.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"innerloop.{name}")
    raise AttributeError(f"module 'innerloop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
