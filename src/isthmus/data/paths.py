"""From a path to bytes: the checks before a file is parsed, and one error for whatever goes wrong in it.

In: a path. Out: an existing regular file, its bytes (unpacked where it is gzip), or a `DataError` that names it.
Unusual: what a small file unpacks to is limited before memory is taken, because a damaged or hostile file can claim
any size.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from isthmus.errors import DataError, UserError

MAX_RATIO = 200  # real tables and pictures pack to a hundredth at best; gzip itself can reach a thousandth
FREE_BYTES = 2**30  # up to here the ratio does not matter
_CHUNK = 2**22  # bytes unpacked at a time; large enough for zlib's speed, small beside FREE_BYTES
_MOST_PER_BYTE = 1032  # deflate cannot unpack a byte to more
_UNCOUNTED = 2**26  # bytes that are unpacked without being counted first
# What parsers raise for damaged bytes; NotImplementedError is zipfile's word for a compression that it does not know.
_FAULTS = (zlib.error, zipfile.BadZipFile, NotImplementedError, struct.error, csv.Error, tokenize.TokenError)
_GZIP = b"\x1f\x8b"


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn whatever a parser raises for a damaged file into a `DataError` that names the file."""
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is; split it into smaller files.") from error
    except FileNotFoundError as error:
        raise DataError(f"{path} disappeared while it was read; put it back, and leave it there.") from error
    except PermissionError as error:
        raise DataError(f"{path} may not be read: permission denied; change its access rights.") from error
    except (pa.ArrowException, OSError, EOFError, ValueError, OverflowError, RecursionError, *_FAULTS) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        raise DataError(
            f"{path} cannot be read: {said}; the file is damaged, or not what its name says. Make or fetch it again."
        ) from error


def existing_file(path: Path) -> Path:
    """Give the path back if it is a regular file with something in it.

    Raises
    ------
    DataError
        If it is missing (with the nearest name in its folder), a folder, not a regular file, or empty.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist.{nearest(path)}")
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file.")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file; copy its contents to a file first.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); expected data.")
    return path


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked where it is gzip (by its first bytes, not by its name)."""
    with reading(path):
        content = existing_file(path).read_bytes()
        if not content.startswith(_GZIP):
            return content
        unpacked = _unpack(path, len(content))
    if not unpacked:
        raise DataError(f"{path} is empty once unpacked; expected data.")
    return unpacked


def first_bytes(path: Path, count: int = 512) -> bytes:
    """Read the first bytes of a file, unpacked where it is gzip."""
    with reading(path), existing_file(path).open("rb") as file:
        start = file.read(count)
        if start.startswith(_GZIP):
            file.seek(0)
            with gzip.open(file) as unpacked:
                return unpacked.read(count)
        return start


def check_unpacked(path: Path | str, unpacked: int, packed: int) -> None:
    """Raise `DataError` if a file claims to hold far more than its size makes likely.

    Parameters
    ----------
    path : Path or str
        The file, for the message.
    unpacked, packed : int
        Bytes in memory and bytes in the file.
    """
    if unpacked > max(FREE_BYTES, MAX_RATIO * packed):
        raise DataError(
            f"{path} would unpack from {packed:,} to {unpacked:,} bytes or more, over {MAX_RATIO} times its size; "
            "it is damaged, or should be unpacked by hand first."
        )


def _unpack(path: Path, packed: int) -> bytes:
    """Unpack a gzip file; one that could become large is first counted, so that a file made to fill memory takes none."""
    if _MOST_PER_BYTE * packed > _UNCOUNTED:
        total = 0
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK):
                total += len(chunk)
                check_unpacked(path, total, packed)
    with gzip.open(path) as file:
        content = file.read()
    check_unpacked(path, len(content), packed)
    return content


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Raise `DataError` if a file is another one, longer, shorter or newer at the end than it was at the start."""
    before = _fingerprint(path)
    yield
    if _fingerprint(path) != before:
        raise DataError(f"{path} changed while it was read; wait until it is written, and read it again.")


def _fingerprint(path: Path) -> tuple[int, ...]:
    with reading(path):
        found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def nearest(path: Path) -> str:
    """Offer the nearest name in the folder of a missing file, or say that there is no such folder."""
    folder = path.parent
    if not folder.is_dir():
        return f" Nor does the folder {folder}."
    # 0.75: two short names with the same suffix are 0.6 alike.
    near = difflib.get_close_matches(path.name, sorted(os.listdir(folder)), n=1, cutoff=0.75)
    return f" Did you mean {folder / near[0]}?" if near else " Check the name and the folder."
