"""Success in the simulator of a run of robot control and of its rivals: what its page shows, kept in its folder.

`results/success*.json` hold one evaluation each, or those after 0, 1, 2, ... inner steps. What is there is not
measured again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import torch

from innerloop import methods
from innerloop.cli._chosen_rival import fresh_network
from innerloop.control import (
    NearestStep,
    Replay,
    evaluate_control,
    evaluate_over_steps,
    last_state,
    select_by_success,
    video,
)
from innerloop.errors import ConfigurationError
from innerloop.learner import Learner
from innerloop.outer import Run, fit
from innerloop.recipes._build import Experiment
from innerloop.recipes.control import ControlRecipe
from innerloop.transfer import Joint

FILM = "before_after.gif"
"""The file of the first test goal's film, in the folder of a run."""
CURVE_GOALS = 20
"""Goals that success after each inner step is measured on, one rollout for each: it costs as much as all the rest."""
_CURVE_SHOTS = (1, 5)
"""Numbers of demonstrations for that, of those that are measured at all."""
_GRID = tuple(product((5, 50, 200), (1e-3, 3e-3, 1e-2)))
"""Steps and rates of Adam for fine-tuning, as in evidence/control.py."""
_SMALLER_GRID = tuple(product((50, 200), (3e-3, 1e-2)))
"""The same where the number of demonstrations is another than in training."""
_RATES = (1e-3, 3e-3, 1e-2, 3e-2)
"""Rates of Adam for the fine-tuning whose every step is shown."""


def measure_success(experiment: Experiment, run: Run, *, quiet: bool) -> None:
    """Measures what is missing in the run's folder, and films the first test goal.

    Args:
        experiment: the run's learner and source.
        run: its folder.
        quiet: print nothing.
    """
    _Measuring(experiment, run, quiet).all()


class _Measuring:
    def __init__(self, experiment: Experiment, run: Run, quiet: bool):
        assert isinstance(experiment.recipe, ControlRecipe)
        self.experiment, self.recipe, self.run, self.quiet = experiment, experiment.recipe, run, quiet
        self.source: Any = experiment.source
        self.there = {*run.results()}
        self.told: dict[str, Any] = {"limit": self.recipe.limit}
        self._trained: dict[str, tuple[Learner, float]] = {}

    def all(self) -> None:
        """Everything on the page; what is cheap comes first."""
        own, shots = self.experiment.learner, self.recipe.shots
        self.film()
        self.keep("success", own, shots)
        if own.test_steps is not None:
            self.keep("success.before", own, shots, steps=0)
        for kind in ("replay", "nearest_step", "last_state", "joint", "fine_tune"):
            if kind != "joint" or not isinstance(own, Joint):
                self.keep(f"success.{kind}", kind, shots)
        for count in sorted({*self.recipe.over_shots} - {shots}):
            self.keep(f"success.shots{count}", own, count)
            for kind in ("last_state", "fine_tune"):
                self.keep(f"success.shots{count}.{kind}", kind, count)
        for count in sorted({shots, *self.recipe.over_shots} & {*_CURVE_SHOTS}):
            if own.test_steps is not None and self.recipe.curve_steps:
                self.keep_steps(f"success.steps.shots{count}", own, count)
                self.keep_steps(f"success.steps.shots{count}.fine_tune", "fine_tune", count)

    def film(self) -> None:
        """The first test goal, before and after; without a renderer there is no film, and the page says so."""
        path = self.run.folder / FILM
        if path.exists():
            return
        try:
            video(self.experiment.learner, self.source.test, path, limit=self.recipe.limit)
        except ConfigurationError as error:
            print(f"innerloop: no film: {error}", file=sys.stderr)

    def keep(self, name: str, which: Learner | str, shots: int, steps: int | None = None) -> None:
        """Success on all test goals as `results/NAME.json`."""

        def found() -> dict[str, Any]:
            learner, about = self.learner(which, shots)
            test = self.source.test.with_(shots=shots)
            done = evaluate_control(learner, test, rollouts=self.recipe.rollouts, steps=steps, **self.told)
            before = " before adapting" if steps == 0 else ""
            self.say(done, before)
            return replace(done, name=done.name + before, about={**done.about, **about}).to_json()

        self._once(name, found)

    def keep_steps(self, name: str, which: Learner | str, shots: int) -> None:
        """Success on some test goals after 0, 1, 2, ... inner steps as `results/NAME.json`."""

        def found() -> dict[str, Any]:
            most = self.recipe.curve_steps
            learner, about = self.learner(which, shots, most)
            test, goals = self.source.test.with_(shots=shots), min(CURVE_GOALS, self.recipe.test_goals)
            points = evaluate_over_steps(learner, test, goals, curve_steps=most, **self.told)
            said = ", ".join(f"{100 * point.mean:.0f}" for point in points)
            self.say(f"{learner.name}, {shots} demonstration(s): success {said} % after 0, 1, ... inner steps")
            return {"points": [point.to_json() for point in points], "about": about}

        self._once(name, found)

    def learner(self, which: Learner | str, shots: int, steps: int | None = None) -> tuple[Learner, dict[str, Any]]:
        """A learner, with the seconds that it took to train and choose, and what was chosen.

        Args:
            which: the run's own, or the name of a rival.
            shots: demonstrations that settings are chosen with.
            steps: for fine-tuning: that many inner steps, and only the rate is chosen.
        """
        if isinstance(which, Learner):
            return which, {}
        if which in ("replay", "nearest_step"):
            return (Replay() if which == "replay" else NearestStep()), {"trained_seconds": 0.0}
        trained, seconds = self.trained("last_state" if which == "last_state" else "joint")
        if which != "fine_tune":
            return trained, {"trained_seconds": seconds}
        begin, network = time.perf_counter(), trained.get_submodule("network")
        grid = _GRID if shots == self.recipe.shots else _SMALLER_GRID
        validation = self.source.validation.with_(shots=shots)

        def make(setting: tuple[int, float]) -> Learner:
            return methods.fine_tune(network, inner_steps=setting[0], inner_lr=setting[1])

        tries = grid if steps is None else [(steps, rate) for rate in _RATES]
        chosen = select_by_success(make, tries, validation, **self.told)
        count, rate = chosen.setting
        about = {"trained_seconds": seconds + time.perf_counter() - begin, "steps": count, "rate": rate}
        return chosen.learner, {**about, "chosen_on": len(validation.goals)}

    def trained(self, kind: str) -> tuple[Learner, float]:
        """A rival that is meta-trained or trained on all goals at once, as the run was, and its seconds."""
        if kind == "joint" and isinstance(self.experiment.learner, Joint):
            return self.experiment.learner, 0.0
        if kind not in self._trained:
            begin = time.perf_counter()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.recipe.seed)
                told = kind == "last_state"
                learner = last_state(self.recipe.hidden) if told else methods.joint(fresh_network(self.experiment))
            settings = {**self.experiment.fit_settings(), "mapping": "vmap", "chunk": None, "memory": None}
            fit(learner, **settings, progress=False)
            self._trained[kind] = learner.eval(), time.perf_counter() - begin
        return self._trained[kind]

    def say(self, found: Any, more: str = "") -> None:
        """A line for who waits."""
        if not self.quiet:
            print(f"{found}{more}", file=sys.stderr)

    def _once(self, name: str, found: Callable[[], dict[str, Any]]) -> None:
        if name not in self.there:
            self.run.save_result(name, found())
