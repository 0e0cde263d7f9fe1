"""A learner comes back from the plain values that a run keeps."""

import json

import pytest
import torch

from helpers.given import weights
from innerloop.errors import ConfigurationError
from innerloop.rl import RL2, Bandits, GaussianPolicy, Navigation, from_spec, maml_policy, policy_for

LEARNERS = {
    "gaussian": lambda: maml_policy(GaussianPolicy(2, 3, (5,), std=0.5), inner_lr=0.3, inner_steps=2, first_order=True),
    "categorical": lambda: maml_policy(policy_for(Bandits().train, (4,)), inner_loss="dice"),
    "rl2": lambda: RL2(1, Bandits().train.action, width=6),
    "rl2, continuous": lambda: RL2(2, Navigation().train.action, width=6, std=0.2),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_learner_comes_back(name):
    torch.manual_seed(5)
    learner = LEARNERS[name]()
    again = from_spec(json.loads(json.dumps(learner.spec)))
    assert again.spec == learner.spec
    torch.manual_seed(5)
    assert weights(from_spec(learner.spec)) == weights(learner)
    for attribute in ("steps", "inner_loss", "outer_gradient"):
        assert getattr(again, attribute, None) == getattr(learner, attribute, None)


@pytest.mark.parametrize("spec", ["MAML", {}, {"method": "maml", "arguments": {}}, {"method": "rl2", "arguments": {}}])
def test_what_describes_no_learner_is_refused(spec):
    with pytest.raises(ConfigurationError):
        from_spec(spec)
