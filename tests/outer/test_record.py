import math

import pytest
import torch

from innerloop.methods import prototypes
from innerloop.networks import mlp
from innerloop.outer import Run
from innerloop.outer._checkpoint import Progress
from innerloop.outer._record import Record


def record(folder=None):
    learner = prototypes(mlp(2, None, []))
    learner.marker = torch.nn.Parameter(torch.zeros(()))
    return Record(learner, torch.optim.SGD(learner.parameters(), 0.1), None, folder, Progress())


@pytest.mark.parametrize(("higher", "best"), [(True, 1), (False, 2)])
def test_the_best_validation_keeps_its_weights(higher, best):
    kept = record()
    for step, mean in enumerate([2.0, 5.0, 1.0, math.nan, 3.0]):
        kept.state.step = step
        with torch.no_grad():
            kept.learner.marker.fill_(step)
        kept.judge(mean, higher)
    assert (kept.state.best_step, kept.state.stale) == (best, 4 - best)
    kept.return_to_best()
    assert float(kept.learner.marker.detach()) == 4  # not at its end yet
    kept.state.done = True
    kept.return_to_best()
    assert float(kept.learner.marker.detach()) == best


def test_a_divergence_is_never_the_best():
    kept = record()
    kept.judge(math.inf, higher_is_better=True)
    assert kept.state.best is None
    assert kept.best_weights is None


def test_weights_of_an_earlier_process_are_read_from_the_folder(tmp_path):
    folder = Run(tmp_path / "run")
    folder.start({"settings": {}}, resume=False)
    first = record(folder)
    with torch.no_grad():
        first.learner.marker.fill_(7)
    first.judge(0.5, higher_is_better=True)
    first.log(loss=1.0)
    later = record(folder)
    later.state = Progress(step=9, best=0.5, done=True)
    later.return_to_best()
    assert float(later.learner.marker.detach()) == 7
    assert [entry["loss"] for entry in folder.metrics()] == [1.0]
