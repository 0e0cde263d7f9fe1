"""The nearest class mean on raw pixels of Omniglot A without rotations: is the protocol the one that others use?

    python evidence/omniglot_pixels.py

writes results/omniglot_pixels.json, at 5 and 20 ways and 1 and 5 shots. `INNERLOOP_DATA` names the data.
"""

from __future__ import annotations

from pathlib import Path

import torch

from innerloop.evaluation import evaluate
from innerloop.files import write_json
from innerloop.methods import nearest_mean
from innerloop.outer._run import provenance
from innerloop.sources import Omniglot


def main() -> None:
    """Measures the four shapes and writes the result."""
    torch.set_num_threads(1)
    rows = []
    for ways in (5, 20):
        for shots in (1, 5):
            source = Omniglot(ways=ways, shots=shots, queries=15, rotations=False)
            found = evaluate(nearest_mean(), source.test, 1_000)
            print(found)
            rows.append(found.to_json())
    about = provenance() | {"command": "python evidence/omniglot_pixels.py"}
    write_json(Path("results/omniglot_pixels.json"), {"rows": rows, "provenance": about})


if __name__ == "__main__":
    main()
