"""Training leaves nothing behind: the number of live tensors does not grow with the iterations."""

import pytest
import torch

from helpers.training import blobs
from innerloop import Mapping, methods
from innerloop.bench._process import live_tensors
from innerloop.networks import mlp
from innerloop.sources import Sinusoids

MAPPINGS = {"loop": Mapping(vectorise=False), "vmap": Mapping(vectorise=True)}
LEARNERS = {
    "maml": lambda: methods.maml(mlp(1, 1, [8]), inner_steps=2, inner_lr=0.01),
    "anil": lambda: methods.anil(mlp(1, 1, [8]), inner_steps=2, inner_lr=0.01),
    "prototypes": lambda: methods.prototypes(mlp(8, None, [8])),
}


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("method", LEARNERS)
def test_live_tensors_stay_as_many(method, mapping):
    learner = LEARNERS[method]()
    learner.mapping = MAPPINGS[mapping]
    source = (blobs() if method == "prototypes" else Sinusoids(shots=3, queries=3)).train
    optimiser = torch.optim.Adam(learner.parameters())
    counts = {}
    for iteration in range(200):
        optimiser.zero_grad()
        learner(source[2 * iteration : 2 * iteration + 2]).loss.backward()
        optimiser.step()
        if iteration in (20, 199):
            counts[iteration] = live_tensors()
    assert counts[199] <= counts[20]
