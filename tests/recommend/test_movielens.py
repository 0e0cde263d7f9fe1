"""Folders of MovieLens in all their forms; the `.dat` and `u.` files are made up."""

import numpy as np
import pytest

from helpers import needs
from innerloop.errors import DataError
from innerloop.recommend import movielens

RATINGS = [(1, 10, 5, 30), (1, 9, 3, 20), (2, 10, 1, 10)]


def million(folder):
    (folder / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in RATINGS))
    movies = "9::Café Noir (1990)::Drama|Film-Noir\n10::Ten (1991)::Comedy\n11::Never rated (1992)::Drama\n"
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    (folder / "users.dat").write_text("1::F::25::4::02139\n2::M::56::16::70072\n")


def hundred_thousand(folder):
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in RATINGS))
    flags = {9: (8, 10), 10: (5,), 11: (8,)}
    names = {9: "Café Noir (1990)", 10: "Ten (1991)", 11: "Never rated (1992)"}
    rows = [
        "|".join([str(movie), names[movie], "01-Jan-1990", "", "", *(str(int(g in flags[movie])) for g in range(19))])
        for movie in flags
    ]
    (folder / "u.item").write_bytes("\n".join(rows).encode("latin-1"))
    (folder / "u.user").write_text("1|25|F|technician|02139\n2|56|M|other|70072\n")


@pytest.mark.parametrize("write", [million, hundred_thousand])
def test_files_without_headers(tmp_path, write):
    write(tmp_path)
    table = movielens(tmp_path)
    assert table.users == ("1", "2")
    assert table.schema.items == ("9", "10", "11")
    assert table.schema.titles == ("Café Noir (1990)", "Ten (1991)", "Never rated (1992)")
    assert table.events.item.tolist() == [0, 1, 1]
    assert table.events.value.tolist() == [3, 5, 1]
    genres = table.dataset.item_features.columns["genres"]
    assert table.schema.item_features[0].names == ("Comedy", "Drama", "Film-Noir")
    assert genres.codes.tolist() == [[2, 3], [1, -1], [2, -1]]
    assert sorted(table.dataset.user_features.columns) == ["age", "gender", "occupation", "zip"]
    np.testing.assert_allclose(table.dataset.user_features.columns["age"].numbers[:, 0], [-1, 1])
    assert table.dataset.user_features.columns["zip"].size == 3


def test_ten_million_has_no_users_and_is_in_utf8(tmp_path):
    million(tmp_path)
    (tmp_path / "users.dat").unlink()
    text = (tmp_path / "movies.dat").read_bytes().decode("latin-1")
    (tmp_path / "movies.dat").write_text(text, encoding="utf-8")
    table = movielens(tmp_path)
    assert table.schema.titles[0] == "Café Noir (1990)"
    assert not table.dataset.user_features.columns


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match=r"no MovieLens folder.*got nothing"):
        movielens(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        movielens(tmp_path / "nowhere")
    million(tmp_path)
    (tmp_path / "movies.dat").unlink()
    with pytest.raises(DataError, match=r"movies.dat.*Unpack the whole archive"):
        movielens(tmp_path)
    million(tmp_path)
    (tmp_path / "ratings.dat").write_text("1::10::5::30\n1::9::3\n")
    with pytest.raises(DataError, match=r"ratings.dat', line 2: expected 4 cells"):
        movielens(tmp_path)


@pytest.mark.data
def test_the_small_one():
    table = movielens(needs.data("movielens-latest-small"))
    # its README: 100836 ratings across 9742 movies by 610 users, 0.5 to 5 stars, at least 20 of each user
    assert (len(table.events), table.events.items, table.events.users) == (100_836, 9_742, 610)
    assert table.schema.range == (0.5, 5.0)
    assert table.events.counts.min() == 20
    assert len(np.unique(table.events.item)) == 9_724
    genres = table.schema.item_features[0]
    assert genres.size == 21  # 18 genres, IMAX, none listed, unknown
    first = table.schema.numbers(["1"])[0]
    assert table.schema.titles[first] == "Toy Story (1995)"
    names = {genres.names[code - 1] for code in table.dataset.item_features.columns["genres"].codes[first] if code > 0}
    assert names == {"Adventure", "Animation", "Children", "Comedy", "Fantasy"}
