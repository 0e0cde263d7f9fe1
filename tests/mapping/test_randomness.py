"""What is random in a task follows its seed, whatever tasks are beside it."""

import torch

from helpers import training
from innerloop.mapping import Mapping, seeded
from innerloop.task import take


def losses(mapping, tasks, seeds):
    learner, _ = training.make("prototypes")  # with dropout
    learner.mapping = mapping
    with torch.random.fork_rng(devices=[]), seeded(seeds):
        return learner.train()(tasks).losses


def test_a_task_in_a_loop_has_the_same_masks_alone():
    tasks = training.blobs().train.batch(torch.arange(4))
    together = losses(Mapping(vectorise=False), tasks, [7, 8, 9, 10])
    alone = [losses(Mapping(vectorise=False), take(tasks, slice(i, i + 1)), [7 + i]) for i in range(4)]
    assert torch.equal(together, torch.cat(alone))
    assert not torch.equal(together, losses(Mapping(vectorise=False), tasks, [7, 8, 9, 11]))


def test_a_chunk_begins_at_the_seed_of_its_first_task():
    tasks = training.blobs().train.batch(torch.arange(4))
    chunks = Mapping(vectorise=True, chunk=2)
    found = losses(chunks, tasks, [7, 8, 9, 10])
    assert torch.equal(found, losses(chunks, tasks, [7, 0, 9, 0]))
    assert torch.equal(found[2:], losses(chunks, take(tasks, slice(2, 4)), [9, 10]))


def test_without_seeds_the_users_generator_is_used():
    learner, _ = training.make("prototypes")
    learner.mapping = Mapping(vectorise=False)
    tasks = training.blobs().train.batch(torch.arange(2))
    first, second = learner(tasks).losses, learner(tasks).losses
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    learner(tasks)
    assert not torch.equal(torch.get_rng_state(), state)
