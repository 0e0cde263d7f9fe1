"""Rows of a grid: functions that another process can import."""

from pathlib import Path


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
