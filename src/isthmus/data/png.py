"""A picture as the bytes of a PNG file.

In: an array (h, w) or (h, w, c) and the range of its values. Out: bytes. Unusual: 16 bits only for grey of type uint16.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.errors import DataError, ParameterError


def png_bytes(array: NDArray[Any], value_range: tuple[float, float] = (0, 255)) -> bytes:
    r"""Draw a picture as the bytes of a PNG file.

    Parameters
    ----------
    array : ndarray of shape (h, w) or (h, w, c)
        c is 1 (grey), 3 (RGB) or 4 (with alpha).
    value_range : (low, high), default (0, 255)
        Values drawn as black and as white; values outside are clipped, NaN is black.

    Returns
    -------
    bytes
        8 bits per channel; 16 bits for a grey picture of type uint16 with the range (0, 65535).

    Examples
    --------
    >>> png_bytes(np.zeros((2, 3)))[:4]
    b'\x89PNG'
    """
    pixels = np.asarray(array)
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if pixels.ndim != 2 and not (pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
        raise DataError(f"A picture has the shape (h, w), (h, w, 3) or (h, w, 4); got {np.shape(array)}.")
    low, high = value_range
    if not high > low:
        raise ParameterError(f"value_range must be (low, high) with low < high; got {value_range!r}.")
    wide = pixels.dtype == np.uint16 and pixels.ndim == 2 and (low, high) == (0, 65535)
    if not wide:
        share = np.nan_to_num((pixels.astype(np.float64) - low) / (high - low), nan=0.0)
        pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()
