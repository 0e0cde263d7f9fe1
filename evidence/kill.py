"""A training run that is killed again and again ends as one that was left alone, bit for bit.

    python evidence/kill.py --kills 20

trains sinusoids twice by the command: once undisturbed, once with `kill -9` at random moments (while Python starts,
in the middle of steps and of checkpoint writes), resumed each time. Writes results/kill.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from innerloop.files import load_tensors, write_json
from innerloop.outer import Run
from innerloop.outer._run import provenance

INTERVALS = (0.0, 0.0, 0.05, 0.3)
"""Seconds between checkpoints; 0 writes one after every step, so that many kills hit a write."""


def start(folder: Path, steps: int, interval: float) -> subprocess.Popen[bytes]:
    """The training command; what it prints goes to a file beside the run."""
    command = [sys.executable, "-m", "innerloop", "train", "sinusoids", "--run", str(folder), "--resume", "--quiet"]
    command += ["--steps", str(steps), "--tasks-per-step", "4", "--validation-tasks", "20", "--test-tasks", "20"]
    command += ["--validate-every", str(max(1, steps // 20)), "--schedule", "cosine", "--threads", "1"]
    command += ["--checkpoint-seconds", str(interval)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(folder.with_suffix(".log"), "ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def finish(folder: Path, steps: int) -> None:
    """Lets the run go to its end."""
    code = start(folder, steps, 0.3).wait()
    if code:
        raise SystemExit(f"training ended with code {code}: {folder.with_suffix('.log').read_text()[-2000:]}")


def step_of(run: Run) -> int:
    """The step of the last checkpoint; 0 if there is none.

    Raises:
        CheckpointError: if a kill left a damaged one, which must never be.
    """
    return int(load_tensors(run.last)[1]["progress"]["step"]) if run.exists else 0


def kill_once(folder: Path, steps: int, draw: random.Random) -> dict[str, Any]:
    """Starts or resumes the run and kills it at a random moment; says where that was."""
    run, interval = Run(folder), draw.choice(INTERVALS)
    before = step_of(run)
    during = "start-up" if draw.random() < 0.25 else "training"
    process, begun = start(folder, steps, interval), time.perf_counter()
    if during == "start-up":
        time.sleep(draw.uniform(0.0, 2.0))
    else:
        stamp = _stamp(run)
        while process.poll() is None and _stamp(run) == stamp:
            time.sleep(0.002)
        time.sleep(draw.uniform(0.0, 0.6))
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return {
        "during": during,
        "alive": alive,
        "seconds": round(time.perf_counter() - begun, 3),
        "checkpoint_seconds": interval,
        "from_step": before,
        "to_step": step_of(run),
        "leftovers": len(list(folder.glob(".*.tmp"))) if folder.exists() else 0,
    }


def _stamp(run: Run) -> int:
    return run.last.stat().st_mtime_ns if run.exists else 0


def differences(one: Run, other: Run) -> list[str]:
    """What is not bit for bit the same in two finished runs; times are left out."""
    found = []
    for name in ("best", "last"):
        (a, said_a), (b, said_b) = load_tensors(getattr(one, name)), load_tensors(getattr(other, name))
        found += [
            f"{name}: {k}" for k in sorted(set(a) | set(b)) if k not in a or k not in b or not torch.equal(a[k], b[k])
        ]
        for said in (said_a, said_b):
            for time_of in ("seconds", "cpu_seconds"):
                said.get("progress", {}).pop(time_of, None)
        found += [f"{name}: description"] if said_a != said_b else []
    logs = [[{k: v for k, v in line.items() if k != "seconds"} for line in run.metrics()] for run in (one, other)]
    found += ["metrics.jsonl"] if logs[0] != logs[1] else []
    values = [run.results()["test"]["values"] for run in (one, other)]
    found += ["results/test.json"] if values[0] != values[1] else []
    left = [path.name for path in other.folder.rglob("*.tmp")]
    return found + [f"left behind: {name}" for name in left]


def experiment(folder: Path, kills: int, steps: int, seed: int) -> dict[str, Any]:
    """Runs both and compares them."""
    begun, draw = time.perf_counter(), random.Random(seed)
    calm, killed = folder / "calm", folder / "killed"
    finish(calm, steps)
    events = []
    for _ in range(kills):
        events.append(kill_once(killed, steps, draw))
        print(json.dumps(events[-1]), file=sys.stderr, flush=True)
    finish(killed, steps)
    different = differences(Run(calm), Run(killed))
    return {
        "command": f"python evidence/kill.py --kills {kills} --steps {steps} --seed {seed}",
        "kills": kills,
        "steps": steps,
        "seed": seed,
        "equal": not different,
        "different": different,
        "events": events,
        "wall_seconds": round(time.perf_counter() - begun, 1),
        "platform": platform.platform(),
        "provenance": provenance(),
    }


def main() -> int:
    """Writes the result; 0 if nothing is different."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/kill.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = experiment(Path(folder), options.kills, options.steps, options.seed)
    write_json(options.out, found)
    print(f"{options.out}: {options.kills} kills, equal: {found['equal']}, {found['wall_seconds']} s")
    return 0 if found["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
