"""What a verb writes: rows and pictures to files, in the format that the name asks for.

In: named columns, or an array of pictures. Out: a CSV, TSV, Parquet, Feather, Arrow, NPY or NPZ file, a PNG contact
sheet, or a new folder of PNG files. Unusual: numbers in text have as many digits as reading them back takes; a name is
checked before the work whose result goes there; a folder must be new or empty, so originals are never overwritten.
"""

from __future__ import annotations

import contextlib
import csv
import difflib
import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from isthmus import atomic
from isthmus.errors import OutputError

TABLES = (".csv", ".tsv", ".parquet", ".feather", ".arrow")
ARRAYS = (".npy", ".npz")
SHEET = ".png"
_NAME_IN_NPZ = "X"  # the name that `isthmus.read` looks for first
_SEEN = 32  # pixels that a small picture is enlarged to on a sheet, by a whole factor
_GAP = 2  # pixels between the pictures of a contact sheet


def check(path: str, inputs: Sequence[str], *, pictures: bool = False) -> None:
    """Raise `OutputError` unless the result can go to ``path``; call it before the work.

    Parameters
    ----------
    path : str
        What was typed behind ``-o``.
    inputs : sequence of str
        Files that are read, which must not be overwritten.
    pictures : bool, default False
        Whether the result is pictures, else rows.
    """
    if pictures and is_folder(path):
        _check_folder(Path(path))
        return
    allowed = (SHEET, *ARRAYS) if pictures else (*TABLES, *ARRAYS)
    if _suffix(path) not in allowed:
        near = difflib.get_close_matches(_suffix(path), allowed, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        noun, folder = ("pictures", ", or to a folder (a name that ends in /)") if pictures else ("rows", "")
        raise OutputError(f"Cannot write {path!r}: {noun} go to {', '.join(allowed)} files{folder}.{hint}")
    check_file(path, inputs)


def check_file(path: str, inputs: Sequence[str]) -> None:
    """Raise `OutputError` unless ``path`` can be written and is none of ``inputs``."""
    atomic.check_writable(path)
    for name in inputs:
        same = os.path.abspath(path) == os.path.abspath(name)
        with contextlib.suppress(OSError, ValueError):  # one of the two is no existing file
            same = same or os.path.samefile(path, name)
            # A file that stands in a folder of pictures may be one of them.
            same = same or (os.path.isfile(path) and os.path.samefile(os.path.dirname(path) or ".", name))
        if same:
            raise OutputError(f"Cannot write {path!r}: this command uses that file for something else. Name another.")


def write_rows(path: str, columns: Mapping[str, Any], *, files: Sequence[str] = ()) -> None:
    """Write named columns.

    Parameters
    ----------
    path : str
        Its suffix chooses the format; NPY and NPZ hold one array (n_rows, n_columns) of numbers.
    columns : mapping from name to array (n_rows,)
        NumPy or Arrow.
    files : sequence of str, default none
        A first column ``file`` with these texts, left out of NPY and NPZ.

    Raises
    ------
    OutputError
        If the file cannot be written, or cells are no numbers where only numbers can be.
    """
    import pyarrow as pa

    suffix = _suffix(path)
    if suffix in ARRAYS:
        _write_array(path, _matrix(path, columns))
        return
    named = {**({"file": pa.array(files, pa.large_string())} if files else {}), **columns}
    table = pa.table({name: _as_arrow(column) for name, column in named.items()})
    with atomic.open_for_replace(path) as handle:
        _TABLE_WRITERS[suffix](table, handle)


def write_pictures(
    path: str, pictures: Any, *, files: Sequence[str] = (), value_range: tuple[float, float] = (0, 255)
) -> str:
    """Write pictures as one array, one contact sheet, or one PNG file each.

    Parameters
    ----------
    path : str
        ``.npy`` or ``.npz`` for the numbers as they are, ``.png`` for a contact sheet, a folder for a file each.
    pictures : array (n, h, w) or (n, h, w, c)
    files : sequence of str, default none
        Where the pictures came from; files in a folder get the same names, others are numbered.
    value_range : (low, high), default (0, 255)
        What is drawn as black and as white.

    Returns
    -------
    str
        What was written, in words.
    """
    count = f"{len(pictures):,} picture{'s' * (len(pictures) != 1)}"
    if _suffix(path) in ARRAYS and not is_folder(path):
        _write_array(path, pictures)
        return count
    from isthmus.data.png import png_bytes

    if is_folder(path):
        names = _picture_names(files, len(pictures))
        with _new_folder(Path(path)) as made:
            for name, picture in zip(names, pictures, strict=True):
                made.append(Path(path, name))
                atomic.write_bytes(made[-1], png_bytes(picture, value_range))
        return f"{count}, one file each"
    atomic.write_bytes(path, png_bytes(_sheet(path, pictures, value_range[1]), value_range))
    return f"{count} on one sheet"


def _suffix(path: str) -> str:
    return PurePath(path).suffix.lower()


def is_folder(path: str) -> bool:
    """Whether the name is that of a folder: it ends in a slash, or there is one."""
    return path.endswith(("/", os.sep)) or os.path.isdir(path)


def is_sheet(path: str) -> bool:
    """Whether pictures written to ``path`` become one sheet."""
    return _suffix(path) == SHEET and not is_folder(path)


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        if any(folder.iterdir()):
            raise OutputError(f"Cannot write into '{folder}': the folder is not empty. Name a new one.")
        atomic.check_writable(folder / "a.png")
    else:
        atomic.check_writable(folder)


@contextlib.contextmanager
def _new_folder(folder: Path) -> Iterator[list[Path]]:
    """Make a folder; the files that the block lists, and the folder, are taken away again when it fails."""
    _check_folder(folder)
    existed, made = folder.is_dir(), list[Path]()
    try:
        folder.mkdir(exist_ok=True)
        yield made
    except OSError as error:
        _take_away(folder, made, existed)
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"Cannot write into '{folder}': {error.strerror or error}.") from error
    except BaseException:
        _take_away(folder, made, existed)
        raise


def _take_away(folder: Path, made: Sequence[Path], existed: bool) -> None:
    for file in made:
        file.unlink(missing_ok=True)
    if not existed:
        with contextlib.suppress(OSError):  # it was never made
            folder.rmdir()


def _picture_names(files: Sequence[str], count: int) -> list[str]:
    """Names of PNG files: those of the input where they all differ, with a number in front where they do not."""
    width = max(4, len(str(count)))
    stems = [PurePath(file).stem for file in files]
    if not stems:
        return [f"{place:0{width}}.png" for place in range(1, count + 1)]
    if max(Counter(stem.lower() for stem in stems).values()) == 1:
        return [f"{stem}.png" for stem in stems]
    return [f"{place:0{width}}-{stem}.png" for place, stem in enumerate(stems, 1)]


def _sheet(path: str, pictures: Any, paper: float) -> Any:
    """Lay pictures out side by side, as nearly in a square as they fill."""
    import numpy as np

    from isthmus.data.picture_checks import MAX_PIXELS

    enlarge = max(1, _SEEN // max(pictures.shape[1:3]))
    pictures = pictures.repeat(enlarge, axis=1).repeat(enlarge, axis=2)
    n, height, width = pictures.shape[:3]
    across = min(n, max(1, math.ceil(math.sqrt(n * height / width))))
    down = math.ceil(n / across)
    shape = (down * (height + _GAP) + _GAP, across * (width + _GAP) + _GAP)
    if shape[0] * shape[1] > MAX_PIXELS:
        raise OutputError(
            f"Cannot write {path!r}: a sheet of {n:,} pictures would have {shape[0]} x {shape[1]} pixels. "
            "Name a folder (ending in /) or an .npy file."
        )
    sheet = np.full((*shape, *pictures.shape[3:]), paper, pictures.dtype)
    for place, picture in enumerate(pictures):
        top, left = _GAP + place // across * (height + _GAP), _GAP + place % across * (width + _GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _as_arrow(column: Any) -> Any:
    """The column as Arrow; NaN becomes a missing cell, which text files leave empty."""
    import numpy as np
    import pyarrow as pa

    return pa.array(column, from_pandas=True) if isinstance(column, np.ndarray) else column


def _matrix(path: str, columns: Mapping[str, Any]) -> Any:
    """All columns as one array of numbers; missing cells are NaN."""
    import numpy as np

    arrays = []
    for name, column in columns.items():
        array = column if isinstance(column, np.ndarray) else column.to_numpy(zero_copy_only=False)
        if array.dtype.kind not in "biuf":
            raise OutputError(
                f"Cannot write {path!r}: column {name!r} does not hold numbers only, which {_suffix(path)} needs. "
                "Write .csv or .parquet."
            )
        arrays.append(array)
    return np.column_stack(arrays)


def _write_array(path: str, array: Any) -> None:
    import numpy as np

    with atomic.open_for_replace(path) as handle:
        if _suffix(path) == ".npy":
            np.save(handle, array, allow_pickle=False)
        else:
            np.savez_compressed(handle, **{_NAME_IN_NPZ: array})


def _write_text(table: Any, handle: BinaryIO, delimiter: str) -> None:
    import pyarrow as pa
    import pyarrow.csv

    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
    handle.write(header.getvalue().encode())
    for place, field in enumerate(table.schema):
        if not pa.types.is_primitive(field.type):  # text views and dictionaries: plain text can be written always
            table = table.set_column(place, field.name, table.column(place).cast(pa.large_string()))
    pa.csv.write_csv(table, handle, pa.csv.WriteOptions(include_header=False, delimiter=delimiter))


def _write_parquet(table: Any, handle: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, handle)


def _write_arrow(table: Any, handle: BinaryIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(handle, table.schema) as writer:
        writer.write_table(table)


_TABLE_WRITERS: Mapping[str, Callable[[Any, BinaryIO], None]] = {
    ".csv": lambda table, handle: _write_text(table, handle, ","),
    ".tsv": lambda table, handle: _write_text(table, handle, "\t"),
    ".parquet": _write_parquet,
    ".feather": _write_arrow,
    ".arrow": _write_arrow,
}
