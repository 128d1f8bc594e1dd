"""Downloads that are not yet files of a data set: the CIFAR-10 archive, and the Olivetti faces as a MATLAB file.

In: a file whose SHA-256 is right, the files wanted from it with theirs, and the data folder. Out: those files, each
placed when it is complete and checked. Unusual: names inside an archive are compared, never used as paths.
"""

from __future__ import annotations

import hashlib
import struct
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from isthmus import atomic
from isthmus.data.paths import reading
from isthmus.data.progress import Progress
from isthmus.errors import DataError

_CHUNK = 2**20


def take_members(archive: Path, wanted: Mapping[str, str], folder: Path, *, below: str, size: int) -> None:
    """Take files of one size out of a tar.gz archive.

    Parameters
    ----------
    archive : Path
        The archive.
    wanted : mapping
        From the places of files below ``folder`` to the SHA-256 of their contents.
    folder : Path
        The data folder.
    below : str
        What stands before the name of a member in the place of its file, such as "cifar10/".
    size : int
        Bytes of each file wanted.

    Raises
    ------
    DataError
        If a file wanted is missing, no plain file, or of another size or content, or if the archive holds more than
        twice what is wanted.
    """
    places = {place.removeprefix(below): place for place in wanted}
    total, seen = size * len(wanted), 0
    with _opened(archive) as tar, Progress(f"unpacking {archive.name}", total) as progress:
        for member in tar:
            seen += max(0, member.size)
            if seen > 2 * total:
                raise _unfit(archive, f"it holds more than {2 * total:,} bytes")
            place = places.pop(member.name, None)
            if place is None:
                continue
            content = tar.extractfile(member) if member.isreg() and member.size == size else None
            if content is None:
                raise _unfit(archive, f"{member.name} in it is not a plain file of {size:,} bytes")
            _place(content, folder / place, wanted[place], archive, progress.advance)
    if places:
        raise _unfit(archive, f"{', '.join(places)} missing in it")


def take_faces(archive: Path, wanted: Mapping[str, str], folder: Path) -> None:
    """Make the two IDX files of the Olivetti faces, ``wanted``, from the matrix ``faces`` of a MATLAB file.

    The matrix is 4096 x 400, one picture of 64 x 64 per column, read downwards first; ten pictures per person in a row.
    """
    from scipy.io import loadmat  # scipy loads slowly, and only this set needs it

    with reading(archive):
        faces = loadmat(archive, variable_names=["faces"]).get("faces")
    if not isinstance(faces, np.ndarray) or faces.shape != (4096, 400) or faces.dtype != np.uint8:
        raise _unfit(archive, "it has no matrix faces of 4096 x 400 bytes")
    pictures = faces.T.reshape(400, 64, 64).transpose(0, 2, 1)
    persons = np.repeat(np.arange(40, dtype=np.uint8), 10)
    for (place, sha256), values in zip(wanted.items(), (pictures, persons), strict=True):
        content = idx_bytes(values)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _unfit(archive, "its faces are others")
        atomic.make_folder((folder / place).parent)
        atomic.write_bytes(folder / place, content)


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    """Write bytes of any shape as the content of an IDX file.

    >>> idx_bytes(np.array([7, 9], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 07 09'
    """
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + np.ascontiguousarray(values, np.uint8).tobytes()


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar.gz archive, to be read from front to back; whatever is wrong with it becomes a `DataError`."""
    try:
        with reading(archive), tarfile.open(archive, "r|gz") as tar:
            yield tar
    except tarfile.TarError as error:
        raise _unfit(archive, str(error) or "it cannot be read") from error


def _place(content: IO[bytes], target: Path, sha256: str, archive: Path, progress: Callable[[int], None]) -> None:
    """Write one file of a data set, unless its content is wrong."""
    digest = hashlib.sha256()
    atomic.make_folder(target.parent)
    with atomic.open_for_replace(target) as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            progress(len(chunk))
        if digest.hexdigest() != sha256:
            raise _unfit(archive, f"its {target.name} has the SHA-256 {digest.hexdigest()}, expected {sha256}")


def _unfit(archive: Path, reason: str) -> DataError:
    return DataError(f"{archive} is not the file that it should be: {reason}; remove it and fetch it again.")
