import pytest
from torch import nn

from innerloop.errors import ConfigurationError
from innerloop.gradient import GradientLearner, select
from innerloop.networks import mlp

NETWORK = mlp(2, 3, [4, 4])
BODY = ["features.1.weight", "features.1.bias", "features.3.weight", "features.3.bias"]
HEAD = ["head.weight", "head.bias"]


@pytest.mark.parametrize(
    ("which", "head", "expected"),
    [
        ("all", None, BODY + HEAD),
        ("head", None, HEAD),
        ("body", None, BODY),
        ("head", "features.3.*", BODY[2:]),
        ("body", "features.3.*", BODY[:2] + HEAD),
        ("*.bias", None, [BODY[1], BODY[3], HEAD[1]]),
        (["head.bias", "features.1.*"], None, [*BODY[:2], HEAD[1]]),
        (("head.weight", "head.bias"), None, HEAD),
    ],
)
def test_selection(which, head, expected):
    assert select(NETWORK, which, head) == expected


def test_frozen_parameters_are_not_selected():
    network = mlp(2, 3, [4])
    network.head.bias.requires_grad_(False)
    assert select(network, "head") == ["head.weight"]


@pytest.mark.parametrize(
    ("network", "which", "head", "message"),
    [
        (NETWORK, "hed", None, r"'hed'; there are features\.1\.weight"),
        (NETWORK, ["head.*", "nowhere.*"], None, "'nowhere"),
        (NETWORK, "head", "nowhere.*", "selects no trainable parameter"),
        (NETWORK, [], None, "selects no trainable parameter"),
        (
            nn.Sequential(nn.Linear(1, 1)),
            "head",
            None,
            r"no submodule `head`.*Pass head= .*0\.weight, 0\.bias",
        ),
        (nn.Sequential(nn.Linear(1, 1)), "body", None, "no submodule `head`"),
        (nn.Flatten(), "all", None, "selects no trainable parameter of Flatten"),
    ],
)
def test_errors(network, which, head, message):
    with pytest.raises(ConfigurationError, match=f"(?s){message}"):
        select(network, which, head)


def test_a_head_by_pattern_in_any_module():
    network = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    learner = GradientLearner(network, which="head", head="2.*")
    assert learner.adapted_names == ["2.weight", "2.bias"]
    assert list(learner.per_task_modules()) == [network[2]]
