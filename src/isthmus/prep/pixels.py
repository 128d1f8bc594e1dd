"""Pictures: raw pixels to network units and back.

In: an array (n, height, width) or (n, height, width, channels), or channels first. Out: float32 (n, channels, height,
width), each pixel less its mean over the training pictures, all divided by ONE factor: the root of the pixels' mean
variance. One factor keeps PCA honest: a factor for each pixel would weigh dark corners as much as what the picture shows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.layout import PixelLayout
from isthmus.prep.codecs import LARGEST, room_of

MOST_CHANNELS = 4
BLOCK = 1_024
"""Pictures whose statistics are taken at a time, so that a large array is never copied whole."""


def find_channels(shape: tuple[int, ...], channels: str) -> str:
    """Where the channels of an array of pictures stand: ``"none"`` (3-D), ``"last"`` or ``"first"``.

    4-D: last when the last axis is at most 4 long, else first when the second is; the parameter ``channels`` overrides.

    >>> find_channels((10, 28, 28), "auto"), find_channels((10, 32, 32, 3), "auto"), find_channels((10, 3, 32, 32), "auto")
    ('none', 'last', 'first')
    """
    if len(shape) == 3:
        return "none"
    if channels != "auto":
        return channels
    last, first = shape[3] <= MOST_CHANNELS, shape[1] <= MOST_CHANNELS
    if last == first:
        raise DataError(
            f"pictures of shape {shape}: {'both' if last else 'neither'} of axes 1 and 3 could hold the channels (at most "
            f'{MOST_CHANNELS}). Say channels="first" or channels="last".'
        )
    return "last" if last else "first"


@dataclass(frozen=True)
class PixelEncoder:
    """Encoder and decoder of pictures; see `fit`.

    Attributes
    ----------
    channels : where the channels stood at fit: none, first or last.
    dtype : of the pictures at fit.
    center : (channels, height, width) mean picture.
    scale : the one factor.
    low, high : lowest and highest pixel seen in training; decoded pixels are clamped to them.
    """

    channels: str
    dtype: str
    center: NDArray[np.float32]
    scale: float
    low: float
    high: float

    @classmethod
    def fit(cls, pictures: NDArray[Any], channels: str, scaling: str = "common") -> Self:
        """Learn the mean picture and the factor; ``channels`` as `find_channels` says.

        Scaling "none" leaves pixels as they are; "range" maps the lowest and the highest pixel of all to 0 and 1.
        """
        planes = _planes(pictures, channels)
        total = sum(np.nansum(planes[i : i + BLOCK], axis=0, dtype=np.float64) for i in range(0, len(planes), BLOCK))
        seen = sum((planes[i : i + BLOCK] == planes[i : i + BLOCK]).sum(axis=0) for i in range(0, len(planes), BLOCK))
        center = (total / np.maximum(seen, 1)).astype(np.float32)
        exact = np.float64 if pictures.dtype.kind == "f" else np.float32  # squares of large floats overflow float32
        squares = sum(
            np.nansum(np.subtract(planes[i : i + BLOCK], center, dtype=exact) ** 2, dtype=np.float64)
            for i in range(0, len(planes), BLOCK)
        )
        factor = float(np.sqrt(squares / max(1, int(np.sum(seen)))))
        scale = factor if factor > 1e-7 * float(np.abs(center).max(initial=0.0)) else 1.0
        low, high = (float(np.nanmin(planes)), float(np.nanmax(planes))) if np.any(seen) else (0.0, 0.0)
        if scaling == "none":
            center, scale = np.zeros_like(center), 1.0
        elif scaling == "range":
            center, scale = np.full_like(center, low), high - low if high > low else 1.0
        return cls(channels, str(pictures.dtype.newbyteorder("=")), center, scale, low, high)

    def with_one_center(self) -> Self:
        """The same with one centre for each channel, for networks that treat every place alike."""
        means = self.center.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
        return dataclasses.replace(self, center=np.ascontiguousarray(np.broadcast_to(means, self.center.shape)))

    @property
    def layout(self) -> PixelLayout:
        """Shape of one encoded picture."""
        channels, height, width = self.center.shape
        return PixelLayout((channels, height, width))

    def planes(self, pictures: NDArray[Any]) -> NDArray[Any]:
        """The same pictures, with the axes of fit, as (n, channels, height, width), without a copy."""
        return _planes(pictures, self.channels)

    def encode(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        """Pictures in network units, (n, channels, height, width); a missing pixel is NaN."""
        encoded = np.array(_planes(pictures, self.channels), dtype=np.float32, order="C")
        with np.errstate(over="ignore"):  # what overflows is cut off
            encoded -= self.center
            encoded *= np.float32(1 / self.scale)
        return encoded if pictures.dtype.kind in "iub" else encoded.clip(-LARGEST, LARGEST, out=encoded)

    def decode(self, reconstruction: NDArray[np.float32], like: NDArray[Any] | None = None) -> NDArray[Any]:
        """Network units to pixels, of the dtype and axis order of ``like`` (None: of fit)."""
        pixels: NDArray[Any] = np.clip(reconstruction * np.float32(self.scale) + self.center, self.low, self.high)
        dtype = np.dtype(self.dtype if like is None else like.dtype)
        pixels = np.rint(pixels) if dtype.kind in "iub" else pixels
        if dtype.kind in "iu" and (dtype != self.dtype or dtype.itemsize > 2):  # else the range of fit has room
            pixels = np.clip(pixels, *room_of(dtype, np.float32))
        pixels = pixels.astype(dtype if dtype.kind in "iubf" else np.float32, copy=False)
        if self.channels == "none":
            return pixels[:, 0]
        return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)) if self.channels == "last" else pixels

    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest value of each pixel, network units, (channels, height, width) each."""
        low, high = ((np.float32(bound) - self.center) * np.float32(1 / self.scale) for bound in (self.low, self.high))
        return low, high

    def adopt(self, pictures: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """New pictures, checked to be of the size of fit."""
        want = self.center.shape
        if not isinstance(pictures, np.ndarray):
            raise DataError(f"got a table; the model was fitted with pictures {want[1]} high and {want[2]} wide.")
        fits = len(pictures.shape) == (3 if self.channels == "none" else 4)
        if not fits or _planes(pictures[:0], self.channels).shape[1:] != want:
            what = "pictures" if len(pictures.shape) > 2 else "rows"
            raise DataError(
                f"{what} of shape {pictures.shape[1:]} do not fit the model, which was fitted with pictures "
                f"{want[1]} high, {want[2]} wide, {want[0]} channel{'s' * (want[0] > 1)} (channels: {self.channels})."
            )
        return pictures, ()


def _planes(pictures: NDArray[Any], channels: str) -> NDArray[Any]:
    """The same pictures as (n, channels, height, width), without a copy."""
    if channels == "none":
        return pictures[:, None]
    planes: NDArray[Any] = pictures.transpose(0, 3, 1, 2) if channels == "last" else pictures
    return planes
