"""`innerloop cite RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from innerloop.cli._parse import parse


@dataclass(frozen=True)
class Options:
    """Print the BibTeX of what a run used."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder of the run."""


def run(arguments: Sequence[str]) -> int:
    """Prints the entries: method, data, network, optimisers and the package, each once and always in one order."""
    options = parse(Options, arguments, "innerloop cite", str(Options.__doc__))
    from innerloop.citations import bibtex, citations_of
    from innerloop.outer import Run

    print(bibtex(citations_of(Run(options.run).config())))
    return 0
