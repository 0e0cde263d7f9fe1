"""How a learner is mapped over tasks, apart from what is learned."""

from innerloop.mapping._allocator import keep_large_blocks
from innerloop.mapping._choose import choose_mapping
from innerloop.mapping._gradient import gradient
from innerloop.mapping._mapping import Mapping
from innerloop.mapping._memory import Need, PeakMemory, memory_need
from innerloop.mapping._randomness import seeded

__all__ = [
    "Mapping",
    "Need",
    "PeakMemory",
    "choose_mapping",
    "gradient",
    "keep_large_blocks",
    "memory_need",
    "seeded",
]
