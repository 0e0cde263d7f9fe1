import math

import pytest
import torch

from helpers import memory
from innerloop.errors import ConfigurationError
from innerloop.methods import anp
from innerloop.networks import mlp
from innerloop.task import take


def softmax(logits):
    e = [math.exp(logit - max(logits)) for logit in logits]
    return [each / sum(e) for each in e]


@pytest.mark.parametrize("kind", memory.KINDS)
def test_attention_by_hand(kind):
    learner, tasks = memory.make("anp", kind), memory.batch(kind)
    found = learner(tasks).prediction
    learner.requires_grad_(False)
    for i in range(3):
        task = take(tasks, i)
        z, queries = learner.network(task.support.x), learner.network(task.query.x)
        y = torch.eye(3, dtype=torch.float64)[task.support.y] if kind == "classes" else task.support.y
        keys, values = learner.address(z), learner.encoder(torch.cat([z, y], dim=1))
        for j, query in enumerate(learner.address(queries)):
            read = []
            for head in (slice(0, 3), slice(3, 6)):  # two heads of a width of 6
                weights = softmax([float(query[head] @ key[head]) / math.sqrt(3) for key in keys])
                read.append(sum(w * value[head] for w, value in zip(weights, values, strict=True)))
            out = learner.decoder(torch.cat([*read, queries[j]])).detach()
            if kind == "classes":
                torch.testing.assert_close(found[i, j], out)
            else:
                torch.testing.assert_close(found.mean[i, j, 0], out[0])
                torch.testing.assert_close(found.variance[i, j, 0], (0.01 + 0.99 * torch.log1p(out[1].exp())) ** 2)


def test_old_examples_stay_as_they_are():
    learner, (task,) = memory.make("anp"), memory.tasks("classes", ((6, 4),))
    first = learner.adapt(memory.rows(task.support, slice(0, 4)))
    both = learner.adapt(memory.rows(task.support, slice(4, None)), first)
    assert torch.equal(both.values[:4], first.values)
    assert torch.equal(both.keys[:4], first.keys)


def test_errors():
    with pytest.raises(ConfigurationError, match="Heads divide the width; got 3 heads and width 8"):
        anp(mlp(4, None), width=8, heads=3)
