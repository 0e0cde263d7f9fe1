"""Every trap is named, and the advice makes the finding go away."""

import pytest
import torch

import innerloop as il
from helpers import traps
from innerloop.checks import check
from innerloop.errors import ConfigurationError, TrainingError

REST = {"DropoutInEval": {"randomness"}, "NumpyNoise": {"randomness"}}
"""Findings that are left, and said to be."""


@pytest.fixture(scope="module")
def looked_at():
    """The report of a trap, made once."""
    known = {}

    def report(name, mended=False):
        if (name, mended) not in known:
            torch.manual_seed(0)
            known[name, mended] = check(traps.make(name, mended), traps.inputs(name))
        return known[name, mended]

    return report


@pytest.mark.parametrize("name", traps.TRAPS)
def test_the_trap_is_named(name, looked_at):
    _, finding, severity = traps.TRAPS[name]
    report = looked_at(name)
    assert severity in [found.severity for found in report.named(finding)], str(report)
    assert report.ok == (severity == "warning"), str(report)
    assert all(found.seen and found.change for found in report.problems + report.warnings)


@pytest.mark.parametrize("name", traps.TRAPS)
def test_the_advice_helps(name, looked_at):
    report = looked_at(name, mended=True)
    assert report.ok, str(report)
    # torch.autograd.Functions are written for vmap in a trap of its own
    other = {"vmap"} if name in ("OnceDifferentiable", "SilentlyWrong") else REST.get(name, set())
    assert {found.name for found in report.warnings} <= other, str(report)
    assert not report.not_run


def task(name):
    x = traps.inputs(name)
    query = torch.randn_like(x)
    return il.Task(il.Examples(x, torch.arange(8) % 3, ways=3), il.Examples(query, torch.arange(8) % 3, ways=3))


@pytest.mark.parametrize("name", [name for name, (_, finding, _) in traps.TRAPS.items() if finding == "vmap"])
def test_the_loop_takes_what_vmap_does_not(name, looked_at):
    assert "learner.mapping = innerloop.Mapping(vectorise=False)" in looked_at(name).named("vmap")[0].change
    learner = il.methods.maml(traps.make(name), inner_lr=0.1)
    learner.mapping = il.Mapping(vectorise=False)
    learner(il.stack([task(name), task(name)])).loss.backward()
    assert all(p.grad is not None for p in learner.parameters())


@pytest.mark.parametrize(
    "name", [n for n, (_, finding, _) in traps.TRAPS.items() if finding in ("double backward", "second derivative")]
)
def test_first_order_needs_no_second_derivative(name, looked_at):
    said = " ".join(found.change for found in looked_at(name).problems)
    assert "innerloop.methods.fomaml" in said
    learner = il.methods.fomaml(traps.make(name), inner_lr=0.1)
    learner.mapping = il.Mapping(vectorise=False)
    learner(il.stack([task(name), task(name)])).loss.backward()
    assert all(bool(p.grad.isfinite().all()) for p in learner.parameters())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LSTM", "gates of an LSTM as nn.Linear"), ("GRU", "nn.GRUCell"), ("Item", ".item()"),
        ("Branches", "torch.where"),
        ("BooleanMask", "torch.where(mask"), ("NumpyBeside", "numpy"), ("FillsSharedTensor", "x.new_zeros"),
        ("OldFunction", "setup_context"), ("CheckpointedWithWeights", "checkpoint()"),
        ("FusedAttention", "SDPBackend.MATH"),
        ("OnceDifferentiable", "@once_differentiable"), ("SilentlyWrong", "ctx.save_for_backward"),
        ("Checkpointed", "F.linear, x, self.layer.weight"), ("Inference", "inference_mode"), ("NoGrad", "no_grad()"),
        ("OverwritesActivation", "x = x * 2"), ("NumpyOnTheWay", "torch functions"),
        ("UnusedLayer", "requires_grad_(False)"),
        ("RunningInstances", "track_running_stats=False"), ("SequenceFirst", "batch_first=True"),
    ],
)  # fmt: skip
def test_what_is_said_fits_the_trap(name, words, looked_at):
    report = looked_at(name)
    assert words in " ".join(found.change for found in report.problems + report.warnings), str(report)


def test_places_are_named(looked_at):
    assert "'spare.weight', 'spare.bias'" in looked_at("UnusedLayer").named("unused")[0].seen
    assert "'body.weight', 'body.bias'" in looked_at("Detached").named("unused")[0].seen
    assert "in 'layer'" in looked_at("LSTM").named("vmap")[0].seen
    assert "'dropout'" in looked_at("Dropout").named("randomness")[0].seen
    assert "'last'" in looked_at("Remembers").named("kept between calls")[0].seen
    assert "'square'" in looked_at("ClampsItsWeight").named("written parameters")[0].seen
    assert "'level'" in looked_at("Counts").named("written buffers")[0].seen
    assert "'out.weight'" in looked_at("CapturedWeight").named("captured")[0].seen


def test_what_lies_behind_a_problem_is_said_not_to_be_run(looked_at):
    assert looked_at("NoGrad").not_run == ("weights in backward", "second derivatives", "vmap")
    assert "Not looked at before the problems are mended: weights in backward" in str(looked_at("NoGrad"))


def test_several_traps_at_once():
    network = torch.nn.Sequential(
        traps.make("Detached"), torch.nn.BatchNorm1d(3), traps.SoftmaxOverRows.g and torch.nn.Softmax(0)
    )
    names = {found.name for found in check(network, torch.randn(8, 6)).problems}
    assert {"batch norm", "rows", "unused"} <= names


def test_the_head_pattern_that_is_advised_works(looked_at):
    (found,) = looked_at("UnusedLayer", True).named("head")
    assert "head='out.*'" in found.change
    assert il.methods.anil(traps.make("UnusedLayer", True), head="out.*").adapted_names == ["out.weight", "out.bias"]


def test_what_is_said_of_norms_is_true(looked_at):
    said = looked_at("BatchStatistics").named("batch norm")[0].why
    assert "with norm='batch' only" in said
    assert "learner.adapted() refuses them" in said
    with pytest.raises(ConfigurationError, match="convert_norms"):
        il.methods.maml(traps.make("BatchStatistics"), norm="support")
    learner = il.methods.maml(traps.make("BatchStatistics"), norm="batch")
    with pytest.raises(ConfigurationError, match="convert_norms"):
        learner.adapted(torch.randn(6, 6), torch.arange(6) % 3)
    il.methods.maml(traps.make("BatchStatistics", True), norm="support").adapted(torch.randn(6, 6), torch.arange(6) % 3)
    with pytest.raises(ConfigurationError, match="running statistics"):
        il.methods.maml(traps.make("RunningStatistics"))


def test_what_is_said_of_unused_parameters_is_true(looked_at):
    assert "training raises" in looked_at("UnusedLayer").named("unused")[0].why
    tasks = il.stack([task("UnusedLayer")])
    with pytest.raises(TrainingError, match="spare"):
        il.methods.maml(traps.make("UnusedLayer"))(tasks)
    il.methods.maml(traps.make("UnusedLayer", True))(tasks).loss.backward()


def test_what_is_said_of_tied_heads_is_true(looked_at):
    assert "count it to 'body' alone" in looked_at("HeadTiedToBody").named("tied")[0].why
    assert il.methods.anil(traps.make("HeadTiedToBody")).adapted_names == ["head.bias"]


def test_a_captured_weight_is_not_taken_for_a_recomputed_one(looked_at):
    assert {found.name for found in looked_at("CapturedWeight").problems} == {"captured"}
