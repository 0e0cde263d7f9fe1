import inspect
import json

import pytest
import torch

from helpers import problems
from helpers.checks import snapshot
from innerloop import methods
from innerloop.catalogue import METHODS
from innerloop.errors import CheckpointError
from innerloop.gradient import SGD, Adam, FirstOrder, Reptile, Unrolled
from innerloop.networks import conv4, mlp
from innerloop.sources import Sinusoids
from innerloop.task import take

LEARNERS = {
    "maml": lambda: methods.maml(mlp(4, 3), inner_steps=3, inner_lr=0.2, test_steps=7, norm="support"),
    "fomaml": lambda: methods.fomaml(mlp(4, 3), inner_lr=0.2),
    "anil": lambda: methods.anil(mlp(4, 3)),
    "anil, head by pattern": lambda: methods.anil(mlp(4, 3), head="features.3.*"),
    "reptile": lambda: methods.reptile(mlp(4, 3), norm="running"),
    "boil": lambda: methods.boil(mlp(4, 3)),
    "meta_sgd": lambda: methods.meta_sgd(mlp(4, 3), inner_lr=0.1),
    "maml_plus_plus": lambda: methods.maml_plus_plus(mlp(4, 3), inner_steps=2, first_order_until=3),
    "imaml": lambda: methods.imaml(mlp(4, 3), inner_steps=3, proximal=1.5, solver_steps=2),
    "cavia": lambda: methods.cavia(mlp(4, 3), context=2, inner_lr=0.3),
    "meta_curvature": lambda: methods.meta_curvature(mlp(4, 3), inner_lr=0.1),
    "proto_maml": lambda: methods.proto_maml(mlp(4, None), inner_lr=0.1, first_order=True),
    "unicorn_maml": lambda: methods.unicorn_maml(mlp(4, None), inner_steps=2, first_order=True),
    "lstm": lambda: methods.lstm(mlp(4, 3), hidden=4),
    "maml, truncated": lambda: methods.maml(mlp(4, 3), inner_steps=3, truncate=1),
    "maml, recomputed": lambda: methods.maml(mlp(4, 3), inner_steps=3, recompute=True),
    "prototypes": lambda: methods.prototypes(mlp(4, None), distance="cosine", norm="batch"),
    "meta_baseline": lambda: methods.meta_baseline(mlp(4, None), norm="batch"),
    "prototypes, learned scale": lambda: methods.prototypes(mlp(4, None), scale="learned"),
    "matching": lambda: methods.matching(mlp(4, None)),
    "matching, full context": lambda: methods.matching(mlp(4, None), full_context=True, reads=2, scale=3.0),
    "relation": lambda: methods.relation(mlp(4, None), classes="mean", norm="support"),
    "ridge": lambda: methods.ridge(mlp(4, None), strength=0.2, scale=3.0),
    "svm": lambda: methods.svm(mlp(4, None), cost=1.0, smoothing=0.1),
    "mann": lambda: methods.mann(mlp(4, None), ways=3, slots=16, width=5, reads=2, hidden=7, controller="feedforward"),
    "snail": lambda: methods.snail(mlp(4, None), ways=3, length=7, filters=8, norm="batch"),
    "cnp": lambda: methods.cnp(mlp(4, None), ways=3, width=9, floor=0.1),
    "anp": lambda: methods.anp(mlp(4, None), ways=3, width=8, heads=2),
    "in_context": lambda: methods.in_context(mlp(4, None), ways=3, width=8, layers=2, heads=2, hidden=9),
    "pretraining": lambda: methods.pretraining(mlp(4, 9), smoothing=0.3),
    "simple_shot": lambda: methods.simple_shot(mlp(4, 9), smoothing=0.2),
    "baseline_plus_plus": lambda: methods.baseline_plus_plus(mlp(4, 9), inner_steps=4, inner_lr=0.1, scale=3.0),
    "joint": lambda: methods.joint(mlp(4, 3)),
    "linear_head": lambda: methods.linear_head(mlp(4, 9), 3, inner_steps=4, inner_lr=0.1),
    "fine_tune": lambda: methods.fine_tune(mlp(4, 9), 3, inner_steps=4, inner_lr=0.1),
    "fine_tune, head first": lambda: methods.fine_tune(mlp(4, 9), 3, inner_steps=4, inner_lr=0.1, head_steps=2),
    "linear_probe": lambda: methods.linear_probe(mlp(4, 9), penalty=0.2, normalise=False),
    "cosine_head": lambda: methods.cosine_head(mlp(4, 9), inner_steps=4, inner_lr=0.1, scale=3.0),
    "pooled_ridge": lambda: methods.pooled_ridge(inputs=4, outputs=3, penalty=0.2),
    "shrunk_ridge": lambda: methods.shrunk_ridge(inputs=4, outputs=3, slopes=2.0, intercept=0.3),
    "from_scratch": lambda: methods.from_scratch(mlp(4, 3), inner_steps=4, inner_lr=0.1),
    "nearest_mean": lambda: methods.nearest_mean(mlp(4, None)),
    "nearest_mean, raw": lambda: methods.nearest_mean(),
    "raw_ridge": lambda: methods.raw_ridge(penalty=0.2),
    "constant": lambda: methods.constant(),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_spec_in_json_makes_the_same_learner(name):
    learner = LEARNERS[name]()
    again = methods.from_spec(json.loads(json.dumps(learner.spec)))
    assert type(again) is type(learner)
    for attribute in ("spec", "name", "family", "norm", "training"):
        assert getattr(again, attribute) == getattr(learner, attribute)
    with torch.no_grad():
        for p in [*learner.parameters(), *learner.buffers()]:
            p.add_(torch.randn_like(p))
    again.load_state_dict(snapshot(learner))
    trainable = [[n for n, p in one.named_parameters() if p.requires_grad] for one in (learner, again)]
    assert trainable[0] == trainable[1]
    task = take(problems.batch(), 0).map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf)
    predictions = [one.eval().predict(one.adapt(task.support), task.query.x) for one in (learner, again)]
    assert torch.equal(*predictions)
    assert predictions[0].shape == (6, 3)


def test_every_method_of_a_file_is_tried_above():
    # the closed form for curves learns no classes: tests/transfer/test_gaussian_process.py
    assert {name.partition(",")[0] for name in LEARNERS} == set(METHODS) - {"lora_maml", "gaussian_process"}


@pytest.mark.parametrize(
    ("make", "outer_gradient", "optimiser", "adapted"),
    [
        (methods.maml, Unrolled, SGD, 6),
        (methods.fomaml, FirstOrder, SGD, 6),
        (methods.anil, Unrolled, SGD, 2),
        (methods.reptile, Reptile, SGD, 6),
        (methods.from_scratch, FirstOrder, Adam, 6),
    ],
)
def test_a_papers_name_is_a_choice_of_parts(make, outer_gradient, optimiser, adapted):
    learner = make(mlp(4, 3), inner_lr=0.123)
    assert type(learner.outer_gradient) is outer_gradient
    assert type(learner.optimiser) is optimiser
    assert learner.optimiser.rate == 0.123
    assert len(learner.adapted_names) == adapted


def test_a_spec_holds_what_was_given_by_place_and_leaves_out_what_came_later():
    assert methods.linear_head(mlp(4, 9), 3).spec["arguments"] == {"inner_steps": 100, "inner_lr": 0.01, "ways": 3}
    assert methods.linear_head(mlp(4, 9)).spec["arguments"] == {"inner_steps": 100, "inner_lr": 0.01}
    assert list(methods.maml(mlp(4, 3), truncate=0, recompute=False).spec["arguments"]) == [
        "inner_steps", "inner_lr", "test_steps", "norm", "truncate",
    ]  # fmt: skip
    assert methods.linear_head(mlp(4, 9), 3).spec["network"]["outputs"] == 3
    assert methods.pooled_ridge(Sinusoids().train, tasks=3).spec["arguments"] == {
        "penalty": 0.1, "inputs": 1, "outputs": 1,
    }  # fmt: skip


def test_an_argument_that_is_not_there_is_refused_by_the_functions_name():
    with pytest.raises(TypeError, match=r"anil\(\) got an unexpected keyword argument 'rate'"):
        methods.anil(mlp(4, 3), rate=0.1)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_described(name):
    method = getattr(methods, name)
    said = inspect.getdoc(method)
    assert ">>> " in said
    for parameter in inspect.signature(method).parameters:
        assert f"\n    {parameter}: " in said
    assert said.split("\n\n")[1].startswith("    "), "the equation comes first"


def test_a_network_of_ones_own_has_no_spec():
    assert methods.maml(problems.normed()).spec is None
    assert methods.prototypes(problems.normed(None)).spec is None
    assert methods.nearest_mean(problems.normed(None)).spec is None


def test_a_file_from_elsewhere_is_refused():
    with pytest.raises(CheckpointError, match=r"names the method 'magic'.*knows anil, .*reptile"):
        methods.from_spec({"method": "magic", "network": None, "arguments": {}})


def test_comparison_rows_belong_to_the_transfer_family():
    for name in (
        "pretraining", "simple_shot", "joint", "linear_head", "fine_tune", "from_scratch", "baseline_plus_plus",
        "linear_probe", "cosine_head", "pooled_ridge", "shrunk_ridge",
    ):  # fmt: skip
        assert LEARNERS[name]().family == "transfer"


def test_names_for_tables_differ():
    names = [make().name for make in LEARNERS.values()]
    # ANIL, prototypes and matching networks are there twice, MAML three times, fine-tuning twice
    assert len(set(names)) == len(names) - 6


def test_pictures_too():
    learner = methods.maml(conv4(3, 4, size=16, downsample="pool"), norm="support")
    again = methods.from_spec(learner.spec)
    again.load_state_dict(learner.state_dict())
    assert again.spec == learner.spec
