"""How `fit` settles a mapping, writes it down and keeps it."""

import contextlib
import json

import pytest
import torch

from helpers import training
from innerloop.errors import ConfigurationError
from innerloop.mapping import Mapping
from innerloop.outer import Run, fit

PATIENT = {"steps": 60, "validate_every": 30, "checkpoint_seconds": 0.0, "progress": False, "tasks_per_step": 2}


def train(folder, *, stop=None, resume=False, own=None, **settings):
    learner, source = training.make("maml")
    learner.mapping = own
    tasks = source.train if stop is None else training.Failing(source.train, stop * PATIENT["tasks_per_step"])
    with contextlib.suppress(training.PowerCutError):
        fit(learner, tasks, run=folder, resume=resume, **PATIENT, **settings)
    return learner


def weights(learner):
    return torch.cat([p.detach().flatten() for p in learner.parameters()])


def test_the_choice_of_a_trial_is_written_down_and_kept_on_resume(tmp_path):
    train(tmp_path, stop=20)
    config = json.loads((tmp_path / "config.json").read_text())["mapping"]
    assert "measured, ms a task: vmap " in config["reason"]
    assert config["threads"] == torch.get_num_threads()
    mapping = Run(tmp_path).mapping()
    resumed = train(tmp_path, resume=True)
    assert Run(tmp_path).mapping() == mapping
    whole = train(None, mapping=mapping)
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.parametrize("kind", ["loop", "vmap", "captured"])
def test_stopped_and_resumed_under_every_mapping(kind, tmp_path):
    whole = train(tmp_path / "calm", mapping=kind)
    train(tmp_path / "stopped", stop=23, mapping=kind)
    resumed = train(tmp_path / "stopped", resume=True, mapping=kind)
    assert torch.equal(weights(resumed), weights(whole))
    assert Run(tmp_path / "stopped").mapping() == Run(tmp_path / "calm").mapping()


def test_mappings_give_the_same_training():
    expected = weights(train(None, mapping="loop"))
    for kind in ("vmap", "captured", "auto"):
        torch.testing.assert_close(weights(train(None, mapping=kind)), expected, rtol=1e-4, atol=1e-5)


def test_the_learners_own_mapping_comes_first(tmp_path):
    learner = train(tmp_path, own=Mapping.named("loop"), mapping="captured")
    assert str(Run(tmp_path).mapping()) == "loop"
    assert learner.mapping == Mapping.named("loop")


def test_a_chunk_and_a_ceiling(tmp_path):
    train(tmp_path / "chunk", mapping="vmap", chunk=1)
    assert Run(tmp_path / "chunk").mapping().chunk == 1
    with pytest.raises(ConfigurationError, match="memory= allows"):
        train(tmp_path / "memory", mapping="vmap", memory=10)
    assert not (tmp_path / "memory").exists()


@pytest.mark.parametrize("wrong", [{"mapping": "fast"}, {"chunk": 0}, {"memory": 0}])
def test_what_cannot_be_is_refused_at_once(wrong, tmp_path):
    with pytest.raises(ConfigurationError):
        train(tmp_path / "run", **wrong)
    assert not (tmp_path / "run").exists()


def test_the_number_of_threads_is_kept_and_given_back(tmp_path):
    seen = []

    class Looking(training.Failing):
        def batch(self, indices):
            seen.append(torch.get_num_threads())
            return super().batch(indices)

    before = torch.get_num_threads()
    learner, source = training.make("maml")
    fit(
        learner, Looking(source.train, 10**9), steps=2, tasks_per_step=2, progress=False,
        mapping=Mapping(vectorise=True, threads=before + 1),
    )  # fmt: skip
    assert seen[-1] == before + 1
    assert torch.get_num_threads() == before
