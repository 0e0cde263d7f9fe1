"""A recorded step on an NVIDIA GPU as one launch: its kernels are recorded by CUDA and started together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UPS = 3
"""Runs before the recording, in which libraries choose their kernels and take their workspaces. PyTorch's notes on CUDA
graphs do as many."""

Run = Callable[..., Sequence[Tensor]]


class Launch:
    """Runs a function of tensors as a CUDA graph, which reads and writes at fixed addresses.

    Small kernels take less time to run than to start, one by one, from Python: a step of hundreds of them on a small
    network is as long as its starts. The module's own tensors are read and written where they are, so one that moves
    needs a new recording. What else is given is copied to where the graph reads it.

    Args:
        run: from tensors to tensors, without looking at a value.
        inputs: what it takes, all on one GPU.
        own: how many of the first inputs are read where they are.

    Raises:
        RuntimeError: if `run` cannot be recorded: it waits for the GPU, or allocates outside PyTorch.
    """

    def __init__(self, run: Run, inputs: Sequence[Tensor], own: int):
        self._run, self._own = run, own
        self._given = [tensor.clone() for tensor in inputs[own:]]
        self.record(inputs)

    def moved(self, inputs: Sequence[Tensor]) -> bool:
        """Whether a tensor that is read where it is lies elsewhere now: then `record` first."""
        return self._addresses != [tensor.data_ptr() for tensor in inputs[: self._own]]

    def record(self, inputs: Sequence[Tensor]) -> None:
        """Records anew. This runs the function some times: its caller undoes what that writes and draws."""
        at = [*inputs[: self._own], *self._given]
        self._addresses = [tensor.data_ptr() for tensor in at[: self._own]]
        with torch.cuda.device(at[0].device):
            here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
            beside.wait_stream(here)
            with torch.cuda.stream(beside):
                for _ in range(WARM_UPS):
                    self._run(*at)
            here.wait_stream(beside)
            self._graph = torch.cuda.CUDAGraph()
            # on a stream of this GPU: the one that PyTorch takes by itself is of the first GPU that was recorded on
            with torch.cuda.graph(self._graph, stream=beside):
                self._results = list(self._run(*at))

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """The results for these inputs, in memory of their own."""
        torch._foreach_copy_(self._given, list(inputs[self._own :]))
        self._graph.replay()
        return [tensor.clone() for tensor in self._results]  # the next launch writes where this one did
