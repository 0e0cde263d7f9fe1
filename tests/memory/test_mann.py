"""The memory in numpy, slot by slot."""

import numpy as np
import pytest
import torch

from helpers import memory
from innerloop.errors import ConfigurationError
from innerloop.memory._addressing import cosines, least_used
from innerloop.methods import mann
from innerloop.networks import mlp
from innerloop.task import take

EPS = 1e-4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Machine:
    """The equations of the paper with loops over heads and slots."""

    def __init__(self, learner):
        self.p = {name: p.detach().numpy() for name, p in learner.named_parameters()}
        self.slots, self.width, self.heads = learner.slots, learner.width, learner.reads
        self.recurrent = learner.controller == "lstm"
        self.memory = np.zeros((self.slots, self.width))
        self.usage = np.zeros(self.slots)
        self.weights = np.zeros((self.heads, self.slots))
        self.reads = np.zeros((self.heads, self.width))
        self.h = np.zeros(learner.hidden)
        self.c = np.zeros(learner.hidden)

    def control(self, z, label):
        seen = np.concatenate([z, label, self.reads.flatten()])
        if not self.recurrent:
            return np.maximum(self.p["control.weight"] @ seen + self.p["control.bias"], 0), self.c
        gates = self.p["control.weight"] @ np.concatenate([seen, self.h]) + self.p["control.bias"]
        into, forget, candidate, out = np.split(gates, 4)
        c = sigmoid(forget) * self.c + sigmoid(into) * np.tanh(candidate)
        return sigmoid(out) * np.tanh(c), c

    def keys(self, h):
        return np.tanh(self.p["key.weight"] @ h + self.p["key.bias"]).reshape(self.heads, self.width)

    def attend(self, key):
        similarity = np.zeros(self.slots)
        for i in range(self.slots):
            lengths = np.sqrt(key @ key + EPS) * np.sqrt(self.memory[i] @ self.memory[i] + EPS)
            similarity[i] = key @ self.memory[i] / lengths
        e = np.exp(self.p["sharpness"] * similarity)
        return e / e.sum()

    def step(self, z, label):
        self.h, self.c = self.control(z, label)
        keys, share = self.keys(self.h), sigmoid(self.p["gate"])
        free = np.argsort(self.usage, kind="stable")[: self.heads]
        writes = []
        for head in range(self.heads):
            write = share * self.weights[head]
            write[free[head]] += 1 - share
            writes.append(write)
        self.memory[free] = 0
        for head in range(self.heads):
            for i in range(self.slots):
                self.memory[i] += writes[head][i] * keys[head]
        self.usage = 0.95 * self.usage
        for head in range(self.heads):
            self.weights[head] = self.attend(keys[head])
            self.reads[head] = self.weights[head] @ self.memory
            self.usage += self.weights[head] + writes[head]

    def output(self, z, labels):
        h, _ = self.control(z, np.zeros(labels))
        reads = [self.attend(key) @ self.memory for key in self.keys(h)]
        return self.p["output.weight"] @ np.concatenate([h, *reads]) + self.p["output.bias"]


@pytest.mark.parametrize("kind", memory.KINDS)
@pytest.mark.parametrize("name", ["mann", "mann, feed-forward"])
def test_against_the_equations_in_numpy(name, kind):
    learner = memory.make(name, kind)
    tasks = memory.batch(kind)
    found = learner(tasks).prediction
    for i in range(3):
        task = take(tasks, i)
        z, queries = (learner.network(part.x).detach().numpy() for part in (task.support, task.query))
        y = np.eye(3)[task.support.y.numpy()] if kind == "classes" else task.support.y.numpy()
        machine, label = Machine(learner), np.zeros(y.shape[1])
        for t in range(len(z)):
            machine.step(z[t], label)
            label = y[t]
        machine.step(np.zeros_like(z[0]), label)
        expected = [machine.output(query, y.shape[1]) for query in queries]
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-9, atol=1e-12)


def test_what_was_written_lies_in_the_least_used_slots():
    learner = memory.make("mann")
    with torch.no_grad():
        learner.gate.fill_(-50.0)  # no writing where was read
    state = learner.adapt(memory.tasks("classes", ((3, 1),))[0].support)
    written = (state.memory.abs().sum(1) > 1e-12).nonzero().flatten().tolist()
    assert written == [0, 1, 2, 3, 4, 5]  # two heads, three examples: nothing is overwritten while there is room
    assert state.memory.shape == (24, 5)


def test_the_oldest_goes_when_the_slots_are_used_up():
    learner = mann(mlp(4, None, [5]), ways=3, slots=4, width=5, reads=2, hidden=6).double()
    task = memory.tasks("classes", ((6, 1),))[0]
    state = learner.adapt(task.support)
    assert (state.memory.abs().sum(1) > 0.1).sum() == 4
    assert learner.predict(state, task.query.x).isfinite().all()


def test_a_slot_with_nearly_nothing_is_similar_to_nothing():
    key = torch.tensor([3.0, 4.0])
    slots = torch.stack([2 * key, -key, torch.tensor([4.0, -3.0]), 1e-6 * key, 0 * key])
    torch.testing.assert_close(cosines(key, slots), torch.tensor([1.0, -1.0, 0, 5e-4, 0]), atol=1e-4, rtol=0)
    slots.requires_grad_()
    cosines(key, slots).sum().backward()
    assert slots.grad.isfinite().all()
    assert slots.grad.abs().max() <= 100


def test_of_equally_used_slots_the_first():
    assert least_used(torch.tensor([0.2, 0.0, 0.1, 0.0]), 3).argmax(1).tolist() == [1, 3, 2]
    together = torch.func.vmap(lambda usage: least_used(usage, 2))(torch.zeros(3, 100))
    assert together.argmax(2).tolist() == [[0, 1]] * 3


def test_errors():
    with pytest.raises(ConfigurationError, match="one of lstm, feedforward; got 'gru'"):
        mann(mlp(4, None), ways=3, controller="gru")
    for wrong in ({"slots": 3}, {"width": 0}, {"reads": 0}, {"hidden": 0}):
        with pytest.raises(ConfigurationError, match="slots >= reads >= 1"):
            mann(mlp(4, None), ways=3, **wrong)
