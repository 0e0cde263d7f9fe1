"""The methods and networks of the library by name, their papers, and what methods can learn. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["gradient", "metric", "memory", "transfer", "trivial", "oracle"]


@dataclass(frozen=True)
class Method:
    """A function in `innerloop.methods`.

    Attributes:
        family: how it learns a task.
        papers: keys of `innerloop.citations`.
        learns: "classes", "numbers" or "both".
        trained: whether `innerloop train` offers it. False for what needs no training of its own (it is fitted to a
            task, or goes on from features that are there), and for what is for Python alone.
        merged: the kind of classifier that it trains on all training classes merged into one problem; None: it learns
            from tasks.
        without_classes: the method that a recipe trains in its place where there are no classes to merge.
    """

    family: Family
    papers: tuple[str, ...] = ()
    learns: Literal["classes", "numbers", "both"] = "both"
    trained: bool = True
    merged: Literal["linear", "cosine"] | None = None
    without_classes: str | None = None


METHODS: dict[str, Method] = {
    "maml": Method("gradient", ("finn2017maml",)),
    "fomaml": Method("gradient", ("finn2017maml", "nichol2018reptile")),
    "reptile": Method("gradient", ("nichol2018reptile",)),
    "anil": Method("gradient", ("raghu2020anil",)),
    "boil": Method("gradient", ("oh2021boil",)),
    "meta_sgd": Method("gradient", ("li2017metasgd",)),
    "maml_plus_plus": Method("gradient", ("antoniou2019mamlpp",)),
    "imaml": Method("gradient", ("rajeswaran2019imaml",)),
    "cavia": Method("gradient", ("zintgraf2019cavia",)),
    "meta_curvature": Method("gradient", ("park2019metacurvature",)),
    "proto_maml": Method("gradient", ("triantafillou2020metadataset",), learns="classes"),
    "unicorn_maml": Method("gradient", ("ye2022unicorn",), learns="classes"),
    "lstm": Method("gradient", ("ravi2017optimization",)),
    "lora_maml": Method("gradient", ("finn2017maml", "hu2022lora"), trained=False),
    "prototypes": Method("metric", ("snell2017prototypical",), learns="classes"),
    "meta_baseline": Method("metric", ("chen2021metabaseline",), learns="classes"),
    "matching": Method("metric", ("vinyals2016matching",), learns="classes"),
    "relation": Method("metric", ("sung2018relation",), learns="classes"),
    "ridge": Method("metric", ("bertinetto2019closed",)),
    "svm": Method("metric", ("lee2019metaoptnet",), learns="classes"),
    "mann": Method("memory", ("santoro2016mann",)),
    "snail": Method("memory", ("mishra2018snail",)),
    "cnp": Method("memory", ("garnelo2018cnp",)),
    "anp": Method("memory", ("kim2019anp",)),
    "in_context": Method("memory", ("nguyen2022tnp", "mueller2022pfn")),
    "pretraining": Method(
        "transfer", ("chen2019closer", "wang2019simpleshot"), merged="linear", without_classes="joint"
    ),
    "simple_shot": Method("transfer", ("wang2019simpleshot",), learns="classes", merged="linear"),
    "baseline_plus_plus": Method("transfer", ("chen2019closer",), learns="classes", merged="cosine"),
    "joint": Method("transfer", ("finn2017maml",), trained=False),
    "linear_head": Method("transfer", ("chen2019closer",), trained=False),
    "linear_probe": Method("transfer", ("tian2020rethinking",), learns="classes", trained=False),
    "cosine_head": Method("transfer", ("chen2019closer",), learns="classes", trained=False),
    "fine_tune": Method("transfer", trained=False),
    "from_scratch": Method("transfer", trained=False),
    "nearest_mean": Method("transfer", ("wang2019simpleshot",), learns="classes", trained=False),
    "raw_ridge": Method("transfer", ("hoerl1970ridge",), trained=False),
    "pooled_ridge": Method("transfer", ("hoerl1970ridge",), trained=False),
    "shrunk_ridge": Method("transfer", ("laird1982random",), trained=False),
    "constant": Method("trivial", trained=False),
    "gaussian_process": Method("oracle", ("rasmussen2006gaussian",), learns="numbers", trained=False),
}
"""Every method, in the order in which tables and help texts have them."""


@dataclass(frozen=True)
class Network:
    """A function in `innerloop.networks` that makes a network from plain values.

    Attributes:
        papers: keys of `innerloop.citations`.
        normed: whether it has normalisation layers, unless it is made with `norm=False`.
    """

    papers: tuple[str, ...] = ()
    normed: bool = False


NETWORKS: dict[str, Network] = {
    "bias_mlp": Network(("finn2017imitation",)),
    "conv4": Network(("vinyals2016matching",), normed=True),
    "conv_maps": Network(("sung2018relation",), normed=True),
    "gru": Network(("cho2014gru",)),
    "mlp": Network(),
    "resnet12": Network(("lee2019metaoptnet", "ghiasi2018dropblock"), normed=True),
    "transformer": Network(("vaswani2017attention",)),
}
"""Every network."""

TRAINED: tuple[str, ...] = tuple(name for name, method in METHODS.items() if method.trained)
"""What `innerloop train --method` takes, beside functions in files of your own."""


def family_of(name: str) -> str:
    """Family of a method; "own" for a function in somebody's file.

    >>> family_of("maml"), family_of("my_learner.py:ridge")
    ('gradient', 'own')
    """
    return METHODS[name].family if name in METHODS else "own"


def is_merged(name: str) -> bool:
    """Whether a method is trained on all training classes merged into one problem, and not on tasks.

    >>> is_merged("simple_shot"), is_merged("maml"), is_merged("my_learner.py:ridge")
    (True, False, False)
    """
    return name in METHODS and METHODS[name].merged is not None


def is_own(name: str) -> bool:
    """Whether the name is a function in a file, as in `my_learner.py:ridge`."""
    path, colon, function = name.rpartition(":")
    return bool(colon) and path.endswith(".py") and function.isidentifier()
