"""Cells to numbers and codes, and back to the type that came."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.data.cells import as_text, from_codes, restore_column, to_codes, to_numbers
from isthmus.data.table import table_from


def values_of(table, name):
    """Whatever the accessor for this kind of column gives."""
    return table.texts(name) if table.kinds[name] == "category" else table.numbers(name)


def test_restoring_undoes_the_accessors(column):
    """A column of every type comes back from its numbers or texts, with its type and its gaps."""
    table = table_from(pa.table({"a": column}))
    restored = table.restore("a", values_of(table, "a"))
    assert restored.type == column.type
    assert restored.to_pylist() == column.to_pylist()


def test_restoring_from_text_of_the_type_alone(column):
    """The kind and the text of the type, as a model file keeps them, are enough to restore the cells."""
    table = table_from(pa.table({"a": column}))
    restored = restore_column(values_of(table, "a"), table.kinds["a"], table.dtypes["a"])
    assert restored.to_pylist() == column.to_pylist()


@given(st.lists(st.one_of(st.none(), st.text(max_size=4))))
def test_codes_and_levels_hold_the_texts(texts):
    """Any texts come back from their codes; levels are sorted and distinct."""
    codes, levels = to_codes(pa.array(texts, pa.string()))
    assert from_codes(codes, levels).to_pylist() == texts
    assert codes.dtype == np.int32
    assert list(levels) == sorted(set(levels), key=str.encode)


def test_dates_are_days():
    """Dates and timestamps of any unit and zone count days since 1970-01-01 in UTC."""
    noon = [datetime.datetime(1970, 1, 2, 12)]
    for arrow_type in (pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ms", "Asia/Tokyo")):
        assert to_numbers(pa.array(noon, arrow_type)).tolist() == [1.5]
    assert to_numbers(pa.array([datetime.date(1969, 12, 31), None])).tolist()[0] == -1


def test_lengths_of_time_are_seconds():
    """A duration counts seconds whatever its unit."""
    cells = pa.array([datetime.timedelta(minutes=1.5)], pa.duration("us"))
    assert to_numbers(cells).tolist() == [90]


@pytest.mark.parametrize("text", ["int8", "uint8", "int64", "uint64"])
def test_integers_are_rounded_and_clipped(text):
    """Values between integers are rounded, values beyond the type stop at its ends."""
    limits = np.iinfo(text)
    low, middle, high = restore_column(np.array([-1e30, 3.6, 1e30]), "number", text).to_pylist()
    assert (low, middle) == (limits.min, 4)
    assert high == pytest.approx(limits.max)
    assert high <= limits.max


@pytest.mark.parametrize("text", ["date32", "date64", "timestamp[s]", "timestamp[us, UTC]"])
def test_dates_stay_within_the_calendar(text):
    """A date far outside is restored to one that Python can show."""
    first, last = restore_column(np.array([-1e12, 1e12]), "date", text).to_pylist()
    assert first.year == 1
    assert last.year == 9999


def test_decimals_are_clipped():
    """A decimal column takes its largest number for a larger one."""
    restored = restore_column(np.array([1e9, 1.254, np.nan]), "number", "decimal128(5, 2)")
    assert restored.to_pylist() == [Decimal("999.99"), Decimal("1.25"), None]


def test_dictionary_keeps_its_own_order():
    """The levels of an ordered dictionary come back in their order, also those that do not occur."""
    column = pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int8()), ["small", "large", "huge"], ordered=True)
    table = table_from(pa.table({"size": column}))
    restored = table.restore("size", ["large", "small"])
    assert restored.type == column.type
    assert restored.dictionary.to_pylist() == ["small", "large", "huge"]


def test_new_level_extends_the_dictionary():
    """A text that the dictionary lacks is kept, not lost."""
    table = table_from(pa.table({"size": pa.array(["a", "b"]).dictionary_encode()}))
    assert table.restore("size", ["c", None, "a"]).to_pylist() == ["c", None, "a"]


def test_whole_floats_have_the_text_of_integers():
    """1 and 1.0 are the same category, because gaps turn integers into floats in pandas."""
    assert as_text(pa.array([1.0, float("nan"), 2.5])).to_pylist() == ["1", None, "2.5"]


def test_chunks_with_different_dictionaries():
    """Chunks of one column may number their levels differently."""
    chunks = [pa.array(["b", "a"]).dictionary_encode(), pa.array(["a", "c"]).dictionary_encode()]
    codes, levels = to_codes(pa.chunked_array(chunks))
    assert [levels[code] for code in codes] == ["b", "a", "a", "c"]
