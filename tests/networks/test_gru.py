import json

import pytest
import torch
from torch import nn

from helpers.checks import difference, difference_from_finite_differences, largest, measure
from innerloop import methods
from innerloop.errors import ConfigurationError, DataError
from innerloop.mapping import Mapping
from innerloop.networks import build, gru, transformer, with_context
from innerloop.task import Examples, Task, stack

NETWORKS = {
    "gru": lambda outputs=3: gru(2, outputs, hidden=4),
    "transformer": lambda outputs=3: transformer(2, outputs, width=4, layers=1, heads=2, hidden=3),
}
EACH = pytest.mark.parametrize("name", NETWORKS)


def sequences(tasks=2, rows=3, steps=3, ways=3):
    """Classes of short sequences that drift in different directions."""
    found = []
    for index in range(tasks):
        generator = torch.Generator().manual_seed(index)
        drift = torch.randn(ways, 1, 2, generator=generator, dtype=torch.float64)

        def examples(generator=generator, drift=drift):
            y = torch.arange(rows) % ways
            noise = torch.randn(rows, steps, 2, generator=generator, dtype=torch.float64)
            return Examples(noise + drift[y] * torch.arange(steps)[:, None], y, ways=ways)

        found.append(Task(examples(), examples(), torch.tensor(index)))
    return stack(found)


@EACH
def test_shapes_and_specs(name):
    network = NETWORKS[name]()
    x = torch.randn(5, 7, 2)
    assert network.features(x).shape == (5, network.width)
    assert network(x).shape == (5, 3)
    again = build(json.loads(json.dumps(network.spec)))
    assert again.spec == network.spec
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(x), network(x))
    assert NETWORKS[name](None)(x).shape == (5, network.width)


def test_the_gru_is_torchs():
    network, theirs = gru(3, None, hidden=5).double(), nn.GRU(3, 5, batch_first=True).double()
    ours = network.features
    theirs.load_state_dict(
        {
            "weight_ih_l0": ours.into.weight, "bias_ih_l0": ours.into.bias, "weight_hh_l0": ours.again.weight,
            "bias_hh_l0": ours.again.bias,
        }
    )  # fmt: skip
    x = torch.randn(4, 9, 3, dtype=torch.float64)
    torch.testing.assert_close(network(x), theirs(x)[1][0])
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


@EACH
@pytest.mark.parametrize("method", ["maml", "anil", "cavia", "imaml"])
def test_meta_gradients_agree_with_finite_differences(name, method):
    learner = {
        "maml": lambda: methods.maml(NETWORKS[name]().double(), inner_steps=1, inner_lr=0.3),
        "anil": lambda: methods.anil(NETWORKS[name]().double(), inner_steps=1, inner_lr=0.3),
        "cavia": lambda: methods.cavia(NETWORKS[name]().double(), inner_steps=1, inner_lr=0.3),
        "imaml": lambda: methods.imaml(NETWORKS[name]().double(), inner_steps=2, inner_lr=0.1),
    }[method]()
    if method == "imaml":
        # exact at the inner minimum only: here, that it works on second derivatives in every mapping
        found = []
        for vectorise in (False, True):
            learner.mapping = Mapping(vectorise=vectorise)
            found.append(measure(learner, sequences()))
        assert difference(*found) < 1e-9
        return
    for vectorise in (False, True):
        learner.mapping = Mapping(vectorise=vectorise)
        assert difference_from_finite_differences(learner, sequences(), components=1) < 1e-6


@EACH
def test_mappings_agree(name):
    learner, found = methods.maml(NETWORKS[name]().double(), inner_steps=1, inner_lr=0.3), []
    for kind in ("loop", "vmap", "captured"):
        learner.mapping = Mapping.named(kind)
        found.append(measure(learner, sequences()))
    assert largest(found[0][1]) > 1e-3
    assert difference(found[0], found[1]) < 1e-11
    assert difference(found[0], found[2]) < 1e-11


@EACH
def test_the_rule_takes_vmap(name):
    learner = methods.maml(NETWORKS[name]().double())
    assert learner.mapping_for(sequences()).vectorise


@EACH
def test_the_order_of_the_steps_counts(name):
    network, x = NETWORKS[name](), torch.randn(5, 7, 2)
    assert not torch.allclose(network(x), network(x.flip(1)), atol=1e-3)


@EACH
def test_rows_are_independent(name):
    network, x = NETWORKS[name]().double(), torch.randn(5, 7, 2, dtype=torch.float64)
    torch.testing.assert_close(network(x)[2:3], network(x[2:3]))


def test_context_beside_the_inputs_of_a_gru():
    network = with_context(gru(2, 3, hidden=4), 2)
    with torch.no_grad():
        network.features.into.context.normal_()
    assert network(torch.randn(5, 7, 2)).shape == (5, 3)


@EACH
def test_errors(name):
    network = NETWORKS[name]()
    for wrong in (torch.randn(5, 2), torch.randn(5, 7, 3)):
        with pytest.raises(DataError, match=r"sequences of shape \(N, steps, 2\); got \(5, "):
            network(wrong)
    with pytest.raises(ConfigurationError, match="must be at least 1"):
        gru(0, 3) if name == "gru" else transformer(2, 3, layers=0)
