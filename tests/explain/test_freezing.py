import numpy as np
import pytest
import torch

from helpers.given import Given, weights
from helpers.problems import classification, normed, perceptron, regression
from innerloop import methods
from innerloop.errors import ConfigurationError
from innerloop.evaluation import evaluate, paired_difference
from innerloop.explain import Freezing, freezing
from innerloop.explain._freezing import Only
from innerloop.gradient import SGD, Adam, GradientLearner

TASKS = Given(classification([(6, 9)] * 6))


def values(learner, source=TASKS, **settings):
    return evaluate(learner, source, 6, **settings).values


@pytest.mark.parametrize("source", [TASKS, Given(regression([(5, 7)] * 6))], ids=["classes", "numbers"])
@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_frozen_and_alone_are_the_learners_that_adapt_so(source, optimiser):
    network = perceptron(3 if source is TASKS else 1)

    def learner(which):
        return GradientLearner(network, which=which, optimiser=optimiser(0.3), steps=2)

    found = freezing(learner("all"), source, 6)
    everything = values(learner("all"), source)
    assert found.everything.mean == pytest.approx(everything.mean())
    assert found.nothing.mean == pytest.approx(values(learner("all"), source, steps=0).mean())
    assert [layer.name for layer in found.layers] == ["features.1", "features.3", "head"]
    head = found.layers[-1]
    assert head.only.mean == pytest.approx(values(learner("head"), source).mean())
    assert head.frozen.mean == pytest.approx(values(learner("body"), source).mean())
    only = values(learner(["features.1.*"]), source)
    assert found.layers[0].only_difference == pytest.approx(paired_difference(only, everything))
    frozen = values(learner(["features.3.*", "head.*"]), source)
    assert found.layers[0].frozen_difference == pytest.approx(paired_difference(frozen, everything))
    assert found.metric == ("accuracy" if source is TASKS else "squared error")


@pytest.mark.parametrize("method", ["meta_sgd", "meta_curvature", "lstm", "proto_maml", "maml"])
def test_any_inner_optimiser_and_start(method):
    torch.manual_seed(0)
    network = normed(None if method == "proto_maml" else 3)
    learner = getattr(methods, method)(network, inner_steps=2).double()
    before, own = weights(learner), learner.optimiser
    found = freezing(learner, TASKS, 6)
    assert weights(learner) == before
    assert learner.optimiser is own
    assert found.everything.mean == pytest.approx(values(learner).mean())
    assert [layer.head for layer in found.layers] == [False, True]
    # two layers: one frozen is the other one alone
    assert found.layers[0].frozen == found.layers[1].only


def test_only_gives_the_others_nothing():
    seen = []

    class Spy(SGD):
        def update(self, gradients, state, parameters, step, loss):
            seen.append((sorted(gradients), sorted(parameters)))
            return super().update(gradients, state, parameters, step, loss)

    p, g = ({name: torch.tensor(number) for name in "ab"} for number in (1.0, 2.0))
    new, _ = Only(Spy(0.5), ["b"]).update(g, {}, p, 0, torch.tensor(0.0))
    assert seen == [(["b"], ["b"])]
    assert (float(new["a"]), float(new["b"])) == (1.0, 0.0)
    assert Only(SGD(0.5, momentum=0.9), ["b"]).init(p).keys() == {"momentum"}
    assert Only(SGD(0.5), []).update(g, {}, p, 0, torch.tensor(0.0)) == (p, {})


def test_words():
    # a network whose head alone is off: with it everything is repaired, without it nothing
    torch.manual_seed(0)
    learner = methods.maml(perceptron(), inner_steps=5, inner_lr=0.5)
    found = freezing(learner, TASKS, 6)
    assert found.sentences[0].startswith(("Adaptation helps", "No gain from adaptation", "Adaptation harms"))
    assert len(found.sentences) == 3
    assert Freezing.from_json(found.to_json()).to_json() == found.to_json()
    alone = freezing(methods.anil(perceptron()), TASKS, 6)
    assert alone.sentences[1] == "Only head adapts."
    assert alone.layers[0].frozen == alone.nothing


def test_a_learner_that_diverges_has_words_too():
    diverging = methods.maml(perceptron(1), inner_steps=60, inner_lr=1e6)
    found = freezing(diverging, Given(regression([(5, 7)] * 6)), 6)
    assert not np.isfinite(found.everything.mean)
    assert found.sentences


def test_learners_without_steps_are_named():
    with pytest.raises(ConfigurationError, match="no layer to freeze"):
        freezing(methods.prototypes(perceptron(None)), TASKS)
