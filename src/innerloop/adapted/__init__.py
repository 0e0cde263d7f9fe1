"""A learner that has learned one task, as a plain module: call it, save it, load it."""

from innerloop.adapted._load import load, rebuilt
from innerloop.adapted._model import AdaptedModel, adapted_model

__all__ = ["AdaptedModel", "adapted_model", "load", "rebuilt"]
