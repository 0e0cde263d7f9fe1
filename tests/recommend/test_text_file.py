"""Delimited text files as they come."""

import pytest

from innerloop.errors import DataError
from innerloop.recommend import _cells, read_table, text_file


def cells(table):
    return [row for chunk in table.chunks() for row in zip(*chunk.columns.values(), strict=True)]


def lines(table):
    return [line for chunk in table.chunks() for line in chunk.lines]


@pytest.mark.parametrize("between", [",", ";", "\t", "|", "::"])
def test_the_separator_is_found(tmp_path, between):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(between.join(row) for row in (["a", "b", "c"], ["1", "x y", ""], ["2", "é", "3"])))
    table = text_file(path)
    assert table.header == ("a", "b", "c")
    assert cells(table) == [("1", "x y", ""), ("2", "é", "3")]
    assert cells(table) == cells(table)  # from the beginning each time


def test_quotes_blank_lines_and_a_byte_order_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(_cells, "CHUNK", 2)
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeffa, b\r\n\r\n"one, two", "say ""x"""\r\n"two\r\nlines",3\r\n \r\nlast,4'.encode())
    table = text_file(path)
    assert table.header == ("a", "b")
    assert cells(table) == [("one, two", 'say "x"'), ("two\r\nlines", "3"), ("last", "4")]
    assert lines(table) == [3, 4, 7]


def test_files_without_a_header_and_in_other_encodings(tmp_path):
    path = tmp_path / "movies.dat"
    path.write_bytes("1::Misérables, Les (1995)::Drama|Musical\r\n2::B::Drama\r\n".encode("latin-1"))
    table = text_file(path, header=["movieId", "title", "genres"], encoding="latin-1")
    assert cells(table)[0] == ("1", "Misérables, Les (1995)", "Drama|Musical")
    assert lines(table) == [1, 2]
    with pytest.raises(DataError, match="no encoding 'latin-99'"):
        text_file(path, encoding="latin-99")


def test_a_column_without_a_name_gets_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(",user,item\n0,a,b\n1,c,d\n")
    assert text_file(path).header == ("column 1", "user", "item")
    assert read_table(path).schema.items == ("b", "d")


def test_an_encoding_is_never_guessed(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("user,item\na,b\nc,caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 3: this is not utf-8 \(.*byte 0xe9 after 5 bytes of the line"):
        read_table(path)
    assert read_table(text_file(path, encoding="latin-1")).schema.items == ("b", "café")
