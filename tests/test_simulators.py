"""src/innerloop/simulators.py: packages that may be missing."""

import pytest

from innerloop import simulators
from innerloop.errors import ConfigurationError
from innerloop.simulators import optional, versions


def test_a_missing_package_names_its_extra_in_one_line():
    with pytest.raises(ConfigurationError, match=r"needs nowhere, .*pip install 'innerloop\[control\]'") as raised:
        optional("nowhere.at_all", "control")
    assert "\n" not in str(raised.value)
    assert optional("json", "rl").loads("1") == 1


def test_versions_of_what_is_installed(monkeypatch):
    monkeypatch.setattr(simulators, "SIMULATORS", ("torch", "nowhere"))
    assert set(versions()) == {"torch"}
    with pytest.raises(ConfigurationError, match=r"nowhere, which is not installed.*'innerloop\[rl\]'"):
        versions("rl")
