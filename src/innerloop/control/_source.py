"""The demonstrations of a manipulation task, in three splits with goals of their own."""

from __future__ import annotations

from collections.abc import Sequence

from innerloop.control._demonstration_tasks import DemonstrationTasks
from innerloop.control._demonstrations import collect
from innerloop.control._normalisation import fit_normalisation
from innerloop.control._plan import Plan
from innerloop.errors import ConfigurationError
from innerloop.sources._base import SPLITS, Splits
from innerloop.workers import Spent


class Demonstrations(Splits):
    """Few-shot imitation: learn a manipulation task, whose goal is hidden, from K demonstrations of it.

    x is the normalised observation (see `innerloop.control.OBSERVED`), y the expert's action (see
    `innerloop.control.ACTIONS`). A demonstration starts elsewhere than any other, and was executed with noise.

    The demonstrations are collected by worker processes when this is called for the first time (a minute for 150 goals
    of four), and kept in the cache folder. A script that does this stands under `if __name__ == "__main__":`.

    Args:
        task: a task of Meta-World: "reach", "push", "pick-place", "door-open", "drawer-close",
            "button-press-topdown", "window-open", ...
        shots: demonstrations in the support set.
        queries: demonstrations in the query set.
        goals: goals of the three splits (train, validation, test).
        demonstrations: of each goal, from which shots and queries are drawn; a number, or one for each split.
        seed: another seed gives other goals and demonstrations.
        noise: standard deviation of what is added to each executed action; the recorded ones are clean.
        vary_start: False: as Meta-World has it, one start for each goal. A replayed demonstration then solves the task.
        limit: steps after which a demonstration has failed, and is dropped.
        workers: processes; None: one for each core.
        cache: keep the demonstrations between runs.

    Attributes:
        normalisation: of the observations, over the training demonstrations.
        spent: what it took to collect the demonstrations of all splits, also where they come from the cache.

    Raises:
        ConfigurationError: for numbers that make no sense, an unknown task, or if Meta-World is not installed.
        DataError: if the expert fails too often.

    Source: Finn et al. 2017, "One-shot visual imitation learning via meta-learning", without the pictures.
    """

    train: DemonstrationTasks
    validation: DemonstrationTasks
    test: DemonstrationTasks

    def __init__(
        self,
        task: str,
        shots: int = 1,
        queries: int = 1,
        *,
        goals: tuple[int, int, int] = (150, 20, 50),
        demonstrations: int | Sequence[int] = 4,
        seed: int = 0,
        noise: float = 0.3,
        vary_start: bool = True,
        limit: int = 200,
        workers: int | None = None,
        cache: bool = True,
    ):
        wanted = [demonstrations] * 3 if isinstance(demonstrations, int) else list(demonstrations)
        if len(wanted) != 3 or len(goals) != 3:
            raise ConfigurationError(
                f"goals= and demonstrations= have a number for each of {', '.join(SPLITS)}; got {goals} and "
                f"{demonstrations}."
            )
        plans = [
            Plan(task, split, goals[i], wanted[i], seed, noise, vary_start, limit=limit)
            for i, split in enumerate(SPLITS)
        ]
        for plan in plans:
            if shots + queries > plan.demonstrations:
                raise ConfigurationError(
                    f"{shots} shots and {queries} queries need {shots + queries} demonstrations of each goal; "
                    f"the {plan.split} split has demonstrations={plan.demonstrations}."
                )
        found = [collect(plan, workers=workers, cache=cache) for plan in plans]
        self.spent = Spent(*(round(sum(each), 2) for each in zip(*(data.spent for data in found), strict=True)))
        self.normalisation = fit_normalisation(found[0])
        super().__init__(
            *(
                DemonstrationTasks(plan, data, self.normalisation, shots, queries, seed, plan.split)
                for plan, data in zip(plans, found, strict=True)
            )
        )
