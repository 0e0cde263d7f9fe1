"""Makes a captured graph shorter without changing its results.

Automatic differentiation and `vmap` leave many operations behind that do nothing. In a network of small layers, where
the time goes into starting operations, they are a quarter of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

_aten = torch.ops.aten
_ALIASES = {_aten.detach.default, _aten.alias.default}
_RESHAPES = {_aten.view.default, _aten._unsafe_view.default, _aten.expand.default}
_SWAPS = {_aten.t.default, _aten.transpose.int}


def tidy(module: GraphModule) -> GraphModule:
    """Drops what does nothing when a graph is replayed without gradients, and what nobody uses."""
    graph = module.graph
    # where something is written in place, a copy is more than its values
    written = any(getattr(getattr(node.target, "_schema", None), "is_mutable", False) for node in graph.nodes)
    for node in list(graph.nodes):
        same = _same_as(node, written)
        if same is not None:
            node.replace_all_uses_with(same)
            graph.erase_node(node)
    graph.eliminate_dead_code()
    for node in graph.nodes:
        node.meta.clear()  # shapes and stack traces of the recording
    module.recompile()
    return module


def _same_as(node: Node, written: bool) -> Node | None:
    """The earlier node whose values a node only repeats."""
    if node.op != "call_function" or not node.args or not isinstance(node.args[0], Node):
        return None
    source = node.args[0]
    if node.target in _ALIASES:
        return source
    if node.target in _RESHAPES and _alike(node, source):
        return source
    if node.target in _SWAPS and source.target is node.target and source.args[1:] == node.args[1:]:
        first = source.args[0]
        return first if isinstance(first, Node) else None
    if node.target is _aten.mul.Scalar and node.args[1] == 1 and not written and _alike(node, source):
        return source
    return None


def _alike(node: Node, source: Node) -> bool:
    # expanding to the same shape and viewing as it keep the strides too
    a, b = node.meta.get("val"), source.meta.get("val")
    return isinstance(a, Tensor) and isinstance(b, Tensor) and (a.shape, a.dtype) == (b.shape, b.dtype)
