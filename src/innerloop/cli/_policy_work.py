"""What the command does with recipes of reinforcement learning: the part that needs torch."""

from __future__ import annotations

import sys
from pathlib import Path

from innerloop import rl
from innerloop.cli._policy import Options
from innerloop.cli._policy_page import chosen_rate, write_policy_page
from innerloop.cli._work import set_threads, weights_of
from innerloop.errors import ConfigurationError
from innerloop.files import write_json
from innerloop.gradient import SGD
from innerloop.outer import Run, load_weights
from innerloop.recipes import PolicyRecipe, policy_from_json
from innerloop.recipes._build_policy import PolicyExperiment, build_policy, rivals_of
from innerloop.workers import Workers


def train_policy(recipe: PolicyRecipe, folder: Path, options: Options) -> int:
    """Trains by a recipe, measures on the test tasks beside who needs no training, and writes the page.

    Args:
        recipe: what to train.
        folder: the run.
        options: of the command.

    Returns:
        0, or 130 if it was interrupted.
    """
    set_threads(options.threads)
    run = Run(folder)
    if run.exists and not options.resume:
        raise ConfigurationError(f"{folder} already holds a run. Go on with --resume, or choose another with --run.")
    experiment = build_policy(recipe, _workers(options.workers, options.ray))
    if not options.quiet:
        most = recipe.environment_steps / 1e6
        print(f"innerloop: {recipe.recipe}, at most {most:.2f} million environment steps", file=sys.stderr)
    done = rl.train(
        experiment.learner, **experiment.train_settings(), run=run, resume=options.resume,
        checkpoint_seconds=options.checkpoint_seconds, progress=not options.quiet,
    )  # fmt: skip
    if done.interrupted:
        print(f"innerloop: stopped; the same command with --resume goes on in {folder}", file=sys.stderr)
        return 130
    rivals = rivals_of(recipe, experiment.environments.train)
    rates = {
        name: experiment.choose_rate(who)
        for name, who in {"inner_lr": experiment.learner, **rivals}.items()
        if recipe.chooses_rate and isinstance(who, rl.PolicyLearner)
    }
    write_json(folder / "fit.json", {**vars(done), **rates, "recipe": recipe.to_json()})
    found = experiment.evaluate(experiment.learner, "test", recipe.test_tasks)
    run.save_result("test", found.to_json())
    for name, rival in rivals.items():
        run.save_result(f"test.{name}", experiment.evaluate(rival, "test", recipe.test_tasks).to_json())
    if not options.quiet:
        print(found)
    print(write_policy_page(run))
    return 0


def evaluate_returns(
    folder: str, *, split: str, tasks: int | None, rounds: int | None, out: str | None, threads: int | None,
    workers: int | None,
) -> None:  # fmt: skip
    """Measures a run by its returns after each round of adaptation, and keeps the result with it.

    Args:
        folder: the run.
        split: which split.
        tasks: how many; None: as many as the recipe says.
        rounds: of adaptation; None: as many as the recipe says.
        out: file for the result; None: results/NAME.json in the run.
        threads: of a CPU.
        workers: processes for the episodes of simulators; None: one for each core.
    """
    set_threads(threads)
    run, experiment = open_policy(folder, workers)
    recipe = experiment.recipe
    count = recipe.test_tasks if tasks is None else tasks
    found = experiment.evaluate(experiment.learner, split, count, rounds)
    print(found)
    name = f"evaluate.return.{split}.{count}tasks" + (f".{rounds}rounds" if rounds is not None else "")
    path = Path(out) if out else run.folder / "results" / f"{name}.json"
    write_json(path, found.to_json())
    print(path)


def open_policy(folder: str | Path, workers: Workers = None) -> tuple[Run, PolicyExperiment]:
    """A run of reinforcement learning with its learner, best weights loaded.

    Raises:
        CheckpointError: if there is no such run, or it is damaged.
    """
    run = Run(folder)
    experiment = build_policy(policy_from_json(run.config().get("recipe")), workers)
    load_weights(weights_of(run), experiment.learner)
    if experiment.recipe.chooses_rate and isinstance(experiment.learner, rl.PolicyLearner):
        if (rate := chosen_rate(run)) is None:  # it was stopped before
            experiment.choose_rate(experiment.learner)
        else:
            experiment.learner.optimiser = SGD(rate)
    return run, experiment


def _workers(count: int | None, ray: bool) -> Workers:
    return rl.RayActors(count) if ray else count
