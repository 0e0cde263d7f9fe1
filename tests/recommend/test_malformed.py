"""Malformed tables: one clear line that names the row and the remedy, and nothing half-written."""

import numpy as np
import pytest

from innerloop.errors import DataError
from innerloop.recommend import _cells, _feature, _numbering, read_table, store_table, text_file

VARIANTS = range(15)
COLUMNS = ("userId", "movieId", "rating", "timestamp", "genre")
GENRES = ("war", "art", "sport")


class Draft:
    """A good table that a test spoils: another size, order of columns and separator in each variant."""

    def __init__(self, variant):
        rng = np.random.default_rng(variant)
        self.between = (",", ";", "\t", "::")[variant % 4]
        self.header = [COLUMNS[place] for place in rng.permutation(len(COLUMNS))]
        count = 4 + 3 * variant
        self.rows = [
            {
                "userId": f"u{row // 4:03}", "movieId": str(100 + row), "rating": f"{rng.integers(1, 6)}.0",
                "timestamp": str(1000 + row), "genre": GENRES[row % 3],
            }
            for row in range(count)
        ]  # fmt: skip
        self.bad = int(rng.integers(1, count))  # not the first row: what it should be is known by then
        self.line = self.bad + 2

    def lines(self):
        return [self.between.join(cells) for cells in (self.header, *([r[c] for c in self.header] for r in self.rows))]

    def put(self, column, cell):
        self.rows[self.bad][column] = cell
        return self.lines()


def missing_column(draft, variant):
    gone = ("userId", "movieId")[variant % 2]
    draft.header.remove(gone)
    return draft.lines(), None, "has no column that is the (user|item).*Name it: roles="


def text_in_ratings(draft, variant):
    cell = ("four", "4,5x", "★", "1_0", "0x10", "--", "4 stars")[variant % 7]
    return draft.put("rating", cell if draft.between != "," else f'"{cell}"'), draft.line, "'rating'.*finite number"


def nan_in_ratings(draft, variant):
    cell = ("nan", "NaN", "", " ", "inf", "-inf", "NA", "null", "1e999")[variant % 9]
    return draft.put("rating", cell), draft.line, "'rating'.*finite number.*remove the row"


def text_in_numbers(draft, variant):
    draft.header.append("length")
    for place, row in enumerate(draft.rows):
        row["length"] = str(90 + place)
    draft.rows += [{**draft.rows[0], "userId": f"v{n}", "movieId": f"{500 + n}", "length": f"{n}.5"} for n in range(20)]
    return draft.put("length", ("long", "90min", "?x", "1_000")[variant % 4]), draft.line, "'length'.*kinds={'length'"


def duplicate_event(draft, variant):
    draft.rows.insert(draft.bad + 1, {**draft.rows[draft.bad], **({} if variant % 2 else {"timestamp": "5"})})
    return draft.lines(), draft.line + 1, f"as in line {draft.line} .*duplicates='last'"


def time_not_readable(draft, variant):
    cell = ("yesterday", "", "31/12/2020", "nan", "12:30", "2020-13-01", "1_5")[variant % 7]
    return draft.put("timestamp", cell), draft.line, "'timestamp'.*expected.*time"


def calendar_not_readable(draft, variant):
    for place, row in enumerate(draft.rows):
        row["timestamp"] = f"2020-01-01T00:{place % 60:02}:00"
    cell = ("2020-02-30", "1577836800", "2020", "", "01.02.2020", "soon", "2020-01-01T25:00:00")[variant % 7]
    return draft.put("timestamp", cell), draft.line, "2024-05-31.*roles={'time': None}"


def nameless_user(draft, variant):
    return (
        draft.put("userId", ("", "nan", "NULL", "  ", "?")[variant % 5]),
        draft.line,
        "name of the user.*remove the row",
    )


def nameless_item(draft, variant):
    return draft.put("movieId", ("", "NaN", "n/a", "a\0b", "?")[variant % 5]), draft.line, "name of the item"


def ragged_row(draft, variant):
    lines = draft.lines()
    row = lines[draft.bad + 1]
    lines[draft.bad + 1] = row + draft.between + "more" if variant % 2 else row.rpartition(draft.between)[0]
    return lines, draft.line, f"expected 5 cells.*got {6 if variant % 2 else 4}.*double quotes"


def only_a_header(draft, variant):
    return draft.lines()[:1] + [""] * (variant % 3), None, "has no events"


def empty_file(draft, variant):
    return ["", " ", "  "][: variant % 3], None, "is empty; expected a header line"


def doubled_header(draft, variant):
    draft.header.append(draft.header[variant % 5])
    return draft.lines(), None, "more than one column.*Rename"


def two_that_could_be(draft, variant):
    twin = ("customer_id", "item", "stars", "date")[variant % 4]
    draft.header.append(twin)
    for row in draft.rows:
        row[twin] = "1"
    return draft.lines(), None, "more than one column that could be the.*Name one: roles="


def no_header(draft, variant):
    draft.header.remove("genre")
    for place, row in enumerate(draft.rows):
        row["userId"] = str(place)
    return draft.lines()[1:], 1, "names of columns; got numbers.*header="


def wrong_delimiter(draft, variant):
    return [line.replace(draft.between, ("/", "~", "^")[variant % 3]) for line in draft.lines()], 1, "delimiter="


def two_genres_of_an_item(draft, variant):
    draft.rows.append({**draft.rows[draft.bad], "userId": "w", "genre": "other"})
    return draft.lines(), len(draft.rows) + 1, "as before for item.*kinds={'genre': 'ignore'}"


KINDS = [
    missing_column, text_in_ratings, nan_in_ratings, text_in_numbers, duplicate_event, time_not_readable,
    calendar_not_readable, nameless_user, nameless_item, ragged_row, only_a_header, empty_file, doubled_header,
    two_that_could_be, no_header, wrong_delimiter, two_genres_of_an_item,
]  # fmt: skip
NOT_OF_EVENTS = (text_in_numbers, two_genres_of_an_item)
"""A store has no features, so that these tables are good ones for it."""


def refused(folder, line, message, read):
    """Asserts that reading raises one clear line, and that the folder is as before."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(DataError, match=f"(?s){message}") as raised:
        read()
    said = str(raised.value)
    assert "\n" not in said
    assert line is None or f", line {line}" in said, said
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_malformed_table_is_refused(tmp_path, monkeypatch, kind, variant):
    monkeypatch.setattr(_cells, "CHUNK", (3, 7, 8_192)[variant % 3])
    draft = Draft(variant)
    lines, line, message = kind(draft, variant)
    path = tmp_path / "events.csv"
    path.write_text("\n".join(lines) + ("\n" if lines else ""), encoding="utf-8")
    kinds = {"genre": "category"} if kind is two_genres_of_an_item else None
    refused(tmp_path, line, message, lambda: read_table(path, kinds=kinds))
    if kind not in NOT_OF_EVENTS:
        refused(tmp_path, line, message, lambda: store_table(path, tmp_path / "store"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_tables_unspoilt_are_read(tmp_path, variant):
    draft = Draft(variant)
    path = tmp_path / "events.csv"
    path.write_text("\n".join(draft.lines()), encoding="utf-8")
    assert len(read_table(path).events) == len(draft.rows) == len(store_table(path, tmp_path / "store").events)


@pytest.mark.parametrize("variant", VARIANTS)
def test_times_out_of_order_are_sorted(tmp_path, variant):
    draft = Draft(variant)
    straight = tmp_path / "straight.csv"
    straight.write_text("\n".join(draft.lines()), encoding="utf-8")
    np.random.default_rng(variant).shuffle(draft.rows)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join(draft.lines()), encoding="utf-8")
    one, other = read_table(straight), read_table(shuffled)
    assert one.schema == other.schema
    for name in ("user", "item", "value", "time"):
        np.testing.assert_array_equal(getattr(one.events, name), getattr(other.events, name))


@pytest.mark.parametrize("variant", VARIANTS)
def test_broken_encodings_name_the_line(tmp_path, variant):
    draft = Draft(variant)
    lines = draft.put("genre", "théâtre")
    path = tmp_path / "events.csv"
    if variant % 3 == 0:
        path.write_bytes("\n".join(lines).encode("latin-1"))
        refused(tmp_path, draft.line, "not utf-8.*byte 0xe9.*encoding='latin-1'", lambda: read_table(path))
        assert "théâtre" in read_table(text_file(path, encoding="latin-1")).schema.item_features[0].names
    elif variant % 3 == 1:
        path.write_bytes("\n".join(lines).encode("utf-16"))
        refused(tmp_path, 1, "not utf-8.*name its encoding", lambda: read_table(path))
        assert len(read_table(text_file(path, encoding="utf-16")).events) == len(draft.rows)
    else:
        path.write_bytes("\n".join(draft.put("genre", "plain")).encode("utf-16-le"))
        refused(tmp_path, 1, "no text, or in another encoding", lambda: read_table(path))


@pytest.mark.parametrize("variant", VARIANTS)
def test_unknown_users_and_items_are_refused_or_dropped_or_kept(tmp_path, variant):
    draft, side = Draft(variant), ("user", "item")[variant % 2]
    column = ("userId", "movieId")[variant % 2]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(draft.lines()), encoding="utf-8")
    names = sorted({row[column] for row in draft.rows} - {draft.rows[draft.bad][column]})
    if not names:
        names = ["nobody"]
    part = {column: names, "size": [str(place) for place in range(len(names))]}
    first = next(n for n, row in enumerate(draft.rows) if row[column] == draft.rows[draft.bad][column])
    refused(
        tmp_path, first + 2, f"one of the {side}s in the table.*unknown='keep'",
        lambda: read_table(path, **{f"{side}s": part}),
    )  # fmt: skip
    kept = read_table(path, **{f"{side}s": part}, unknown="keep")
    assert len(kept.events) == len(draft.rows)
    gone = sum(row[column] == draft.rows[draft.bad][column] for row in draft.rows)
    if gone < len(draft.rows):
        dropped = read_table(path, **{f"{side}s": part}, unknown="drop")
        assert (len(dropped.events), dropped.dropped) == (len(draft.rows) - gone, gone)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_support_set_without_a_known_item_is_empty_and_refused(tmp_path, variant):
    draft = Draft(variant)
    schema = read_table({name: [row[name] for row in draft.rows] for name in COLUMNS}).schema
    for row in draft.rows:
        row["movieId"] = f"new{row['movieId']}"
    path = tmp_path / "events.csv"
    path.write_text("\n".join(draft.lines()), encoding="utf-8")
    refused(tmp_path, 2, "one of the items in the schema", lambda: read_table(
        path, schema=schema))  # fmt: skip
    refused(tmp_path, None, f"none of its {len(draft.rows)} events is of a known", lambda: read_table(
        path, schema=schema, unknown="drop"))  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_too_many_categories_are_refused_where_they_are_too_many(tmp_path, monkeypatch, variant):
    monkeypatch.setattr(_numbering, "MOST", 10)
    monkeypatch.setattr(_cells, "CHUNK", (3, 7, 8_192)[variant % 3])
    draft = Draft(variant)
    draft.rows += Draft(10).rows
    for place, row in enumerate(draft.rows):
        row |= {"genre": f"g{place if place < 3 + variant else place + 1000}", "movieId": f"m{place}"}
        row["userId"] = str(place)
    path = tmp_path / "events.csv"
    path.write_text("\n".join(draft.lines()), encoding="utf-8")
    message = "at most 10 different cells; got 'g.*kinds={'genre': 'ignore'}"
    refused(tmp_path, 12, message, lambda: read_table(path, kinds={"genre": "category"}))
    assert "genre" in read_table(path).left_out  # nobody asked for it
    assert not read_table(path, kinds={"genre": "ignore"}).schema.item_features


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_no_file_is_refused(tmp_path, variant):
    if variant % 3 == 0:
        (tmp_path / "folder").mkdir()
        refused(tmp_path, None, "is a folder.*Name the file", lambda: read_table(tmp_path / "folder"))
    elif variant % 3 == 1:
        refused(tmp_path, None, "Cannot read.*No such file", lambda: read_table(tmp_path / f"no{variant}.csv"))
    else:
        table = (3, None, ["a"], object(), {"user": [1], "item": [1, 2]})[variant // 3]
        refused(tmp_path, None, "[Ee]xpected a table|same number of rows", lambda: read_table(table))


@pytest.mark.parametrize("variant", VARIANTS)
def test_quotes_that_do_not_end_name_the_row_where_they_begin(tmp_path, variant):
    draft = Draft(variant - variant % 4)  # a comma: `::` files have no quotes
    lines = draft.put("genre", '"war' if variant % 2 else 'a"b')
    path = tmp_path / "events.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    if variant % 2:
        refused(tmp_path, draft.line, "the row that begins here.*double quote", lambda: read_table(path))
    else:
        assert 'a"b' in read_table(path).schema.item_features[0].names


def test_cells_that_are_too_wide_are_refused():
    tags = ["a|b", "|".join(map(str, range(_feature.WIDEST + 1)))]
    with pytest.raises(DataError, match=f"row 2, column 'tags'.*at most {_feature.WIDEST} categories"):
        read_table({"user": [1, 1], "item": [1, 2], "tags": tags})


@pytest.mark.slow
def test_a_million_categories_are_codes():
    count = 1_000_000
    table = {"user": [0] * count, "item": range(count), "brand": [f"b{number}" for number in range(count)]}
    found = read_table(table, kinds={"brand": "category"})
    column = found.dataset.item_features.columns["brand"]
    assert column.size == count + 1
    assert column.codes.shape == (count, 1)
    assert len(np.unique(column.codes)) == count
