"""The outer loop of reinforcement learning: its data depend on the parameters, so it draws them itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.outer import Run
from innerloop.outer._checkpoint import Progress, load_checkpoint
from innerloop.outer._interrupt import stop_on_interrupt
from innerloop.outer._loop import Settings
from innerloop.outer._progress import ProgressLine
from innerloop.outer._record import Record
from innerloop.outer._run import provenance
from innerloop.rl._algorithm import Algorithm
from innerloop.rl._course import Sampling
from innerloop.rl._environments import Environments, EnvironmentSplits
from innerloop.rl._loop import Loop


@dataclass(frozen=True)
class Training:
    """What training did.

    Attributes:
        iterations: outer steps done.
        environment_steps: steps that environments were asked for, validation left out.
        seconds: training time, validation and checkpoints included, interruptions left out.
        cpu_seconds: the same of the CPU, in this process and its worker processes.
        best_iteration: outer step of the weights that the learner has now.
        best: validation return there; None without validation.
        interrupted: stopped by Ctrl-C before the end.
    """

    iterations: int
    environment_steps: int
    seconds: float
    cpu_seconds: float
    best_iteration: int
    best: float | None
    interrupted: bool


def train(
    learner: Any,
    environments: Environments | EnvironmentSplits,
    *,
    algorithm: Algorithm,
    iterations: int,
    tasks: int = 16,
    sampling: Sampling | None = None,
    validation: Environments | None = None,
    validate_every: int | None = None,
    validation_tasks: int = 40,
    validation_rounds: int | None = None,
    validation_rates: Sequence[float] | None = None,
    seed: int = 0,
    run: str | Path | Run | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    config: dict[str, Any] | None = None,
    progress: bool = True,
) -> Training:
    """Meta-trains a policy: sample, adapt, sample, step. Afterwards it has the weights with the best validation.

    Iteration `i` trains on the tasks `i * tasks, ...` of the split, and all that is random is a function of (seed,
    iteration, round, task, episode): a run that was interrupted and resumed equals one that was not, bit for bit.

    Args:
        learner: a `PolicyLearner` from `maml_policy`, or an `RL2`.
        environments: the training split.
        algorithm: how the parameters move.
        iterations: outer steps.
        tasks: tasks of an outer step (the meta-batch).
        sampling: how episodes are drawn and valued; None: as `Sampling` has it.
        validation: a split for choosing the best weights by the return after adaptation; None: the last are kept.
        validate_every: iterations between validations; None: ten times in all.
        validation_tasks: tasks of a validation, always the same ones.
        validation_rounds: rounds of adaptation before it judges; None: as many as the algorithm trains for.
        validation_rates: inner rates for a learner that is trained for none, as with `Pooled`: it is judged after one
            round, each half of the validation tasks at the rate that is best on the other half. The learner keeps its
            own rate; choose the one to go on with by `evaluate_rates`. None: the learner's own rate judges.
        seed: of everything that is random, but not of the learner's weights.
        run: folder for checkpoints and logs; None: nothing is written.
        resume: go on from the last checkpoint of `run`, if there is one.
        checkpoint_seconds: time between checkpoints.
        config: plain values to keep in the run's `config.json`.
        progress: show progress on stderr.

    Returns:
        What training did; the learner itself is changed in place. The run's `metrics.jsonl` has the returns before and
        after adaptation over environment steps, beside the trivial policy's.

    Raises:
        ConfigurationError: for settings that cannot work, or a run folder that is taken.
        DataError: if an environment gives NaN.
        TrainingError: if a loss or a gradient is not finite.
        CheckpointError: if `resume` finds a damaged checkpoint.
    """
    sampling = sampling or Sampling()
    every = max(1, iterations // 10) if validate_every is None else validate_every
    if isinstance(environments, EnvironmentSplits):
        raise ConfigurationError("Training takes one split; got all three. Give it environments.train.")
    if validation_rates is not None and (validation_rounds not in (None, 1) or not validation_rates):
        raise ConfigurationError(
            f"validation_rates= are at least one rate, judged after one round; got {list(validation_rates)} and "
            f"validation_rounds={validation_rounds}."
        )
    if validation is not None:
        validation.demand(validation_tasks)
    settings = Settings(iterations, tasks, None, every, validation_tasks, None, seed)
    if learner.mapping is None:
        learner.mapping = Mapping(vectorise=True, reason="policies are small")
    optimiser = algorithm.begin(learner)
    folder = Run(run) if isinstance(run, str | Path) else run
    state, steps = Progress(), 0
    if folder is not None:
        begun = {
            "settings": {
                **asdict(settings),
                "norm": learner.norm,
                "learner": learner.spec or learner.name,
                "train": environments.describe(),
                "validation": validation.describe() if validation is not None else None,
                "optimiser": {"name": type(algorithm).__name__, **vars(algorithm)},
                "sampling": asdict(sampling),
                **({} if validation_rounds is None else {"validation_rounds": validation_rounds}),
                **({} if validation_rates is None else {"validation_rates": list(validation_rates)}),
            },
            "name": learner.name,
            "family": learner.family,
            "mapping": learner.mapping.to_json(),
            "provenance": provenance(),
            **(config or {}),
        }
        there = folder.exists
        folder.start(begun, resume)
        if there:
            state = load_checkpoint(folder.last, learner, optimiser, None)
            folder.forget_after(state.step)
            steps = next((line["environment_steps"] for line in folder.metrics()[::-1] if "loss" in line), 0)
    rounds = algorithm.rounds if validation_rounds is None else validation_rounds
    record = Record(learner, optimiser, None, folder, state)
    loop = Loop(
        record, learner, environments, validation, rounds, validation_rates, algorithm, settings, sampling, steps
    )
    with ProgressLine(learner.name, iterations, state.step, tasks, progress) as line, stop_on_interrupt() as stop:
        loop.run(line, lambda: stop.asked, checkpoint_seconds)
        if not state.done and folder is not None:
            line.say(f"Stopped after step {state.step:,}; go on with resume=True and the run folder {folder.folder}.")
    record.return_to_best()
    seconds, used = round(state.seconds, 2), round(state.cpu_seconds, 2)
    best_step = state.best_step or state.step
    return Training(state.step, loop.environment_steps, seconds, used, best_step, state.best, not state.done)
