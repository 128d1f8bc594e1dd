"""The table: its accessors, its notes, and the kinds of a fitted model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from isthmus.data.containers import Origin
from isthmus.data.table import Table, table_from, with_kinds
from isthmus.errors import DataError, DataTypeError, ParameterError

FRAME = pa.table({"a": [1.5, None, 3.5], "b": ["x", "y", "x"], "c": [True, False, None], "d": ["one", "two", "three"]})


@pytest.fixture
def table() -> Table:
    """A number, a category, a flag, and free text."""
    return table_from(FRAME, {"b": "category"})


def test_kinds_names_and_shape(table):
    """Columns in use have a kind; free text has none, and a note says so."""
    assert table.kinds == {"a": "number", "b": "category", "c": "flag"}
    assert (table.names, table.shape, len(table)) == (("a", "b", "c"), (3, 3), 3)
    assert table.notes == ("Column 'd' is free text and is left out.",)


def test_accessors(table):
    """Numbers are float64 with NaN, texts codes and levels."""
    np.testing.assert_array_equal(table.numbers("a"), [1.5, np.nan, 3.5])
    np.testing.assert_array_equal(table.matrix(["c", "a"]), [[1, 1.5], [0, np.nan], [np.nan, 3.5]])
    codes, levels = table.texts("b")
    assert (codes.tolist(), levels) == ([0, 1, 0], ("x", "y"))


def test_matrix_of_all(table):
    """Without names the matrix has all columns in use."""
    np.testing.assert_array_equal(table.select(["a", "c"]).matrix(), table.matrix(["a", "c"]))


def test_category_has_no_numbers(table):
    """Asking a category for numbers is an error that names the accessor to use."""
    with pytest.raises(DataTypeError, match=r"'b' is a category .*texts\('b'\)"):
        table.numbers("b")


def test_unknown_column(table):
    """A column that is not in use is an error with those that are."""
    with pytest.raises(DataError, match="no column 'd' in use; it has 'a', 'b', 'c'"):
        table.numbers("d")


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True])])
def test_take(table, rows):
    """Rows are chosen by place or by mask, in every column."""
    taken, places = table.take(rows), np.arange(3)[rows]
    np.testing.assert_array_equal(taken.numbers("a"), table.numbers("a")[places])
    np.testing.assert_array_equal(taken.texts("b")[0], table.texts("b")[0][places])
    assert len(taken) == len(places)


def test_take_follows_text_that_was_read():
    """Text that stands for numbers is taken along."""
    assert table_from(pa.table({"a": ["1", "NA", "3"]})).take([2]).numbers("a").tolist() == [3]


def test_infinity_is_named():
    """An infinite cell is an error with its column and row, the first being 1."""
    table = table_from(pa.table({"a": [1.0, float("-inf")]}))
    with pytest.raises(DataError, match="Column 'a' of the frame contains infinity in row 2"):
        table.numbers("a")


@pytest.mark.parametrize(
    ("frame", "message"),
    [(pa.table({"a": pa.array([], pa.float64())}), r"0 sample\(s\)"), (pd.DataFrame(index=[1, 2]), r"0 feature\(s\)")],
    ids=["rows", "columns"],
)
def test_nothing_in_it(frame, message):
    """A frame without rows or columns is an error in the words that scikit-learn uses."""
    with pytest.raises(DataError, match=message):
        table_from(frame)


def test_only_free_text_cannot_be_fitted():
    """A table of free text can be made, for it may be read anew with kinds, but not fitted."""
    table = table_from(pa.table({"a": ["one", "two", "three"]}))
    with pytest.raises(DataError, match=r"holds only free text \(columns 'a'\)"):
        table.check_fit()


def test_unknown_kind_or_column():
    """Kinds are checked by name."""
    with pytest.raises(ParameterError, match="Did you mean 'b'"):
        table_from(FRAME, {"bb": "category"})
    with pytest.raises(ParameterError, match=r"kinds\['b'\] of the data must be"):
        table_from(FRAME, {"b": "text"})


def test_notes_on_values():
    """Columns that are constant, empty, or too large for float64 are noticed and kept."""
    frame = {"one": [7, 7], "none": [None, float("nan")], "large": [2**60, 1], "same": ["u", "u"]}
    table = table_from(pa.table(frame))
    assert table.notes == (
        "Column 'none' has no values.",
        "Columns 'one', 'same' are constant.",
        "Column 'large' has integers beyond 2**53, which are rounded.",
    )
    assert table.names == tuple(frame)


@pytest.mark.parametrize("start", [0, 1])
def test_row_counter_of_a_file_is_left_out(start):
    """In a file, a column with the name of an index that counts rows is left out and said."""
    columns = pa.table({"Unnamed: 0": list(range(start, start + 3)), "index": [3, 1, 2]})
    table = table_from(columns, origin=Origin("file"))
    assert table.names == ("index",)
    assert table.notes[0] == "Column 'Unnamed: 0' counts the rows and is left out."
    assert table_from(columns).names == ("Unnamed: 0", "index")


def test_files_come_back_as_tables():
    """What came from a file is given back as a table with the same kinds."""
    table = table_from(FRAME, {"b": "category"}, "f.csv", Origin("file"))
    back = table.to_container(pa.table({"a": [1.0, 2.0], "b": ["x", "y"]}))
    assert isinstance(back, Table)
    assert back.kinds == {"a": "number", "b": "category"}


def test_with_kinds_finds_columns_by_name(table):
    """Columns are put in the order of fit; a column that is new is ignored and said."""
    other = table_from(pa.table({"z": [1], "b": ["q"], "a": ["2.5"]}))
    read = with_kinds(other, {"a": "number", "b": "category"})
    assert read.kinds == {"a": "number", "b": "category"}
    assert read.numbers("a").tolist() == [2.5]
    assert read.texts("b")[1] == ("q",)
    assert read.notes == ("Column 'z' is not one of the model's and is ignored.",)


def test_with_kinds_names_missing_columns(table):
    """A missing column is an error with its name and the columns of fit."""
    with pytest.raises(DataError, match="Column 'y' is missing from the frame; the model was fitted with columns a, y"):
        with_kinds(table, {"a": "number", "y": "number"})


def test_with_kinds_names_the_wrong_cell(table):
    """Text in a column that held numbers at fit is an error with column, row and cell."""
    with pytest.raises(DataTypeError, match="Column 'd' is read as a number, but the cell 'one' in row 1"):
        with_kinds(table, {"d": "number"})


def test_dtypes_are_texts(table):
    """The types of the columns in use, for a model file."""
    assert table.dtypes == {"a": "float64", "b": "string", "c": "bool"}


@pytest.mark.parametrize("kind", [pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.large_string()])
def test_take_text_of_any_type(kind):
    """Rows can be chosen from text however it is stored, as polars stores it in views."""
    table = table_from(pa.table({"a": pa.array(["x", None, "y"]).cast(kind)}), {"a": "category"})
    taken = table.take([2, 1])
    assert (taken.columns["a"].to_pylist(), taken.columns["a"].type) == (["y", None], kind)
