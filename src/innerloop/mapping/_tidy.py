"""Makes a captured graph shorter without changing its results."""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

_ALIASES = {torch.ops.aten.detach.default, torch.ops.aten.alias.default}


def tidy(module: GraphModule) -> GraphModule:
    """Drops what does nothing when a graph is replayed without gradients, and what nobody uses."""
    for node in list(module.graph.nodes):
        if node.target in _ALIASES and isinstance(node.args[0], Node):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    for node in module.graph.nodes:
        node.meta.clear()  # shapes and stack traces of the recording
    module.recompile()
    return module
