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

_NETWORK: dict[str, tuple[Any, ...]] = {
    "lr": (3e-4, 1e-3),
    "weight_decay": (3e-4, 3e-3),
    "loss": ("squared", "absolute"),
}
_NEAR = {**_NETWORK, "lr": (1e-3, 3e-3), "weight_decay": (1e-3, 1e-2)}
_RANKED: dict[str, tuple[Any, ...]] = {"least": (None, 4.0), "lr": (1e-3, 3e-3), "weight_decay": (3e-4, 3e-3)}
_HEADS: dict[str, tuple[Any, ...]] = {"shrinkage": (3.0, 10.0), "inner_lr": (0.25, 0.5), "lr": (3e-3, 6e-3)}
_WEIGHTS: dict[str, tuple[Any, ...]] = {"lr": (3e-3, 6e-3), "weight_decay": (4e-6, 2e-5), "stretch": (1.0, 2.5)}
_BIASES: dict[str, tuple[Any, ...]] = {"lr": (1e-3, 3e-3), "strength": (1.0, 4.0), "loss": ("squared", "absolute")}
_FINE: dict[str, tuple[Any, ...]] = {"inner_lr": (0.03, 0.06, 0.1, 0.2)}
"""Rates of fine-tuning, with as many steps as MAML takes: above the 0.01 of MELU_pytorch, which moves little here."""

TRIALS: dict[str, dict[str, dict[str, tuple[Any, ...]]]] = {
    "ratings": {
        **dict.fromkeys(("maml", "fomaml", "anil", "meta_sgd", "melu", "global", "attention"), _NETWORK),
        **dict.fromkeys(("cavia", "learned_ridge"), _NEAR),
        "fine_tuned": {**_FINE, "loss": ("squared", "absolute")}, "learned_bias": _BIASES,
    },
    "ranking": {
        **dict.fromkeys(
            ("maml", "fomaml", "anil", "meta_sgd", "cavia", "learned_ridge", "global", "attention"), _RANKED
        ),
        "fine_tuned": {**_FINE, "least": (None, 4.0)},
    },
    "simulated": {
        **dict.fromkeys(("maml", "fomaml", "anil", "meta_sgd"), _HEADS),
        "cavia": {"shrinkage": (3.0, 10.0), "inner_lr": (0.5, 1.0), "lr": (1e-3, 3e-3)},
        **dict.fromkeys(("global", "melu", "learned_ridge", "attention"), _WEIGHTS),
        "fine_tuned": {"inner_lr": (0.2, 0.4, 0.8, 1.6), "lr": (3e-3, 6e-3)},
        "learned_bias": {"lr": (3e-4, 1e-3, 3e-3, 1e-2), "strength": (1.0, 4.0)},
    },
}  # fmt: skip
"""What is tried on validation users, for ratings and rankings of MovieLens and at each level of noise: eight settings,
as many as an opponent with settings has. Inner steps are five everywhere."""
TRIAL_STEPS = {"ratings": 300, "ranking": 150, "simulated": 300}
"""Outer steps of a trial: a fifth or a tenth of a training. A choice, by what it costs."""

SIMULATED_OPPONENTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "ridge_on_factors": {"factors": (4,), "penalty": (0.5, 1.0, 2.0, 4.0), "user_penalty": (1.5, 5.0)},
}
"""What an opponent tries where ratings are simulated, if it is something else than elsewhere: there are as many factors
as in truth, and much milder penalties than on MovieLens."""
