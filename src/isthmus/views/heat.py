"""Heat maps beside the pictures that they are of: where a picture is unlike the normal ones.

In: pictures and their heat, the squared standardised residual of each pixel (see `isthmus.models.explaining`). Out: tiles, and a
`Strip` of both. A pixel as a normal picture has it is dark; the scale is the same for all pictures drawn together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.views.colours import SCALE
from isthmus.views.pictures import Strip, tiles

BRIGHTEST = 0.998
"""Quantile of all deviations drawn with the lightest colour: a few odd pixels must not darken all others."""
LEAST_BRIGHT = 4.0
"""Deviations that the lightest colour stands for, at least: pictures in which nothing is odd stay dark."""


def heat_tiles(heat: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Heat (n, height, width) as coloured tiles (n, height, width, 3), of the size that `tiles` gives.

    >>> heat_tiles(np.zeros((2, 8, 8))).shape
    (2, 128, 128, 3)
    """
    deviations = np.sqrt(np.nan_to_num(heat.astype(np.float64)))
    brightest = max(LEAST_BRIGHT, float(np.quantile(deviations, BRIGHTEST)))
    grey = tiles(deviations, "none", (0.0, brightest))
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SCALE])
    places = np.linspace(0, 255, len(SCALE))
    table = np.stack([np.interp(np.arange(256), places, colours[:, channel]) for channel in range(3)], axis=1)
    coloured: NDArray[np.uint8] = np.rint(table).astype(np.uint8)[grey]
    return coloured


def heat_strip(
    encoder: Any, pictures: NDArray[Any], heat: NDArray[Any], index: NDArray[np.int64], captions: Sequence[str] = ()
) -> Strip:
    """Pictures over their heat maps; ``index`` is which rows of the data they are."""
    drawn = tiles(pictures, encoder.channels, (encoder.low, encoder.high))
    return Strip("heat", index, (("Picture", drawn), ("Unlike", heat_tiles(heat))), tuple(captions))


def beside(what: Strip) -> NDArray[np.uint8]:
    """Each picture with its heat map on its right, (n, height, 2 * width, 3).

    An alpha channel is left out.
    """
    rows = [tile[..., None].repeat(3, axis=3) if tile.ndim == 3 else tile[..., :3] for _, tile in what.rows]
    return np.concatenate(rows, axis=2)
