"""How a learner is mapped over tasks, apart from what is learned."""

from innerloop.mapping._choose import choose_mapping
from innerloop.mapping._gradient import gradient
from innerloop.mapping._mapping import Mapping
from innerloop.mapping._randomness import seeded

__all__ = ["Mapping", "choose_mapping", "gradient", "seeded"]
