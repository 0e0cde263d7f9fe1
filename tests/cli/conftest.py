"""Small trained runs, made once."""

import os
import shutil
from pathlib import Path

import pytest

from helpers import folders
from innerloop.cli import main


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INNERLOOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of classes of pictures."""
    return folders.write_pictures(tmp_path_factory.mktemp("data") / "pictures")


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> Path:
    """A CSV file."""
    return folders.write_table(tmp_path_factory.mktemp("data") / "plants.csv")


@pytest.fixture(scope="session")
def picture_run(tmp_path_factory, pictures) -> Path:
    """A run on the pictures. Tests must not change it."""
    return folders.train("folder", tmp_path_factory.mktemp("runs") / "pictures", "--data", str(pictures))


@pytest.fixture(scope="session")
def table_run(tmp_path_factory, table) -> Path:
    """A run on the table. Tests must not change it."""
    return folders.train("table", tmp_path_factory.mktemp("runs") / "table", "--data", str(table))


@pytest.fixture(scope="session")
def sinusoid_run(tmp_path_factory) -> Path:
    """A run on sinusoids. Tests must not change it."""
    return folders.train("sinusoids", tmp_path_factory.mktemp("runs") / "sinusoids")


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory) -> Path:
    """New classes to adapt to."""
    root = tmp_path_factory.mktemp("mine") / "photos"
    for i in range(3):
        folders.write_picture(root / "dark" / f"{i}.png", 40, i)
        folders.write_picture(root / "light" / f"{i}.png", 210, 50 + i)
    return root


@pytest.fixture(scope="session")
def adapted(tmp_path_factory, picture_run, two_classes) -> Path:
    """A saved adapted model. Tests must not change it."""
    path = tmp_path_factory.mktemp("models") / "adapted.safetensors"
    assert main(["adapt", str(picture_run), "--support", str(two_classes), "--out", str(path)]) == 0
    return path


@pytest.fixture
def in_process(monkeypatch):
    """Trainings and rows in this process, where importing torch costs nothing; counts them."""
    from helpers import pools

    return pools.install(monkeypatch)


@pytest.fixture
def copied(tmp_path):
    """Copies a run to a place where it may be changed."""

    def copy(run: Path) -> Path:
        return Path(shutil.copytree(run, tmp_path / f"{run.name} copy"))

    return copy


@pytest.fixture
def fails(capsys):
    """Runs the command, which must fail with code 2 and one line; gives the line."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr().err
        assert code == 2, said
        assert said.startswith("innerloop: "), said
        assert said.count("\n") == 1, said
        return said

    return run
