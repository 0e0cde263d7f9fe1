from typing import NamedTuple

import pytest
import torch

from helpers import problems
from helpers.checks import snapshot
from helpers.learners import make
from innerloop.errors import DataError
from innerloop.mapping import Mapping
from innerloop.task import Examples
from innerloop.ways import cut_to_ways, demand_same_ways

MAPPINGS = [Mapping(vectorise=False), Mapping(vectorise=True), Mapping(vectorise=True, chunk=2)]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("method", ["maml", "anil", "reptile"])
def test_with_fewer_ways_than_outputs_the_logits_are_cut(method, mapping):
    net = problems.perceptron(5)
    learner = make(method, net)
    learner.mapping = mapping
    outcome = learner(problems.batch(ways=3))
    assert outcome.prediction.shape == (3, 6, 3)
    small = problems.perceptron(3)
    state = snapshot(net)
    small.load_state_dict(state | {name: state[name][:3] for name in ("head.weight", "head.bias")})
    torch.testing.assert_close(make(method, small)(problems.batch(ways=3)).losses, outcome.losses)
    outcome.loss.backward()
    assert not net.head.weight.grad[3:].any()


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_with_more_ways_than_outputs_there_is_a_way_out(mapping):
    learner = make("maml", problems.perceptron(2))
    learner.mapping = mapping
    with pytest.raises(DataError, match=r"(?s)3-way task needs 3 logits; the network has 2.*prototypes"):
        learner(problems.batch(ways=3))


def test_only_logits_are_cut():
    assert cut_to_ways(torch.zeros(2, 5), None).shape == (2, 5)
    tree = {"mean": torch.zeros(2, 1)}
    assert cut_to_ways(tree, 3) is tree


class Known(NamedTuple):
    ways: int | None


@pytest.mark.parametrize(("before", "now"), [(2, 3), (None, 3), (3, None)])
def test_a_state_is_gone_on_with_in_a_task_of_as_many_classes_alone(before, now):
    support = Examples(torch.zeros(3, 1), torch.arange(3), ways=now)
    words = {None: "no classes", 2: "2 classes", 3: "3 classes"}
    with pytest.raises(DataError, match=f"task with {words[before]}; the support set has {words[now]}"):
        demand_same_ways(support, Known(before))
    for harmless in (Known(now), None, {"mean": torch.zeros(1)}):
        demand_same_ways(support, harmless)
