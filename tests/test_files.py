import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerloop.errors import CheckpointError, InnerloopError
from innerloop.files import (
    load_state,
    load_tensors,
    read_json,
    remove_leftovers,
    save_tensors,
    write_json,
    write_whole,
)

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3)), max_size=5),
    st.dictionaries(
        st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists), max_size=3
    ),
)
def test_tensors_come_back_to_the_bit(tmp_path_factory, kinds, about):
    path = tmp_path_factory.mktemp("files") / "tensors"
    tensors = {f"t{i}": (100 * torch.randn(shape)).to(dtype) for i, (dtype, shape) in enumerate(kinds)}
    save_tensors(path, tensors, about)
    found, said = load_tensors(path)
    assert said == about
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_odd_numbers_survive(tmp_path):
    odd = torch.tensor([float("nan"), -0.0, float("inf"), 1e-45])
    save_tensors(tmp_path / "x", {"odd": odd, "scalar": torch.tensor(3)}, {"inf": float("inf")})
    found, about = load_tensors(tmp_path / "x")
    assert found["odd"].numpy().tobytes() == odd.numpy().tobytes()
    assert found["scalar"].shape == ()
    assert about == {"inf": float("inf")}


def test_tied_and_strided_tensors_are_saved(tmp_path):
    tensor = torch.arange(6.0).reshape(2, 3)
    save_tensors(tmp_path / "x", {"a": tensor, "b": tensor, "c": tensor.T, "d": tensor[:, 1]}, {})
    found, _ = load_tensors(tmp_path / "x")
    assert torch.equal(found["c"], tensor.T)
    assert torch.equal(found["d"], tensor[:, 1])


def test_the_same_contents_give_the_same_file(tmp_path):
    for name in "ab":
        save_tensors(tmp_path / name, {"x": torch.ones(2), "y": torch.zeros(1)}, {"step": 3})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_folders_are_made_and_nothing_is_left_beside(tmp_path):
    write_whole(tmp_path / "a" / "b" / "file", b"one")
    write_whole(tmp_path / "a" / "b" / "file", b"two")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"two"


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, sizes, done = tmp_path / "file", [100_000, 200_000], threading.Event()
    write_whole(path, bytes(sizes[0]))
    seen = set()

    def look():
        while not done.is_set():
            seen.add(len(path.read_bytes()))

    reader = threading.Thread(target=look)
    reader.start()
    for i in range(60):
        write_whole(path, bytes(sizes[i % 2]))
    done.set()
    reader.join()
    assert seen <= set(sizes)


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "file" / "below", tmp_path / "file" / "deep" / "below", tmp_path / "folder"):
        with pytest.raises(InnerloopError, match="is unchanged"):
            write_whole(place, b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    for name in (".last.safetensors.00ff.tmp", ".hidden", "mine.tmp", "file"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "file", "mine.tmp"]


def test_json(tmp_path):
    write_json(tmp_path / "x.json", {"name": "Grüße", "n": 1.5})
    assert read_json(tmp_path / "x.json") == {"name": "Grüße", "n": 1.5}
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"n": float("nan")})
    assert read_json(tmp_path / "x.json")["n"] == 1.5
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"x\.json"):
            read_json(tmp_path / "x.json")


def test_files_of_others_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "x")
    with pytest.raises(CheckpointError, match="not written by innerloop"):
        load_tensors(tmp_path / "x")
    save_file({"a": torch.ones(2)}, tmp_path / "x", metadata={"innerloop": "0" * 64 + " {}"})
    with pytest.raises(CheckpointError, match="checksum"):
        load_tensors(tmp_path / "x")


def test_states_are_loaded_whole_or_not_at_all(tmp_path):
    module = torch.nn.Linear(2, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for tensors, words in (
        ({"weight": torch.zeros(3, 2)}, "lacks 'bias'"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(3), "more": torch.zeros(1)}, "has 'more'"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(4)}, r"'bias' has shape \(4,\), the model's has \(3,\)"),
    ):
        with pytest.raises(CheckpointError, match=words):
            load_state(module, tensors, tmp_path / "x")
        for name, value in module.state_dict().items():
            assert torch.equal(before[name], value)
    load_state(module, {"weight": torch.zeros(3, 2), "bias": torch.zeros(3)}, tmp_path / "x")
    assert not module.weight.any()


def test_files_without_a_checksum_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "x", metadata={"innerloop": '{"step": 3}'})
    with pytest.raises(CheckpointError, match="checksum"):
        load_tensors(tmp_path / "x")
