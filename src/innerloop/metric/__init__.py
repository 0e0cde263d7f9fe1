"""Learning a task by comparing with its support examples."""

from innerloop.metric._meta_baseline import MetaBaseline
from innerloop.metric._prototypes import Prototypes, PrototypeState

__all__ = ["MetaBaseline", "PrototypeState", "Prototypes"]
