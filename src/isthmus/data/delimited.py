"""Text files with one row a line: CSV, TSV and the like, to an Arrow table.

In: the bytes of a file. Out: an Arrow table whose columns are numbers, dates or text, and notes on what was found out.
Unusual: the delimiter, the header and the decimal comma are found out from the first rows by the rules of
`Dialect.find`; Arrow then parses the whole file, and only an error is looked at again, slowly, to name the row.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from isthmus.data.cells import MISSING_WORDS, without_missing_words
from isthmus.data.containers import check_names
from isthmus.data.dtypes import is_text
from isthmus.data.paths import reading
from isthmus.errors import DataError

Header = Literal["auto"] | bool

SAMPLE_ROWS = 1_000  # rows that the rules look at; more cost time and change nothing in tables of one form
SAMPLE_BYTES = 2**20  # 1,000 rows of 1,000 characters

_SPACE = " "
_BLOCK = 2**22  # bytes that one thread parses at a time
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d([ T].*)?\s*")
_LEADING_ZERO = re.compile(r"\s*[+-]?0[0-9xX].*")
_QUOTED = re.compile(r'"[^"]*"')
_NO_DATES = ["%Y never a date"]  # dates with a time stay text, which is read with its spelling kept


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes
    ----------
    delimiter : what stands between cells; a blank stands for any run of blanks and tabs.
    header : whether the first row holds the names of the columns.
    decimal : the decimal point.
    names : the names of the columns.
    header_lines : lines to skip before the first row of cells.
    codes : columns with numbers that start with a needless zero, which are kept as text.
    """

    delimiter: str
    header: bool
    decimal: str
    names: tuple[str, ...]
    header_lines: int = 0
    codes: tuple[str, ...] = ()

    @classmethod
    def find(cls, sample: str, delimiter: str = "auto", header: Header = "auto") -> Dialect:
        r"""Find out how a file is written.

        - Delimiter: the first of tab, semicolon, bar and comma that stands equally often, and at least once, in each
          of the first 1,000 rows; else the one that stands in most of them. Blanks, if there is none of these and each
          row but the first is the same number of numbers. Else there is one column.
        - Header: the first row is one unless a cell of it is a number or a date.
        - Decimal comma: only where the delimiter is a semicolon and there are numbers such as 1,5 and none such as 1.5.

        Examples
        --------
        >>> Dialect.find("size;day\n1,5;2024-05-01\n")
        Dialect(delimiter=';', header=True, decimal=',', names=('size', 'day'), header_lines=1, codes=())
        """
        delimiter = _find_delimiter(sample) if delimiter == "auto" else delimiter
        rows, first_line = _rows(sample, delimiter)
        first = rows[0] if rows else []
        named = not any(_is_value(cell) for cell in first) if header == "auto" else header
        if named:
            names, rest = [cell.strip() or f"Unnamed: {place}" for place, cell in enumerate(first)], rows[1:]
        else:
            names, rest = [f"column_{place + 1}" for place in range(len(first))], rows
        codes = {place for row in rest for place, cell in enumerate(row) if _LEADING_ZERO.fullmatch(cell)}
        kept = tuple(name for place, name in enumerate(names) if place in codes)
        decimal = "," if delimiter == ";" and _has_decimal_comma(rest) else "."
        return cls(delimiter, named, decimal, tuple(names), first_line if named else 0, kept)


def parse_delimited(
    content: bytes,
    path: Path,
    *,
    header: Header = "auto",
    delimiter: str = "auto",
    texts: Collection[str] = (),
) -> tuple[Any, list[str]]:
    """Parse the content of a text file.

    Missing cells are empty ones and those of `isthmus.data.cells.MISSING_WORDS`, quoted or not. Blanks around a cell
    are stripped. Lines that are empty are skipped where there are several columns.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a byte order mark, or UTF-16 with one.
    path : Path
        For messages.
    header : {"auto", True, False}, default "auto"
        Whether the first row holds names; without them columns are called column_1, column_2, ...
    delimiter : str, default "auto"
        One character.
    texts : collection of str, default ()
        Columns to keep as text, whatever they hold.

    Returns
    -------
    (pyarrow.Table, list of str)
        The columns, and notes.

    Raises
    ------
    DataError
        If rows differ in their number of cells (with the row), a quote is not closed, the text is not UTF-8, there
        are NUL bytes, or no rows.
    """
    text = _as_utf8(content, path)
    if not text or text.isspace():
        raise DataError(f"{path} holds only blank lines: 0 sample(s); expected rows of cells.")
    with reading(path):
        sample = text[:SAMPLE_BYTES].decode("utf-8-sig", errors="replace")
        sample = sample if len(text) <= SAMPLE_BYTES else sample[: sample.rfind("\n") + 1] or sample
        dialect = Dialect.find(sample, delimiter, header)
        _check_dialect(dialect, path)
        table = _parse(_prepared(text, dialect, path), path, dialect, texts)
    if not table.num_rows:
        raise DataError(f"{path} has a header but no rows: 0 sample(s); expected at least one row below the header.")
    notes = []
    if header == "auto" and not dialect.header:
        notes = [f"{path.name} has no header; its columns are called {dialect.names[0]!r} and so on."]
    return _stripped(table, path), notes


def _find_delimiter(sample: str) -> str:
    lines = [line for line in _QUOTED.sub("", sample).splitlines()[:SAMPLE_ROWS] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in "\t;|,"}
    for mark, found in counts.items():
        if found and min(found) == max(found) > 0:
            return mark
    rows = [line.split() for line in lines]
    widths = {len(row) for row in rows}
    if len(widths) == 1 and max(widths) > 1 and all(_is_number(cell) for row in rows[1:] or rows for cell in row):
        return _SPACE
    most = max(counts, key=lambda mark: sum(count > 0 for count in counts[mark]))
    return most if lines and counts[most][0] else ","


def _rows(sample: str, delimiter: str) -> tuple[list[list[str]], int]:
    """Split the first rows into cells; also count the lines up to the end of the first row."""
    if delimiter == _SPACE:
        found = [(line.split(), place) for place, line in enumerate(sample.splitlines(), 1)]
        rows = [(cells, place) for cells, place in found if cells][:SAMPLE_ROWS]
    else:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        read = ((cells, reader.line_num) for cells in reader if cells)
        rows = list(itertools.islice(read, SAMPLE_ROWS))
    return [cells for cells, _ in rows], rows[0][1] if rows else 0


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _COMMA_NUMBER.fullmatch(cell)) or cell.strip() in MISSING_WORDS


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _COMMA_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


def _has_decimal_comma(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    pointed = any("." in cell and _NUMBER.fullmatch(cell) for cell in cells)
    return not pointed and any(_COMMA_NUMBER.fullmatch(cell) for cell in cells)


def _as_utf8(content: bytes, path: Path) -> bytes:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with reading(path):
            return content.decode("utf-16").encode()
    if (place := content.find(b"\0")) >= 0:
        raise DataError(
            f"{path} is not a text file: byte {place + 1:,} is NUL; save it as UTF-8 text, or fetch it again."
        )
    return content.removeprefix(codecs.BOM_UTF8)


def _check_dialect(dialect: Dialect, path: Path) -> None:
    if any("\ufffd" in name for name in dialect.names):
        raise _not_utf8(path, "its header")
    check_names(dialect.names, str(path))


def _prepared(text: bytes, dialect: Dialect, path: Path) -> bytes:
    """Check the quotes, and bring runs of blanks and blank lines into the form that Arrow reads."""
    if text.count(b'"') % 2:
        mark = re.escape(dialect.delimiter.encode())
        for quoted in re.finditer(rb'(?:^|(?<=[\r\n]|%b))"(?:[^"]|"")*("|\Z)' % mark, text):
            if not quoted[1]:
                line = text.count(b"\n", 0, quoted.start()) + 1
                raise DataError(f'{path} has a quote (") in line {line} that is never closed; close it, or remove it.')
    if dialect.delimiter == _SPACE:
        return re.sub(rb"(?m)^ | (?=\r?$)", b"", re.sub(rb"[ \t]+", b" ", text))
    return text if len(dialect.names) > 1 else text.rstrip()


def _parse(text: bytes, path: Path, dialect: Dialect, texts: Collection[str]) -> Any:
    kept = {*dialect.codes, *(name for name in texts if name in dialect.names)}
    convert = pa.csv.ConvertOptions(
        null_values=list(MISSING_WORDS),
        strings_can_be_null=True,
        true_values=[],  # true and yes stay text, which is read with its spelling kept
        false_values=[],
        timestamp_parsers=_NO_DATES,
        decimal_point=dialect.decimal,
        column_types={name: pa.string() for name in kept},
    )
    try:
        return pa.csv.read_csv(
            pa.BufferReader(text), _read_options(text, dialect), _parse_options(text, dialect), convert
        )
    except pa.ArrowInvalid as error:
        _check_utf8(text, path)
        raise _ragged(text, path, dialect) or _too_long(text, path, dialect) or error from error


def _read_options(text: bytes, dialect: Dialect, threads: bool = True) -> Any:
    block = min(max(_BLOCK, 16 * text.find(b"\n")), 2**30)  # a row must fit a block; Arrow counts in 32 bits
    names = list(dialect.names)
    return pa.csv.ReadOptions(use_threads=threads, block_size=block, skip_rows=dialect.header_lines, column_names=names)


def _parse_options(text: bytes, dialect: Dialect, on_bad_row: Any = None) -> Any:
    return pa.csv.ParseOptions(
        delimiter=dialect.delimiter,
        newlines_in_values=b'"' in text,  # only then, because it costs threads
        ignore_empty_lines=len(dialect.names) > 1,
        invalid_row_handler=on_bad_row,
    )


def _ragged(text: bytes, path: Path, dialect: Dialect) -> DataError | None:
    """Find the first row whose number of cells is wrong, in one thread, because only then Arrow counts rows."""
    found: list[Any] = []

    def stop(row: Any) -> str:
        found.append(row)
        return "error"

    everything_text = pa.csv.ConvertOptions(column_types={name: pa.binary() for name in dialect.names})
    with contextlib.suppress(pa.ArrowInvalid):
        pa.csv.read_csv(
            pa.BufferReader(text),
            _read_options(text, dialect, threads=False),
            _parse_options(text, dialect, stop),
            everything_text,
        )
    if not found:
        return None
    row, count = found[0], len(dialect.names)
    cells = "1 cell" if row.actual_columns == 1 else f"{row.actual_columns} cells"
    counted = "with the header, without blank lines" if dialect.header else "without blank lines"
    return DataError(
        f"{path}: row {row.number} (counted {counted}) has {cells}, expected {count} as in row 1; repair the row, or "
        f"give the delimiter, which was taken to be {dialect.delimiter!r}, with delimiter= (--delimiter)."
    )


def _too_long(text: bytes, path: Path, dialect: Dialect) -> DataError | None:
    """Find the first line that does not fit the block that one thread parses."""
    most = _read_options(text, dialect).block_size
    for place, line in enumerate(io.BytesIO(text), 1):
        if len(line) > most:
            return DataError(
                f"{path}: line {place:,} has {len(line):,} bytes, more than the {most:,} allowed in this file; it is damaged, "
                "or has no line ends where rows end."
            )
    return None


def _stripped(table: Any, path: Path) -> Any:
    """Strip blanks around texts and drop the words for a missing cell that had blanks around them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_binary(field.type):
            raise _not_utf8(path, f"column {field.name!r}")
        if is_text(field.type):
            texts = pa.chunked_array([without_missing_words(chunk) for chunk in table.column(place).chunks])
            table = table.set_column(place, field.name, texts)
    return table


def _check_utf8(text: bytes, path: Path) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(path, f"line {text.count(bytes([10]), 0, error.start) + 1}") from None


def _not_utf8(path: Path, where: str) -> DataError:
    return DataError(f"{path} is not UTF-8 text in {where}; save it with the encoding UTF-8.")
