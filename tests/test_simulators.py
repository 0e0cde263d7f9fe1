"""src/innerloop/simulators.py: versions of packages that may be missing."""

import pytest

from innerloop import simulators
from innerloop.errors import ConfigurationError
from innerloop.simulators import versions


def test_versions_of_what_is_installed(monkeypatch):
    monkeypatch.setattr(simulators, "SIMULATORS", ("torch", "nowhere"))
    assert set(versions()) == {"torch"}
    with pytest.raises(ConfigurationError, match=r"nowhere, which is not installed.*'innerloop\[rl\]'"):
        versions("rl")
