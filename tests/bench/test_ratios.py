import pytest

from innerloop.bench._ratios import fastest_peer, with_ratios


def row(name, peer, allocator, seconds, megabytes=100.0):
    return {
        "implementation": name,
        "peer": peer,
        "allocator": allocator,
        "seconds": seconds,
        "peak_megabytes": megabytes,
    }


ROWS = [
    row("ours", False, "default", [1.0, 4.0, 1.0], 50.0),
    row("ours", False, "kept", [0.5, 2.0, 0.5], 60.0),
    row("a", True, "default", [2.0, 8.0, 3.0], 100.0),
    row("b", True, "default", [9.0, 9.0, 9.0], 10.0),
    row("b", True, "kept", [1.0, 1.0, 1.0], 120.0),
]


def test_the_fastest_peer_has_the_lowest_median():
    assert fastest_peer(ROWS, "default")["implementation"] == "a"
    assert fastest_peer(ROWS, "kept")["implementation"] == "b"
    assert fastest_peer(ROWS[:2], "default") is None


def test_ratios_are_medians_of_pairs():
    default, kept, *_ = with_ratios(ROWS)
    assert default["same_allocator"] == {"peer": "a", "speed": 2.0, "memory": 0.5}
    assert default["as_installed"] == default["same_allocator"]
    # (2, 0.5, 2) against b kept; (4, 4, 6) against a as installed
    assert kept["same_allocator"] == {"peer": "b", "speed": 2.0, "memory": 0.5}
    assert kept["as_installed"] == {"peer": "a", "speed": 4.0, "memory": 0.6}


def test_a_slow_moment_of_the_machine_changes_nothing():
    slow = [dict(r, seconds=[r["seconds"][0], 10 * r["seconds"][1], r["seconds"][2]]) for r in ROWS]
    for before, after in zip(with_ratios(ROWS), with_ratios(slow), strict=True):
        assert before["same_allocator"]["speed"] == pytest.approx(after["same_allocator"]["speed"])


def test_rows_that_failed_stay_and_count_for_nothing():
    broken = {"implementation": "c", "peer": True, "allocator": "default", "error": "no memory"}
    found = with_ratios([*ROWS, broken])
    assert found[-1] == broken
    assert found[0]["same_allocator"]["peer"] == "a"
