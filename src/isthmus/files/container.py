"""The container of a model file: one safetensors file; a spec (plain JSON) and named arrays go in and come out.

Layout: 8 bytes (length of the header, little-endian), the header (JSON, padded with spaces to a multiple of 8), then
the arrays' bytes without gaps, wide types first, names in order. The digest in the header covers format, spec,
the arrays' names, types and shapes, and their bytes. Equal content gives equal files: no clock, no path, keys in order.

The reader trusts nothing. Nothing in a file is run, imported or opened; names, types, shapes and sizes are compared
with what the spec asks for before memory is taken; a file has one spelling, so any change at all is noticed; every
failure is one `ModelFileError`. `safetensors.numpy.load_file` reads the same files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from isthmus import atomic
from isthmus.errors import InternalError, ModelFileError, OutputError, UserError
from isthmus.files import strict_json
from isthmus.files.header import (
    FORMAT,
    MAX_AXES,
    MAX_BYTES,
    MAX_TENSORS,
    MAX_VALUES,
    NAME,
    TYPES,
    Header,
    TensorInfo,
    parsed,
    spelled,
    values_in,
)

MAX_FILE_BYTES = 16 * 2**30

Arrays = dict[str, npt.NDArray[Any]]
Expected = Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]]

_CODES = {text: code for code, text in TYPES.items()}
_FOREIGN = (
    (b"PK", "a zip archive, as torch.save, NPZ and Keras write"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "an NPY array"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
)
# Protocols 2 to 5, joblib's zlib, and what protocols 0 and 1 begin with.
_PICKLE = re.compile(
    rb"\x80[\x02-\x05]|x[\x01\x5e\x9c\xda]|c(?:builtins|__builtin__|copy_reg|os|posix|nt)\n|\([dli]p|[\]}]q"
)


def write(path: str | os.PathLike[str], spec: dict[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write ``spec`` and ``tensors`` as one file, or change nothing.

    Parameters
    ----------
    path : str or path-like
        The file to make or to replace.
    spec : dict
        Plain JSON: dicts with string keys, lists, strings, finite numbers, True, False, None.
    tensors : mapping from name to array
        At most 10,000; names of 1 to 128 characters of ``a-z 0-9 _ .``; float32, float64, int32, int64, uint8 or
        bool, of any shape with at most 8 axes; floats are finite.

    Raises
    ------
    OutputError
        When the file cannot be written there, or the content is larger than a model file may be.
    InternalError
        When ``spec`` or ``tensors`` hold something that a model file cannot: a bug in the caller.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/a.safetensors", {"kind": "example"}, {"w": np.ones((2, 3), np.float32)})
    ...     read(f"{folder}/a.safetensors", lambda spec: {"w": (np.float32, (2, 3))})[0]
    {'kind': 'example'}
    """
    arrays = _prepared(tensors)
    infos = _laid_out(arrays)
    try:
        digest = _digest(FORMAT, spec, infos)
        for info in infos:
            digest.update(_raw(arrays[info.name]))
        header = spelled(FORMAT, spec, digest.hexdigest(), infos)
    except strict_json.NotStrictError as error:
        raise InternalError(f"The spec of a model cannot be written: {error}.") from error
    if len(header) > MAX_BYTES or values_in(header) > MAX_VALUES:
        raise OutputError(
            f"Cannot write '{path}': the description of the model takes {len(header):,} bytes of at most {MAX_BYTES:,} "
            f"with at most {MAX_VALUES:,} commas and brackets; use fewer or shorter column names and categories."
        )
    if 8 + len(header) + (infos[-1].stop if infos else 0) > MAX_FILE_BYTES:
        raise OutputError(f"Cannot write '{path}': the model takes more than {MAX_FILE_BYTES >> 30} GiB.")
    with atomic.open_for_replace(path) as handle:
        handle.write(len(header).to_bytes(8, "little"))
        handle.write(header)
        for info in infos:
            handle.write(_raw(arrays[info.name]))


def read_header(path: str | os.PathLike[str]) -> Header:
    """What a model file says about itself, without reading its arrays (their digest is not checked).

    Parameters
    ----------
    path : str or path-like
        A regular file; a symbolic link is refused.

    Raises
    ------
    ModelFileError
        For anything but an intact header of a file of the right length.
    """
    with _opened(path) as (handle, size):
        return _read_header(handle, size)


def read(path: str | os.PathLike[str], expected: Callable[[dict[str, Any]], Expected]) -> tuple[dict[str, Any], Arrays]:
    """The spec (in today's form) and the arrays of a model file, all of it checked.

    Parameters
    ----------
    path : str or path-like
        A regular file; a symbolic link is refused.
    expected : callable
        Takes the spec, checks it, and returns the type and shape of each array that the file must hold; called before
        memory is taken for any. A `UserError` that it raises becomes a `ModelFileError` naming the file.

    Returns
    -------
    spec : dict
    tensors : dict from name to array
        Fresh, writable arrays.

    Raises
    ------
    ModelFileError
        When the file is missing, damaged, edited, foreign, of a newer version, or not what its spec asks for.
    """
    with _opened(path) as (handle, size):
        header = _read_header(handle, size)
        _compare(header, expected(header.spec))
        digest = _digest(header.format, header.written, header.tensors)
        arrays = {}
        for info in header.tensors:
            arrays[info.name] = _read_array(handle, info)
            digest.update(_raw(arrays[info.name]))
        if digest.hexdigest() != header.sha256:
            raise ModelFileError("it was damaged or edited after it was written (its SHA-256 differs)")
        for name, array in arrays.items():
            _check_values(name, array)
    return header.spec, arrays


def _prepared(tensors: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """The arrays in C order and little-endian; an `InternalError` for what a file cannot hold."""
    arrays = {}
    for name, array in tensors.items():
        code = _code(array.dtype)
        if not NAME.fullmatch(name) or code is None or array.ndim > MAX_AXES:
            raise InternalError(f"A model file cannot hold the tensor {name!r} ({array.dtype}, {array.ndim} axes).")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InternalError(f"The tensor {name!r} of a model holds numbers that are not finite.")
        arrays[name] = np.asarray(array, dtype=TYPES[code], order="C")
    if len(arrays) > MAX_TENSORS:
        raise InternalError(f"A model file cannot hold {len(arrays):,} tensors; at most {MAX_TENSORS:,}.")
    return arrays


def _laid_out(arrays: Arrays) -> tuple[TensorInfo, ...]:
    infos: list[TensorInfo] = []
    start = 0
    order = list(TYPES)
    for name in sorted(arrays, key=lambda name: (order.index(_CODES[arrays[name].dtype.str]), name)):
        array = arrays[name]
        infos.append(TensorInfo(name, _CODES[array.dtype.str], array.shape, start, start + array.nbytes))
        start += array.nbytes
    return tuple(infos)


def _code(dtype: npt.DTypeLike) -> str | None:
    return _CODES.get(np.dtype(dtype).newbyteorder("<").str)


def _raw(array: npt.NDArray[Any]) -> memoryview:
    """The bytes of an array in C order, without a copy."""
    return array.reshape(-1).view(np.uint8).data


def _digest(format: int, spec: dict[str, Any], infos: tuple[TensorInfo, ...]) -> Any:
    """A SHA-256 that has seen everything but the arrays' bytes."""
    names = [[info.name, info.dtype, info.shape] for info in infos]
    return hashlib.sha256(strict_json.dumps({"format": format, "spec": spec, "tensors": names}).encode())


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """An open model file and its size; whatever goes wrong inside becomes one `ModelFileError` that names it."""
    if not isinstance(path, (str, os.PathLike)):
        raise ModelFileError(f"A model file is named by a path (str or Path); got {type(path).__name__}.")
    shown = os.fspath(path)
    try:
        with os.fdopen(_descriptor(path), "rb") as handle:
            yield handle, os.fstat(handle.fileno()).st_size
    except (UserError, strict_json.NotStrictError) as error:
        raise ModelFileError(f"Cannot load {shown!r}: {str(error).rstrip('.')}.") from error
    except (MemoryError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"Cannot load {shown!r}: it asks for more than this machine can hold.") from error
    except OSError as error:
        raise ModelFileError(f"Cannot load {shown!r}: {error.strerror or error}.") from error


def _descriptor(path: str | os.PathLike[str]) -> int:
    """Open a regular file once, without following a link and without waiting for a pipe."""
    if "\0" in os.fspath(path):
        raise ModelFileError("a path cannot hold a NUL character")
    try:
        before = os.lstat(path)
    except FileNotFoundError:
        raise ModelFileError("there is no such file") from None
    if stat.S_ISLNK(before.st_mode):
        raise ModelFileError(f"it is a symbolic link; name the file itself: {os.path.realpath(path)!r}")
    if not stat.S_ISREG(before.st_mode):
        raise ModelFileError(f"it is {'a folder' if stat.S_ISDIR(before.st_mode) else 'not a regular file'}")
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # not every system has each
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # it changed between the two calls
        os.close(descriptor)
        raise ModelFileError("it is not a regular file")
    return descriptor


def _read_header(handle: BinaryIO, size: int) -> Header:
    """Read and check everything up to the arrays' bytes."""
    if size > MAX_FILE_BYTES:
        raise ModelFileError(f"it is larger than {MAX_FILE_BYTES >> 30} GiB")
    start = handle.read(16)
    length = int.from_bytes(start[:8], "little")
    if not start:
        raise ModelFileError("it is empty")
    if len(start) < 16 or not 8 <= length <= MAX_BYTES or start[8:9] != b"{":
        kind = _kind(start)
        raise ModelFileError(
            f"it is {f'{kind}, ' if kind else ''}not a model file (which `save` or `isthmus fit -o` writes)"
        )
    if 8 + length > size:
        raise ModelFileError("it is cut short within its header; copy or download it again")
    raw = start[8:] + handle.read(length - 8)
    return parsed(raw, size)


def _kind(start: bytes) -> str:
    """What a file that starts so seems to be, in words; nothing where there is no telling."""
    for magic, words in _FOREIGN:
        if start.startswith(magic):
            return words
    if _PICKLE.match(start):
        return "a pickle, it seems, which can run code when it is opened"
    return ""


def _compare(header: Header, expected: Expected) -> None:
    """Raise unless the file holds exactly the arrays that its spec asks for."""
    found = {info.name: info for info in header.tensors}
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or extra:
        what = f"lacks the array {missing[0]!r}" if missing else f"holds an array {extra[0]!r} that nothing asks for"
        raise ModelFileError(f"it was damaged or edited: it {what}")
    for name, (dtype, shape) in expected.items():
        info = found[name]
        if (info.dtype, info.shape) != (_code(dtype), tuple(shape)):
            raise ModelFileError(
                f"it was damaged or edited: the array {name!r} is {info.dtype} {list(info.shape)}; "
                f"its spec asks for {_code(dtype)} {list(shape)}"
            )


def _read_array(handle: BinaryIO, info: TensorInfo) -> npt.NDArray[Any]:
    """The next array, copied out of the file: the file may change underneath."""
    array = np.empty(info.shape, dtype=TYPES[info.dtype])
    if handle.readinto(_raw(array)) != array.nbytes:  # type: ignore[attr-defined]  # BufferedReader has it
        raise ModelFileError("it was cut short while it was read")
    return array


def _check_values(name: str, array: npt.NDArray[Any]) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelFileError(f"the array {name!r} holds numbers that are not finite")
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ModelFileError(f"the array {name!r} holds flags that are neither 0 nor 1")
