"""Worker processes: results in order, errors passed on, killed workers replaced."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import jobs
from innerloop.errors import ConfigurationError, DataError, InnerloopError
from innerloop.workers import Spent, close_workers, run_jobs


def ended(process):
    """Whether a process ends within a minute."""
    end = time.monotonic() + 60
    while (there := Path(f"/proc/{process}").exists()) and time.monotonic() < end:
        time.sleep(0.05)
    return not there


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left():
    yield
    close_workers()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers):
    assert run_jobs(jobs.double, [(n,) for n in range(20)], what="number", workers=workers) == list(range(0, 40, 2))


def test_one_worker_is_this_process_and_two_are_kept_for_the_next_call():
    assert run_jobs(jobs.process, [(0,), (1,)], what="number", workers=1) == [os.getpid()] * 2
    first = {*run_jobs(jobs.process, [(n,) for n in range(20)], what="number", workers=2)}
    again = {*run_jobs(jobs.process, [(n,) for n in range(20)], what="number", workers=2)}
    assert os.getpid() not in first
    assert len(first | again) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_the_cpu_time_of_jobs_counts_wherever_they_are_done(workers):
    begin = Spent.now()
    run_jobs(jobs.busy, [(0.2,)] * 3, what="number", workers=workers)
    time.sleep(0.3)  # this is wall time alone
    found = Spent.now().since(begin)
    assert found.cpu_seconds >= 0.59
    assert found.seconds >= found.cpu_seconds / workers


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_job_raises_is_raised_here(workers):
    with pytest.raises(DataError, match="no 0"):
        run_jobs(jobs.fail, [(0,), (0,)], what="number", workers=workers)
    assert run_jobs(jobs.double, [(1,), (2,)], what="number", workers=workers) == [2, 4]


def test_a_killed_worker_is_replaced_and_its_jobs_are_done_again(tmp_path):
    work = [(str(tmp_path), n) for n in range(6)]
    with pytest.warns(UserWarning, match="worker process was killed; . x number are done again"):
        assert run_jobs(jobs.killed_once, work, what="number", workers=2) == list(range(6))


def test_workers_that_are_killed_again_and_again_are_given_up(monkeypatch):
    monkeypatch.setattr("innerloop.workers._REPLACED", 1)
    with pytest.warns(UserWarning, match="was killed"), pytest.raises(InnerloopError, match="killed 2 times, with 2 x"):
        run_jobs(jobs.always_killed, [(0,), (1,)], what="number", workers=2)


def test_no_workers_are_refused():
    with pytest.raises(ConfigurationError, match="at least 1; got 0"):
        run_jobs(jobs.double, [(0,)], what="number", workers=0)


def test_workers_end_with_a_main_process_that_was_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\nfrom innerloop.workers import _pool\n"
        "if __name__ == '__main__':\n"
        "    print(_pool(1).submit(os.getpid).result(), flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as main:
        worker = int(main.stdout.readline())
        assert Path(f"/proc/{worker}").exists()
        main.kill()
    assert ended(worker)


def test_a_worker_watches_its_main_process_before_it_imports_torch():
    code = "import sys, innerloop.workers; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_worker_that_is_still_starting_ends_with_its_main_process_too(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, os, signal\nfrom innerloop import workers\n"
        "if __name__ == '__main__':\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    worker = spawn.Process(target=workers._start_worker)\n"
        "    worker.start()\n    print(worker.pid, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert ended(int(done.stdout))


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from innerloop.workers import run_jobs\nprint(run_jobs(abs, [(1,), (2,)], what='number', workers=2))"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "under `if __name__ == '__main__':`, or use workers=1" in done.stderr.splitlines()[-1]
