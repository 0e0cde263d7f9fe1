"""MovieLens from the user's own copy: the newer CSV files, those of 1M and 10M, and those of 100K."""

from __future__ import annotations

from pathlib import Path

from innerloop.errors import DataError
from innerloop.recommend._cells import Cells
from innerloop.recommend._feature import Kind, Several
from innerloop.recommend._read import Table, read_table
from innerloop.recommend._text_file import text_file

EVENTS = ("userId", "movieId", "rating", "timestamp")
MOVIES = ("movieId", "title", "genres")
USERS = ("userId", "gender", "age", "occupation", "zip")
KINDS: dict[str, Kind] = {"genres": Several("|")}
USER_KINDS: dict[str, Kind] = {"gender": "category", "age": "number", "occupation": "category", "zip": "category"}
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""The columns of u.item from the sixth on, as u.genre of the data set lists them."""


def movielens(folder: str | Path) -> Table:
    """The ratings of a MovieLens folder, with genres and titles, and what is known of users in 1M and 100K.

    MovieLens may not be passed on without permission, and not be used commercially without permission: the folder is
    the user's own copy (F. M. Harper and J. A. Konstan, "The MovieLens datasets: history and context", ACM TiiS 5(4),
    2015). Columns have the names of the newer files: userId, movieId, rating, timestamp, title, genres.

    Args:
        folder: with `ratings.csv` and `movies.csv`; or `ratings.dat`, `movies.dat` and, in 1M, `users.dat`; or
            `u.data`, `u.item` and `u.user`.

    Raises:
        DataError: if the folder has none of these, or a file is damaged; it names the line.
    """
    folder = Path(folder)
    if (folder / "ratings.csv").exists():
        return read_table(folder / "ratings.csv", items=folder / "movies.csv", kinds=KINDS)
    if (folder / "ratings.dat").exists():
        ratings = text_file(folder / "ratings.dat", delimiter="::", header=EVENTS)
        movies = text_file(
            folder / "movies.dat", delimiter="::", header=MOVIES, encoding=_encoding(folder, "movies.dat")
        )
        return _with_users(ratings, movies, folder / "users.dat", "::", USERS)
    if (folder / "u.data").exists():
        ratings = text_file(folder / "u.data", delimiter="\t", header=EVENTS)
        users = ("userId", "age", "gender", "occupation", "zip")
        return _with_users(ratings, _movies_100k(folder), folder / "u.user", "|", users)
    there = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) if folder.is_dir() else "no such folder"
    raise DataError(
        f"{str(folder)!r} is no MovieLens folder: expected ratings.csv, ratings.dat or u.data in it; got "
        f"{there or 'nothing'}. Name the folder that the archive was unpacked to."
    )


def _with_users(ratings: Cells, movies: object, users: Path, delimiter: str, header: tuple[str, ...]) -> Table:
    if not users.exists():
        return read_table(ratings, items=movies, kinds=KINDS)
    table = text_file(users, delimiter=delimiter, header=header, encoding=_encoding(users.parent, users.name))
    return read_table(ratings, items=movies, users=table, kinds=KINDS | USER_KINDS)


def _movies_100k(folder: Path) -> dict[str, list[object]]:
    """One column of genres from nineteen of 0 and 1."""
    header = ("movieId", "title", "released", "released on video", "url", *GENRES_100K)
    table = text_file(folder / "u.item", delimiter="|", header=header, encoding=_encoding(folder, "u.item"))
    movies: dict[str, list[object]] = {name: [] for name in MOVIES}
    for chunk in table.chunks():
        movies["movieId"] += chunk.columns["movieId"]
        movies["title"] += chunk.columns["title"]
        flags = zip(*(chunk.columns[genre] for genre in GENRES_100K), strict=True)
        movies["genres"] += [
            [genre for genre, flag in zip(GENRES_100K, row, strict=True) if flag == "1"] for row in flags
        ]
    return movies


def _encoding(folder: Path, name: str) -> str:
    """1M and 100K are in latin-1, 10M is in UTF-8."""
    try:
        (folder / name).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    except OSError as error:
        raise DataError(
            f"Cannot read {str(folder / name)!r}: {error.strerror or error}. Unpack the whole archive."
        ) from error
    return "utf-8"
