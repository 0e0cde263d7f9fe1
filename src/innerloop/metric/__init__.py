"""Learning a task by comparing with its support examples."""

from innerloop.metric._prototypes import Prototypes, PrototypeState

__all__ = ["PrototypeState", "Prototypes"]
