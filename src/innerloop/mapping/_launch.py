"""A recorded step on an NVIDIA GPU as one launch: its kernels are recorded by CUDA and started together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

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
        held: tensors that `run` reads besides.

    Raises:
        RuntimeError: if `run` cannot be recorded: it waits for the GPU, or there is not enough memory.
    """

    def __init__(self, run: Run, inputs: Sequence[Tensor], own: int, held: Sequence[Tensor] = ()):
        self._run, self._own, self._held = run, own, held
        self._given = [tensor.clone() for tensor in inputs[own:]]
        self.record(inputs)

    def moved(self, inputs: Sequence[Tensor]) -> bool:
        """Whether a tensor that is read where it is lies elsewhere now: then `record` first."""
        return self._addresses != self._addresses_of(inputs)

    def record(self, inputs: Sequence[Tensor]) -> None:
        """Records anew. This runs the function some times: its caller undoes what that writes and draws."""
        self._addresses: list[int] | None = None  # whatever happens now, the recording before is no more
        at = [*inputs[: self._own], *self._given]
        with torch.cuda.device(at[0].device):
            here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
            beside.wait_stream(here)
            try:
                with torch.cuda.stream(beside):
                    for _ in range(WARM_UPS - 1):
                        self._run(*at)
                    with _waiting_refused():  # now, since a recording that is broken off leaves PyTorch in disorder
                        self._run(*at)
            finally:
                here.wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            try:
                # on a stream of this GPU: the one that PyTorch takes by itself is of the first GPU that was recorded on
                with torch.cuda.graph(graph, stream=beside):
                    results = list(self._run(*at))
            except BaseException:
                torch.cuda.set_stream(here)  # the context of a recording that failed does not go back
                raise
        self._graph, self._results, self._addresses = graph, results, self._addresses_of(inputs)

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """The results for these inputs, in memory of their own."""
        torch._foreach_copy_(self._given, list(inputs[self._own :]))
        self._graph.replay()
        return [tensor.clone() for tensor in self._results]  # the next launch writes where this one did

    def _addresses_of(self, inputs: Sequence[Tensor]) -> list[int]:
        return [tensor.data_ptr() for tensor in (*inputs[: self._own], *self._held)]


@contextmanager
def _waiting_refused() -> Iterator[None]:
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def held_by(graph: GraphModule) -> list[Tensor]:
    """The tensors that a captured graph reads and that are no inputs of it."""
    found = (_attribute(graph, node.target) for node in graph.graph.nodes if node.op == "get_attr")
    return [value for value in found if isinstance(value, Tensor)]


def strays(graph: GraphModule, device: str) -> list[str]:
    """What of a captured graph is elsewhere than on one kind of device, by name.

    A number in the CPU's memory goes into a kernel as it is when the kernel is recorded: one that is drawn or changed
    would stay what it was. Numbers that are written down in the code may be there.

    Args:
        graph: as it was captured, with the values of its nodes.
        device: "cuda".
    """
    written: set[Node] = set()
    for node in graph.graph.nodes:
        if node.op == "get_attr" and all(user.target is _LIFTED for user in node.users):  # torch.tensor(2.0)
            written |= {node, *node.users}
        if node.target is _CONVERTED and not isinstance(node.args[0], Node):  # 2.0, to the type of what vmap maps over
            written.add(node)
    return [
        str(node.target)
        for node in graph.graph.nodes
        if node not in written
        and any(
            isinstance(value, Tensor) and value.device.type != device
            for value in pytree.tree_leaves(node.meta.get("val"))
        )
    ]


_LIFTED = torch.ops.aten.lift_fresh_copy.default
_CONVERTED = torch.ops.aten._to_copy.default


def _attribute(graph: GraphModule, name: str) -> object:
    found: object = graph
    for part in name.split("."):
        found = getattr(found, part)
    return found
