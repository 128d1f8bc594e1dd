"""What a column is stored as, and what its cells stand for: a closed set of types, as objects and as text.

In: Arrow types. Out: short texts such as ``int64``, ``timestamp[us, UTC]`` or ``string as flag No Yes`` for a model
file, and the same types back. Unusual: the text of a type that is not in the set is an error, so nothing that a
file says can make this module build anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from isthmus.errors import DataTypeError

Kind = Literal["number", "category", "flag", "date"]

FLAG_WORDS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"))

_UNITS = ("s", "ms", "us", "ns")
_PLAIN: dict[str, Any] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "string": pa.string(), "large_string": pa.large_string(), "string_view": pa.string_view(),
    "date32": pa.date32(), "date64": pa.date64(),
    "time32[s]": pa.time32("s"), "time32[ms]": pa.time32("ms"),
    "time64[us]": pa.time64("us"), "time64[ns]": pa.time64("ns"),
    **{f"duration[{unit}]": pa.duration(unit) for unit in _UNITS},
    **{f"timestamp[{unit}]": pa.timestamp(unit) for unit in _UNITS},
}  # fmt: skip
_NAMES = {arrow_type: text for text, arrow_type in _PLAIN.items()}
_DECIMALS = {32: (pa.decimal32, 9), 64: (pa.decimal64, 18), 128: (pa.decimal128, 38), 256: (pa.decimal256, 76)}

_ZONED = re.compile(r"timestamp\[(s|ms|us|ns), ([A-Za-z0-9_+:/-]{1,64})\]")
_DECIMAL = re.compile(r"decimal(32|64|128|256)\((\d{1,2}), (-?\d{1,2})\)")
_DICTIONARY = re.compile(r"dictionary<(u?int(?:8|16|32|64)), ([^<>]{1,80}?)(, ordered)?>")
_WORDS = re.compile(r"flag ([A-Za-z]{1,5}) ([A-Za-z]{1,5})")


def is_text(arrow_type: Any) -> bool:
    """Whether cells of this type are text."""
    return bool(
        pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type)
    )


def is_moment(arrow_type: Any) -> bool:
    """Whether cells of this type are dates or points in time."""
    return bool(pa.types.is_date(arrow_type) or pa.types.is_timestamp(arrow_type))


def is_span(arrow_type: Any) -> bool:
    """Whether cells of this type are lengths of time or times of day, which count as seconds."""
    return bool(pa.types.is_duration(arrow_type) or pa.types.is_time(arrow_type))


def is_numeric(arrow_type: Any) -> bool:
    """Whether cells of this type are integers, floats or decimals."""
    return bool(pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type))


def column_type_to_text(arrow_type: Any) -> str:
    """Write an Arrow type as text.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        A number, boolean, text, date, time, decimal or dictionary type.

    Returns
    -------
    str
        Its text; `column_type_from_text` gives the type back.

    Raises
    ------
    DataTypeError
        If columns of this type cannot be used: lists, structs, bytes, extension types.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column_type_to_text(pa.timestamp("us", "UTC"))
    'timestamp[us, UTC]'
    """
    if arrow_type in _NAMES:
        return _NAMES[arrow_type]
    text = ""
    if pa.types.is_timestamp(arrow_type):
        text = f"timestamp[{arrow_type.unit}, {arrow_type.tz}]"
    elif pa.types.is_decimal(arrow_type):
        text = f"decimal{arrow_type.bit_width}({arrow_type.precision}, {arrow_type.scale})"
    elif pa.types.is_dictionary(arrow_type) and not pa.types.is_dictionary(arrow_type.value_type):
        ordered = ", ordered" if arrow_type.ordered else ""
        value = column_type_to_text(arrow_type.value_type)
        text = f"dictionary<{column_type_to_text(arrow_type.index_type)}, {value}{ordered}>"
    if not text or column_type_from_text(text) != arrow_type:
        raise DataTypeError(f"Columns of type {arrow_type} cannot be used.")
    return text


def column_type_from_text(text: str) -> Any:
    """Read the text of `column_type_to_text`; anything else is a `DataTypeError`.

    >>> column_type_from_text("dictionary<int8, string>")
    DictionaryType(dictionary<values=string, indices=int8, ordered=0>)
    """
    if text in _PLAIN:
        return _PLAIN[text]
    if match := _ZONED.fullmatch(text):
        return pa.timestamp(match[1], match[2])
    if match := _DECIMAL.fullmatch(text):
        build, most = _DECIMALS[int(match[1])]
        if 1 <= int(match[2]) <= most and abs(int(match[3])) <= most:
            return build(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(text):
        return pa.dictionary(_PLAIN[match[1]], column_type_from_text(match[2]), ordered=bool(match[3]))
    raise DataTypeError(f"{text!r} is not a column type that isthmus knows.")


@dataclass(frozen=True)
class ColumnType:
    """How a column is stored and what its cells stand for.

    Attributes
    ----------
    stored : the Arrow type of the column as it came.
    read_as : the Arrow type that its cells stand for; differs from ``stored`` where text holds numbers, dates or flags.
    words : the spelling of false and of true where text holds flags.
    """

    stored: Any
    read_as: Any
    words: tuple[str, str] | None = None

    @classmethod
    def same(cls, arrow_type: Any) -> ColumnType:
        """Build the type of a column whose cells stand for what they are."""
        return cls(arrow_type, arrow_type)

    def text(self) -> str:
        """Write this type as text, such as ``string as date32``.

        >>> ColumnType(pa.string(), pa.bool_(), ("No", "Yes")).text()
        'string as flag No Yes'
        """
        stored = column_type_to_text(self.stored)
        if self.words is not None:
            return f"{stored} as flag {self.words[0]} {self.words[1]}"
        return stored if self.stored == self.read_as else f"{stored} as {column_type_to_text(self.read_as)}"

    @classmethod
    def from_text(cls, text: str) -> ColumnType:
        """Read the text of `text`; anything else is a `DataTypeError`.

        >>> ColumnType.from_text("string as int64").read_as
        DataType(int64)
        """
        stored_text, _, read_text = text.partition(" as ")
        stored = column_type_from_text(stored_text)
        if not read_text and text == stored_text:
            return cls.same(stored)
        if not is_text(stored) and not pa.types.is_dictionary(stored):
            raise DataTypeError(f"{text!r} is not a column type that isthmus knows.")
        if match := _WORDS.fullmatch(read_text):
            if (match[1].lower(), match[2].lower()) not in FLAG_WORDS:
                raise DataTypeError(f"{text!r} does not name a pair of flag words.")
            return cls(stored, pa.bool_(), (match[1], match[2]))
        return cls(stored, column_type_from_text(read_text))
