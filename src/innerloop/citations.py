"""The papers behind methods, data and parts, and which of them a run used. Nothing here imports torch.

The entries stand in `citations.bib` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from innerloop.catalogue import METHODS, NETWORKS


@dataclass(frozen=True)
class Citation:
    """A BibTeX entry.

    Attributes:
        key: by which LaTeX cites it.
        kind: "inproceedings", "article", "misc" or "software".
        fields: title, authors, year, ... by BibTeX's names.

    >>> print(CITATIONS["kingma2015adam"])
    @inproceedings{kingma2015adam,
      title = {{Adam}: A Method for Stochastic Optimization},
      author = {Kingma, Diederik P. and Ba, Jimmy},
      booktitle = {International Conference on Learning Representations},
      year = {2015}
    }
    """

    key: str
    kind: str
    fields: dict[str, str]

    def __str__(self) -> str:
        inside = ",\n".join(f"  {name} = {{{value}}}" for name, value in self.fields.items())
        return f"@{self.kind}{{{self.key},\n{inside}\n}}"


def _read(text: str) -> Iterator[Citation]:
    """The entries of `citations.bib`, which has them as `Citation` prints them: a field on each line."""
    for entry in text.strip().split("\n\n"):
        head, *lines = entry.splitlines()
        kind, _, key = head.removeprefix("@").rstrip(",").partition("{")
        pairs = (line.rstrip(",").partition(" = ") for line in lines[:-1])
        yield Citation(key, kind, {name.strip(): value[1:-1] for name, _, value in pairs})


_FILE = files("innerloop") / "citations.bib"
CITATIONS: dict[str, Citation] = {citation.key: citation for citation in _read(_FILE.read_text(encoding="utf-8"))}
"""Every entry by its key, in the order in which they are printed."""

_DATA: dict[str, tuple[str, ...]] = {
    "omniglot": ("lake2015omniglot", "vinyals2016matching"),
    "sinusoids": ("finn2017maml",),
    "curves": ("garnelo2018cnp", "nguyen2022tnp"),
    "clinc": ("larson2019clinc", "weinberger2009hashing"),
    "text": ("weinberger2009hashing",),
    "reach": ("yu2019metaworld", "laskey2017dart"),
    "push": ("yu2019metaworld", "laskey2017dart"),
    # what training starts from: biases of items, or how popular they are, and factors
    "ratings": ("koren2008neighborhood", "cremonesi2010puresvd"),
}
_HEADS = ("maml", "fomaml", "anil", "meta_sgd")
"""Methods of recommendation that adapt a head on embeddings of items, as MeLU does."""
_OPTIMISERS: dict[str, tuple[str, ...]] = {
    "adam": ("kingma2015adam",),
    "adamw": ("kingma2015adam", "loshchilov2019adamw"),
}


def citations_of(config: dict[str, Any]) -> list[Citation]:
    """What the `config.json` of a run says that it used: the package, method, data, network, norms and optimisers.

    >>> [c.key for c in citations_of({"recipe": {"method": "maml", "recipe": "omniglot"}})]
    ['innerloop', 'finn2017maml', 'lake2015omniglot', 'vinyals2016matching']
    """
    used = set(_keys(config))
    return [citation for key, citation in CITATIONS.items() if key in used]


def papers_of(method: Any) -> tuple[str, ...]:
    """Keys of the papers of a method, by its name in recipes and in `innerloop.methods`."""
    return METHODS[method].papers if isinstance(method, str) and method in METHODS else ()


def bibtex(citations: Iterable[Citation]) -> str:
    """The entries as the text of a `.bib` file."""
    return "\n\n".join(map(str, citations))


def _keys(config: dict[str, Any]) -> Iterator[str]:
    settings, recipe = _inside(config, "settings"), _inside(config, "recipe")
    learner = _inside(settings, "learner")
    network, arguments = _inside(learner, "network"), _inside(learner, "arguments")
    yield "innerloop"
    # a recipe may have trained another method in its place (`Method.without_classes`)
    yield from papers_of(learner.get("method")) or papers_of(recipe.get("method"))
    # the protocols of Omniglot differ: B is Lake's own
    data = recipe.get("recipe") or _inside(settings, "train").get("name")
    found = _of(_DATA, data)
    yield from found[:1] if recipe.get("protocol") == "B" else found
    if data == "ratings" and recipe.get("method") in _HEADS:
        yield "lee2019melu"
    name = network.get("network")
    if isinstance(name, str) and name in NETWORKS:
        yield from NETWORKS[name].papers
        if NETWORKS[name].normed and network.get("norm", True):
            yield "ioffe2015batchnorm"
    outer = _inside(settings, "optimiser")
    # AdamW without decay is Adam
    decays = bool(outer.get("weight_decay"))
    yield from _of(_OPTIMISERS, "adam" if outer.get("name") == "AdamW" and not decays else outer.get("name"))
    for values in (recipe, arguments):
        for name, value in values.items():
            if "optimiser" in name:
                yield from _of(_OPTIMISERS, value.get("name") if isinstance(value, dict) else value)


def _inside(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _of(table: dict[str, tuple[str, ...]], name: Any) -> tuple[str, ...]:
    return table.get(name.lower(), ()) if isinstance(name, str) else ()
