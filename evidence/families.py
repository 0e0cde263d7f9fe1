"""Which family wins where: one learner of each family and its rivals, over the number of shots and the amount of data.

    python evidence/families.py

trains every learner for the same minutes of one thread and writes, for each problem, results/families_PROBLEM.json:
`innerloop compare` and `innerloop budget` with the settings that are written down here. Whatever is finished is not
done again, and what was stopped goes on. The problem "omniglot" measures the runs of evidence/omniglot.py.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from innerloop.cli import main as innerloop


@dataclass(frozen=True)
class Problem:
    """What is compared.

    Attributes:
        command: "compare" over shots, or "budget" over the training data.
        recipe: of the tasks.
        methods: to train.
        at: numbers of shots, or fractions of the training data.
        seeds: training seeds.
        more: other words of the command line, such as settings of the recipe.
    """

    command: str
    recipe: str
    methods: tuple[str, ...]
    at: tuple[float, ...]
    seeds: tuple[int, ...] = (0, 1)
    more: tuple[str, ...] = ()


PROBLEMS = {
    "characters": Problem(
        "compare", "characters", ("maml", "anil", "prototypes", "in_context", "pretraining"), (1, 2, 5, 10, 20)
    ),
    # what is trained with one shot and is behind at five may be ahead if it is trained with five
    "characters_5": Problem(
        "compare",
        "characters",
        ("maml", "anil", "prototypes", "pretraining"),
        (5, 10, 20),
        (0,),
        ("--train-shots", "5"),
    ),
    # fine-tuning its two million parameters takes as long as all else: three numbers of shots
    "clinc": Problem("compare", "clinc", ("maml", "prototypes", "ridge", "matching", "pretraining"), (1, 5, 20)),
    "sinusoids": Problem("compare", "sinusoids", ("maml", "cavia", "ridge", "cnp", "pretraining"), (5, 10, 20)),
    "data": Problem(
        "budget", "characters", ("maml", "prototypes", "in_context", "pretraining"), (0.05, 0.1, 0.25, 0.5, 1.0)
    ),
}
OMNIGLOT_SHOTS = (1, 2, 5)
"""There are 20 drawings of a character, 15 of which are queries."""


def command_of(name: str, given: argparse.Namespace) -> list[str]:
    """The words of a command line."""
    places = ["--out", str(given.runs / f"families_{name}"), "--json", str(given.results / f"families_{name}.json")]
    common = ["--tasks", str(given.tasks), "--processes", str(given.processes), *places]
    if name == "omniglot":
        runs = [str(path) for path in sorted(given.runs.glob("omniglot-A-*-5w1s-0")) if path.is_dir()]
        return ["compare", *runs, "--shots", *map(str, OMNIGLOT_SHOTS), *common]
    problem = PROBLEMS[name]
    budget = ["--minutes", str(given.minutes)] if given.steps is None else ["--steps", str(given.steps)]
    small = ["--filters", str(given.filters)] if given.filters is not None and problem.recipe == "characters" else []
    recipe = ["--recipe", problem.recipe] if problem.command == "compare" else [problem.recipe]
    over = "--shots" if problem.command == "compare" else "--fractions"
    return [
        problem.command, *recipe, "--methods", *problem.methods, "--seeds", *map(str, given.seeds or problem.seeds),
        *budget, *small, *problem.more, "--threads", "1", over, *map(str, problem.at), *common,
    ]  # fmt: skip


def main() -> int:
    """Runs what is asked for; the first code that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=(*PROBLEMS, "omniglot"), default=[*PROBLEMS, "omniglot"])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--seeds", type=int, nargs="+", default=None, help="other training seeds")
    parser.add_argument("--filters", type=int, default=None, help="another width of Conv-4 than the recipe's")
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    for name in given.only:
        words = command_of(name, given)
        print(" ".join(["innerloop", *words]), flush=True)
        if code := innerloop(words):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
