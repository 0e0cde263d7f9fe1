import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from helpers import training
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.evaluation import Evaluation, compare, comparison, evaluate, select, tune
from innerloop.mapping import Mapping
from innerloop.networks import Backbone, Norm, mlp
from innerloop.sources import Sinusoids

BLOBS = training.blobs()


def normed(outputs=3):
    torch.manual_seed(3)
    body = nn.Sequential(nn.Linear(8, 6), Norm(6), nn.ReLU())
    return Backbone(body, nn.Identity() if outputs is None else nn.Linear(6, outputs), 6)


def maml(norm="batch", **settings):
    return methods.maml(normed(), norm=norm, **{"inner_lr": 0.1, **settings})


LEARNERS = {
    "maml": maml,
    "prototypes": lambda: methods.prototypes(normed(None)),
    "pretraining": lambda: training.make("pretraining")[0],
    "constant": methods.constant,
    "nearest_mean": methods.nearest_mean,
}
EACH = pytest.mark.parametrize("name", LEARNERS)


@EACH
@pytest.mark.parametrize("training_mode", [True, False])
def test_the_learner_is_bit_identical_afterwards(name, training_mode):
    learner = LEARNERS[name]().train(training_mode)
    if name == "maml":
        learner.network.head.eval()  # flags need not all be alike
    weights = {key: value.clone() for key, value in learner.state_dict().items()}
    flags = {key: module.training for key, module in learner.named_modules()}
    rest = (learner.norm, learner.mapping, learner._padded, learner.test_steps)
    random = torch.get_rng_state()
    evaluate(learner, BLOBS.test, 5, norm="support" if name == "maml" else None, curve_steps=2)
    for key, value in learner.state_dict().items():
        assert torch.equal(weights[key], value)
    assert {key: module.training for key, module in learner.named_modules()} == flags
    assert (learner.norm, learner.mapping, learner._padded, learner.test_steps) == rest
    assert all(p.grad is None for p in learner.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_also_when_it_fails():
    class Broken:
        def __init__(self):
            self.left = 1

        def batch(self, indices):
            if self.left == 0:
                raise training.PowerCutError
            self.left -= 1
            return BLOBS.test.batch(indices)

    learner = maml()
    with pytest.raises(training.PowerCutError):
        evaluate(learner, Broken(), 10, batch=5, norm="support", steps=7)
    assert (learner.norm, learner.test_steps, learner.training) == ("batch", 1, True)


class Watched:
    """A source that remembers what was asked for."""

    def __init__(self, source):
        self.source, self.asked = source, []

    def batch(self, indices):
        self.asked += indices.tolist()
        return self.source.batch(indices)

    def describe(self):
        return self.source.describe()


def test_every_learner_meets_the_same_tasks():
    seen = []
    for make in LEARNERS.values():
        source = Watched(BLOBS.test)
        evaluate(make(), source, 7, first=20, batch=3)
        seen.append(sorted(set(source.asked)))
    assert seen == [list(range(20, 27))] * len(LEARNERS)


@EACH
def test_results_do_not_depend_on_the_size_of_a_batch(name):
    learner = LEARNERS[name]()
    found = [evaluate(learner, BLOBS.test, 7, batch=batch) for batch in (1, 3, 50)]
    for other in found[1:]:
        assert np.array_equal(found[0].values, other.values)
        np.testing.assert_allclose(found[0].losses, other.losses, rtol=1e-5)


def test_a_later_start_gives_the_later_tasks():
    learner = maml()
    np.testing.assert_allclose(
        evaluate(learner, BLOBS.test, 10).losses[4:], evaluate(learner, BLOBS.test, 6, first=4).losses, rtol=1e-5
    )


def test_against_a_plain_loop():
    learner = maml().eval()
    right, losses = [], []
    for i in range(6):
        task = BLOBS.test[i]
        logits = learner.predict(learner.adapt(task.support), task.query.x)
        right.append(float((logits.argmax(1) == task.query.y).float().mean()))
        losses.append(nn.functional.cross_entropy(logits, task.query.y).item())
    found = evaluate(learner, BLOBS.test, 6)
    np.testing.assert_allclose(found.values, right, rtol=1e-6)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-4)
    assert sum(found.calibration.count) == 6 * 12


def test_regression_is_judged_by_the_squared_error():
    learner, source = training.make("maml")
    found = evaluate(learner.eval(), source.test, 3)
    task = source.test[1]
    prediction = learner.predict(learner.adapt(task.support), task.query.x)
    assert (found.metric, found.higher_is_better, found.calibration) == ("squared error", False, None)
    assert found.values[1] == pytest.approx((prediction - task.query.y).square().mean().item(), rel=1e-4)


def test_means_and_variances_are_judged_by_the_mean_and_by_the_density():
    learner, source = methods.cnp(mlp(1, None, []), width=8).eval(), Sinusoids(shots=5, queries=4).test
    found = evaluate(learner, source, 3)
    task = source[1]
    mean, variance = learner.predict(learner.adapt(task.support), task.query.x)
    density = torch.distributions.Normal(mean, variance.sqrt()).log_prob(task.query.y)
    assert found.metric == "squared error"
    assert found.values[1] == pytest.approx((mean - task.query.y).square().mean().item(), rel=1e-4)
    assert found.losses[1] == pytest.approx(-density.mean().item(), rel=1e-4)
    judged = evaluate(learner, source, 3, metric="negative log-density")
    assert (judged.metric, judged.higher_is_better) == ("negative log-density", False)
    assert judged.values.tolist() == pytest.approx(judged.losses.tolist())
    with pytest.raises(DataError, match="gaussian_nll needs a Gaussian"):
        evaluate(methods.constant(), source, 3, metric="negative log-density")
    both = compare({"process": learner, "mean": methods.constant()}, source, 3)
    assert set(both.rows) == {"process", "mean"}


def test_regression_may_be_judged_by_the_absolute_error():
    learner, source = training.make("maml")
    found = evaluate(learner.eval(), source.test, 3, metric="absolute error", curve_steps=1)
    task = source.test[1]
    prediction = learner.predict(learner.adapt(task.support), task.query.x)
    assert (found.metric, found.higher_is_better) == ("absolute error", False)
    assert found.values[1] == pytest.approx((prediction - task.query.y).abs().mean().item(), rel=1e-4)
    assert found.curve[1][0] == pytest.approx(found.mean, rel=1e-4)
    assert "absolute error" in str(found)
    named = evaluate(learner, source.test, 3, metric="squared error")
    assert np.array_equal(named.values, evaluate(learner, source.test, 3).values)
    assert compare({"a": learner}, source.test, 3, metric="absolute error").rows["a"].metric == "absolute error"
    with pytest.raises(ConfigurationError, match="not evaluated on the same tasks"):
        comparison({"a": found, "b": named})


def test_metrics_that_do_not_fit():
    learner, source = training.make("maml")
    with pytest.raises(ConfigurationError, match="metric='accuracy' does not fit these tasks, which have no classes"):
        evaluate(learner, source.test, 3, metric="accuracy")
    with pytest.raises(ConfigurationError, match="'absolute error' does not fit these tasks, which have 3 classes"):
        evaluate(maml(), BLOBS.test, 3, metric="absolute error")
    with pytest.raises(ConfigurationError, match=r"metric= is one of accuracy, .*; got 'f1'"):
        evaluate(maml(), BLOBS.test, 3, metric="f1")
    assert evaluate(maml(), BLOBS.test, 3, metric="accuracy").metric == "accuracy"


def test_the_norm_policy_is_named_in_the_result():
    learner = maml()
    learner.network.features[1].absorb(torch.randn(6), torch.rand(6))
    for norm, words in (
        (None, "(transductive)"), ("batch", "(transductive)"), ("support", "support statistics"),
        ("running", "running averages"),
    ):  # fmt: skip
        found = evaluate(learner, BLOBS.test, 4, norm=norm)
        assert found.norm == (norm or "batch")
        assert words in str(found)
        assert found.to_json()["norm"] == found.norm
    values = {norm: evaluate(learner, BLOBS.test, 20, norm=norm).losses for norm in ("batch", "support", "running")}
    assert not np.allclose(values["batch"], values["support"])
    assert not np.allclose(values["support"], values["running"])


@pytest.mark.parametrize("norm", ["batch", "support", "running"])
def test_the_curve_equals_evaluations_at_each_number_of_steps(norm):
    learner = maml(norm, inner_steps=2, test_steps=3)
    found = evaluate(learner, BLOBS.test, 6, curve_steps=4, curve_tasks=6)
    assert len(found.curve) == 5
    assert (found.curve_tasks, found.steps, found.trained_steps) == (6, 3, 2)
    for steps, point in enumerate(found.curve):
        alone = evaluate(learner, BLOBS.test, 6, steps=steps)
        assert point == pytest.approx(alone.interval, abs=1e-6)
        np.testing.assert_allclose(found.curve_values[:, steps], alone.values, atol=1e-6)  # task by task: pairs


def test_learners_without_steps_take_no_steps():
    assert len(evaluate(methods.nearest_mean(), BLOBS.test, 3, curve_steps=4).curve) == 1
    with pytest.raises(ConfigurationError, match="no inner steps"):
        evaluate(methods.nearest_mean(), BLOBS.test, 3, steps=2)


@pytest.mark.parametrize(
    ("name", "value"), [("tasks", 0), ("curve_steps", -1), ("curve_tasks", 0), ("batch", 0), ("steps", -1)]
)
def test_numbers_that_make_no_sense(name, value):
    with pytest.raises(ConfigurationError, match=f"{name} must be at least .; got {value}"):
        evaluate(maml(), BLOBS.test, **{"tasks": 3, name: value})


def test_tasks_of_unequal_size_count_what_is_there():
    from innerloop.task import Task, pad, stack

    class Padded(Watched):
        def batch(self, indices):
            tasks = [self.source[i] for i in indices.tolist()]
            return stack([Task(pad(t.support, 9), pad(t.query, 20), t.index) for t in tasks])

    for make in LEARNERS.values():
        plain, padded = (evaluate(make(), source, 6) for source in (BLOBS.test, Padded(BLOBS.test)))
        np.testing.assert_allclose(plain.values, padded.values, rtol=1e-6)
        np.testing.assert_allclose(plain.losses, padded.losses, rtol=1e-4)


@EACH
def test_json_gives_the_evaluation_back(name):
    found = evaluate(LEARNERS[name](), BLOBS.test, 5, curve_steps=2)
    again = Evaluation.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    for field in dataclasses.fields(Evaluation):
        one, other = getattr(found, field.name), getattr(again, field.name)
        if field.name in ("values", "losses", "curve", "curve_values"):
            np.testing.assert_allclose(one, other, atol=1e-6)
        else:
            assert one == other, field.name
    assert str(again) == str(found)
    assert comparison({"a": found, "b": again}).rows.keys() == {"a", "b"}


def test_json_of_something_else_is_refused():
    whole = evaluate(maml(), BLOBS.test, 3).to_json()
    for name in ("values", "losses", "curve", "source", "calibration"):
        with pytest.raises(DataError, match="Not an evaluation"):
            Evaluation.from_json({key: value for key, value in whole.items() if key != name})
    for other in ([], None, "text", {**whole, "new": 1}, {**whole, "values": "many"}, {**whole, "calibration": 3}):
        with pytest.raises(DataError, match="Not an evaluation"):
            Evaluation.from_json(other)


def result(values, metric="accuracy", source="x", first=0):
    values = np.array(values, dtype=float)
    return Evaluation("row", metric, values, values, {"name": source}, first, "none", "vmap", 0.0)


def test_verdicts_in_words():
    draw = np.random.default_rng(0)
    base = draw.uniform(0.3, 0.6, 200)
    rows = {"low": result(base), "high": result(base + 0.1), "same": result(base + draw.normal(0, 0.05, 200))}
    found = comparison(rows)
    assert (found.best, next(iter(found.rows))) == ("high", "high")
    assert found.verdict("high", "low") == "high is better than low by 10.0 points (95 % interval +10.0 to +10.0)"
    assert found.verdict("low", "high").startswith("low is worse than high by 10.0 points")
    assert found.verdict("same", "low").startswith("no difference seen between same and low")
    assert "high is better than low" in found.summary()
    assert str(found).count("\n") == 4


def test_lower_is_better_for_errors():
    base = np.linspace(1, 2, 50)
    found = comparison({"bad": result(base + 1, "squared error"), "good": result(base, "squared error")})
    assert found.best == "good"
    assert found.verdict("good", "bad").startswith("good is better than bad by 1 (")
    assert found.verdict("bad", "good").startswith("bad is worse than good by 1 (")


def test_only_the_same_tasks_are_compared():
    one = result([0.1, 0.2])
    for other in (
        result([0.1, 0.2, 0.3]), result([0.1, 0.2], source="y"), result([0.1, 0.2], first=5),
        result([0.1, 0.2], "squared error"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match="not evaluated on the same tasks"):
            comparison({"one": one, "other": other})
    with pytest.raises(ConfigurationError, match="at least one"):
        comparison({})


def test_compare_evaluates_and_names():
    found = compare({"far": methods.constant(), "near": methods.nearest_mean()}, BLOBS.test, 30)
    assert found.best == "near"
    assert found.rows["far"].name == "far"
    assert found.verdict("near", "far").startswith("near is better than far")
    assert json.loads(json.dumps(found.to_json()))["best"] == "near"


def test_tune_finds_the_planted_best():
    # a learner whose only inner rate that leads anywhere is planted among bad ones
    sinusoids = Sinusoids()
    torch.manual_seed(0)
    network = mlp(1, 1, initial="he")
    found = tune(
        lambda rate: methods.from_scratch(network, inner_lr=rate),
        [1e-9, 0.01, 1e-8],
        sinusoids.validation,
        max_steps=8,
        tasks=20,
    )
    assert found.rate == 0.01
    assert found.steps == int(np.argmin(found.curves[0.01][1:])) + 1
    assert found.value == min(found.curves[0.01][1:])
    again = evaluate(
        methods.from_scratch(network, inner_lr=found.rate, inner_steps=found.steps), sinusoids.validation, 20
    )
    assert again.mean == pytest.approx(found.value, rel=1e-5)
    assert json.loads(json.dumps(found.to_json()))["rate"] == 0.01


def test_tune_takes_the_largest_accuracy():
    found = tune(lambda rate: maml(inner_lr=rate), [0.0001, 0.5], BLOBS.validation, max_steps=3, tasks=40)
    assert found.rate == 0.5
    assert found.value == max(found.curves[0.5][1:])


def test_tune_with_nothing_to_try():
    with pytest.raises(ConfigurationError, match="at least one rate"):
        tune(lambda rate: maml(inner_lr=rate), [], BLOBS.validation, max_steps=3)
    with pytest.raises(ConfigurationError, match="at least one rate"):
        tune(lambda rate: maml(inner_lr=rate), [0.1], BLOBS.validation, max_steps=0)


def test_select_keeps_the_best_of_what_was_tried():
    tried = []

    def make(rate):
        tried.append(rate)
        return maml(inner_lr=rate)

    found = select(make, [0.0001, 0.5, 0.001], BLOBS.validation, tasks=40)
    assert tried == [0.0001, 0.5, 0.001]
    assert (found.setting, found.learner.optimiser.rate) == (0.5, 0.5)
    assert [setting for setting, _ in found.tried] == tried
    assert found.value == max(value for _, value in found.tried)
    assert found.value == pytest.approx(evaluate(maml(inner_lr=0.5), BLOBS.validation, 40).mean)
    assert json.loads(json.dumps(found.to_json()))["setting"] == 0.5


def test_select_takes_the_smallest_error_and_the_first_of_equals():
    source = Sinusoids()
    for metric in (None, "absolute error"):
        found = select(
            lambda slopes: methods.shrunk_ridge(source.train, slopes=slopes, intercept=1e9, tasks=20),
            [1e-6, 1e9, 1e9], source.validation, tasks=20, metric=metric,
        )  # fmt: skip
        values = [value for _, value in found.tried]
        assert found.value == min(values) == values[1] == values[2]
        assert found.learner.slopes == 1e9
    same = select(lambda name: methods.constant(), ["first", "second"], source.validation, tasks=5)
    assert same.setting == "first"


def test_select_with_nothing_to_choose():
    with pytest.raises(ConfigurationError, match="at least one setting"):
        select(lambda rate: maml(inner_lr=rate), [], BLOBS.validation)
    torch.manual_seed(0)
    with pytest.raises(ConfigurationError, match=r"None of the settings \[1e\+30\] gives a finite squared error"):
        select(
            lambda rate: methods.from_scratch(mlp(1, 1), inner_lr=rate, inner_steps=9), [1e30],
            Sinusoids().validation, tasks=3,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("norm", "said"),
    [("none", "'network.features.1' does"), ("running", r"those of 'network\.features\.1' are still 0 and 1")],
)
def test_a_policy_that_would_not_be_what_it_says_is_refused(norm, said):
    learner = maml()
    with pytest.raises(ConfigurationError, match=said):
        evaluate(learner, BLOBS.test, 3, norm=norm)
    assert (learner.norm, learner.training) == ("batch", True)


def test_an_untrained_learner_with_running_averages_may_be_evaluated():
    for norm in (None, "running"):
        assert evaluate(maml("running"), BLOBS.test, 3, norm=norm).norm == "running"


def test_a_refused_evaluation_leaves_the_policy():
    learner = LEARNERS["prototypes"]()
    with pytest.raises(ConfigurationError, match="no inner steps"):
        evaluate(learner, BLOBS.test, 3, norm="batch", steps=3)
    assert learner.norm == "running"


class Unbatchable(nn.Linear):
    """Looks at the values of a tensor, which no batch of tasks can."""

    def forward(self, x):
        return super().forward(x) if x.sum().item() > 0 else super().forward(x) + 0


def test_the_mapping_that_was_used_is_named():
    learner = maml()
    learner.mapping = Mapping.named("captured")
    assert evaluate(learner, BLOBS.test, 3).mapping == "vmap"  # no graph without a gradient
    learner = methods.maml(Unbatchable(8, 3), inner_lr=0.1)
    assert evaluate(learner, BLOBS.test, 3).mapping == "loop"


def test_no_batch_is_drawn_beside_those_that_are_judged():
    source = Watched(BLOBS.test)
    evaluate(maml(), source, 5)
    assert source.asked == list(range(5))


def test_an_unknown_norm_policy():
    for learner in (maml(), methods.nearest_mean()):
        with pytest.raises(ConfigurationError, match="norm= is one of batch, support, running, none; got 'layer'"):
            evaluate(learner, BLOBS.test, 3, norm="layer")
