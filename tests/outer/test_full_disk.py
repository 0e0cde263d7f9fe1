"""A disk that is full in the middle of a run: the checkpoint before is intact, and the run goes on later."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import disk, folders, training
from innerloop.cli import main
from innerloop.errors import InnerloopError
from innerloop.files import load_tensors, write_whole
from innerloop.outer import Run

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def is_intact(folder):
    """All that is there can be read, and nothing is half there."""
    run = Run(folder)
    run.metrics()
    assert list(folder.rglob("*.tmp")) == []
    for path in (run.last, run.best):
        if path.exists():
            load_tensors(path)
    if run.exists:
        run.config()


def test_a_disk_that_is_full_after_any_number_of_bytes(tmp_path_factory, monkeypatch):
    calm = tmp_path_factory.mktemp("calm")
    training.run_fit("maml", calm, steps=8)
    written = []

    @MANY
    @given(st.integers(0, 40_000))
    def check(room):
        folder = tmp_path_factory.mktemp("full") / "run"
        with disk.FullDisk(monkeypatch, folder, room), pytest.raises(InnerloopError) as error:
            training.run_fit("maml", folder, steps=8)
        assert "No space left on device" in str(error.value)
        assert "Free some space" in str(error.value)
        if not folder.exists():
            return
        is_intact(folder)
        written.append(Run(folder).exists)
        training.run_fit("maml", folder, steps=8, resume=True)
        assert training.contents(folder) == training.contents(calm)

    check()
    assert True in written, "the test needs a disk that is full after a checkpoint"


def test_a_rename_that_fails(tmp_path_factory, monkeypatch):
    calm = tmp_path_factory.mktemp("calm")
    training.run_fit("maml", calm, steps=8)

    @MANY
    @given(st.integers(1, 11))
    def check(at):
        folder = tmp_path_factory.mktemp("full") / "run"
        with monkeypatch.context() as patch:
            disk.failing_rename(patch, at)
            with pytest.raises(InnerloopError, match="No space left"):
                training.run_fit("maml", folder, steps=8)
        is_intact(folder)
        training.run_fit("maml", folder, steps=8, resume=True)
        assert training.contents(folder) == training.contents(calm)

    check()


def test_the_command_says_one_line(tmp_path_factory, monkeypatch, capsys):
    room_needed = []

    @MANY
    @given(st.floats(0, 0.99))
    def check(share):
        folder = tmp_path_factory.mktemp("full") / "run"
        arguments = ["train", "sinusoids", "--run", str(folder), *folders.SINUSOID_OPTIONS, "--checkpoint-seconds", "0"]
        room = int(share * room_needed[0]) if room_needed else 10**9
        with disk.FullDisk(monkeypatch, folder, room) as full:
            code = main(arguments)
            if not room_needed:
                room_needed.append(10**9 - full.room)
                return
        said = capsys.readouterr().err
        assert code == 2
        assert said.count("\n") == 1
        assert said.startswith("innerloop: Could not write ")
        assert "No space left on device. Free some space" in said
        if folder.exists():
            is_intact(folder)
        assert main([*arguments, "--resume"]) == 0
        capsys.readouterr()

    check()


def test_an_adapted_model_is_whole_or_as_before(tmp_path_factory, monkeypatch):
    import torch

    learner, source = training.make("maml")
    task = source.train[0]
    model = learner.adapted(task.support.x, task.support.y)
    folder = tmp_path_factory.mktemp("models")
    path = folder / "model.safetensors"
    model.save(path)
    before = path.read_bytes()

    @MANY
    @given(st.integers(0, len(before) - 1))
    def check(room):
        with disk.FullDisk(monkeypatch, folder, room), pytest.raises(InnerloopError, match="is unchanged"):
            learner.adapted(torch.randn(5, 1), torch.randn(5, 1)).save(path)
        assert path.read_bytes() == before
        assert [entry.name for entry in folder.iterdir()] == ["model.safetensors"]

    check()


def test_a_second_control_c_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    write_whole(tmp_path / "file", b"before")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"before"
