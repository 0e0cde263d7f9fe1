"""The families of learners on a page: a colour and a name for each."""

from __future__ import annotations

_NAMES = {
    "gradient": "gradient-based",
    "metric": "metric-based",
    "memory": "memory-based",
    "transfer": "plain transfer",
    "trivial": "trivial",
    "oracle": "oracle",
    "own": "own learner",
}


def family_name(family: str) -> str:
    """A family in words; what somebody has named by a word of their own keeps it.

    >>> family_name("metric"), family_name("own"), family_name("evolution")
    ('metric-based', 'own learner', 'evolution')
    """
    return _NAMES.get(family, family)


def family_style(family: str) -> str:
    """The class of the style sheet that colours a family; all that are nobody's but their author's share one.

    >>> family_style("metric"), family_style("evolution")
    ('metric', 'other')
    """
    return family if family in _NAMES and family != "own" else "other"
