import torch
from torch import nn

from helpers import problems
from innerloop import methods
from innerloop.modules import device_of, in_mode


def test_where_only_buffers_are():
    learner = methods.pooled_ridge(inputs=2, outputs=1)
    assert device_of(learner) == torch.device("cpu")
    assert device_of(learner.to("meta")) == torch.device("meta")
    assert device_of(nn.Linear(1, 1, device="meta")) == torch.device("meta")


def test_every_part_gets_its_own_mode_back():
    module = nn.Sequential(nn.Dropout().eval(), nn.Sequential(nn.Dropout()))
    before = [part.training for part in module.modules()]
    for training in (True, False):
        try:
            with in_mode(module, training):
                assert [part.training for part in module.modules()] == [training] * 4
                raise KeyError
        except KeyError:
            pass
        assert [part.training for part in module.modules()] == before


def test_settling_a_mapping_leaves_a_frozen_part_in_eval():
    learner = methods.maml(problems.perceptron(3), inner_lr=0.1)
    learner.network.head.eval()
    learner.settle_mapping(problems.batch(), steps=1)
    assert learner.training
    assert not learner.network.head.training
