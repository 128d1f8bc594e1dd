"""Which kind a column is (number, category, flag, date), found out by rules or imposed.

In: an Arrow column. Out: a `Reading`, that is its kind, its `ColumnType` and, where text stands for something else, the
cells that it stands for. Unusual: text is read once, here, and a column of free text has no reading at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.cells import as_text, flags_from_text, one_array, without_missing_words
from isthmus.data.dtypes import (
    FLAG_WORDS,
    ColumnType,
    Kind,
    column_type_to_text,
    is_moment,
    is_numeric,
    is_span,
    is_text,
)
from isthmus.errors import DataTypeError

MAX_LEVELS = 1_000  # each level is an input and an output of the network; more of them is a name or a sentence

_FIRST_CELLS = 256
_LEADING_ZERO = r"^[+-]?0[0-9xX]"  # 00123 is a code and 0x1f a hash, although Arrow would read both as numbers
_DATE_TYPES = (
    pa.date32(),
    *(pa.timestamp(unit) for unit in ("s", "us", "ns")),
    *(pa.timestamp(unit, "UTC") for unit in ("s", "us", "ns")),
)
_NUMBER_TYPES = (pa.int64(), pa.float64())


@dataclass(frozen=True, eq=False)
class Reading:
    """How one column is read.

    Attributes
    ----------
    kind : number, category, flag or date.
    type : what the column is stored as and what its cells stand for.
    cells : the cells that text stands for; None where the stored cells are used as they are.
    """

    kind: Kind
    type: ColumnType
    cells: Any = None


def infer_kinds(columns: Any) -> dict[str, Kind]:
    """Find out the kind of each column.

    The rules, the first that fits:

    1. booleans are flags; integers that are all 0 or 1, with both present, are flags; all other numbers, lengths of
       time and times of day (in seconds) are numbers, however few distinct values they have;
    2. dates and timestamps are dates; Arrow dictionaries (pandas and polars categoricals) are categories;
    3. text whose cells are all numbers is read as numbers (rule 1), unless a cell starts with a needless zero, as
       codes do (``00123``); in this and the next two rules blanks around a text are stripped and the words ``NA``,
       ``N/A``, ``#N/A``, ``nan``, ``null``, ``None``, ``?``, ``-`` and empty text are missing cells;
    4. text whose cells are all ISO 8601 dates (``2024-05-01``, ``2024-05-01T10:30:00Z``) is a date;
    5. text with exactly two spellings that mean true and false (true/false, yes/no, t/f, y/n, on/off, in any case)
       is a flag;
    6. text with at most 1,000 distinct values (`MAX_LEVELS`), each used twice on average, is a category;
    7. other text is free text and has no kind: it is left out.

    Columns without any value are numbers.

    Parameters
    ----------
    columns : pyarrow.Table
        Columns with unique names.

    Returns
    -------
    dict
        From column name to kind, without the columns of free text.

    Examples
    --------
    >>> infer_kinds(pa.table({"size": ["1.5", "?"], "on": ["yes", "no"], "day": ["2024-05-01", None]}))
    {'size': 'number', 'on': 'flag', 'day': 'date'}
    """
    found = {name: infer_reading(name, columns[name]) for name in columns.column_names}
    return {name: reading.kind for name, reading in found.items() if reading is not None}


def infer_reading(name: str, column: Any) -> Reading | None:
    """Read a column by the rules of `infer_kinds`; None for free text."""
    stored = column.type
    if is_text(stored):
        return _infer_text(column)
    kind: Kind
    if pa.types.is_dictionary(stored) and is_usable(stored):
        kind = "category"
    elif pa.types.is_boolean(stored):
        kind = "flag"
    elif is_moment(stored):
        kind = "date"
    elif is_numeric(stored) or is_span(stored) or pa.types.is_null(stored):
        kind = "flag" if pa.types.is_integer(stored) and _range(column) == (0, 1) else "number"
    else:
        raise unusable(name, stored)
    return Reading(kind, ColumnType.same(stored))


def impose_reading(name: str, column: Any, kind: Kind) -> Reading:
    """Read a column as the kind that was asked for.

    Raises
    ------
    DataTypeError
        If a cell cannot be that kind; the message names the column, the row (the first is 1) and the cell.
    """
    stored = column.type
    if not is_usable(stored):
        raise unusable(name, stored)
    same = ColumnType.same(stored)
    textual = is_text(stored) or pa.types.is_dictionary(stored)
    if kind == "category" and not is_span(stored):
        return Reading(kind, same)
    if textual and kind != "category":
        return _impose_on_text(name, column, kind)
    if pa.types.is_null(stored):
        return Reading(kind, same)
    number_like = is_numeric(stored) or pa.types.is_boolean(stored)
    if kind == "flag" and number_like:
        _only_zero_and_one(name, column)
        return Reading(kind, same)
    if (kind == "number" and (number_like or is_span(stored))) or (kind == "date" and is_moment(stored)):
        return Reading(kind, same)
    raise DataTypeError(f"Column {name!r} holds {stored}, which cannot be read as a {kind}.")


def is_usable(arrow_type: Any) -> bool:
    """Whether columns of this type can be used at all."""
    try:
        column_type_to_text(arrow_type)
    except DataTypeError:
        return False
    return True


def unusable(name: str, arrow_type: Any) -> DataTypeError:
    """Build the error for a column of a type that cannot be used."""
    return DataTypeError(
        f"Column {name!r} holds {arrow_type}, which cannot be used; drop the column, or turn it into numbers, text, "
        "dates or booleans first."
    )


def _range(column: Any) -> tuple[Any, Any]:
    ends = pc.min_max(column)
    return ends["min"].as_py(), ends["max"].as_py()


def _infer_text(column: Any) -> Reading | None:
    texts = without_missing_words(as_text(column))
    stored = column.type
    if texts.null_count == len(texts):
        return Reading("number", ColumnType(stored, pa.float64()), texts.cast(pa.float64()))
    if not pc.any(pc.match_substring_regex(texts, _LEADING_ZERO)).as_py():
        for read_as in _NUMBER_TYPES:
            if (cells := _parsed(texts, read_as)) is not None:
                kind: Kind = "flag" if read_as == pa.int64() and _range(cells) == (0, 1) else "number"
                return Reading(kind, ColumnType(stored, read_as), cells)
    for read_as in _DATE_TYPES:
        if (cells := _parsed(texts, read_as)) is not None:
            return Reading("date", ColumnType(stored, read_as), cells)
    distinct = pc.drop_null(pc.unique(texts))
    if (words := _flag_words(distinct)) is not None:
        return Reading("flag", ColumnType(stored, pa.bool_(), words), flags_from_text(texts))
    if len(distinct) <= MAX_LEVELS and 2 * len(distinct) <= len(texts) - texts.null_count:
        return Reading("category", ColumnType.same(stored))
    return None


def _impose_on_text(name: str, column: Any, kind: Kind) -> Reading:
    texts = without_missing_words(as_text(column))
    if kind == "flag":
        cells = flags_from_text(texts)
        bad = pc.and_(pc.is_valid(texts), pc.is_null(cells))
        if pc.any(bad).as_py():
            raise _bad_cell(name, texts, pc.index(bad, True).as_py(), "flag", "0, 1, true, false, yes or no")
        words = _spelling(texts)
        if words is None:  # written as 0 and 1: given back as integers
            return Reading(kind, ColumnType(column.type, pa.int64()), cells.cast(pa.int64()))
        return Reading(kind, ColumnType(column.type, pa.bool_(), words), cells)
    targets = _NUMBER_TYPES if kind == "number" else _DATE_TYPES
    for read_as in targets:
        if (cells := _parsed(texts, read_as)) is not None:
            return Reading(kind, ColumnType(column.type, read_as), cells)
    row = min(_first_bad(texts, targets[-1]), len(texts) - 1)
    if kind == "date":
        row = max(_first_bad(texts, read_as) for read_as in targets)
    raise _bad_cell(name, texts, row, kind, "a number" if kind == "number" else "an ISO 8601 date such as 2024-05-01")


def _parsed(texts: Any, read_as: Any) -> Any:
    """Read texts as another type, or give None where a cell does not parse.

    The first cells are tried alone, because Arrow words an error for every cell that fails: 1 s for a million cells.
    """
    if len(texts) > _FIRST_CELLS and _parsed(texts.slice(0, _FIRST_CELLS), read_as) is None:
        return None
    try:
        return texts.cast(read_as)
    except pa.ArrowInvalid:
        return None


def _first_bad(texts: Any, read_as: Any) -> int:
    """Find the first cell that does not parse, by halving: some cell up to ``high`` is known to fail."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        if _parsed(texts.slice(low, middle - low), read_as) is None:
            high = middle
        else:
            low = middle
    return low


def _bad_cell(name: str, texts: Any, row: int, kind: str, expected: str) -> DataTypeError:
    cell = str(texts[row].as_py())
    shown = cell if len(cell) <= 40 else cell[:37] + "..."
    return DataTypeError(
        f"Column {name!r} is read as a {kind}, but the cell {shown!r} in row {row + 1} is not one; expected {expected}."
    )


def _only_zero_and_one(name: str, column: Any) -> None:
    numbers = one_array(column).cast(pa.float64(), safe=False)
    bad = pc.and_(pc.not_equal(numbers, 0.0), pc.not_equal(numbers, 1.0))
    bad = pc.and_(bad, pc.invert(pc.is_nan(numbers)))
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py()
        raise _bad_cell(
            name, as_text(column), row, "flag", f"0 or 1 (for other numbers fit with kinds={{{name!r}: 'number'}})"
        )


def _flag_words(distinct: Any) -> tuple[str, str] | None:
    """Give the spelling of false and true if there are exactly two spellings and they are a pair."""
    if len(distinct) != 2:
        return None
    spellings = distinct.to_pylist()
    for first, second in (spellings, spellings[::-1]):
        if (first.lower(), second.lower()) in FLAG_WORDS:
            return first, second
    return None


def _spelling(texts: Any) -> tuple[str, str] | None:
    """Give one spelling of false and true for a column of flag words; None where it holds 0 and 1."""
    for text in pc.unique(texts).to_pylist():
        pair = next((p for p in FLAG_WORDS if text is not None and text.lower() in p), None)
        if pair is not None and re.fullmatch("[A-Za-z]+", text):
            return _in_case_of(text, pair[0]), _in_case_of(text, pair[1])
    return None


def _in_case_of(sample: str, word: str) -> str:
    return word.upper() if sample.isupper() and len(sample) > 1 else word.title() if sample[0].isupper() else word
