import pytest

from innerloop.demands import at_least, between, fraction, not_negative, positive
from innerloop.errors import ConfigurationError

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (positive, [1e-9, 3], [0, -1, INF, NAN]),
        (not_negative, [0, 3], [-1e-9, INF, NAN]),
        (fraction, [0, 0.99], [-0.1, 1, NAN]),
        (between, [0.01, 0.99], [0, 1, NAN]),
    ],
)
def test_numbers(check, good, bad):
    assert [check("x", value, 0.5) for value in good] == good
    for value in bad:
        with pytest.raises(ConfigurationError, match=rf"^x must be .*; got {value}\. Try 0\.5\.$"):
            check("x", value, 0.5)


def test_counts():
    assert at_least("shots", 1, 1) == 1
    with pytest.raises(ConfigurationError, match=r"^shots must be at least 1; got 0\. Give 1 or more\.$"):
        at_least("shots", 0, 1)
    with pytest.raises(ConfigurationError, match=r"got nan\. Give 2 or more, or None for all\.$"):
        at_least("tasks", NAN, 2, "None for all")
