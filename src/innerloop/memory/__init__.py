"""Learning a task by reading its support set into a state: no gradient is taken when a task is met."""

from innerloop.memory._attentive_process import AttentiveProcess, AttentiveProcessState
from innerloop.memory._in_context import InContext, InContextState
from innerloop.memory._mann import MANN, MANNState
from innerloop.memory._neural_process import NeuralProcess, NeuralProcessState
from innerloop.memory._snail import SNAIL, SNAILState
from innerloop.memory._targets import Targets

__all__ = [
    "MANN",
    "SNAIL",
    "AttentiveProcess",
    "AttentiveProcessState",
    "InContext",
    "InContextState",
    "MANNState",
    "NeuralProcess",
    "NeuralProcessState",
    "SNAILState",
    "Targets",
]
