"""Settings of what is learned where ratings are simulated: where they start, and what is tried on validation users."""

from __future__ import annotations

from typing import Any

_WELL_KNOWN: dict[str, Any] = {"factors": 8, "weight_decay": 2e-5, "hide": 0.0, "lr": 3e-3}
_VECTOR = {**_WELL_KNOWN, "stretch": 2.5}
_HEAD: dict[str, Any] = {
    "factors": 8, "weight_decay": 4e-6, "hide": 0.0, "lr": 6e-3, "stretch": 2.8, "hidden": (4,), "inner_lr": 0.5
}  # fmt: skip

SIMULATED: dict[str, dict[str, Any]] = {
    "maml": _HEAD, "fomaml": _HEAD, "anil": _HEAD, "meta_sgd": _HEAD, "fine_tuned": _HEAD, "global": _HEAD,
    "cavia": _VECTOR, "learned_ridge": _VECTOR, "attention": _WELL_KNOWN, "melu": _WELL_KNOWN,
    "learned_bias": {"hide": 0.0},
}  # fmt: skip
"""What differs from `LEARNED` where ratings are simulated. There 300 items have hundreds of ratings each, on MovieLens
small most have a few: so the penalty of an item's vector is that of a prior as wide as the factors, no identity is
hidden, and vectors are short. A choice, made on validation users of the first fold, who are test users of no seed; what
matters most is tried in `TRIALS`."""

_STEPS: dict[str, tuple[Any, ...]] = {"inner_steps": (5, 10), "shrinkage": (3.0, 10.0)}
_WEIGHTS: dict[str, tuple[Any, ...]] = {"lr": (3e-3, 6e-3), "weight_decay": (4e-6, 2e-5)}
TRIALS: dict[str, dict[str, tuple[Any, ...]]] = {
    **{head: {**_STEPS, "inner_lr": (0.25, 0.5)} for head in ("maml", "fomaml", "anil", "meta_sgd")},
    "cavia": {**_STEPS, "inner_lr": (0.5, 1.0)},
    "fine_tuned": {**_STEPS, "stretch": (2.8, 5.6)},
    **{name: {**_WEIGHTS, "stretch": (1.0, 2.5)} for name in ("global", "melu", "learned_ridge", "attention")},
    "learned_bias": {"lr": (3e-4, 1e-3, 3e-3, 1e-2), "strength": (1.0, 4.0)},
}
"""What is tried on validation users, at each level of noise: eight settings, as many as an opponent with settings has.
Ten steps at half a rate come about as far as five, and nearer to the minimum where five overshoot. The rate of
fine-tuning is chosen on the validation users beside that."""
TRIAL_STEPS = 300
"""Outer steps of a trial: a fifth of a training. A choice."""
