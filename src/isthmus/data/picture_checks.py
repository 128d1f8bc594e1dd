"""What the header of a picture file may claim, before anything is decoded.

In: a path and the size that its header states. Out: nothing, or a `DataError` that names the file.
"""

from __future__ import annotations

from pathlib import Path

from isthmus.data.paths import first_bytes
from isthmus.errors import DataError

FREE_PIXELS = 2**22  # up to here the size of the file does not matter
MAX_PIXELS_PER_BYTE = 10_000  # a blank page packs to some thousand pixels in a byte
MAX_PIXELS = 2**26  # 67 million in one picture: more is a scan to be cut up first, or a file made to fill memory


def too_many_pixels(path: Path, size: str = "") -> DataError:
    """Build the error for a picture that is too large."""
    return DataError(f"{path} has {size}more than the {MAX_PIXELS:,} pixels allowed; cut or shrink it first.")


def check_canvas(path: Path) -> None:
    """Check the canvas of an animated WebP file, for which Pillow takes memory as soon as the file is opened."""
    start = first_bytes(path, 30)
    if len(start) == 30 and start[:4] + start[8:16] == b"RIFFWEBPVP8X":
        check_pixels(path, *(int.from_bytes(start[place : place + 3], "little") + 1 for place in (24, 27)))


def check_pixels(path: Path, width: int, height: int) -> None:
    """Raise `DataError` for a picture of no pixels, of too many, or of more than its file can hold."""
    pixels, packed = width * height, path.stat().st_size
    if not pixels:
        raise DataError(f"{path} has {width} x {height} pixels, so there is nothing in it; remove it.")
    if pixels > MAX_PIXELS:
        raise too_many_pixels(path, f"{width} x {height} pixels, ")
    if pixels > max(FREE_PIXELS, MAX_PIXELS_PER_BYTE * packed):
        raise DataError(
            f"{path} says that its {packed:,} bytes hold {width} x {height} pixels, over {MAX_PIXELS_PER_BYTE:,} in a "
            "byte; it is damaged, or should be saved anew."
        )
