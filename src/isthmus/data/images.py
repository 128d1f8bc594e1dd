"""Pictures: files of any size and mode to one array.

In: paths of PNG, JPEG, WebP, BMP and TIFF files. Out: `Pictures`, an array (n, h, w) or (n, h, w, c). Unusual: sizes
are read from the headers before anything is decoded, and no other format is ever tried, whatever a file holds.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from isthmus.data.notes import note_on, some
from isthmus.data.paths import existing_file, reading
from isthmus.data.picture_checks import MAX_PIXELS, check_canvas, check_pixels, too_many_pixels
from isthmus.errors import DataError, MixedSizesError, ParameterError, UserError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

_ORIENTATION = 0x0112  # the EXIF tag
_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_GREY = (*_WIDE, "1", "L", "LA", "La", "F")
_CHANNELS: dict[str, tuple[int, ...]] = {"RGB": (3,), "RGBA": (4,)}
_DTYPES: dict[str, Any] = {"W": np.uint16, "F": np.float32}  # W: grey of 16 bits

OnBadImage = Literal["error", "skip"]


@dataclass(frozen=True, eq=False, repr=False)
class Pictures:
    """Pictures of one size and mode, with where they came from.

    Attributes
    ----------
    array : ndarray of shape (n, h, w) or (n, h, w, c)
        uint8; uint16 where all are grey and some have 16 bits; float32 from TIFF files of floats. c is 3 or 4.
    files : tuple of str
        The file of each picture, length n.
    skipped : tuple of str
        Files that could not be read and were left out.
    notes : tuple of str
        What was noticed.
    """

    array: NDArray[Any]
    files: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give the pixels to NumPy."""
        return np.array(self.array, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.array)

    def __repr__(self) -> str:
        """Name the shape and the type of the pixels."""
        return f"Pictures(shape={self.shape}, {self.array.dtype}, {len(self.skipped)} skipped)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape


@dataclass(frozen=True)
class _Header:
    """What the header of one file says; ``form`` is the mode that holds all of its pixels, L, W, F, RGB or RGBA."""

    path: Path
    size: tuple[int, int]
    form: str
    grey: bool
    frames: int


def read_pictures(
    paths: Sequence[str | Path], *, size: tuple[int, int] | None = None, on_bad_image: OnBadImage = "error"
) -> Pictures:
    """Read picture files into one array.

    Grey pictures stay grey if all are grey; otherwise all become RGB. An alpha channel is kept, as a fourth channel,
    if any pixel of any picture is not fully opaque. Palette, CMYK and other colour modes become RGB, 1 bit becomes
    grey, 16-bit grey stays 16 bits if all are grey (8-bit ones beside it are multiplied by 257). EXIF orientation is
    applied. Of animations and files of several pages the first frame is taken.

    Parameters
    ----------
    paths : sequence of str or Path
        PNG, JPEG, WebP, BMP or TIFF files; the pictures keep this order.
    size : (height, width), default None
        Size in pixels that every picture is stretched to, bilinear over all pixels covered (antialiased). None: all
        pictures must have one size.
    on_bad_image : {"error", "skip"}, default "error"
        What a file that cannot be decoded does: raise, or be left out and listed in ``skipped``.

    Returns
    -------
    Pictures

    Raises
    ------
    DataError
        If a file is missing, damaged, too large, or of another size than most.
    ParameterError
        If ``size`` or ``on_bad_image`` is not allowed.
    """
    check_picture_options(size, on_bad_image)
    if not paths:
        raise DataError("There are no pictures to read; give at least one path.")
    bad: dict[str, UserError] = {}
    with warnings.catch_warnings():  # Pillow warns of what it could mend; what it could not is an error here
        warnings.simplefilter("ignore")
        headers = _read_headers([Path(path) for path in paths], on_bad_image, bad)
        if size is None:
            _check_one_size(headers)
        array, headers = _decode_all(headers, size, on_bad_image, bad)
    frames = "several frames; the first is used"
    animated = [header.path.name for header in headers if header.frames > 1]
    notes = note_on(animated, f"has {frames}", f"have {frames}", "Picture")
    if bad:
        names = some([Path(name).name for name in bad])
        notes.append(f"Skipped {len(bad):,} of {len(paths):,} pictures as unreadable: {names}.")
    return Pictures(array, tuple(header.path.as_posix() for header in headers), tuple(bad), tuple(notes))


def check_picture_options(size: Any, on_bad_image: Any) -> None:
    """Raise `ParameterError` unless `read_pictures` can be told this."""
    if on_bad_image not in ("error", "skip"):
        raise ParameterError(f'on_bad_image must be "error" or "skip"; got {on_bad_image!r}.')
    sides: Any = (1, 1) if size is None else size
    pair = isinstance(sides, (tuple, list)) and len(sides) == 2 and all(isinstance(side, int) for side in sides)
    if not pair or min(sides) < 1 or sides[0] * sides[1] > MAX_PIXELS:
        raise ParameterError(
            f"size must be (height, width), two integers >= 1 with at most {MAX_PIXELS:,} pixels; got {size!r}."
        )


def _read_headers(paths: Sequence[Path], on_bad: str, bad: dict[str, UserError]) -> list[_Header]:
    headers = []
    for path in paths:
        try:
            headers.append(_read_header(path))
        except UserError as error:
            if on_bad == "error":
                raise
            bad[path.as_posix()] = error
    if not headers:
        raise _none_left(bad)
    return headers


def _read_header(path: Path) -> _Header:
    existing_file(path)
    check_canvas(path)
    with _opened(path) as image:
        width, height = image.size
        check_pixels(path, width, height)
        if image.getexif().get(_ORIENTATION) in (5, 6, 7, 8):
            width, height = height, width
        frames = int(getattr(image, "n_frames", 1))
        return _Header(path, (height, width), _form(image), image.mode in _GREY, frames)


def _decode_all(
    headers: list[_Header], size: tuple[int, int] | None, on_bad: str, bad: dict[str, UserError]
) -> tuple[NDArray[Any], list[_Header]]:
    """Decode into one array, in threads (decoders release the lock)."""
    form = _common_form([header.form for header in headers])
    shape = (len(headers), *(size or headers[0].size), *_CHANNELS.get(form, ()))
    with reading(f"The list of {len(headers):,} pictures"):  # there may not be memory for all of them
        array = np.empty(shape, _DTYPES.get(form, np.uint8))

    def decode(place: int) -> UserError | None:
        try:
            array[place] = _decode(headers[place], form, size)
        except UserError as error:
            return error
        return None

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        failures = list(pool.map(decode, range(len(headers))))
    for header, failure in zip(headers, failures, strict=True):
        if failure is not None and on_bad == "error":
            raise failure
        if failure is not None:
            bad[header.path.as_posix()] = failure
    good = [place for place, failure in enumerate(failures) if failure is None]
    if not good:
        raise _none_left(bad)
    array = array if len(good) == len(headers) else array[good]
    headers = [headers[place] for place in good]
    return _without_needless_alpha(array, form, all(header.grey for header in headers)), headers


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture of an allowed format; any failure becomes a `DataError` that names the file."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except UserError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} needs more memory than there is; shrink it, or read fewer pictures.") from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels(path) from error
    except Exception as error:  # decoders raise almost anything on damaged bytes
        said = (str(error).splitlines() or [type(error).__name__])[0].replace(str(path), "the file").rstrip(".")
        raise DataError(
            f"{path} is not a picture that can be read ({said}); readable are PNG, JPEG, WebP, BMP and TIFF. Replace "
            'it, or leave broken pictures out with on_bad_image="skip" (--on-bad-image skip).'
        ) from error


def _form(image: Image.Image) -> str:
    if image.mode in (*_WIDE, "F"):
        return "F" if image.mode == "F" else "W"
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _common_form(forms: Sequence[str]) -> str:
    present = set(forms)
    if "F" in present and len(present) > 1:
        raise DataError("Pictures of floats and of integers cannot be mixed; turn them into one type first.")
    if present <= {"L", "W"}:
        return "W" if "W" in present else "L"
    return present.pop() if len(present) == 1 else "RGBA" if "RGBA" in present else "RGB"


def _check_one_size(headers: Sequence[_Header]) -> None:
    counts = Counter(header.size for header in headers)
    if len(counts) < 2:
        return
    (height, width), most = counts.most_common(1)[0]
    odd = [f"{h.path.name} ({h.size[0]} x {h.size[1]})" for h in headers if h.size != (height, width)]
    shown = ", ".join(odd[:5]) + (f" and {len(odd) - 5} more" if len(odd) > 5 else "")
    raise MixedSizesError(
        f"The pictures have {len(counts)} sizes: {most} of {len(headers)} are {height} x {width} (height x width), "
        f"not so {shown}; give one size for all with size=({height}, {width}) or --size {height}x{width}.",
        [[str(h.path) for h in headers if h.size == size] for size in counts],
    )


def _decode(header: _Header, form: str, size: tuple[int, int] | None) -> NDArray[Any]:
    path, expected = header.path, header.size
    with _opened(path) as image:
        image.load()
        picture = ImageOps.exif_transpose(image)
        if picture.size != expected[::-1]:
            raise DataError(f"{path} changed while it was read; wait until it is written, and read it again.")
        if form == "W":
            return _wide_pixels(picture, size)
        if picture.mode in _WIDE:  # a grey picture of 16 bits beside coloured ones, which have 8
            picture = Image.fromarray((_wide_pixels(picture, None) >> 8).astype(np.uint8))
        picture = picture if picture.mode == form else picture.convert(form)
        if size is not None and picture.size != size[::-1]:
            picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(picture, _DTYPES.get(form, np.uint8))


def _wide_pixels(picture: Image.Image, size: tuple[int, int] | None) -> NDArray[np.uint16]:
    values = np.asarray(picture if picture.mode in _WIDE else picture.convert("L"))
    values = values if picture.mode in _WIDE else values * np.uint16(257)
    if values.min() < 0 or values.max() > 65535:
        raise DataError(
            f"Grey values from {values.min()} to {values.max()} do not fit 16 bits; rescale the picture first."
        )
    if size is not None and values.shape != tuple(size):
        floats = Image.fromarray(values.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
        values = np.rint(np.clip(np.asarray(floats), 0, 65535))
    return values.astype(np.uint16)


def _without_needless_alpha(array: NDArray[Any], form: str, grey: bool) -> NDArray[Any]:
    if form != "RGBA" or bool((array[..., 3] < 255).any()):
        return array
    return np.ascontiguousarray(array[..., 0] if grey else array[..., :3])


def _none_left(bad: dict[str, UserError]) -> DataError:
    return DataError(f"None of the {len(bad)} pictures could be read; the first: {next(iter(bad.values()))}")
