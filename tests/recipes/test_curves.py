import dataclasses
import json

import pytest
import torch

from helpers import folders
from innerloop.errors import ConfigurationError
from innerloop.outer import fit
from innerloop.recipes import recipe
from innerloop.recipes._build import build


@pytest.mark.parametrize("method", ["maml", "mann", "snail", "cnp", "anp", "in_context", "pretraining"])
@pytest.mark.parametrize("protocol", ["fixed", "tnp"])
def test_methods_train_on_curves(method, protocol):
    chosen = dataclasses.replace(
        recipe("curves", method), protocol=protocol, steps=2, tasks_per_step=2, validation_tasks=2, validate_every=2,
        inner_steps=1, test_steps=1, hidden=(8,), points=12,
    )  # fmt: skip
    experiment = build(chosen)
    before = {name: p.detach().clone() for name, p in experiment.learner.named_parameters() if p.requires_grad}
    fit(experiment.learner, **experiment.fit_settings(), progress=False)
    after = dict(experiment.learner.named_parameters())
    assert sum(not torch.equal(p, after[name]) for name, p in before.items()) > len(before) / 2


def test_training_tasks_are_divided_at_random_and_test_tasks_are_not():
    experiment = build(recipe("curves", "cnp"))
    train, test = experiment.fit_settings()["source"][0:20], experiment.source.test[0:20]
    assert len(set(train.support.mask.sum(1).tolist())) > 5
    assert test.support.mask.all()
    assert (test.support.x.shape, test.query.x.shape) == ((20, 10, 1), (20, 20, 1))
    protocol = build(dataclasses.replace(recipe("curves", "cnp"), protocol="tnp")).source
    assert not protocol.test[0:20].support.mask.all()
    assert protocol.test.noise == 0.02


def test_fixed_sizes_in_training_too():
    experiment = build(dataclasses.replace(recipe("curves", "cnp"), points=None, train_shots=4, train_queries=6))
    train = experiment.fit_settings()["source"][0:3]
    assert (train.support.x.shape, train.query.x.shape) == ((3, 4, 1), (3, 6, 1))
    assert train.support.mask.all()


def test_numbers_that_make_no_sense():
    with pytest.raises(ConfigurationError, match="points must be at least 7; got 6"):
        dataclasses.replace(recipe("curves"), points=6)
    with pytest.raises(ConfigurationError, match="kernel: expected rbf or matern or periodic"):
        dataclasses.replace(recipe("curves"), kernel="linear")


@pytest.mark.parametrize("protocol", ["fixed", "tnp"])
def test_a_run_has_the_exact_posterior_beside_it(tmp_path, protocol):
    run = folders.train("curves", tmp_path / "run", "--method", "cnp", "--protocol", protocol, "--points", "12")
    names = ("test.gaussian_process", "test")
    posterior, own = (json.loads((run / "results" / f"{name}.json").read_text()) for name in names)
    assert sum(posterior["losses"]) < sum(own["losses"])
    assert posterior["source"] == own["source"]
    page = (run / "page.html").read_text()
    assert "Exact posterior" in page
    assert "oracle" in page
