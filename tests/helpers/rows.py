"""Rows of a grid: functions that another process can import."""

from pathlib import Path

from _grid import grid


def counted(log: str, number: int) -> dict[str, int]:
    """The square; the log tells how often it was computed."""
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{number}\n")
    return {"square": number**2}


def failing(number: int) -> dict[str, int]:
    """Refuses odd numbers."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    return {"half": number // 2}


def meanwhile(path: str, log: str, number: int) -> dict[str, int]:
    """Another grid fills a row of the same file while this one is computed."""
    grid(Path(path), {"command": "another"}, [(log, 10 * number)], counted)
    return counted(log, number)
