"""Parquet and Arrow files to Arrow tables.

In: a path. Out: an Arrow table that has been validated. Unusual: what a file claims to hold is compared with its size
before anything is unpacked; columns of extension types are refused before Arrow sees the file, because the program that
registered such a type may have given it code to run; text that a dictionary repeats is measured before it is written out.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data import arrow_sizes
from isthmus.data.dtypes import is_text
from isthmus.data.kinds import is_usable, unusable
from isthmus.data.paths import check_unpacked, reading
from isthmus.errors import DataTypeError

_CELL_BYTES = 8  # what a cell of a column takes in memory, at most, for numbers
_MEASURED = 2**26  # bytes of text that a column may come to without a second look
_EXTENSION = b"ARROW:extension:name"
_STORED_SCHEMA = re.compile(rb"ARROW:schema[^A-Za-z0-9+/]{0,8}([A-Za-z0-9+/=]+)", re.DOTALL)


def read_parquet(path: Path) -> Any:
    """Read a Parquet file.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If it is damaged, or claims more than is likely. Checksums of pages are compared where the file has any; in a
        file without them, a bit that changed may only change cells.
    DataTypeError
        If a column has a type that cannot be used.
    """
    import pyarrow.parquet as pq  # loads slowly, and most files are not Parquet

    how: dict[str, Any] = {"pre_buffer": False, "page_checksum_verification": True}
    with reading(path):
        _refuse_extensions(path, _parquet_schema(path))
        with pq.ParquetFile(path, **how) as file:
            schema, metadata = file.schema_arrow, file.metadata
            _check_types(schema)
            packed = path.stat().st_size
            cells = metadata.num_rows * metadata.num_columns
            pages = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
            check_unpacked(path, max(cells * _CELL_BYTES, pages), packed)
            repeated = _repeated_texts(schema, metadata, packed)
            if not repeated:
                return _valid(file.read(), path)
        with pq.ParquetFile(path, read_dictionary=repeated, **how) as file:
            columns = _valid(file.read(), path)
    for name in repeated:
        place = schema.get_field_index(name)
        columns = columns.set_column(
            place, schema.field(place), _written_out(columns.column(place), schema.field(place).type)
        )
    return columns


def read_arrow(path: Path) -> Any:
    """Read a file in the file format (Feather) or the stream format of Arrow IPC; returns and raises as for Parquet."""
    with reading(path):
        claimed, packed = arrow_sizes.claims(path), path.stat().st_size
        _refuse_extensions(path, claimed.schema)
        check_unpacked(path, claimed.unpacked, packed)
        with pa.OSFile(str(path)) as file:
            stored = file.read(len(arrow_sizes.MAGIC)) == arrow_sizes.MAGIC
            file.seek(0)
            with (pa.ipc.open_file if stored else pa.ipc.open_stream)(file) as reader:
                _check_types(reader.schema)
                check_unpacked(path, claimed.rows * len(reader.schema) * _CELL_BYTES, packed)
                columns = reader.read_all()
        return _valid(columns, path)


def _valid(columns: Any, path: Path) -> Any:
    """Check offsets, which in a damaged file may point anywhere (Arrow follows them unchecked), and repeated texts."""
    columns.validate(full=True)
    written = sum(_written_bytes(column) for column in columns.columns)
    check_unpacked(path, written, path.stat().st_size)
    return columns


def _check_types(schema: Any) -> None:
    for field in schema:
        if not is_usable(field.type):
            raise unusable(field.name, field.type)


def _refuse_extensions(path: Path, schema: bytes) -> None:
    if _EXTENSION in schema:
        raise DataTypeError(
            f"{path} has a column of an extension type, which cannot be used, because another program defines it; "
            "drop the column, or save it as numbers, text, dates or booleans."
        )


def _parquet_schema(path: Path) -> bytes:
    """The Arrow schema in the footer of a Parquet file, or nothing; what is no Parquet file is left to Arrow."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        length = struct.unpack("<I", file.read(4).ljust(4, b"\0"))[0]
        if length > size - 8:
            return b""
        file.seek(size - 8 - length)
        footer = file.read(length)
    found = b""
    for match in _STORED_SCHEMA.finditer(footer):
        for skipped in (0, 1):  # the length before the text may end in a byte that looks like text
            text = match[1][skipped:].rstrip(b"=")
            try:
                found += base64.b64decode(text[: len(text) // 4 * 4] + _rest(text))
            except binascii.Error:
                continue
    return found


def _rest(text: bytes) -> bytes:
    """The last, incomplete group of a base64 text, filled up."""
    rest = text[len(text) // 4 * 4 :]
    return rest.ljust(4, b"=") if len(rest) > 1 else b""


def _repeated_texts(schema: Any, metadata: Any, packed: int) -> list[str]:
    """Columns of text whose dictionary could repeat more text than the file's size makes likely.

    No cell is longer than all pages of its part of the column, so most files need no second look.
    """
    most = {place: 0 for place, field in enumerate(schema) if is_text(field.type)}
    for group in (metadata.row_group(place) for place in range(metadata.num_row_groups)):
        for place in most:
            column = group.column(place)
            most[place] += column.num_values * column.total_uncompressed_size
    return [schema.field(place).name for place, size in most.items() if size > max(_MEASURED, packed)]


def _written_out(column: Any, stored: Any) -> Any:
    """Give the texts of a dictionary in a type of text; Arrow cannot turn a dictionary into views at once."""
    text = pa.large_string() if pa.types.is_string_view(stored) else stored
    return column.cast(text).cast(stored)


def _written_bytes(column: Any) -> int:
    """Bytes of the texts of a column that may repeat them without storing them again: dictionaries and text views."""
    if pa.types.is_dictionary(column.type):
        return sum(_chosen_bytes(chunk.dictionary, chunk.indices) for chunk in column.chunks)
    if pa.types.is_string_view(column.type):
        return sum(_view_bytes(chunk) for chunk in column.chunks)
    return 0


def _chosen_bytes(levels: Any, places: Any) -> int:
    if not is_text(levels.type) or not len(levels):
        return 0
    if pa.types.is_string_view(levels.type):
        return len(places) * _view_bytes(levels)
    return int(pc.sum(pc.cast(pc.binary_length(levels), pa.int64()).take(places)).as_py() or 0)


def _view_bytes(texts: Any) -> int:
    views = texts.buffers()[1]
    if views is None or not len(texts):
        return 0
    lengths = np.frombuffer(views, np.int32)[texts.offset * 4 : (texts.offset + len(texts)) * 4 : 4]
    return int(np.maximum(lengths, 0).sum(dtype=np.int64))
