"""src/innerloop/extras.py: packages that may be missing."""

import pytest

from innerloop.errors import ConfigurationError
from innerloop.extras import optional


def test_a_missing_package_names_its_extra_in_one_line():
    with pytest.raises(ConfigurationError, match=r"needs nowhere, .*pip install 'innerloop\[control\]'") as raised:
        optional("nowhere.at_all", "control")
    assert "\n" not in str(raised.value)
    assert optional("json", "rl").loads("1") == 1
