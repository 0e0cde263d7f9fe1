"""A network as a function of its parameters and of what its norm layers should do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from innerloop.errors import ConfigurationError, DataError, InnerloopError
from innerloop.networks._norm import NormCall, Policy, norm_call, norms_of
from innerloop.networks._norm_demands import demand_policy, foreign_norms
from innerloop.task import Tree


class FunctionalNetwork:
    """Runs a module with some of its parameters replaced, its norm layers following a policy.

    Args:
        network: any module; its own parameters are used where none are given.
        policy: the policy that its learner asks for.

    Raises:
        ConfigurationError: if the module has norm layers that cannot follow the policy.
    """

    def __init__(self, network: nn.Module, policy: Policy):
        demand_policy(network, policy)
        self.network = network
        self.norms, self.foreign = norms_of(network), foreign_norms(network)

    @property
    def changes_with_steps(self) -> bool:
        """Whether the network is another one in every inner step."""
        return any(norm.steps is not None for norm in self.norms.values())

    @property
    def has_norms(self) -> bool:
        """Whether any layer normalises with batch statistics."""
        return bool(self.norms or self.foreign)

    def __call__(self, parameters: dict[str, Tensor], x: Tree, call: NormCall) -> Tree:
        """Outputs for `x`; `call.seen` holds the statistics afterwards if it asked for them.

        Raises:
            DataError: if the inputs have a shape or type that the network cannot take.
            ConfigurationError: if rows are masked and a norm layer that cannot see the mask is in the way.
        """
        if call.mask is not None and self.foreign:
            raise ConfigurationError(
                f"Layer {self.foreign[0]!r} computes batch statistics and cannot see the mask of padded tasks. "
                "Use innerloop.networks.convert_norms(network), or tasks of equal size."
            )
        with naming_shapes(x), norm_call(self.norms, call):
            return torch.func.functional_call(self.network, parameters, (x,))


_OF_SHAPES = re.compile(r"shape|size|dimension|channel|dtype|type|expect|broadcast|match", re.IGNORECASE)
_OF_MAPPINGS = re.compile(r"vmap|batching rule|functorch|memory|CUDA", re.IGNORECASE)


@contextmanager
def naming_shapes(x: Tree) -> Iterator[None]:
    """Turns a network's complaint about the shape or type of its input into an error that names them.

    Raises:
        DataError: in place of torch's errors about shapes and types; others pass.
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        said = str(error).split("\n")[0]
        if isinstance(error, InnerloopError) or not _OF_SHAPES.search(said) or _OF_MAPPINGS.search(said):
            raise
        found = ", ".join(f"{tuple(leaf.shape)} {leaf.dtype}" for leaf in pytree.tree_leaves(x))
        if "more than 1 value per channel" in said:
            raise DataError(
                f"Batch statistics need two values of a channel or more; inputs of shape and type {found} give one. "
                "Give at least 2 examples, or use norm='running' in eval() or a network without norm layers."
            ) from error
        raise DataError(
            f"The network cannot take inputs of shape and type {found}: {said.rstrip('.')}. Give it examples of "
            "the shape and type that it was built for, one per row."
        ) from error
