"""How a learner is mapped over tasks, apart from what is learned."""

from innerloop.mapping._choose import choose_mapping
from innerloop.mapping._gradient import gradient
from innerloop.mapping._mapping import Mapping

__all__ = ["Mapping", "choose_mapping", "gradient"]
