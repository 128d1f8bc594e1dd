"""Tests of `isthmus.prep.columns`: all columns of a table or an array together."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from isthmus.data.table import table_from
from isthmus.errors import DataError
from isthmus.prep.columns import UNBOUNDED, ColumnEncoder, choose_scaling

R = np.random.default_rng(0)
N = 60


def mixed_columns(*, gaps=True):
    """A column of each kind, out of the order of the groups; numbers, flags, dates and one category have gaps."""

    def some(values):
        return [None if gaps and i % 7 == 3 else v for i, v in enumerate(values)]

    return {
        "place": pa.array(some(R.choice(["x", "y", "z"], N).tolist())),
        "size": pa.array(some(R.normal(3, 2, N).tolist())),
        "on": pa.array(some((R.random(N) < 0.4).tolist())),
        "day": pa.array(some([datetime(2024, 1, 1) + timedelta(days=int(d), hours=3) for d in R.integers(0, 900, N)])),
        "count": pa.array(R.integers(-50, 50, N), pa.int16()),
        "team": pa.array(R.choice(["a", "b"], N).tolist()).dictionary_encode(),
    }


@pytest.fixture
def table():
    """A table with a column of each kind and gaps."""
    return table_from(pa.table(mixed_columns()))


def through(encoder, data):
    """Data encoded, cut to the targets, and decoded like the data."""
    return encoder.decode(encoder.encode(data)[:, : encoder.layout.n_targets], data)


def test_observed_cells_come_back(table):
    """Every observed cell of every kind is decoded to itself, in the column's own type."""
    encoder = ColumnEncoder.fit(table, "column")
    decoded = through(encoder, table)
    assert decoded.schema.types == table.columns.schema.types
    for name in table.names:
        for before, after in zip(table.columns[name].to_pylist(), decoded[name].to_pylist(), strict=True):
            if isinstance(before, datetime):
                assert abs(after - before) < timedelta(minutes=1)
            elif before is not None:
                assert after == (pytest.approx(before, abs=1e-4) if isinstance(before, float) else before)


def test_a_gap_is_nan_in_its_targets_only(table):
    """Missing cells are NaN in the positions of their column, and no input behind the targets is NaN."""
    encoder = ColumnEncoder.fit(table, "column")
    encoded, layout = encoder.encode(table), encoder.layout
    missing = np.column_stack([table.columns[name].is_null().to_numpy() for name in table.names])
    columns = [np.isnan(encoded[:, : layout.n_numbers]), np.isnan(encoded[:, layout.flag_positions])]
    columns += [np.isnan(encoded[:, where]).all(axis=1, keepdims=True) for where in layout.level_positions]
    assert np.array_equal(np.hstack(columns)[:, list(layout.order)], missing)
    assert not np.isnan(encoded[:, layout.n_targets :]).any()


def test_gap_marks_are_for_columns_with_gaps_at_fit(table):
    """Each column with a gap at fit gets one input that is 1 exactly where its cell is missing."""
    encoder = ColumnEncoder.fit(table, "column")
    assert [table.names[j] for j in encoder.gaps] == ["place", "size", "on", "day"]
    marks = encoder.encode(table)[:, -len(encoder.gaps) :]
    missing = np.column_stack([table.columns[table.names[j]].is_null().to_numpy() for j in encoder.gaps])
    assert np.array_equal(marks, missing)


def test_no_gap_no_mark():
    """Without gaps at fit there is no mark, and a gap in new data adds none."""
    full = table_from(pa.table(mixed_columns(gaps=False)))
    encoder = ColumnEncoder.fit(full, "column")
    new = table_from(pa.table(mixed_columns()), kinds=full.kinds)
    assert encoder.gaps == ()
    assert encoder.encode(new).shape[1] == encoder.encode(full).shape[1] == encoder.layout.input_shape[0]


def test_the_layout_knows_the_order_of_the_data(table):
    """Reading the groups in the layout's order gives the columns of the table."""
    encoder = ColumnEncoder.fit(table, "column")
    groups = ["size", "count", "day", "on", "place", "team"]
    assert [groups[i] for i in encoder.layout.order] == list(table.names)
    assert encoder.layout.n_columns == len(table.names)


def test_targets_are_in_network_units(table):
    """Numbers, dates and flags have mean 0 and variance 1 over their observed cells."""
    encoder = ColumnEncoder.fit(table, "column")
    single = encoder.encode(table)[:, : encoder.layout.flag_positions.stop].astype(np.float64)
    assert np.nanmean(single, axis=0) == pytest.approx(np.zeros(4), abs=0.05)
    assert np.nanvar(single, axis=0) == pytest.approx(np.ones(4), abs=0.1)


def test_an_array_comes_back():
    """Rows of an array with gaps are decoded to an array, with gap marks for its gappy columns only."""
    rows = R.normal(size=(30, 4))
    rows[::4, 2] = np.nan
    encoder = ColumnEncoder.fit(rows, "column")
    assert encoder.gaps == (2,)
    assert encoder.layout.input_shape == (5,)
    assert through(encoder, rows) == pytest.approx(rows, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint8, np.int64, bool])
@pytest.mark.parametrize("scaling", ["column", "common", "none"])
def test_an_array_keeps_its_dtype(dtype, scaling):
    """What is decoded has the dtype of what went in, integers exactly."""
    rows = R.integers(0, 2 if dtype is bool else 100, size=(40, 3)).astype(dtype)
    decoded = through(ColumnEncoder.fit(rows, scaling), rows)
    assert decoded.dtype == rows.dtype
    assert decoded.astype(float) == pytest.approx(rows.astype(float), abs=1e-4)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_integers_never_wrap(dtype):
    """The extremes of a type come back as such, also in a narrower type than that of fit."""
    limits = np.iinfo(dtype)
    rows = np.array([[limits.min], [limits.max]] * 5, dtype=dtype)
    assert (
        np.abs(through(ColumnEncoder.fit(rows, "column"), rows) / rows.astype(float).max() - rows / limits.max).max()
        < 1e-6
    )
    wide = ColumnEncoder.fit(np.array([[-1e30], [1e30]]), "column")
    assert wide.decode(np.array([[-1.0], [1.0]], np.float32), rows).ravel().tolist() == pytest.approx(
        [limits.min, limits.max], rel=1e-6
    )


def test_bounds_hold_what_was_seen(table):
    """Encoded numbers lie between the bounds; logits are unbounded, by finite numbers."""
    encoder = ColumnEncoder.fit(table, "column")
    low, high = encoder.bounds()
    encoded = encoder.encode(table)[:, : encoder.layout.n_targets]
    assert ((encoded >= low) | np.isnan(encoded)).all()
    assert ((encoded <= high) | np.isnan(encoded)).all()
    assert (high[encoder.layout.n_numbers :] == UNBOUNDED).all()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.zeros((3, 2), np.uint8), "common"),
        (R.uniform(0, 1, (50, 6)), "common"),
        (R.uniform(0, 1, (50, 2)) * [1, 1000], "column"),
        (R.uniform(0, 1, (50, 3)) * [1, 900, 1000], "common"),
        (np.column_stack([R.uniform(0, 1, (50, 5)), np.full(50, 7.0)]), "column"),
        (np.column_stack([R.uniform(0, 8, (50, 5)), np.full(50, 7.0)]), "common"),
        (np.ones((5, 3)), "column"),
        (np.full((5, 3), np.nan), "column"),
        (R.random((50, 3)) < 0.5, "common"),
        (np.where(R.random((50, 3)) < 0.2, np.nan, R.uniform(0, 1, (50, 3))), "common"),
    ],
)
def test_the_rule_of_scaling(data, expected):
    """One factor for bytes and for arrays of which more than half of the columns span a quarter of the whole range."""
    assert choose_scaling(data) == expected


def test_a_frame_is_scaled_by_column():
    """Columns with names are different things, even where they look alike."""
    same = table_from(pa.table({"a": R.uniform(0, 1, 20), "b": R.uniform(0, 1, 20)}))
    assert choose_scaling(same) == "column"


def test_names_decide_not_places(table):
    """New columns are found by name, in any order, and extra ones are noted."""
    encoder = ColumnEncoder.fit(table, "column")
    shuffled = table_from(table.columns.select(list(table.names)[::-1]).append_column("new", pa.array(range(N))))
    adopted, notes = encoder.adopt(shuffled)
    assert np.array_equal(encoder.encode(adopted), encoder.encode(table), equal_nan=True)
    assert any("'new'" in note and "ignored" in note for note in notes)


def test_a_missing_column_is_named(table):
    """The error names the column and what the model was fitted with."""
    encoder = ColumnEncoder.fit(table, "column")
    with pytest.raises(DataError, match=r"Column 'day' is missing .* fitted with columns place, size"):
        encoder.adopt(table_from(table.columns.drop_columns(["day"])))


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_frame_for_an_array_needs_its_columns(width):
    """A frame of another width than the array of fit is refused, never stretched."""
    encoder = ColumnEncoder.fit(R.normal(size=(20, 4)), "column")
    frame = table_from(pa.table({f"c{i}": R.normal(size=5) for i in range(width)}))
    with pytest.raises(DataError, match=f"have {width} columns; the model was fitted with 4"):
        encoder.adopt(frame)


@pytest.mark.parametrize("named", [True, False])
def test_pictures_are_not_rows(named):
    """Pictures given to a model of rows are an error that says what both are."""
    rows = R.normal(size=(20, 4))
    data = table_from(pa.table({f"c{i}": c for i, c in enumerate(rows.T)})) if named else rows
    with pytest.raises(DataError, match=r"pictures of shape \(2, 2\) do not fit .* rows of 4 columns"):
        ColumnEncoder.fit(data, "column").adopt(rows.reshape(20, 2, 2))


def test_scaling_of_the_largest_numbers():
    """A range that float64 cannot hold is still one range."""
    assert choose_scaling(np.array([[1e308, -1e308], [-1e308, 1e308]])) == "common"


def test_learning_an_array_takes_little_beside_it():
    """Not a quarter of the data, with gaps and a heavy tail: they may be a file that is larger than memory."""
    X = np.random.default_rng(0).standard_normal((2**18, 32), dtype=np.float32)
    X[::5, 3] = np.nan
    X[7, 5] = 1e6
    tracemalloc.start()
    encoder = ColumnEncoder.fit(X, "column")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert encoder.gaps == (3,)
    assert encoder.numbers.spread[5] > 0
    assert most < X.nbytes / 4
