"""One learner of each family on Characters: over the number of shots, and over the amount of training data.

    python evidence/families.py

trains every learner for the same minutes of one thread, twice (two training seeds), and writes
results/families_shots.json (where fine-tuning catches up as the shots grow) and results/families_data.json (accuracy
against the number of training classes). It is `innerloop compare` and `innerloop budget` with the settings that are
written down here; whatever is finished is not done again, and what was stopped goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from innerloop.cli import main as innerloop

METHODS = ("maml", "anil", "prototypes", "pretraining")
DATA_METHODS = ("maml", "prototypes", "pretraining")
SHOTS = (1, 2, 5, 10, 20)
FRACTIONS = (0.05, 0.1, 0.25, 0.5, 1.0)


def commands(given: argparse.Namespace) -> dict[str, list[str]]:
    """The two command lines."""
    small = [] if given.filters is None else ["--filters", str(given.filters)]
    budget = ["--minutes", str(given.minutes)] if given.steps is None else ["--steps", str(given.steps)]
    common = [
        "--seeds", *map(str, given.seeds), *budget, *small, "--threads", "1", "--tasks", str(given.tasks),
        "--processes", str(given.processes),
    ]  # fmt: skip
    return {
        "shots": [
            "compare", "--recipe", "characters", "--methods", *METHODS, *common, "--shots", *map(str, SHOTS),
            "--out", str(given.runs / "families_shots"), "--json", str(given.results / "families_shots.json"),
        ],
        "data": [
            "budget", "characters", "--methods", *DATA_METHODS, *common, "--fractions", *map(str, FRACTIONS),
            "--out", str(given.runs / "families_data"), "--json", str(given.results / "families_data.json"),
        ],
    }  # fmt: skip


def main() -> int:
    """Runs what is asked for; the first code that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("shots", "data"), default=None)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=None, help="fixed number of steps in place of minutes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--filters", type=int, default=None, help="another width of Conv-4 than the recipe's")
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    for name, words in commands(given).items():
        if given.only in (None, name):
            print(" ".join(["innerloop", *words]), flush=True)
            if code := innerloop(words):
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
