"""Meta-reinforcement learning whose processes are killed again and again ends as one left alone, bit for bit.

    python evidence/rl_kills.py

trains a half cheetah with worker processes twice by the command: once undisturbed, once with `kill -9` at random
moments, of a worker or of the main process, which is then started again with --resume. Writes results/rl_kills.json.
Stopped itself, it goes on after the last kill in its folder. Needs the extra `rl`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kill import differences, step_of

from innerloop.files import read_json, write_json
from innerloop.outer import Run
from innerloop.outer._run import provenance

WORKERS = 2
ORPHAN_SECONDS = 10.0
VICTIMS = ("main", "worker")
AT_START = 0.4
"""Of the starts after a kill, how many are killed before the training goes on."""
PATIENCE = 120.0
"""Seconds to wait for the next checkpoint of a training that goes on."""


def start(folder: Path, iterations: int) -> subprocess.Popen[bytes]:
    """The training command; what it prints goes to a file beside the run."""
    command = [sys.executable, "-m", "innerloop", "train", "cheetah-velocity", "--run", str(folder), "--resume"]
    command += ["--iterations", str(iterations), "--tasks", "4", "--episodes", "2", "--horizon", "20", "--hidden", "16"]
    command += ["--validation-tasks", "2", "--test-tasks", "2", "--validate-every", "20", "--workers", str(WORKERS)]
    command += ["--checkpoint-seconds", "0", "--threads", "1"]
    with open(folder.with_suffix(".log"), "ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})


def finish(folder: Path, iterations: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Lets the run go to its end."""
    code = (process or start(folder, iterations)).wait()
    if code:
        raise SystemExit(f"training ended with code {code}: {folder.with_suffix('.log').read_text()[-2000:]}")


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Ids of its worker processes; Python's own helpers are none."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            is_worker = b"spawn_main" in (path / "cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue  # it has just ended
        found += [int(path.name)] if parent == process.pid and is_worker else []
    return sorted(found)


def await_step(run: Run, process: subprocess.Popen[bytes]) -> None:
    """Waits until the run has another checkpoint, or the training has ended."""
    before, begun = _stamp(run), time.perf_counter()
    while process.poll() is None and _stamp(run) == before:
        if time.perf_counter() - begun > PATIENCE:
            raise SystemExit(f"no step in {PATIENCE:.0f} s: {run.folder.with_suffix('.log').read_text()[-2000:]}")
        time.sleep(0.002)


def kill_at_start(run: Run, process: subprocess.Popen[bytes], draw: random.Random) -> dict[str, Any] | None:
    """Kills the main process within four seconds of its start: while it loads, starts its workers, or goes on.

    Returns:
        where that was; None if the training had ended.
    """
    time.sleep(draw.uniform(0.0, 4.0))
    before, workers = step_of(run), workers_of(process)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        return None
    left = orphans_of(workers)
    return {
        "victim": "main", "during": "start", "workers": len(workers), "at_step": before, "to_step": step_of(run),
        "orphans": left,
    }  # fmt: skip


def kill_once(run: Run, process: subprocess.Popen[bytes], victim: str, draw: random.Random) -> dict[str, Any] | None:
    """Kills the main process or a worker at a random moment of the training.

    Returns:
        where that was; None if there was nobody to kill: the training had ended, or no worker had begun.
    """
    await_step(run, process)
    time.sleep(draw.uniform(0.0, 0.3))
    before, workers = step_of(run), workers_of(process)
    if not workers:
        return None
    orphans = None
    if victim == "main":
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return None  # it had ended by itself
        orphans = orphans_of(workers)
    else:
        try:
            os.kill(draw.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return None
        await_step(run, process)  # it goes on by itself
    return {
        "victim": victim, "during": "training", "workers": len(workers), "at_step": before, "to_step": step_of(run),
        "orphans": orphans,
    }  # fmt: skip


def orphans_of(workers: list[int]) -> int:
    """How many workers of a process that was killed are still there ten seconds later."""
    end = time.perf_counter() + ORPHAN_SECONDS
    while (left := sum(map(_alive, workers))) and time.perf_counter() < end:
        time.sleep(0.02)
    return left


def experiment(folder: Path, kills: int, iterations: int, seed: int) -> dict[str, Any]:
    """Runs both and compares them."""
    begun, events_file = time.perf_counter(), folder / "events.json"
    calm, killed = folder / "calm", folder / "killed"
    folder.mkdir(parents=True, exist_ok=True)
    before = read_json(events_file) if events_file.exists() else {"seconds": 0.0, "events": []}
    events = list(before["events"])
    finish(calm, iterations)
    process: subprocess.Popen[bytes] | None = None
    tries = 0
    try:
        while len(events) < kills:
            draw = random.Random(f"{seed} {len(events)} {tries}")
            tries += 1
            begins = process is None or process.poll() is not None
            if process is None or begins:
                process = start(killed, iterations)
            run = Run(killed)
            early = begins and draw.random() < AT_START
            event = kill_at_start(run, process, draw) if early else kill_once(run, process, draw.choice(VICTIMS), draw)
            if event is None:
                if (code := process.poll()) not in (None, -signal.SIGKILL):
                    said = killed.with_suffix(".log").read_text()[-2000:]
                    raise SystemExit(f"ended with code {code} after {len(events)} kills; more --iterations? {said}")
                continue
            events.append(event)
            spent = round(before["seconds"] + time.perf_counter() - begun, 1)
            write_json(events_file, {"seconds": spent, "events": events})
            print(json.dumps(events[-1]), file=sys.stderr, flush=True)
        finish(killed, iterations, process if process is not None and process.poll() is None else None)
    finally:
        if process is not None and process.poll() is None:
            process.kill()
    different = differences(Run(calm), Run(killed))
    command = f"python evidence/rl_kills.py --kills {kills} --iterations {iterations} --seed {seed}"
    return {
        "command": command,
        "kills": kills,
        "iterations": iterations,
        "seed": seed,
        "workers": WORKERS,
        "orphan_seconds": ORPHAN_SECONDS,
        "equal": not different,
        "different": different,
        "replaced": killed.with_suffix(".log").read_text().count("A worker process was killed"),
        "events": events,
        "wall_seconds": round(before["seconds"] + time.perf_counter() - begun, 1),
        "platform": platform.platform(),
        "provenance": provenance() | {"command": command},
    }


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _stamp(run: Run) -> int:
    return run.last.stat().st_mtime_ns if run.exists else 0


def main() -> int:
    """Writes the result; 0 if nothing is different."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("runs/rl-kills"), help="removed in the end")
    parser.add_argument("--out", type=Path, default=Path("results/rl_kills.json"))
    options = parser.parse_args()
    found = experiment(options.folder, options.kills, options.iterations, options.seed)
    write_json(options.out, found)
    print(f"{options.out}: {options.kills} kills, equal: {found['equal']}, {found['wall_seconds']} s")
    if found["equal"]:
        shutil.rmtree(options.folder)
    return 0 if found["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
