"""One column's cells: Arrow to float64 or to codes and levels, and back to the Arrow type that came.

In: an Arrow array or chunked array. Out: float64 with NaN for missing (numbers, flags, dates), or int32 codes with
-1 for missing and a tuple of levels (categories). Unusual: nothing here loops over rows in Python. Dates are days
since 1970-01-01 (UTC), so a date keeps about 0.3 microseconds; lengths of time are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.data.dtypes import FLAG_WORDS, ColumnType, Kind, is_moment, is_span, is_text

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]

MISSING_WORDS = ("", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "?", "-")

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400  # seconds
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # the years 1 to 9999, which every date library can show
_WORD_VALUES = pa.array([word for pair in FLAG_WORDS for word in pair] + ["0", "1"], pa.large_string())


def one_array(column: Any) -> Any:
    """Join a column's chunks; text gets 64-bit offsets first, so that joining cannot overflow."""
    if is_text(column.type):
        column = column.cast(pa.large_string())
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def taken(column: Any, rows: Any) -> Any:
    """Give the cells of these rows, in the same type; Arrow itself cannot take from text views."""
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string()).take(rows).cast(column.type)
    return column.take(rows)


def as_text(column: Any) -> Any:
    """Write the cells as text (large_string); NaN counts as missing."""
    column = one_array(column)
    if pa.types.is_dictionary(column.type):
        values = as_text(column.dictionary)
        return values.take(column.indices)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def without_missing_words(texts: Any) -> Any:
    """Strip blanks around each text and turn the words for a missing cell (`MISSING_WORDS`) into missing."""
    texts = pc.utf8_trim_whitespace(texts)
    missing = pc.is_in(texts, value_set=pa.array(MISSING_WORDS, pa.large_string()))
    return pc.if_else(missing, pa.scalar(None, pa.large_string()), texts)


def flags_from_text(texts: Any) -> Any:
    """Read texts such as yes and No as booleans; a text that is no flag word becomes missing."""
    place = pc.index_in(pc.utf8_lower(texts), value_set=_WORD_VALUES)
    return pc.equal(pc.bit_wise_and(place, 1), 1)


def to_numbers(column: Any) -> Floats:
    """Give the cells as float64, shape (n_rows,), NaN for missing.

    Booleans are 0 and 1, dates days since 1970-01-01, lengths of time and times of day seconds.
    """
    column = one_array(column)
    kind, divisor = column.type, 1.0
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif is_moment(kind) or is_span(kind):
        divisor = float(_units(kind))
        column = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    values: Floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values / divisor if divisor != 1.0 else values


def to_codes(column: Any) -> tuple[Codes, tuple[str, ...]]:
    """Give the cells as codes (n_rows,), -1 for missing, and the levels they point at, in text order."""
    encoded = as_text(column).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy(zero_copy_only=False)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return rank[codes], tuple(encoded.dictionary.take(pa.array(order)).to_pylist())


def from_codes(codes: Codes, levels: Sequence[str]) -> Any:
    """Give the texts (large_string) that codes stand for; the inverse of `to_codes`."""
    codes = np.asarray(codes, np.int32)
    return pa.array(list(levels), pa.large_string()).take(pa.array(codes, mask=codes < 0))


def restore_column(values: Any, kind: Kind, column_type: ColumnType | str, dictionary: Any | None = None) -> Any:
    """Build an Arrow array of a column's own type from numbers or from category texts.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), or texts
        float64 with NaN for missing for numbers, flags and dates. For categories a pair ``(codes, levels)``, an Arrow
        array of text, or a sequence of texts and None.
    kind : {"number", "category", "flag", "date"}
        The kind of the column.
    column_type : ColumnType or its text
        The type to give back. Integers are rounded and clipped to the type's range, flags are true from 0.5 up.
    dictionary : pyarrow.Array, optional
        The levels of a dictionary column in their own order; without it they stand in the order of appearance and
        an ordered dictionary comes back unordered.

    Returns
    -------
    pyarrow.Array
        Of type ``column_type.stored``, length n_rows.

    Examples
    --------
    >>> restore_column(np.array([1.2, np.nan]), "number", "int8").to_pylist()
    [1, None]
    >>> restore_column((np.array([1, -1]), ("a", "b")), "category", "string").to_pylist()
    ['b', None]
    """
    wanted = ColumnType.from_text(column_type) if isinstance(column_type, str) else column_type
    if kind == "category":
        return _from_texts(_texts_of(values), wanted.stored, dictionary)
    numbers = np.asarray(values, np.float64)
    if wanted.words is not None:
        texts = from_codes(np.where(np.isnan(numbers), -1, numbers >= 0.5).astype(np.int32), wanted.words)
        return _from_texts(texts, wanted.stored, dictionary)
    cells = _from_numbers(numbers, wanted.read_as)
    return cells if wanted.stored == wanted.read_as else _from_texts(as_text(cells), wanted.stored, dictionary)


def _texts_of(values: Any) -> Any:
    if isinstance(values, tuple) and len(values) == 2 and isinstance(values[0], np.ndarray):
        return from_codes(values[0], values[1])
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return as_text(values)
    return pa.array(list(values), pa.large_string())


def _from_texts(texts: Any, stored: Any, dictionary: Any | None) -> Any:
    if pa.types.is_null(stored):
        return pa.nulls(len(texts))
    if not pa.types.is_dictionary(stored):
        return texts.cast(stored)
    levels, ordered = dictionary, stored.ordered
    indices = None if levels is None else pc.index_in(texts, value_set=as_text(levels))
    if indices is None or indices.null_count > texts.null_count:  # no dictionary given, or a level that it lacks
        distinct = pc.drop_null(pc.unique(texts))
        levels, ordered = _from_texts(distinct, stored.value_type, None), False
        indices = pc.index_in(texts, value_set=distinct)
    return pa.DictionaryArray.from_arrays(indices.cast(stored.index_type), levels, ordered=ordered)


def _from_numbers(values: Floats, wanted: Any) -> Any:
    missing = np.isnan(values)
    if pa.types.is_null(wanted):
        return pa.nulls(len(values))
    if pa.types.is_boolean(wanted):
        return pa.array(values >= 0.5, mask=missing)
    if pa.types.is_floating(wanted):
        with np.errstate(over="ignore"):  # a value beyond the type's range is infinite in that type
            return pa.array(values.astype(wanted.to_pandas_dtype()), wanted, mask=missing)
    if pa.types.is_decimal(wanted):
        most = np.nextafter(10.0 ** (wanted.precision - wanted.scale) - 10.0**-wanted.scale, 0)
        return pa.array(np.clip(values, -most, most), mask=missing).cast(wanted)
    low, high, units, whole = _integer_form(wanted)
    bits = pa.int64() if whole is None else whole
    limits = np.iinfo(bits.to_pandas_dtype())
    low, high = max(low, limits.min), min(high, limits.max)
    top = np.nextafter(float(high), 0) if float(high) > high else float(high)
    rounded = np.rint(np.where(missing, 0.0, values) * units)
    if pa.types.is_date64(wanted):
        rounded = np.floor(rounded / units) * units
    cells = np.clip(rounded, low, top).astype(limits.dtype)
    return pa.array(cells, mask=missing).cast(wanted)


def _integer_form(wanted: Any) -> tuple[int, int, int, Any]:
    """Give a type's lowest and highest integer, its units per day or second, and its integer type."""
    if pa.types.is_integer(wanted):
        limits = np.iinfo(wanted.to_pandas_dtype())
        return int(limits.min), int(limits.max), 1, wanted
    if pa.types.is_date32(wanted):
        return _FIRST_DAY, _LAST_DAY, 1, pa.int32()
    units = _units(wanted)
    if is_moment(wanted):
        return _FIRST_DAY * units, (_LAST_DAY + 1) * units - 1, units, pa.int64()
    if pa.types.is_duration(wanted):
        return -(2**62), 2**62, units, pa.int64()
    return 0, _DAY * units - 1, units, pa.int32() if pa.types.is_time32(wanted) else pa.int64()


def _units(arrow_type: Any) -> int:
    """Units in a day (dates) or in a second (lengths of time, times of day)."""
    if pa.types.is_date64(arrow_type):
        return _DAY * 1000
    per_second = _PER_SECOND[arrow_type.unit]
    return _DAY * per_second if is_moment(arrow_type) else per_second
