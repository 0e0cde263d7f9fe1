"""Several trainings: how many at a time, what is left out, what happens when one fails."""

import pytest

from helpers.pools import Done
from innerloop.cli import _training
from innerloop.cli._parse import UsageError
from innerloop.cli._training import Job, run_jobs


class Started(Done):
    """Ends after it was asked a few times."""

    def __init__(self, log, name, code=0, turns=2):
        super().__init__(None)
        self.log, self.name, self.code, self.left = log, name, code, turns

    def poll(self):
        self.left -= 1
        if self.left <= 0:
            self.returncode = self.code
        return self.returncode

    def terminate(self):
        self.log.append(f"stopped {self.name}")


@pytest.fixture
def world(monkeypatch):
    log, going, most = [], [], []

    def start(job):
        log.append(f"began {job.name}")
        process = Started(log, job.name, 3 if job.name == "bad" else 0, 50 if job.name == "slow" else 2)
        going.append(process)
        most.append(sum(each.returncode is None for each in going))
        return process

    monkeypatch.setattr(_training, "_start", start)
    monkeypatch.setattr(_training.time, "sleep", lambda seconds: None)
    return log, most


def jobs(tmp_path, *names):
    return [Job(name, tmp_path / name, ()) for name in names]


def test_so_many_at_a_time(world, tmp_path):
    log, most = world
    done = []
    run_jobs(jobs(tmp_path, *"abcde"), 2, lambda job: done.append(job.name))
    assert done == list("abcde")
    assert max(most) == 2
    assert log == [f"began {name}" for name in "abcde"]


def test_what_is_finished_is_left_out(world, tmp_path):
    log, _ = world
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "page.html").write_text("")
    run_jobs(jobs(tmp_path, "a", "b", "c"), 1, lambda job: None)
    assert log == ["began a", "began c"]


def test_one_that_fails_stops_the_others(world, tmp_path):
    log, _ = world
    with pytest.raises(UsageError, match="Training bad ended with code 3"):
        run_jobs(jobs(tmp_path, "slow", "bad", "later"), 2, lambda job: None)
    assert log == ["began slow", "began bad", "stopped slow"]


def test_the_command_of_a_job(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(_training.subprocess, "Popen", lambda command, **more: seen.update(command=command, **more))
    _training._start(Job("a", tmp_path / "a", ("sinusoids", "--lr", "0.1"), threads=2))
    assert seen["command"][1:] == [
        "-m", "innerloop", "train", "sinusoids", "--lr", "0.1", "--threads", "2", "--run", str(tmp_path / "a"),
        "--resume",
    ]  # fmt: skip
    assert seen["env"]["OMP_NUM_THREADS"] == "2"
