"""Which kind a column is, by rule and by wish."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from isthmus.data.kinds import MAX_LEVELS, impose_reading, infer_kinds
from isthmus.errors import DataTypeError


def kind_of(cells, arrow_type=None):
    """The kind found for one column."""
    return infer_kinds(pa.table({"a": pa.array(cells, arrow_type)})).get("a")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, False], "flag"),
        ([0, 1, 1, None], "flag"),
        ([0.0, 1.0], "number"),
        ([1, 1, 1], "number"),
        ([1, 2, 1, 2], "number"),
        ([1.5, None], "number"),
        ([None, None], "number"),
        ([datetime.date(2024, 5, 1)], "date"),
        ([datetime.datetime(2024, 5, 1, 10)], "date"),
        ([datetime.timedelta(days=1)], "number"),
        (["1", " 2 ", "NA", "?"], "number"),
        (["1.5", "2e3", ""], "number"),
        (["0", "1"], "flag"),
        (["?", "-", "None"], "number"),
        (["2024-05-01", "n/a"], "date"),
        (["2024-05-01T10:30:00Z", "2024-05-01T10:30:00+02:00"], "date"),
        (["2024-05-01", "2024-05-01 10:30"], "date"),
        (["2024-05-01", "soon"], None),
        (["Yes", "No", None], "flag"),
        (["f", "t"], "flag"),
        (["yes", "yes"], "category"),
        (["yes", "no", "No", "YES"] * 2, "category"),
        (["00123", "00124"] * 2, "category"),
        (["0x1f", "0x2f"] * 2, "category"),
        (["NL", "BE"] * 2, "category"),
        (["NL", "BE", "FR"], None),
    ],
)
def test_rules(cells, kind):
    """Each rule of the docstring of `infer_kinds`."""
    assert kind_of(cells) == kind


def test_a_dictionary_is_a_category():
    """A categorical is a category, however many levels it has and whatever they are."""
    assert infer_kinds(pa.table({"a": pa.array(["yes", "no", "x"]).dictionary_encode()})) == {"a": "category"}


@pytest.mark.parametrize(("levels", "kind"), [(MAX_LEVELS, "category"), (MAX_LEVELS + 1, None)])
def test_most_levels(levels, kind):
    """Text with more distinct values than `MAX_LEVELS` is free text."""
    assert kind_of([f"level {i}" for i in range(levels)] * 2) == kind


@pytest.mark.parametrize("odd", [0, 300, 999])
def test_one_odd_cell_makes_text_of_a_column_of_numbers(odd):
    """A cell that is no number counts wherever it stands."""
    cells = [str(i) for i in range(1000)]
    cells[odd] = "x"
    assert kind_of(cells) is None


@pytest.mark.parametrize("cells", [[[1, 2]], [{"a": 1}], [b"bytes"]])
def test_nested_columns_are_refused(cells):
    """Lists, structs and bytes have no kind; the error names the column and a way out."""
    with pytest.raises(DataTypeError, match=r"Column 'a' holds .*drop the column"):
        kind_of(cells)


@pytest.mark.parametrize("row", [1, 2, 500])
def test_imposing_names_the_cell(row):
    """A text that is no number is named with its row, the first being 1."""
    cells = ["5"] * 500
    cells[row - 1] = "five"
    with pytest.raises(DataTypeError, match=rf"'a' is read as a number, but the cell 'five' in row {row} is not"):
        impose_reading("a", pa.chunked_array([cells]), "number")


@pytest.mark.parametrize(
    ("cells", "kind", "message"),
    [
        (["2024-05-01", "soon"], "date", "'soon' in row 2 .* ISO 8601"),
        (["yes", "perhaps"], "flag", "'perhaps' in row 2 .* yes or no"),
        ([0, 1, 7], "flag", "'7' in row 3"),
        ([1, 2], "date", "cannot be read as a date"),
        ([datetime.date(2024, 5, 1)], "number", "cannot be read as a number"),
        ([datetime.timedelta(1)], "category", "cannot be read as a category"),
        ([b"bytes"], "category", "cannot be used"),
    ],
)
def test_kinds_that_do_not_fit(cells, kind, message):
    """A column that cannot be what is asked for is an error."""
    with pytest.raises(DataTypeError, match=message):
        impose_reading("a", pa.chunked_array([pa.array(cells)]), kind)


@pytest.mark.parametrize(
    ("cells", "kind", "text"),
    [
        (["0012", "0013"], "number", "string as int64"),
        (["YES", None], "flag", "string as flag NO YES"),
        (["0", "1"], "flag", "string as int64"),
        ([1, 2], "category", "int64"),
        ([True], "number", "bool"),
        (["a", None], "category", "string"),
    ],
)
def test_kinds_that_fit(cells, kind, text):
    """What a user asks for beats the rules."""
    reading = impose_reading("a", pa.chunked_array([pa.array(cells)]), kind)
    assert (reading.kind, reading.type.text()) == (kind, text)
