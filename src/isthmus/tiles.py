"""Pictures of any size through a function that takes one size: overlapping tiles, blended smoothly.

Each tile counts most at its middle and hardly at its border, where a network sees least of what lies around a pixel. The
weights of the tiles over a pixel add up to 1, so what a function leaves alone comes back as it was, without seams.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError, InternalError, ParameterError

Floats = NDArray[np.float32]


def cut(shape: tuple[int, int], tile: tuple[int, int], overlap: int) -> list[tuple[int, int]]:
    """Where the tiles of one picture stand: the top left corner of each, row by row.

    Neighbours share ``overlap`` pixels; the last tile of a row or column is shifted inward, so that all tiles are full.

    Parameters
    ----------
    shape : (height, width) of the picture, pixels.
    tile : (height, width) of a tile. Along an axis where the picture is smaller there is one tile, at 0.
    overlap : pixels, 0 to the smaller side of a tile - 1.

    Raises
    ------
    ParameterError
        When ``tile`` or ``overlap`` is out of range.

    Examples
    --------
    >>> cut((5, 10), (8, 4), overlap=1)
    [(0, 0), (0, 3), (0, 6)]
    """
    _check(tile, overlap)
    return list(itertools.product(_starts(shape[0], tile[0], overlap), _starts(shape[1], tile[1], overlap)))


def restore_in_tiles(
    pictures: Floats, tile: tuple[int, int], overlap: int, function: Callable[[Floats], Floats], block: int
) -> Floats:
    r"""Put pictures of any size through ``function`` tile by tile, and blend its results.

    Pictures smaller than a tile are continued by reflection at the bottom and at the right, and cut back. A picture gets
    the same bytes alone as among others, as long as ``function`` gives each tile the same bytes in any company.

    Parameters
    ----------
    pictures : (n, channels, height, width) float32
    tile : (height, width) of the tiles, pixels.
    overlap : pixels that neighbouring tiles share, 0 to the smaller side of a tile - 1.
    function : (m, channels, \*tile) -> the same shape.
    block : tiles that ``function`` gets at a time, at most; with the result they are all the memory that is taken.

    Returns
    -------
    (n, channels, height, width) float32

    Raises
    ------
    DataError
        When ``pictures`` have another number of axes, or no pixels.
    ParameterError
        When ``tile``, ``overlap`` or ``block`` is out of range.

    Examples
    --------
    >>> pictures = np.arange(70, dtype=np.float32).reshape(1, 1, 7, 10)
    >>> doubled = restore_in_tiles(pictures, (4, 4), 2, lambda tiles: 2 * tiles, block=3)
    >>> bool(np.allclose(doubled, 2 * pictures))
    True
    """
    _check(tile, overlap)
    if block < 1:
        raise ParameterError(f"block must be an integer >= 1, the tiles handed over at a time; got {block!r}.")
    if pictures.ndim != 4 or 0 in pictures.shape[1:]:
        raise DataError(f"pictures must be (n, channels, height, width) with at least one pixel; got {pictures.shape}.")
    n, channels, *shape = pictures.shape
    height, width = (min(side, most) for side, most in zip(shape, tile, strict=True))
    down, across = (_weights(*sides, overlap) for sides in zip(shape, tile, strict=True))
    restored = np.zeros(pictures.shape, np.float32)
    places = itertools.product(range(n), down.items(), across.items())
    while chunk := list(itertools.islice(places, block)):
        cuts = [np.s_[i, :, top : top + height, left : left + width] for i, (top, _), (left, _) in chunk]
        tiles = _continued(np.stack([pictures[where] for where in cuts], dtype=np.float32), tile)
        results = function(tiles)
        if results.shape != (len(chunk), channels, *tile):
            raise InternalError(f"tiles of shape {tiles.shape} came back as {results.shape}.")
        for where, result, (_, (_, vertical), (_, horizontal)) in zip(cuts, results, chunk, strict=True):
            restored[where] += result[:, :height, :width] * (vertical[:, None] * horizontal)
    return restored


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one axis."""
    last = max(0, length - tile)
    return [*range(0, last, tile - overlap), last]


def _weights(length: int, tile: int, overlap: int) -> dict[int, Floats]:
    """Start of each tile along one axis -> its weight at each of its pixels; over each pixel they add up to 1.

    A squared sine, divided by the sum of those that lie over the same pixel: a tile alone counts fully, and of two that
    overlap one fades as the other rises, however far the last one was shifted.
    """
    size = min(length, tile)
    window = np.sin(math.pi * (np.arange(size) + 0.5) / size) ** 2
    starts = _starts(length, tile, overlap)
    total = np.zeros(length)
    for start in starts:
        total[start : start + size] += window
    return {start: (window / total[start : start + size]).astype(np.float32) for start in starts}


def _continued(tiles: Floats, tile: tuple[int, int]) -> Floats:
    """Tiles continued to full size by reflection at the bottom and at the right; a single pixel is repeated."""
    for axis, side in zip((2, 3), tile, strict=True):
        short = [(0, 0)] * 4
        short[axis] = (0, side - tiles.shape[axis])
        tiles = np.pad(tiles, short, mode="reflect" if tiles.shape[axis] > 1 else "edge")
    return tiles


def _check(tile: Sequence[Any], overlap: int) -> None:
    if len(tile) != 2 or min(tile) < 1:
        raise ParameterError(f"tile must be a height and a width >= 1, in pixels; got {tile!r}.")
    if not 0 <= overlap < min(tile):
        raise ParameterError(
            f"overlap must be from 0 to {min(tile) - 1}, less than a side of the tile; got {overlap!r}."
        )
