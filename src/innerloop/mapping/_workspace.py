"""What a learner's mapping keeps from one step to the next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.utils import _pytree as pytree

from innerloop.errors import ConfigurationError
from innerloop.mapping._buffers import untouched
from innerloop.mapping._capture import Graphs
from innerloop.mapping._memory import MB, Need, memory_need
from innerloop.task import Task, number_of_tasks

if TYPE_CHECKING:
    from innerloop.mapping._mapping import Mapping

_log = logging.getLogger("innerloop.mapping")


class Workspace:
    """Captured graphs, memory needs that were measured, and fallbacks that had to be taken. Copies start empty."""

    def __init__(self) -> None:
        self.graphs = Graphs()
        self._instead: dict[Mapping, Mapping] = {}
        self._needs: dict[Any, Need] = {}

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        return Workspace, ()  # neither a deep copy of a learner nor a saved one takes graphs along

    def instead_of(self, mapping: Mapping) -> Mapping:
        """The mapping itself, or what has taken its place."""
        return self._instead.get(mapping, mapping)

    def remember(self, mapping: Mapping, found: Mapping) -> None:
        """From now on `found` takes the place of `mapping`; said once in the log of `innerloop.mapping`."""
        self._instead[mapping] = found
        _log.warning("%s; going on with: %s", found.reason, found)

    def within(
        self, mapping: Mapping, tasks: Task, run: Callable[[Mapping, Task], object], module: nn.Module | None
    ) -> Mapping:
        """`mapping` with chunks that its memory ceiling holds: the loop where that is less than one task.

        Raises:
            ConfigurationError: if the loop needs more, too.
        """
        assert mapping.memory is not None
        leaves, structure = pytree.tree_flatten(tasks)
        key = (mapping.vectorise, repr(structure), tuple((leaf.shape[1:], leaf.dtype, leaf.device) for leaf in leaves))
        if key not in self._needs:
            # what a graph needs is what the eager step needs, or less
            eager = replace(mapping, graph="eager", memory=None)
            with untouched(module):
                self._needs[key] = memory_need(lambda chunk, few: run(replace(eager, chunk=chunk), few), tasks)
        need = self._needs[key]
        chunk = need.chunk(mapping.memory)
        if mapping.vectorise and chunk < 1:
            return self.within(replace(mapping, vectorise=False, chunk=None), tasks, run, module)
        if chunk < 1:
            raise ConfigurationError(
                f"A step of one task needs {need.of(1) / MB:,.1f} MB; memory= allows {mapping.memory / MB:,.1f} MB. "
                "Give it more, or take fewer query examples, fewer inner steps or a first-order method."
            )
        if not mapping.vectorise:
            return mapping
        most = min(chunk, mapping.chunk or chunk)
        return replace(mapping, chunk=None if mapping.chunk is None and most >= number_of_tasks(tasks) else most)
