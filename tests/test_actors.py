"""Ray actors: what worker processes do, elsewhere."""

import importlib
import os
import sys
from pathlib import Path

import pytest
import torch

from helpers import jobs
from helpers.simulator import Walks
from innerloop.actors import RayActors, close_actors
from innerloop.errors import ConfigurationError, DataError, InnerloopError
from innerloop.rl import GaussianPolicy, Sampling, When, maml_policy
from innerloop.workers import run_jobs

TWO = RayActors(count=2, cpus=0.5)


@pytest.fixture(scope="module")
def cluster():
    """A Ray of this machine alone, with two cores."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("RAY_worker_niceness", "0")  # Ray's workers stand back behind all else, also on a busy machine
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        close_actors()
        ray.shutdown()


def course_of(family):
    torch.manual_seed(4)
    learner = maml_policy(GaussianPolicy(1, 1, (8,), std=0.3), inner_lr=0.1)
    return list(learner.course(family, torch.arange(3), When(0, 0), 1, Sampling(episodes=4)))


@pytest.mark.parametrize("wrong", [{"count": 0}, {"cpus": 0.0}])
def test_no_actors_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        RayActors(**wrong)


def test_without_ray_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'innerloop\[ray\]'"):
        run_jobs(jobs.double, [(1,)], what="number", workers=RayActors())
    close_actors()  # nothing to end, and nothing to import


@pytest.mark.apps
def test_results_come_in_the_order_of_the_jobs_and_actors_are_kept(cluster):
    assert run_jobs(jobs.double, [(n,) for n in range(20)], what="number", workers=TWO) == list(range(0, 40, 2))
    assert run_jobs(jobs.double, [], what="number", workers=TWO) == []
    first, again = ({*run_jobs(jobs.process, [(n,) for n in range(9)], what="number", workers=TWO)} for _ in range(2))
    assert len(first | again) == 2


@pytest.mark.apps
def test_what_a_job_raises_is_raised_here_and_of_several_errors_the_first(cluster):
    with pytest.raises(DataError, match="no 3"):
        run_jobs(jobs.fail, [(3,), (1,), (0,), (0,)], what="number", workers=TWO)
    assert run_jobs(jobs.double, [(1,), (2,)], what="number", workers=TWO) == [2, 4]


@pytest.mark.apps
def test_a_module_that_the_actors_do_not_have_is_named(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def work(n):\n    return n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    work = importlib.import_module("only_here").work
    with pytest.raises(ConfigurationError, match=r"No module named 'only_here'\. All machines need"):
        run_jobs(work, [(1,)], what="number", workers=TWO)


@pytest.mark.apps
def test_a_killed_actor_is_replaced_and_its_jobs_are_done_again(cluster, tmp_path):
    work = [(str(tmp_path), n) for n in range(6)]
    with pytest.warns(UserWarning, match="A Ray actor was lost; number are done again"):
        assert run_jobs(jobs.killed_once, work, what="number", workers=TWO) == list(range(6))


@pytest.mark.apps
def test_actors_that_are_lost_again_and_again_are_given_up(cluster, monkeypatch):
    monkeypatch.setattr("innerloop.actors._REPLACED", 1)
    with pytest.warns(UserWarning, match="lost"), pytest.raises(InnerloopError, match="lost 2 times, with 2 x number"):
        run_jobs(jobs.always_killed, [(0,), (1,)], what="number", workers=TWO)
    assert run_jobs(jobs.double, [(4,)], what="number", workers=TWO) == [8]


@pytest.mark.apps
def test_more_actors_than_cores_are_refused(cluster):
    with pytest.raises(ConfigurationError, match=r"cores for 2 actor\(s\) of 1; asked for 3"):
        run_jobs(jobs.double, [(1,)], what="number", workers=RayActors(count=3))
    with pytest.raises(ConfigurationError, match=r"cores for 0 actor\(s\) of 64; asked for 1"):
        run_jobs(jobs.double, [(1,)], what="number", workers=RayActors(cpus=64.0))


@pytest.mark.apps
def test_a_crew_of_another_size_takes_the_cores_of_those_before(cluster):
    whole = RayActors(count=2)
    small, large, again = (
        {*run_jobs(jobs.process, [(n,) for n in range(6)], what="number", workers=crew)} for crew in (TWO, whole, TWO)
    )
    assert not small & large
    assert not (small | large) & again


@pytest.mark.apps
def test_cores_that_others_hold_are_not_waited_for_without_end(cluster, monkeypatch):
    import ray

    close_actors()
    monkeypatch.setattr("innerloop.actors._PATIENCE", 2.0)
    other = ray.remote(num_cpus=1.5)(Other).remote()
    try:
        assert ray.get(other.here.remote())
        with pytest.raises(ConfigurationError, match=r"for 2 actor\(s\) of 1 only those for 0 are free; asked for 1"):
            run_jobs(jobs.double, [(1,)], what="number", workers=RayActors(count=1))
        assert run_jobs(jobs.double, [(1,)], what="number", workers=RayActors(count=1, cpus=0.5)) == [2]
    finally:
        ray.kill(other)


class Other:
    def here(self):
        return True


@pytest.mark.apps
def test_episodes_are_those_of_one_worker(cluster):
    for one, two in zip(course_of(Walks()), course_of(Walks(workers=TWO)), strict=True):
        for name in ("observation", "action", "reward", "log_prob", "mask"):
            assert torch.equal(getattr(one.episodes, name), getattr(two.episodes, name))


@pytest.mark.apps
def test_an_environment_that_raises_stops_with_task_and_episode(cluster):
    with pytest.raises(DataError, match="task 2, episode 0, failed: RuntimeError: the motor is hot"):
        course_of(Walks(workers=TWO, fail="raise"))
