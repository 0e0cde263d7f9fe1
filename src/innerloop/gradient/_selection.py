"""Choice 1 of the gradient family: which parameters the inner loop adapts."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from innerloop.errors import ConfigurationError

Selection = str | Sequence[str]
""""all", "head", "body", "context", "lora", or name patterns such as `["features.0.*", "head.bias"]`."""

_PATTERNS = {"context": ["context", "*.context"], "lora": ["*lora_*"]}
"""Names of `innerloop.networks.Context`, and those that the PEFT library gives its adapters."""

_MISSING = {
    "context": "context parameters. Add them with innerloop.networks.with_context(network, size).",
    "lora": "trainable LoRA adapters. Add them with peft.get_peft_model(network, config).",
}


def select(network: nn.Module, which: Selection, head: str | None = None) -> list[str]:
    """Names of the trainable parameters that `which` means.

    Args:
        network: the module to adapt.
        which: "all" (MAML), "head" (ANIL), "body" (BOIL), "context" (CAVIA; its parameters are not trained themselves),
            "lora" (adapters of the PEFT library), or one or more patterns of parameter names.
        head: pattern of the head's parameters; None: those of the submodule `network.head`.

    Raises:
        ConfigurationError: if nothing matches, or there is no head to speak of.

    >>> from innerloop.networks import mlp
    >>> select(mlp(1, 1, hidden=[4]), "head")
    ['head.weight', 'head.bias']
    """
    names = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    if which == "all":
        chosen = names
    elif which in ("head", "body"):
        if head is None and not isinstance(getattr(network, "head", None), nn.Module):
            raise ConfigurationError(
                f"{type(network).__name__} has no submodule `head`, so {which!r} has no meaning. "
                f"Pass head= with a name pattern; its parameters are {', '.join(names[:6])}, ..."
            )
        pattern = head or "head.*"
        in_head = [name for name in names if fnmatchcase(name, pattern)]
        chosen = in_head if which == "head" else [name for name in names if name not in in_head]
    elif which in ("context", "lora"):
        # context parameters adapt without being trained themselves
        every = [name for name, _ in network.named_parameters()] if which == "context" else names
        chosen = [name for name in every if any(fnmatchcase(name, pattern) for pattern in _PATTERNS[which])]
        if not chosen:
            raise ConfigurationError(f"{type(network).__name__} has no {_MISSING[which]}")
    else:
        patterns = [which] if isinstance(which, str) else list(which)
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise ConfigurationError(
                    f"No trainable parameter matches {pattern!r}; there are {', '.join(names) or 'none'}. "
                    "Give a name or a pattern of these, or unfreeze some with requires_grad_()."
                )
        chosen = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not chosen:
        raise ConfigurationError(
            f"{which!r} selects no trainable parameter of {type(network).__name__}; those are "
            f"{', '.join(names[:6]) or 'none'}. Choose among them, or unfreeze some with requires_grad_()."
        )
    return chosen
