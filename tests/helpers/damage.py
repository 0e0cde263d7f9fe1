"""Ways in which a file can be spoiled, as hypothesis strategies of functions from bytes to bytes."""

import json
import pickle
import struct
from pathlib import Path

from hypothesis import strategies as st
from safetensors.torch import load, save

from innerloop.files import _checksum


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def truncated():
    """Cut off anywhere."""
    return st.floats(0, 0.9999).map(lambda share: lambda content: content[: int(share * len(content))])


def flipped():
    """One bit is another, anywhere in the file; or in its header, where most of the structure is."""

    def flip(at: float, bit: int, header: bool):
        def change(content: bytes) -> bytes:
            size = 8 + struct.unpack("<Q", content[:8])[0] if header else len(content)
            place = int(at * size)
            return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]

        return change

    return st.builds(flip, st.floats(0, 0.9999), st.integers(0, 7), st.booleans())


def garbage():
    """Something else altogether."""
    return st.binary(max_size=300).map(lambda other: lambda content: other)


def absurd_lengths():
    """A header that says that it, or a tensor, is of a size that cannot be."""

    def header(size: int):
        return lambda content: struct.pack("<Q", size) + content[8:]

    def tensor(end: int):
        said = {"a": {"dtype": "F32", "shape": [end // 4], "data_offsets": [0, end]}}
        text = json.dumps(said).encode()
        return lambda content: struct.pack("<Q", len(text)) + text + b"\0" * 8

    return st.one_of(
        st.sampled_from([0, 1, 2**31, 2**63, 2**64 - 1]).map(header),
        st.integers(0, 2**64 - 1).map(header),
        st.integers(12, 2**60).map(tensor),
    )


def pickled(path: Path):
    """A pickle that would make the file `path`."""

    def zipped(content: bytes) -> bytes:
        import io

        import torch

        buffer = io.BytesIO()
        torch.save({"a": Payload(path)}, buffer)
        return buffer.getvalue()

    plain = st.integers(0, 5).map(lambda protocol: lambda content: pickle.dumps(Payload(path), protocol=protocol))
    return st.one_of(plain, st.just(zipped))


def description_of(content: bytes) -> str:
    """The JSON text in a file."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size])["__metadata__"]["innerloop"].partition(" ")[2]


def with_description(tensors, words: str) -> bytes:
    """A file with a right checksum."""
    return save(tensors, metadata={"innerloop": f"{_checksum(tensors, words)} {words}"})


def description(values=None):
    """The JSON description has another value somewhere, or is no JSON; the checksum is right."""
    values = values or st.sampled_from([None, -1, 7, 1.5, "other", [], {}, [1], {"a": 1}, True])

    def change(place: float, value, text: bool):
        def spoil(content: bytes) -> bytes:
            tensors = load(content)
            said = json.loads(description_of(content))
            if text:
                words = json.dumps(said)
                words = words[: int(place * len(words))]
            else:
                words = json.dumps(replaced(said, place, value))
            return with_description(tensors, words)

        return spoil

    return st.builds(change, st.floats(0, 0.9999), values, st.booleans())


def paths(value, before=()):
    """All places in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*before, key)
        yield from paths(each, (*before, key))


def replaced(value, place: float, other):
    """The JSON value with `other` at one of its places; another kind of value, where it would be a number for one."""
    every = list(paths(value))
    path = every[int(place * len(every))]
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    # nobody can tell a number from the right one
    numbers = isinstance(other, int | float) and isinstance(inside[path[-1]], int | float)
    inside[path[-1]] = "a word" if numbers else other
    return copy


def snapshot(folder: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def restore(folder: Path, files: dict[str, bytes]) -> None:
    """Brings a folder back to a snapshot."""
    for name in snapshot(folder).keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
