"""Files that hold plain arrays: NPY, NPZ and IDX.

In: a path, or the bytes of an IDX file. Out: an ndarray as stored. Unusual: the size that a header claims is compared
with the file before memory is taken, and arrays of Python objects are refused, because reading them runs code.
"""

from __future__ import annotations

import difflib
import io
import math
import struct
import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.paths import check_unpacked, existing_file, read_bytes, reading
from isthmus.errors import DataError, DataTypeError

_ENCRYPTED = 1  # a flag of a member of a ZIP file
_MAX_HEADER = 10_000  # bytes of the header of an NPY file; NumPy itself reads no more
_MAX_AXES = 32
_PYTHON_FAULTS = (RecursionError, MemoryError, tokenize.TokenError)  # NumPy parses a header as Python
_USUAL_NAMES = ("X", "x", "data")  # of the array to take from an NPZ file that holds several
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_npy(path: Path) -> NDArray[Any]:
    """Read a NumPy ``.npy`` file.

    Returns
    -------
    ndarray
        Of the shape and type in the file.

    Raises
    ------
    DataError
        If the file is damaged, cut off or holds something else.
    DataTypeError
        If it holds Python objects or text.
    """
    with reading(path), existing_file(path).open("rb") as file:
        return _read_npy(file, path, path.stat().st_size)


def read_npz(path: Path, name: str | None = None) -> NDArray[Any]:
    """Read one array of a NumPy ``.npz`` file.

    Parameters
    ----------
    path : Path
        The file.
    name : str, default None
        Name of the array. None: the only one, or the one named X, x or data.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If the name is not there, or there are several arrays and none has a usual name.
    """
    packed = existing_file(path).stat().st_size
    with reading(path), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        chosen = members[_choose(path, list(members), name)]
        if chosen.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or chosen.flag_bits & _ENCRYPTED:
            raise DataError(f"{path} is packed in another way than NumPy packs; save it with numpy.savez_compressed.")
        check_unpacked(path, chosen.file_size, packed)
        with archive.open(chosen) as member:
            return _read_npy(member, f"{path}::{chosen.filename.removesuffix('.npy')}", chosen.file_size)


def read_idx(path: Path) -> NDArray[Any]:
    """Read an IDX file, as MNIST comes in (also .gz); ``images-idx3`` gives uint8 of shape (n, h, w)."""
    return idx_from_bytes(read_bytes(path), path)


def idx_from_bytes(content: bytes, path: Path | str) -> NDArray[Any]:
    """Read the bytes of an IDX file; ``path`` is for messages.

    >>> idx_from_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "two.idx")
    array([7, 9], dtype=uint8)
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or not content[3]:
        raise DataError(
            f"{path} is not an IDX file: its first bytes are {content[:4].hex(' ')}; expected 00 00 08 03 or alike."
        )
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path} is cut off in its header, after {len(content)} bytes; make or fetch it again.")
    if dimensions > _MAX_AXES:
        raise DataError(f"{path} says that it has {dimensions} axes, at most {_MAX_AXES} are allowed; it is damaged.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    kind = np.dtype(_IDX_TYPES[content[2]])
    expected = start + kind.itemsize * math.prod(shape)
    if len(content) != expected:
        words = " x ".join(f"{side:,}" for side in shape)
        raise DataError(
            f"{path} holds {len(content):,} bytes, but its header says {words}, which is {expected:,}; "
            "the file is damaged or cut off: make or fetch it again."
        )
    with reading(path):  # NumPy refuses sides whose product is too large even where one of them is 0
        values = np.frombuffer(content, kind, offset=start).reshape(shape)
        return values.astype(kind.newbyteorder("="))


def _choose(path: Path, names: list[str], name: str | None) -> str:
    listed = ", ".join(names[:20])
    if name is not None:
        if name in names:
            return name
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DataError(f"{path} has no array {name!r}.{hint} It has: {listed}.")
    if len(names) == 1:
        return names[0]
    usual = next((usual for usual in _USUAL_NAMES if usual in names), None)
    if usual is None:
        said = f"{len(names)} arrays: {listed}" if names else "no arrays"
        raise DataError(f"{path} holds {said}; say which one as {path}::NAME.")
    return usual


def _npy_header(file: Any, path: Path | str) -> tuple[tuple[int, ...], bool, Any]:
    """Read the header of an NPY file, whose length is checked before NumPy asks for that much memory."""
    version = np.lib.format.read_magic(file)
    form = "<H" if version == (1, 0) else "<I"
    start = file.read(struct.calcsize(form))
    length = struct.unpack(form, start)[0]
    if length > _MAX_HEADER:
        raise DataError(f"{path} says that its header has {length:,} bytes, at most {_MAX_HEADER:,} are allowed.")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, kind = read(io.BytesIO(start + file.read(length)), max_header_size=_MAX_HEADER)
    except (SyntaxError, TypeError, LookupError, AttributeError, *_PYTHON_FAULTS) as error:
        raise DataError(f"{path} has a header that NumPy does not write; make or fetch it again.") from error
    return shape, fortran, kind


def _read_npy(file: Any, path: Path | str, size: int) -> NDArray[Any]:
    shape, fortran, kind = _npy_header(file, path)
    if kind.hasobject or kind.kind not in "biuf":
        raise DataTypeError(f"{path} holds cells of type {kind}; expected numbers or booleans. Save it as numbers.")
    if not shape:
        raise DataError(f"{path} holds a single number; expected an array of rows.")
    expected = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or size - file.tell() < expected:
        raise DataError(
            f"{path} is cut off: its header says {shape} of {kind}, which is {expected:,} bytes; save it again."
        )
    values = np.empty(math.prod(shape), kind)
    view, filled = values.view(np.uint8).data, 0
    while filled < expected and (count := file.readinto(view[filled:])):
        filled += count
    if filled < expected:
        raise DataError(f"{path} is cut off after {filled:,} of {expected:,} bytes; save it again.")
    shaped = values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
    return shaped.astype(kind.newbyteorder("="), copy=False)
