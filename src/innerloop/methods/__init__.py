"""The papers' names: each a function of a few lines that returns the configured learner.

Every one takes any `nn.Module` and a `loss=`; the four choices behind the gradient family are the arguments of
`innerloop.gradient.GradientLearner`, so a new combination is a new call.
"""

from innerloop.methods._closed_forms import constant, gaussian_process, pooled_ridge, shrunk_ridge
from innerloop.methods._comparing import matching, meta_baseline, prototypes, relation, ridge, svm
from innerloop.methods._optimisers import lstm, maml_plus_plus, meta_curvature, meta_sgd
from innerloop.methods._outer_gradients import fomaml, imaml, maml, reptile
from innerloop.methods._pretraining import baseline_plus_plus, joint, pretraining, simple_shot
from innerloop.methods._remembering import anp, cnp, in_context, mann, snail
from innerloop.methods._selections import anil, boil, cavia, lora_maml
from innerloop.methods._spec import from_spec
from innerloop.methods._starts import proto_maml, unicorn_maml
from innerloop.methods._transfer import (
    cosine_head,
    fine_tune,
    from_scratch,
    linear_head,
    linear_probe,
    nearest_mean,
    raw_ridge,
)

__all__ = [
    "anil",
    "anp",
    "baseline_plus_plus",
    "boil",
    "cavia",
    "cnp",
    "constant",
    "cosine_head",
    "fine_tune",
    "fomaml",
    "from_scratch",
    "from_spec",
    "gaussian_process",
    "imaml",
    "in_context",
    "joint",
    "linear_head",
    "linear_probe",
    "lora_maml",
    "lstm",
    "maml",
    "maml_plus_plus",
    "mann",
    "matching",
    "meta_baseline",
    "meta_curvature",
    "meta_sgd",
    "nearest_mean",
    "pooled_ridge",
    "pretraining",
    "proto_maml",
    "prototypes",
    "raw_ridge",
    "relation",
    "reptile",
    "ridge",
    "shrunk_ridge",
    "simple_shot",
    "snail",
    "svm",
    "unicorn_maml",
]
