"""The whole way, from the experts to the success in the simulator."""

import pytest
import torch

from innerloop import fit, methods
from innerloop.control import Demonstrations, evaluate_control
from innerloop.networks import bias_mlp


@pytest.mark.apps
@pytest.mark.slow
def test_one_demonstration_and_one_step_lead_to_a_hidden_place():
    source = Demonstrations("reach", goals=(80, 1, 20), demonstrations=2)
    torch.manual_seed(0)
    learner = methods.maml(bias_mlp(7, 4), inner_lr=0.1)
    fit(learner, source.train, steps=300, tasks_per_step=16, mapping="vmap", progress=False)
    adapted, before = (evaluate_control(learner, source.test, rollouts=1, steps=steps) for steps in (None, 0))
    assert before.mean <= 0.35
    assert adapted.mean >= before.mean + 0.3
