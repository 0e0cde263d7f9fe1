"""The timed trial, with a clock that is wound by hand."""

import pytest

from helpers import training
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.outer import Pace, _pace, pace

VMAP = Mapping(vectorise=True)


class Clock:
    """Every step takes so long, the first ones longer; a validation takes so long for each task."""

    def __init__(self, monkeypatch, step, first=0.0, each=0.0):
        self.now, self.steps, self.validated = 0.0, 0, []
        self.step, self.first, self.each = step, first, each
        own_step, own_validate = _pace.Loop.step, _pace.validate
        monkeypatch.setattr(_pace.time, "perf_counter", lambda: self.now)

        def timed_step(loop):
            self.steps += 1
            self.now += self.step + (self.first if self.steps <= 2 else 0.0)
            return own_step(loop)

        def timed_validate(learner, source, tasks, group):
            self.now += self.each * tasks
            self.validated.append(tasks)
            return own_validate(learner, source, tasks, group)

        monkeypatch.setattr(_pace.Loop, "step", timed_step)
        monkeypatch.setattr(_pace, "validate", timed_validate)


def trial(seconds, **more):
    learner, source = training.make("maml")
    return pace(
        learner, source.train, seconds=seconds, validation=source.validation, tasks_per_step=2, mapping="vmap", **more
    )


def test_a_step_is_timed_without_its_beginnings(monkeypatch):
    clock = Clock(monkeypatch, step=0.25, first=7.0, each=0.01)
    found = trial(1e9, validation_tasks=120)
    assert clock.steps == _pace.STEPS
    assert found.step == pytest.approx(0.25)
    assert clock.validated == [50, 50, 50]
    assert found.validation == pytest.approx(1.2)  # 120 tasks of 0.01
    assert found.mapping.vectorise


def test_moments_of_another_program_do_not_count(monkeypatch):
    clock = Clock(monkeypatch, step=0.25, each=0.01)
    own_step, own_validate = _pace.Loop.step, _pace.validate

    def disturbed(loop):
        clock.now += 5.0 if clock.steps % 3 == 0 else 0.0
        return own_step(loop)

    def disturbed_validation(*given):
        clock.now += 5.0 if len(clock.validated) == 1 else 0.0
        return own_validate(*given)

    monkeypatch.setattr(_pace.Loop, "step", disturbed)
    monkeypatch.setattr(_pace, "validate", disturbed_validation)
    found = trial(1e9, validation_tasks=50)
    assert (found.step, found.validation) == (pytest.approx(0.25), pytest.approx(0.5))


def test_settings_of_fit_are_passed_over_and_others_are_refused(monkeypatch):
    Clock(monkeypatch, step=1.0)
    trial(0.0, validation_tasks=4, patience=3, steps=100)
    with pytest.raises(ConfigurationError, match=r"'validation_task' is a setting neither of pace nor of fit. Did you"):
        trial(0.0, validation_task=4)


def test_a_trial_ends_in_time(monkeypatch):
    clock = Clock(monkeypatch, step=1.0)
    trial(12.5, validation_tasks=4)
    assert clock.steps == 13
    clock = Clock(monkeypatch, step=1.0)
    trial(0.0, validation_tasks=4)
    assert clock.steps == _pace.LEAST


def test_steps_and_validations_fill_the_time():
    found = Pace(step=0.5, validation=3.0, mapping=VMAP)
    steps = found.steps_in(100.0)
    assert steps * 0.5 + 11 * 3.0 <= 100.0 < (steps + 1) * 0.5 + 11 * 3.0
    steps = found.steps_in(100.0, validate_every=20)
    assert steps * 0.5 + (steps // 20 + 1) * 3.0 <= 100.0
    assert (steps + 3) * 0.5 + (steps / 20 + 1) * 3.0 > 100.0
    assert Pace(0.5, 0.0, VMAP).steps_in(10.0) == 20


def test_too_little_time():
    with pytest.raises(ConfigurationError, match=r"10 s are too short: a step takes 0\.5 s .* about 33 s"):
        Pace(step=0.5, validation=3.0, mapping=VMAP).steps_in(10.0)


def test_a_learner_without_parameters():
    from innerloop import methods

    _, source = training.make("maml")
    with pytest.raises(ConfigurationError, match="has no parameters to train"):
        pace(methods.constant(), source.train)
