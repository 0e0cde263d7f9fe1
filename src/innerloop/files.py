"""Files that are there whole or not at all, and tensors in files without pickle."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

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
        temporary.unlink(missing_ok=True)
        raise InnerloopError(
            f"Could not write {path}: {error.strerror or error}. Free some space or choose another folder; "
            "what was there before is unchanged."
        ) from error


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
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Could not read {path}: {error}. It is missing or damaged.") from error


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Writes tensors and plain values to one safetensors file."""
    from safetensors.torch import save

    # tied weights share memory, which safetensors refuses: every tensor gets memory of its own
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, save(own, metadata={"innerloop": json.dumps(about)}))


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
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"Could not read {path}: {error}. It is missing, damaged or truncated; use another checkpoint."
        ) from error
    try:
        about = json.loads(metadata["innerloop"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} was not written by innerloop: its description is missing or damaged.") from error
    return tensors, about


def load_state(module: Any, tensors: dict[str, Tensor], path: Path) -> None:
    """Loads weights into a module, all of them or none.

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
    module.load_state_dict(tensors)
