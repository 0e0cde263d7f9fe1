"""src/innerloop/simulators.py: versions of packages that may be missing."""

import pytest

from innerloop import extras, simulators
from innerloop.errors import ConfigurationError
from innerloop.simulators import optional, versions


def test_a_missing_package_names_its_extra_in_one_line(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    with pytest.raises(ConfigurationError, match=r"needs nowhere, .*pip install 'innerloop\[control\]'") as raised:
        optional("nowhere.at_all", "control")
    assert "\n" not in str(raised.value)
    assert optional("json", "rl").loads("1") == 1


def test_a_renderer_that_fails_as_mujoco_is_imported_is_said_in_one_line(monkeypatch):
    def broken(package):
        raise AttributeError("'NoneType' object\nhas no attribute 'glGetError'")

    monkeypatch.setattr(extras, "import_module", broken)
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    with pytest.raises(ConfigurationError, match=r"MUJOCO_GL='osmesa' \('NoneType' object has.*libosmesa6") as raised:
        optional("metaworld.env_dict", "control")
    assert "\n" not in str(raised.value)
    monkeypatch.delenv("MUJOCO_GL")  # then it is no renderer's fault, and nothing is hidden
    with pytest.raises(AttributeError):
        optional("metaworld.env_dict", "control")


def test_versions_of_what_is_installed(monkeypatch):
    monkeypatch.setattr(simulators, "SIMULATORS", ("torch", "nowhere"))
    assert set(versions()) == {"torch"}
    with pytest.raises(ConfigurationError, match=r"nowhere, which is not installed.*'innerloop\[rl\]'"):
        versions("rl")
