import pytest
import torch
import torch.nn.functional as F

from helpers import problems
from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD, Adam, FirstOrder, GradientLearner, HeadFirst, LearnedRates
from innerloop.task import take


def by_hand(network, task, make, head_steps, steps):
    """Two optimisers of torch, one after the other: the head's goes on in the second phase, the body's begins there."""
    parameters = {name: p.detach().clone().requires_grad_() for name, p in network.named_parameters()}
    head = [p for name, p in parameters.items() if name.startswith("head.")]
    body = [p for name, p in parameters.items() if not name.startswith("head.")]
    of_head, of_body = make(head), make(body)
    for step in range(steps):
        logits = torch.func.functional_call(network, parameters, (task.support.x,))
        slopes = torch.autograd.grad(F.cross_entropy(logits, task.support.y), [*head, *body])
        for p, slope in zip([*head, *body], slopes, strict=True):
            p.grad = slope
        of_head.step()
        if step >= head_steps:
            of_body.step()
    return parameters


@pytest.mark.parametrize("head_steps", [0, 2, 5])
def test_the_body_waits_for_the_head(head_steps):
    torch.manual_seed(0)
    network, task = problems.perceptron(3), take(problems.batch(), 0)
    learner = GradientLearner(
        network, optimiser=HeadFirst(SGD(0.2, momentum=0.5), head_steps), outer_gradient=FirstOrder(), steps=4
    )
    expected = by_hand(network, task, lambda p: torch.optim.SGD(p, 0.2, momentum=0.5), head_steps, 4)
    state = learner.adapt(task.support)
    for name, p in state.parameters.items():
        torch.testing.assert_close(p.detach(), expected[name].detach())


def test_the_body_does_not_move_under_adam_either():
    torch.manual_seed(0)
    network, task = problems.perceptron(3), take(problems.batch(), 0)
    adam = Adam(0.1, weight_decay=0.5)
    learner = GradientLearner(network, optimiser=HeadFirst(adam, 3), outer_gradient=FirstOrder(), steps=3)
    state = learner.adapt(task.support)
    for name, p in state.parameters.items():
        assert torch.equal(p, network.get_parameter(name)) != name.startswith("head.")
    assert not any(m.any() for name, m in state.optimiser["first"].items() if not name.startswith("head."))


def test_learned_rates_are_built_inside():
    learner = GradientLearner(problems.perceptron(3), optimiser=HeadFirst(LearnedRates(0.1), 1))
    assert [name for name, _ in learner.named_parameters() if "rates" in name]


def test_errors():
    with pytest.raises(ConfigurationError, match="steps= must be at least 0; got -1"):
        HeadFirst(SGD(0.1), -1)
    with pytest.raises(ConfigurationError, match="needs a submodule `head` that adapts; the parameters are features"):
        GradientLearner(problems.perceptron(3), which="body", optimiser=HeadFirst(SGD(0.1), 1))
