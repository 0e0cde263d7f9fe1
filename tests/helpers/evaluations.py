"""Made-up evaluations: values of tasks without learners."""

import numpy as np

from innerloop.evaluation import Evaluation, averaged, comparison

SOURCE = {"name": "characters", "split": "test", "ways": 5, "shots": 1, "queries": 15, "seed": 0}


def evaluation(name, values, *, metric="accuracy", norm="running", source=SOURCE, **more):
    values = np.asarray(values, dtype=float)
    return Evaluation(name, metric, values, values, source, 0, norm, "loop", 1.0, **more)


def row(name, mean, *, tasks=200, noise=0.02, seed=0, **more):
    """Tasks that differ much, and a learner that is so good on average on each of them."""
    shared = np.random.default_rng(99).normal(0, 0.1, tasks)
    own = np.random.default_rng(seed + 1000 * len(name)).normal(0, noise, tasks)
    return evaluation(name, mean + shared - shared.mean() + own - own.mean(), **more)


def seeded(name, means, **more):
    """A row of several training seeds."""
    return averaged({seed: row(name, mean, seed=seed, **more) for seed, mean in enumerate(means)})


def compared(*rows):
    return comparison({one.name: one for one in rows})
