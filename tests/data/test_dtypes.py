"""Column types as texts and back."""

from __future__ import annotations

import pyarrow as pa
import pytest

from isthmus.data.dtypes import ColumnType, column_type_from_text, column_type_to_text
from isthmus.errors import DataTypeError

TYPES = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.string(), pa.large_string(),
    pa.string_view(), pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"), pa.duration("ms"),
    pa.timestamp("us"), pa.timestamp("ns", "Europe/Amsterdam"), pa.timestamp("s", "+02:00"),
    pa.decimal128(5, 2), pa.decimal256(40, 3), pa.decimal128(4, -2),
    pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.uint32(), pa.int64(), ordered=True),
    pa.dictionary(pa.int32(), pa.timestamp("us", "UTC")),
]  # fmt: skip


@pytest.mark.parametrize("arrow_type", TYPES, ids=str)
def test_text_of_a_type_gives_it_back(arrow_type):
    """Every type that can be used survives the way through its text."""
    assert column_type_from_text(column_type_to_text(arrow_type)) == arrow_type


@pytest.mark.parametrize(
    "arrow_type",
    [pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.binary(), pa.dictionary(pa.int8(), pa.binary()), pa.uuid()],
    ids=str,
)
def test_other_types_are_refused(arrow_type):
    """A type outside the set has no text."""
    with pytest.raises(DataTypeError, match=r"cannot be used|is not a column type"):
        column_type_to_text(arrow_type)


@pytest.mark.parametrize(
    "text",
    ["", "int65", "int64 ", "timestamp[us, __import__('os')]", "decimal128(99, 2)", "dictionary<float64, string>",
     "dictionary<int8, dictionary<int8, string>>", "list<int8>", "Int64", "timestamp[us,UTC]"],
)  # fmt: skip
def test_foreign_texts_are_refused(text):
    """A text that `column_type_to_text` would not write is an error."""
    with pytest.raises(DataTypeError, match="is not a column type"):
        column_type_from_text(text)


@pytest.mark.parametrize(
    "column_type",
    [ColumnType.same(pa.int8()), ColumnType(pa.string(), pa.date32()), ColumnType(pa.string(), pa.bool_(), ("No", "Yes")),
     ColumnType(pa.dictionary(pa.int8(), pa.string()), pa.float64())],
    ids=lambda column_type: column_type.text(),
)  # fmt: skip
def test_text_of_a_column_type_gives_it_back(column_type):
    """What the cells stand for is part of the text."""
    assert ColumnType.from_text(column_type.text()) == column_type


@pytest.mark.parametrize("text", ["int8 as string", "string as ", "string as flag No Maybe", "string as flag Yes No"])
def test_foreign_readings_are_refused(text):
    """Only text stands for something else, and flag words are pairs that are known."""
    with pytest.raises(DataTypeError, match=r"column type|flag words"):
        ColumnType.from_text(text)
