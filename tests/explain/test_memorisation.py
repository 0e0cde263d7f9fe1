import numpy as np
import pytest
import torch

from helpers import training
from helpers.given import Given
from helpers.problems import perceptron, regression
from innerloop import methods
from innerloop.evaluation import Difference, Interval, evaluate, paired_difference
from innerloop.explain import Memorisation, memorisation
from innerloop.explain._shuffled import Shuffled
from innerloop.learner import Learner
from innerloop.sources import Sinusoids
from innerloop.task import Examples, Task

BLOBS = training.blobs(ways=3, shots=5, queries=5).test


class Fitted(Learner):
    """Least squares on the support set."""

    def adapt(self, support, state=None):
        return {"w": torch.linalg.lstsq(self._basis(support.x), support.y).solution}

    def predict(self, state, x, mask=None):
        return self._basis(x) @ state["w"]

    def _basis(self, x):
        return torch.cat([torch.sin(x), torch.cos(x)], -1)


class Knowing(Learner):
    """Knows every answer without its support set: the query's class is in its input."""

    def adapt(self, support, state=None):
        return {}

    def predict(self, state, x, mask=None):
        return x[:, :3]


def test_labels_that_matter_fall_to_chance_when_shuffled():
    learner = methods.nearest_mean()
    found = memorisation(learner, BLOBS, 200)
    assert found.right.mean > 0.9
    assert abs(found.shuffled.mean - 1 / 3) < 0.06
    assert found.verdict == "reads its support set"
    assert found.chance == pytest.approx(1 / 3)
    right, mixed = (evaluate(learner, source, 200).values for source in (BLOBS, Shuffled(BLOBS)))
    assert found.shuffled_difference == pytest.approx(paired_difference(mixed, right))
    assert found.sentences[0].startswith("Support labels matter: accuracy falls to chance, from")
    assert Memorisation.from_json(found.to_json()).to_json() == found.to_json()


def test_a_learner_that_knows_the_answers_has_memorised():
    tasks = [task for task in (BLOBS[i] for i in range(12))]
    for task in tasks:
        task.query.x[:, :3] = torch.eye(3)[task.query.y]
    found = memorisation(Knowing(), Given(tasks), 12)
    assert found.right.mean == found.shuffled.mean == found.swapped.mean == 1.0
    assert found.verdict == "memorised"
    assert found.sentences[0].startswith("Support labels do not matter")


def test_regression():
    found = memorisation(Fitted(), Sinusoids(shots=6).test, 60)
    assert found.verdict == "reads its support set"
    assert found.right.mean < 1e-3
    assert found.shuffled.mean > found.chance > 1
    trivial = evaluate(methods.constant(), Sinusoids(shots=6).test, 60)
    assert found.chance == pytest.approx(trivial.mean)
    assert "Support targets matter: squared error rises" in found.sentences[0]
    assert memorisation(methods.joint(perceptron(1)), Given(regression()), 3).verdict == "memorised"


def test_the_mean_target_uses_the_set_but_not_the_pairs():
    levels = []
    for task in regression([(5, 7)] * 8):
        support, query = (Examples(each.x, each.y + 3 * task.index) for each in (task.support, task.query))
        levels.append(Task(support, query, task.index))
    found = memorisation(methods.constant(), Given(levels), 8)
    assert found.shuffled_difference == pytest.approx((0, 0, 0), abs=1e-6)
    assert found.verdict == "reads targets without their inputs"
    assert "not which of the targets belongs to which input" in found.sentences[0]


def test_words_in_between():
    def of(right, shuffled, swapped, metric="accuracy", chance=0.2):
        pairs = (Difference(other - right, other - right - 0.01, other - right + 0.01) for other in (shuffled, swapped))
        each = (Interval(value, 0.01) for value in (right, shuffled, swapped))
        return Memorisation(metric, *each, chance, *pairs, 100)

    assert of(0.9, 0.5, 0.2).verdict == "partly memorised"
    assert "matter in part" in of(0.9, 0.5, 0.2).sentences[0]
    assert of(0.9, 0.22, 0.2).verdict == "reads its support set"  # above chance, but by little
    assert of(0.205, 0.2, 0.2).verdict == "nothing learned"
    assert of(0.205, 0.2, 0.2).sentences[0].startswith("Nothing to memorise was seen")
    assert of(0.9, 0.2, 0.2).verdict == "reads its support set"
    assert of(0.1, 2.0, 3.0, "squared error", 4.0).verdict == "partly memorised"
    assert of(0.1, 5.0, 3.0, "squared error", 4.0).verdict == "reads its support set"
    assert not np.isnan(of(0.9, 0.2, 0.2).chance)
