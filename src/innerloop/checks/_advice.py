"""What errors of PyTorch mean, and what to do about them."""

from __future__ import annotations

import re
from typing import NamedTuple

FIRST_ORDER = "a method without second derivatives (innerloop.methods.fomaml, reptile, prototypes)"


class Advice(NamedTuple):
    """An error in words.

    Attributes:
        means: what the module does.
        change: what to do instead.
    """

    means: str
    change: str


_IN_PLACE = Advice(
    "it changes a tensor in place that a gradient still needs",
    "Compute new tensors: x = x * 2 and not x *= 2, without .mul_(), .clamp_() or inplace=True at this place.",
)
_NUMPY = Advice(
    "it leaves torch for numpy",
    "Write this part with torch functions: torch.fft, torch.linalg, torch.special have most of numpy.",
)

_BACKWARD = {
    r"inplace|in-place": _IN_PLACE,
    r"numpy": _NUMPY,
    r"[Ii]nference": Advice(
        "it computes under torch.inference_mode()", "Take inference_mode out of forward; callers may use it."
    ),
    r"scaled_dot_product|flash|efficient_attention": Advice(
        "fused attention has no second derivative",
        "Name no kernel in forward (innerloop takes the math kernel where it differentiates twice), or name that one: "
        "`torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)`.",
    ),
    r"cudnn_rnn": Advice(
        "cuDNN's recurrent layers have no second derivative",
        "Run forward under `with torch.backends.cudnn.flags(enabled=False):`.",
    ),
    r"does not require grad|does not have a grad_fn": Advice(
        "forward cuts the gradient: no_grad, detach, .data, or a new tensor made of numbers",
        "Let outputs follow from parameters by torch functions, without no_grad() and detach().",
    ),
}
_VMAP = {
    r"\.item\(\)|data-dependent": Advice(
        "it looks at values: .item(), int(tensor), float(tensor), or `if` and `while` on a tensor",
        "Keep values as tensors: x * x.max() and not x * x.max().item(), torch.where(condition, a, b) and not if.",
    ),
    r"dynamic shape": Advice(
        "the shape of a result depends on values: x[mask], nonzero, unique",
        "Keep the shape and multiply by the mask, or use torch.where(mask, x, 0).",
    ),
    r"data pointer|numpy": _NUMPY,
    r"setup_context|generate_vmap_rule|vmap staticmethod": Advice(
        "its torch.autograd.Function is written in the old form",
        "Write forward without ctx, add setup_context(ctx, inputs, output), and set generate_vmap_rule = True.",
    ),
    r"saved tensor hooks": Advice(
        "it uses activation checkpointing",
        "Take checkpoint() out of forward: the memory of a vmapped batch is bounded by Mapping(chunk=...) as well.",
    ),
    r"inplace|in-place|broadcast shape|expanded size": Advice(
        "it writes in place into a tensor that the tasks share",
        "Build the result with torch.cat or torch.stack, or start from one that belongs to the task: "
        "x.new_zeros(shape), torch.zeros_like(x).",
    ),
}
_RECURRENT = Advice(
    "nn.RNN, nn.GRU, nn.LSTM and nn.LSTMCell have no batching rule",
    "Write the loop over time with nn.GRUCell or nn.RNNCell, or with the gates of an LSTM as nn.Linear.",
)


def of_backward(error: Exception) -> Advice:
    """What an error in a forward or backward pass means.

    >>> of_backward(RuntimeError("a leaf Variable that requires grad is being used in an in-place operation")).means
    'it changes a tensor in place that a gradient still needs'
    """
    return _matching(_BACKWARD, error) or _unknown(error)


def of_vmap(error: Exception, recurrent: bool) -> Advice:
    """What an error under `vmap` means.

    Args:
        error: the error.
        recurrent: whether it was raised inside a recurrent layer.
    """
    if recurrent:
        return _RECURRENT
    return _matching(_VMAP, error) or _unknown(error)


def _unknown(error: Exception) -> Advice:
    return Advice(f"it raises {type(error).__name__}: {first_line(error)}", "Use another operation in its place.")


def first_line(error: BaseException) -> str:
    """The start of what an error says, on one line."""
    said = " ".join(str(error).split("\n")[0].split())[:200].rstrip(".")
    return said or type(error).__name__


def _matching(known: dict[str, Advice], error: Exception) -> Advice | None:
    return next((advice for pattern, advice in known.items() if re.search(pattern, str(error))), None)
