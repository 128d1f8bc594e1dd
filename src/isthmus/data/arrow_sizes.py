"""What an Arrow file says that its parts unpack to, found out before Arrow itself opens it.

In: the path of an Arrow IPC file or stream. Out: the bytes and rows that its batches claim, and the metadata that
describes its columns. Unusual: the few fields needed are read straight from the flatbuffers, because Arrow has no limit
on what a compressed buffer unpacks to, and runs the code of extension types as soon as it reads a schema.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAGIC = b"ARROW1"

_DICTIONARIES, _BATCHES = 2, 3  # fields of the footer
_MESSAGE_SCHEMA, _MESSAGE_DICTIONARY, _MESSAGE_BATCH = 1, 2, 3  # kinds of messages
_MAX_METADATA = 2**28  # bytes that describe one part; Arrow itself counts in 32 bits


@dataclass(frozen=True)
class Claims:
    """What a file claims.

    Attributes
    ----------
    unpacked : bytes of all buffers, once they are unpacked.
    rows : rows of all batches.
    schema : the bytes that describe its columns.
    """

    unpacked: int
    rows: int
    schema: bytes


@dataclass(frozen=True)
class _Part:
    """One message: its metadata, and where its buffers lie in the file."""

    metadata: bytes
    body: int


class _Flat:
    """A table of a flatbuffer; every access is checked by `struct`, which raises ``struct.error`` beyond the end."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place
        self._fields = place - self._number("<i", place)

    @classmethod
    def root(cls, data: bytes) -> _Flat:
        """The table that a buffer starts with."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def number(self, field: int, form: str) -> int:
        """A number of this `struct` form; 0 where it is left out."""
        place = self._at(field)
        return self._number(form, place) if place is not None else 0

    def table(self, field: int) -> _Flat | None:
        """A table inside this one."""
        place = self._at(field)
        return None if place is None else _Flat(self.data, place + self._number("<I", place))

    def records(self, field: int, form: str) -> list[tuple[int, ...]]:
        """A vector of records of this `struct` form."""
        place = self._at(field)
        if place is None:
            return []
        start = place + self._number("<I", place)
        count, size = self._number("<I", start), struct.calcsize(form)
        if start + 4 + count * size > len(self.data):
            raise ValueError("its metadata points beyond its end")
        return [struct.unpack_from(form, self.data, start + 4 + n * size) for n in range(count)]

    def _at(self, field: int) -> int | None:
        inside = 4 + 2 * field
        if inside + 2 > self._number("<H", self._fields):
            return None
        offset = self._number("<H", self._fields + inside)
        return self.place + offset if offset else None

    def _number(self, form: str, place: int) -> int:
        if place < 0:
            raise ValueError("its metadata points before its start")
        return int(struct.unpack_from(form, self.data, place)[0])


def claims(path: Path) -> Claims:
    """Read what an Arrow file claims.

    Parameters
    ----------
    path : Path
        A file in the file format or the stream format of Arrow IPC.

    Returns
    -------
    Claims

    Raises
    ------
    ValueError, OSError, struct.error
        If it is damaged.
    """
    unpacked, rows, described = 0, 0, bytearray()
    with path.open("rb") as file:
        stored = file.read(len(MAGIC)) == MAGIC
        for part in _stored(file) if stored else _streamed(file):
            kind, batch = _batch(part)
            if kind == _MESSAGE_BATCH and batch is not None:
                rows += max(0, batch.number(0, "<q"))
            unpacked += 0 if batch is None else _unpacked(file, part, batch)
            if batch is None:
                described += part.metadata
    return Claims(unpacked, rows, bytes(described))


def _batch(part: _Part) -> tuple[int, _Flat | None]:
    """The kind of a message, and the batch in it; a dictionary holds one too, and a footer or a schema none."""
    message = _Flat.root(part.metadata)
    if part.body < 0:
        return _MESSAGE_SCHEMA, None
    kind, header = message.number(1, "<B"), message.table(2)
    if kind == _MESSAGE_DICTIONARY and header is not None:
        return kind, header.table(1)
    return kind, header if kind == _MESSAGE_BATCH else None


def _unpacked(file: IO[bytes], part: _Part, batch: _Flat) -> int:
    """Bytes of a batch in memory: a compressed buffer starts with its length, -1 where it is stored as it is."""
    total, packed = 0, batch.table(3) is not None
    for offset, length in batch.records(2, "<qq"):
        claimed = length
        if packed and length > 0:
            file.seek(part.body + offset)
            claimed = struct.unpack("<q", file.read(8))[0]
        total += max(claimed, length, 0)
    return total


def _stored(file: IO[bytes]) -> Iterator[_Part]:
    """The parts of the file format, as its footer lists them; the first is the footer itself."""
    size = file.seek(0, 2)
    file.seek(size - len(MAGIC) - 4)
    length = struct.unpack("<i", file.read(4))[0]
    if file.read() != MAGIC or not 0 < length <= min(_MAX_METADATA, size - len(MAGIC) - 4):
        raise ValueError("it is cut off, or has no footer")
    file.seek(size - len(MAGIC) - 4 - length)
    footer = file.read(length)
    yield _Part(footer, -1)
    table = _Flat.root(footer)
    for field in (_DICTIONARIES, _BATCHES):
        for offset, described, _ in table.records(field, "<qi4xq"):
            file.seek(offset)
            metadata = _metadata(file)
            yield _Part(metadata or b"", offset + described)


def _streamed(file: IO[bytes]) -> Iterator[_Part]:
    """The parts of the stream format, one after the other."""
    file.seek(0)
    while metadata := _metadata(file):
        body = file.tell()
        yield _Part(metadata, body)
        length = _Flat.root(metadata).number(3, "<q")
        if length < 0:
            raise ValueError("a part of it has a negative length")
        file.seek(body + length)


def _metadata(file: IO[bytes]) -> bytes | None:
    """The metadata of the message that starts here; None at the end of a stream."""
    start = file.read(4)
    if start == b"\xff\xff\xff\xff":  # since Arrow 0.15 the length comes after this mark
        start = file.read(4)
    length = struct.unpack("<i", start)[0] if start else 0
    if not 0 <= length <= _MAX_METADATA:
        raise ValueError("it is no Arrow file, or a part of it has a length that cannot be")
    metadata = file.read(length)
    if len(metadata) < length:
        raise ValueError("it is cut off")
    return metadata or None
