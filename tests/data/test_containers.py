"""Frames of other libraries, in and out."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus.data.containers import check_names
from isthmus.data.table import table_from
from isthmus.errors import DataError, DataTypeError

PANDAS = pd.DataFrame(
    {
        "int": np.array([1, 2, 3], np.int16),
        "float": [1.5, np.nan, 2.5],
        "nullable": pd.array([1, None, 3], dtype="Int8"),
        "boolean": pd.array([True, None, False], dtype="boolean"),
        "category": pd.Categorical(["b", None, "a"], categories=["b", "a"], ordered=True),
        "time": pd.to_datetime(["2024-05-01 10:00", None, "2024-05-03 11:30"]).tz_localize("Europe/Amsterdam"),
        "span": pd.to_timedelta([1, None, 3], unit="s"),
        "object": np.array([1, 2.5, np.nan], dtype=object),
        "city": pd.Series(["x", None, "x"]),
        "answer": np.array(["yes", None, "no"], dtype=object),
    },
    index=pd.Index(["p", "q", "r"], name="row"),
)
POLARS = pl.DataFrame(
    {"int": [1, None, 3], "text": ["x", "x", None], "on": [True, None, False]},
    schema_overrides={"int": pl.UInt8},
).with_columns(
    level=pl.col("text").cast(pl.Categorical),
    step=pl.col("text").cast(pl.Enum(["y", "x"])),
    day=pl.lit("2024-05-01").str.to_date(),
    time=pl.lit("2024-05-01T10:30:00").str.to_datetime(time_unit="ms", time_zone="UTC"),
    span=pl.duration(minutes=5),
)


def rebuilt(table):
    """The columns in use, each restored from its own numbers or texts."""
    values = {n: table.texts(n) if k == "category" else table.numbers(n) for n, k in table.kinds.items()}
    return pa.table({name: table.restore(name, value) for name, value in values.items()})


def test_pandas_round_trip():
    """A pandas frame comes back with its index, labels, dtypes and cells."""
    table = table_from(PANDAS, {"city": "category"})
    pd.testing.assert_frame_equal(table.to_container(rebuilt(table)), PANDAS)


def test_polars_round_trip():
    """A polars frame comes back with its schema and cells."""
    table = table_from(POLARS, {"text": "category"})
    back = table.to_container(rebuilt(table))
    assert back.schema == POLARS.schema
    assert back.equals(POLARS)


def test_arrow_round_trip():
    """An Arrow table comes back with its types, a record batch as a table."""
    batch = pa.record_batch({"a": pa.array([1, None], pa.int8()), "b": pa.array(["yes", "no"])})
    table = table_from(batch)
    assert table.to_container(rebuilt(table)).equals(pa.Table.from_batches([batch]))


def test_pandas_labels_become_text_and_come_back():
    """Column labels that are numbers are named by their text and restored."""
    table = table_from(pd.DataFrame({0: [1.5, 2], 1: [3.5, 4]}))
    assert table.names == ("0", "1")
    assert list(table.to_container(rebuilt(table)).columns) == [0, 1]


def test_other_number_of_rows_has_its_own_index():
    """Rows that are not those of the frame do not get its index."""
    table = table_from(PANDAS[["int"]])
    assert table.to_container(pa.table({"int": pa.array([1], pa.int16())})).index.tolist() == [0]


def test_taken_rows_keep_their_index():
    """The index follows the rows."""
    table = table_from(PANDAS[["int"]]).take([2, 0])
    assert table.to_container(rebuilt(table)).index.tolist() == ["r", "p"]


@pytest.mark.parametrize("cells", [[1, 2.5, "3"], [decimal.Decimal(1), 2.5], [np.float32(1), 2, True]])
def test_numbers_in_object_cells(cells):
    """Objects that are numbers work, of whatever type each is."""
    table = table_from(pd.DataFrame({"a": np.array(cells, dtype=object)}))
    assert table.numbers("a").tolist() == [float(cell) for cell in cells]


def test_mixed_cells_name_the_odd_one():
    """A column that mixes text and numbers is an error with the column and the first odd row."""
    frame = pd.DataFrame({"a": np.array(["x", None, 3], dtype=object)})
    with pytest.raises(DataTypeError, match=r"'a' mixes str and int \(row 3: 3\).*astype\(str\)"):
        table_from(frame)


def test_other_pandas_types_are_refused():
    """A pandas type without an Arrow form, or with one that has no kind, is an error with the column's name."""
    for cells in (pd.period_range("2024", periods=2), np.array([1j, 2]), pd.interval_range(0, 2)):
        with pytest.raises(DataTypeError, match=r"Column 'a' holds .*drop the column"):
            table_from(pd.DataFrame({"a": cells}))


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame([[1, 2]], columns=[1, "1"])],
    ids=["same", "text"],
)
def test_duplicate_names(frame):
    """Two columns with one name, also once they are text, are an error."""
    with pytest.raises(DataError, match="the frame has duplicate column names: '"):
        table_from(frame)


def test_column_without_a_name():
    """An empty name is an error."""
    with pytest.raises(DataError, match=r"without a name \(column 2\)"):
        table_from(pa.table([pa.array([1]), pa.array([2])], names=["a", ""]))


@pytest.mark.parametrize("series", [pd.Series([1.5]), pl.Series([1.5])], ids=["pandas", "polars"])
def test_a_series_is_not_a_frame(series):
    """One column without a frame is an error that says how to make one."""
    with pytest.raises(DataTypeError, match=r"is a Series, not a frame .*to_frame"):
        table_from(series)


def test_a_name_that_no_model_file_holds():
    """A name of a thousand characters is no name, but most likely a row that was taken for the header."""
    with pytest.raises(DataError, match=r"column 2 of the frame has 1,001 characters, at most 1,000 .*--no-header"):
        check_names(("a", "b" * 1_001), "the frame")
