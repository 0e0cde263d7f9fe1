"""Files that are there whole or not at all, and tensors in files without pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from innerloop.errors import CheckpointError, InnerloopError


def write_whole(path: Path, content: bytes) -> None:
    """Writes to a temporary name, forces it to the disk, and renames.

    Raises:
        InnerloopError: if the disk is full or the place cannot be written; what was at `path` is then intact.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        # also after a second Ctrl-C; where the folder itself cannot be made, unlink raises something else
        with contextlib.suppress(OSError):
            temporary.unlink()


def not_written(path: Path, error: OSError) -> InnerloopError:
    """The error about a file that could not be written."""
    return InnerloopError(
        f"Could not write {path}: {error.strerror or error}. Free some space or choose another folder; "
        "what was there before is unchanged."
    )


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed `write_whole` left behind in a folder."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()


def write_json(path: Path, value: Any) -> None:
    """Writes plain values as indented JSON."""
    write_whole(path, (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        CheckpointError: if the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"Could not read {path}: {error}. It is missing or damaged.") from error


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: dict[str, Any]) -> None:
    """Writes tensors and plain values to one safetensors file, with a checksum of both."""
    from safetensors.torch import save

    # tied weights share memory, which safetensors refuses: every tensor gets memory of its own
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    said = json.dumps(about)
    # one entry, since safetensors writes several in any order: the same contents give the same file
    write_whole(path, save(own, metadata={"innerloop": f"{_checksum(own, said)} {said}"}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `save_tensors` wrote; nothing in the file is executed.

    Raises:
        CheckpointError: if the file is missing, damaged, truncated, or not innerloop's.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (SafetensorError, OSError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        raise CheckpointError(
            f"Could not read {path}: {error}. It is missing, damaged or truncated; use another checkpoint."
        ) from error
    if not metadata.get("innerloop"):
        raise CheckpointError(f"{path} was not written by innerloop: its description is missing. Use another file.")
    checksum, _, said = metadata["innerloop"].partition(" ")
    # one changed bit in a weight or in the step count would otherwise go unseen
    if checksum != _checksum(tensors, said):
        raise CheckpointError(f"{path} is damaged: its checksum does not fit its contents. Use another checkpoint.")
    try:
        about = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is damaged: its description is no JSON ({error}). Use another checkpoint."
        ) from error
    if not isinstance(about, dict):
        raise CheckpointError(
            f"{path} is damaged: its description is {about!r}, not an object. Use another checkpoint."
        )
    return tensors, about


def _checksum(tensors: Mapping[str, Tensor], said: str) -> str:
    digest = hashlib.sha256(said.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_state(module: Any, tensors: dict[str, Tensor], path: Path) -> None:
    """Loads weights into a module, all of them or none.

    Raises:
        CheckpointError: if names or shapes differ: another architecture.
    """
    demand_fit(module, tensors, path)
    module.load_state_dict(tensors)


def demand_fit(module: Any, tensors: dict[str, Tensor], path: Path) -> None:
    """Checks that the weights in the file `path` are a module's.

    Raises:
        CheckpointError: if names or shapes differ: another architecture.
    """
    own = module.state_dict()
    missing, extra = sorted(set(own) - set(tensors)), sorted(set(tensors) - set(own))
    reshaped = [name for name in own if name in tensors and own[name].shape != tensors[name].shape]
    if missing or extra or reshaped:
        said = (
            f"it lacks {missing[0]!r}" if missing
            else f"it has {extra[0]!r}, which the model lacks" if extra
            else f"{reshaped[0]!r} has shape {tuple(tensors[reshaped[0]].shape)}, "
            f"the model's has {tuple(own[reshaped[0]].shape)}"
        )  # fmt: skip
        raise CheckpointError(
            f"{path} belongs to another architecture: {said}. Build the learner with the settings it was saved with."
        )
