"""From a path to data: finds out the format of a file and calls the reader for it.

In: a path, a glob or a list of paths. Out: a `Table` (CSV, TSV, Parquet, Arrow), an ndarray (NPY, NPZ, IDX) or
`Pictures`. Unusual: the first bytes of a file count for more than its suffix.
"""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.data.arrays import read_idx, read_npy, read_npz
from isthmus.data.arrow_files import read_arrow, read_parquet
from isthmus.data.containers import Origin, is_frame
from isthmus.data.delimited import Header, parse_delimited
from isthmus.data.dtypes import Kind
from isthmus.data.images import PICTURE_SUFFIXES, OnBadImage, Pictures, check_picture_options, read_pictures
from isthmus.data.paths import existing_file, first_bytes, nearest, read_bytes, reading, unchanged
from isthmus.data.table import Table, table_from, with_kinds
from isthmus.errors import DataError, DataTypeError, ParameterError

READABLE = (
    "CSV, TSV, TXT (also .gz), Parquet, Arrow or Feather, NPY, NPZ, IDX (also .gz), PNG, JPEG, WebP, BMP and TIFF"
)

_TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".data")
_ARROW_SUFFIXES = (".arrow", ".feather", ".ipc", ".arrows")
_IDX_SUFFIXES = (".idx", "-ubyte", ".idx1", ".idx2", ".idx3", ".idx4")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\x93NUMPY", "npy"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"II*\0", "picture"),
    (b"MM\0*", "picture"),
    *((bytes([0, 0, kind]), "idx") for kind in (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E)),
)

Data = Table | NDArray[Any] | Pictures


@dataclass(frozen=True)
class _Options:
    kinds: Mapping[str, str] | None = None
    size: tuple[int, int] | None = None
    on_bad_image: OnBadImage = "error"
    header: Header = "auto"
    delimiter: str = "auto"
    fitted: Mapping[str, Kind] | None = None


def read(
    path: str | Path | Sequence[str | Path],
    *,
    kinds: Mapping[str, str] | None = None,
    size: tuple[int, int] | None = None,
    on_bad_image: OnBadImage = "error",
    header: Header = "auto",
    delimiter: str = "auto",
) -> Data:
    r"""Read a file, a folder of pictures, or several files.

    Parameters
    ----------
    path : str, Path, or sequence of paths
        A file; a folder, whose pictures (also in its sub-folders) are read in the order of their names; a glob such
        as ``photos/*.png`` or a sequence of paths, whose files must all have one format; or ``arrays.npz::name`` for
        one array of several.
    kinds : mapping, default None
        For tables: kinds to use in place of those found out (`isthmus.data.kinds.infer_kinds`).
    size : (height, width), default None
        For pictures: the size in pixels that all are stretched to.
    on_bad_image : {"error", "skip"}, default "error"
        For pictures: whether one that cannot be decoded is an error or is left out.
    header : {"auto", True, False}, default "auto"
        For text files: whether the first row names the columns (`isthmus.data.delimited.Dialect.find`).
    delimiter : str, default "auto"
        For text files: the character between cells; a blank stands for any run of blanks and tabs.

    Returns
    -------
    Table, ndarray or Pictures
        A table for CSV, TSV, Parquet and Arrow files; an array as stored for NPY, NPZ and IDX files.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged or of an unknown format; the message names the file.
    DataTypeError
        If ``path`` is no path.
    ParameterError
        If another argument has a value that is not allowed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "ages.csv")
    ...     _ = file.write_text("age,paid\n37,yes\n40,no\n")
    ...     read(file).kinds
    {'age': 'number', 'paid': 'flag'}
    """
    return _read(path, _options(kinds=kinds, size=size, on_bad_image=on_bad_image, header=header, delimiter=delimiter))


def as_data(
    X: Any,
    kinds: Mapping[str, str] | None = None,
    *,
    fitted: Mapping[str, Kind] | None = None,
    **how: Any,
) -> Any:
    """Turn what an estimator is given into a `Table`, `Pictures` or an array; what every estimator calls first.

    Parameters
    ----------
    X : str, Path, frame, Table, Pictures, array or list of paths
        Paths are read; frames become tables; anything else comes back unchanged.
    kinds : mapping, default None
        At fit: kinds to use in place of those found out.
    fitted : mapping, default None
        After fit: the kinds of the fitted columns. Tables are then read as they were at fit (`with_kinds`), and
        columns of files that were categories stay the text they are.
    **how
        For paths: ``size``, ``on_bad_image``, ``header`` and ``delimiter`` of `read`.

    Returns
    -------
    Table, Pictures, ndarray, or ``X`` itself

    Examples
    --------
    >>> as_data(pa.table({"a": [1.5, 2.5]}))
    Table(the frame, 2 rows, a: number)
    """
    data = X
    if isinstance(X, (str, Path)) or _are_paths(X):
        data = _read(X, _options(kinds=kinds, fitted=fitted, **how))
    elif isinstance(X, Table) and kinds:
        data = table_from(X.columns, kinds, X.source, X.origin)
    elif is_frame(X) and not isinstance(X, Table):
        data = table_from(X, kinds)
    return with_kinds(data, fitted) if fitted is not None and isinstance(data, Table) else data


def _are_paths(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and len(data) > 0 and all(isinstance(item, (str, Path)) for item in data)


def _options(**given: Any) -> _Options:
    """Check what a file is read with, whether or not this file has a use for it."""
    options = _Options(**given)
    check_picture_options(options.size, options.on_bad_image)
    header, delimiter = given.get("header", "auto"), given.get("delimiter", "auto")
    if header not in ("auto", True, False):
        raise ParameterError(f'header must be "auto", True or False; got {header!r}.')
    single = isinstance(delimiter, str) and len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n\0'
    if not single and delimiter != "auto":
        raise ParameterError(f'delimiter must be "auto" or one ASCII character, and no quote; got {delimiter!r}.')
    return options


def _read(path: str | Path | Sequence[str | Path], options: _Options) -> Data:
    if not isinstance(path, (str, Path)):
        return _read_list(path, options)
    if not str(path):
        raise DataError("The path is empty; name a file, a folder or a glob.")
    if "://" in str(path):
        raise DataError(f"{path} is an address on the network; isthmus reads local files, so fetch it first.")
    place = Path(path).expanduser()
    if place.is_dir():
        return _read_folder(place, options)
    if place.exists():
        return _read_file(place, options)
    name = str(place)
    if "::" in name:
        file, _, member = name.rpartition("::")
        return read_npz(Path(file), member)
    if any(mark in name for mark in "*?["):
        found = sorted(Path(found) for found in glob.glob(name, recursive=True))
        files = [file for file in found if file.is_file()]
        if not files:
            raise DataError(f"No file matches {place}; check the folder and the pattern.")
        return _read_several(name, files, options)
    raise DataError(f"{place} does not exist.{nearest(place)}")


def _read_list(paths: Any, options: _Options) -> Data:
    """Read several files, such as a shell makes of a glob: pictures, else files of any one format."""
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, (str, Path)) for path in paths):
        raise DataTypeError(f"The path of data must be a str, a Path or a list of them; got {type(paths).__name__}.")
    files = [Path(path).expanduser() for path in paths]
    if not files or any(_is_picture_name(file.name) for file in files):
        return read_pictures(files, size=options.size, on_bad_image=options.on_bad_image)
    files = [existing_file(file) for file in files]
    return _read_several(f"{files[0]} and {len(files) - 1} more", files, options)


def _read_folder(folder: Path, options: _Options) -> Pictures:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if _is_picture_name(name)]
    if not found:
        raise DataError(f"{folder} is a folder without pictures; expected PNG, JPEG, WebP, BMP or TIFF files in it.")
    return read_pictures(sorted(found), size=options.size, on_bad_image=options.on_bad_image)


def _is_picture_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(PICTURE_SUFFIXES)


def _read_several(source: str, files: list[Path], options: _Options) -> Data:
    formats = {file: _format(file) for file in files}
    other = next((file for file in files if formats[file] != formats[files[0]]), None)
    if other is not None:
        raise DataError(f"{source} are files of several formats, such as {files[0]} and {other}; name one format.")
    if formats[files[0]] == "picture":
        return read_pictures(files, size=options.size, on_bad_image=options.on_bad_image)
    parts = [_read_file(file, options) for file in files]
    if isinstance(parts[0], Table):
        return _joined_tables(source, files, parts, options)
    shapes = [np.shape(part) for part in parts]
    odd = next((place for place, shape in enumerate(shapes) if shape[1:] != shapes[0][1:]), None)
    if odd is not None:
        raise DataError(f"{files[odd]} has shape {shapes[odd]}, which does not go below {shapes[0]} of {files[0]}.")
    return np.concatenate([np.asarray(part) for part in parts])


def _joined_tables(source: str, files: list[Path], parts: Sequence[Any], options: _Options) -> Table:
    names = parts[0].columns.column_names
    for file, part in zip(files, parts, strict=True):
        if sorted(part.columns.column_names) != sorted(names):
            raise DataError(f"{file} has other columns than {files[0]}; read them apart, or make them the same.")
    with reading(source):
        columns = pa.concat_tables([part.columns for part in parts], promote_options="permissive")
    return table_from(columns, options.kinds, source, Origin("file"))


def _read_file(path: Path, options: _Options) -> Data:
    with unchanged(path):
        return _READERS[_format(path)](path, options)


def _format(path: Path) -> str:
    """Name the format of a file, by its first bytes where they tell, else by its suffix."""
    existing_file(path)
    start = first_bytes(path, 12)
    for magic, found in _MAGIC:
        if start.startswith(magic):
            return found
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "picture"
    name = path.name.lower().removesuffix(".gz")
    by_suffix = {
        _TEXT_SUFFIXES: "text", _ARROW_SUFFIXES: "arrow", _IDX_SUFFIXES: "idx", PICTURE_SUFFIXES: "picture",
        (".npz",): "npz", (".npy",): "npy", (".parquet", ".pq"): "parquet",
    }  # fmt: skip
    for suffixes, found in by_suffix.items():
        if name.endswith(suffixes):
            return found
    hint = " Save spreadsheets as CSV." if name.endswith((".xlsx", ".xls", ".ods")) else ""
    near = difflib.get_close_matches(Path(name).suffix, [s for group in by_suffix for s in group], n=1)
    hint = f" Did you mean {near[0]}?" if near and not hint else hint
    raise DataError(f"{path} has a format that is not known; readable are {READABLE}.{hint}")


def _read_text(path: Path, options: _Options) -> Table:
    asked = {**(options.fitted or {}), **(options.kinds or {})}
    texts = [name for name, kind in asked.items() if kind == "category"]
    columns, notes = parse_delimited(
        read_bytes(path), path, header=options.header, delimiter=options.delimiter, texts=texts
    )
    return _file_table(columns, path, options, notes)


def _file_table(columns: Any, path: Path, options: _Options, notes: list[str]) -> Table:
    table = table_from(columns, options.kinds, str(path), Origin("file"))
    return table.with_notes((*notes, *table.notes))


def _read_picture(path: Path, options: _Options) -> Pictures:
    return read_pictures([path], size=options.size, on_bad_image=options.on_bad_image)


_READERS: dict[str, Callable[[Path, _Options], Data]] = {
    "text": _read_text,
    "parquet": lambda path, options: _file_table(read_parquet(path), path, options, []),
    "arrow": lambda path, options: _file_table(read_arrow(path), path, options, []),
    "picture": _read_picture,
    "npy": lambda path, options: read_npy(path),
    "npz": lambda path, options: read_npz(path),
    "idx": lambda path, options: read_idx(path),
}
