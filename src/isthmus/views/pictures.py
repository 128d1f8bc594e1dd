"""Pictures for the report: originals over reconstructions, as PNG bytes.

In: what was measured of pictures. Out: a `Strip`, rows of tiles under one another, and one sheet of all of them. Pixels are
shown in the range seen in training. Small pictures are enlarged by a whole factor, nearest neighbour, so that each pixel is
a sharp square; large ones are reduced.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isthmus.data.png import png_bytes
from isthmus.filters import median
from isthmus.views.measured import Measured

FEWEST_PIXELS = 128
"""Longer side of a tile, at least: smaller pictures are enlarged."""
MOST_PIXELS = 256
"""Longer side of a tile, at most: larger pictures are reduced."""
_GAP, _MARGIN, _LETTERS, _LINES = 8, 96, 18, 56
"""In pixels of a sheet: between tiles, left of them, height of letters, height of two lines."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Tiles of the same pictures, row under row.

    Attributes
    ----------
    name : part of a file name.
    index : (n_tiles,) which rows of the data they are.
    rows : the name of each row of tiles, and its tiles, uint8 (n_tiles, height, width[, 3 or 4]).
    captions : one text per picture, two lines each; empty where there are none.
    """

    name: str
    index: NDArray[np.int64]
    rows: tuple[tuple[str, NDArray[np.uint8]], ...]
    captions: tuple[str, ...] = ()


def strip(measured: Measured, index: NDArray[np.int64], name: str, captions: tuple[str, ...] = ()) -> Strip:
    """Originals, reconstructions and PCA's reconstructions of the pictures at ``index``.

    Of a model that restores: clean, spoiled and restored ones, and what a median filter makes of the spoiled.
    """
    encoder, originals = measured.model.encoder_, measured.rows(index)
    rows = [("Original", originals), ("Model", measured.rebuilt(index))]
    if measured.trial is not None:
        spoiled = measured.trial.spoiled(index)
        filtered = _median(spoiled, encoder.channels)
        rows = [("Clean", originals), ("Spoiled", spoiled), ("Restored", rows[1][1]), ("Median", filtered)]
    if measured.pca is not None:
        rows.append(("PCA", measured.rebuilt(index, by_pca=True)))
    drawn = tuple((words, tiles(array, encoder.channels, (encoder.low, encoder.high))) for words, array in rows)
    return Strip(name, index, drawn, captions)


def _median(pictures: NDArray[Any], channels: str) -> NDArray[Any]:
    """What a median filter makes of pictures, with their channels where they stood."""
    if channels == "first":
        return median(pictures.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return median(pictures)


def tiles(pictures: NDArray[Any], channels: str, bounds: tuple[float, float]) -> NDArray[np.uint8]:
    """Pictures as 8-bit tiles, between `FEWEST_PIXELS` and `MOST_PIXELS` on the longer side where the shape allows it.

    Parameters
    ----------
    pictures : (n, height, width), or 4-D with the channels where ``channels`` ("first" or "last") says.
    bounds : values drawn as black and as white.

    Returns
    -------
    (n, height, width) grey, or (n, height, width, 3 or 4)

    Examples
    --------
    >>> tiles(np.zeros((2, 8, 8)), "none", (0, 16)).shape
    (2, 128, 128)
    """
    planes = pictures.transpose(0, 2, 3, 1) if channels == "first" else pictures
    if planes.ndim == 4 and planes.shape[3] in (1, 2):
        planes = planes[..., 0]  # a second channel is alpha or another measurement: grey shows the first
    low, high = bounds if bounds[1] > bounds[0] else (bounds[0], bounds[0] + 1)
    share = (np.nan_to_num(planes.astype(np.float64), nan=low) - low) / (high - low)
    grey = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return _resized(grey)


def _resized(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    longer = max(pictures.shape[1:3])
    factor = math.ceil(FEWEST_PIXELS / longer)
    if factor > 1:
        return pictures.repeat(factor, axis=1).repeat(factor, axis=2)
    if longer <= MOST_PIXELS:
        return pictures
    height, width = (max(1, round(side * MOST_PIXELS / longer)) for side in pictures.shape[1:3])
    small = [np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.BOX)) for p in pictures]
    return np.stack(small)


def tile_png(tile: NDArray[np.uint8]) -> bytes:
    """One tile as a PNG file."""
    return png_bytes(tile)


def sheet_png(what: Strip) -> bytes:
    """The whole strip as one PNG file on white: a row of tiles under the other, their names on the left, captions below."""
    n, height, width = what.rows[0][1].shape[:3]
    across, down = width + _GAP, height + _GAP
    page = Image.new(
        "RGB", (_MARGIN + n * across, len(what.rows) * down + _GAP + (_LINES if what.captions else 0)), "white"
    )
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(_LETTERS)
    for y, (words, row) in enumerate(what.rows):
        pen.text((_GAP, _GAP + y * down + height // 2), words, "black", font, anchor="lm")
        for x, tile in enumerate(row):
            picture = Image.fromarray(np.ascontiguousarray(tile))
            mask = picture if picture.mode == "RGBA" else None
            page.paste(picture, (_MARGIN + x * across, _GAP + y * down), mask)
    for x, caption in enumerate(what.captions):
        place = (_MARGIN + x * across + width // 2, len(what.rows) * down + _GAP)
        pen.multiline_text(place, caption.replace("\xa0", " "), "black", font, anchor="ma", align="center")
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()
