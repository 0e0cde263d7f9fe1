"""The errors that innerloop raises: each says what came, what was expected and what to do."""

import difflib
from collections.abc import Sequence


class InnerloopError(Exception):
    """Base of every error that innerloop raises on purpose.

    The command prints it as one line and exits with code 2.
    """


class DataError(InnerloopError, ValueError):
    """Examples, tasks or files that cannot be used: wrong shapes, NaN, labels outside the ways."""


class ConfigurationError(InnerloopError, ValueError):
    """A learner, a recipe or an argument that cannot work."""


class CheckpointError(InnerloopError):
    """A saved file that is damaged, truncated, or belongs to another architecture."""


class TrainingError(InnerloopError, RuntimeError):
    """Training that went wrong: a loss that is not finite, a parameter without meta-gradient."""


def closest(word: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown word: what was perhaps meant, or nothing.

    >>> closest("mmal", ["maml", "anil"])
    " Did you mean 'maml'?"
    """
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
