"""A run is a folder: what was asked for, what happened, and what came out."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

from innerloop.errors import CheckpointError, ConfigurationError
from innerloop.files import not_written, read_json, remove_leftovers, write_json, write_whole
from innerloop.mapping import Mapping

_CONFIG: dict[str, Any] = {
    "name": str,
    "family": str,
    "mapping": dict,
    "settings": {
        **dict.fromkeys(("steps", "tasks_per_step", "validate_every", "validation_tasks", "seed"), int),
        "norm": str,
        "learner": (str, {"network": (dict, type(None)), "arguments": dict}),
        "train": {"name": str},
        "optimiser": dict,
    },
    "provenance": {**dict.fromkeys(("innerloop", "python", "torch", "command"), str), "threads": int},
}
"""What `config.json` must hold for others to read it."""

_LATER = ("loss", "validate_start")
"""Settings that runs of earlier versions did not write: they go on with whatever they are given."""


class Run:
    """The folder of one training run.

    `config.json` (settings, seed, versions, git revision), `metrics.jsonl` (one line per log and per validation),
    `last.safetensors` (to go on from), `best.safetensors` (weights with the best validation), `results/*.json`,
    `page.html`.

    Args:
        folder: where; made when something is written.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.last = self.folder / "last.safetensors"
        self.best = self.folder / "best.safetensors"
        self.page = self.folder / "page.html"
        self._metrics = self.folder / "metrics.jsonl"
        self._config = self.folder / "config.json"

    @property
    def exists(self) -> bool:
        """Whether there is anything to go on from."""
        return self.last.exists()

    def start(self, config: dict[str, Any], resume: bool) -> None:
        """Begins or continues the run.

        Raises:
            ConfigurationError: if there is a run already, or `resume` finds one with other settings.
            CheckpointError: if the run's `config.json` is damaged.
        """
        if self.exists and not resume:
            raise ConfigurationError(
                f"{self.folder} already holds a run. Go on with resume=True (on the command line --resume), "
                "or choose another folder."
            )
        remove_leftovers(self.folder)
        if self.exists and self._config.exists():
            before: dict[str, Any] = self.config()["settings"]
            now = json.loads(json.dumps(config.get("settings")))
            before = {key: now[key] for key in _LATER if key in (now or {})} | before
            if before != now:
                changed = sorted(
                    key for key in set(before or {}) | set(now or {}) if _get(before, key) != _get(now, key)
                )
                raise ConfigurationError(
                    f"{self.folder} was begun with other settings: {', '.join(changed)} changed "
                    f"(from {_get(before, changed[0])!r} to {_get(now, changed[0])!r}). Use another folder."
                )
            return
        write_json(self._config, config)
        write_whole(self._metrics, b"")

    def config(self) -> dict[str, Any]:
        """What `start` wrote.

        Raises:
            CheckpointError: if this is no run, or its `config.json` is damaged.
        """
        if not self._config.exists():
            raise CheckpointError(
                f"{self.folder} is not a run: it has no config.json. Train one with `innerloop train`."
            )
        found = read_json(self._config)
        if wrong := _misfit(found, _CONFIG):
            raise CheckpointError(f"{self._config} is damaged: {wrong}. Restore the file, or train another run.")
        return cast(dict[str, Any], found)

    def mapping(self) -> Mapping:
        """The mapping that the run was begun with.

        Raises:
            CheckpointError: if `config.json` is damaged.
        """
        said = self.config().get("mapping")
        try:
            return Mapping(**cast(dict[str, Any], said))
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{self._config} is damaged: its mapping is {said!r}. Begin another run.") from error

    def log(self, **entry: Any) -> None:
        """Adds a line to `metrics.jsonl`.

        Raises:
            InnerloopError: if the disk is full.
        """
        try:
            with open(self._metrics, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise not_written(self._metrics, error) from error

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`; a last line cut short by a crash is left out."""
        if not self._metrics.exists():
            return []
        lines = []
        for line in self._metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and isinstance(entry.get("step"), int):
                    lines.append(entry)
        return lines

    def forget_after(self, step: int) -> None:
        """Drops lines of the log that a checkpoint at `step` does not know."""
        kept = [json.dumps(line) + "\n" for line in self.metrics() if line["step"] <= step]
        write_whole(self._metrics, "".join(kept).encode())

    def save_result(self, name: str, value: dict[str, Any]) -> Path:
        """Writes `results/NAME.json`."""
        path = self.folder / "results" / f"{name}.json"
        write_json(path, value)
        return path

    def results(self) -> dict[str, dict[str, Any]]:
        """Everything in `results/`, by name."""
        return {path.stem: read_json(path) for path in sorted((self.folder / "results").glob("*.json"))}


def provenance() -> dict[str, Any]:
    """Version of innerloop, git revision of the working folder if there is one, versions, and the command."""
    import matplotlib
    import numpy
    import torch

    try:
        own = version("innerloop")
    except PackageNotFoundError:
        own = "unknown"
    return {
        "innerloop": own,
        "git": _git(),
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "matplotlib": matplotlib.__version__,
        "threads": torch.get_num_threads(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _git() -> str | None:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _get(settings: Any, key: str) -> Any:
    return settings.get(key) if isinstance(settings, dict) else None


def _misfit(value: Any, shape: Any, where: str = "it") -> str:
    """What in a value is not as in `shape`: a type, a dict of shapes, or a tuple of alternatives; empty if nothing."""
    if isinstance(shape, tuple):
        found = [_misfit(value, each, where) for each in shape]
        return "" if "" in found else found[-1]
    kind = dict if isinstance(shape, dict) else shape
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"{where} should be a {kind.__name__}; got {value!r}"
    inside = shape.items() if isinstance(shape, dict) else ()
    return next(filter(None, (_misfit(value.get(name), each, repr(name)) for name, each in inside)), "")
