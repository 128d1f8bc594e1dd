"""Pictures as tiles."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from isthmus.views.measured import measure
from isthmus.views.pictures import FEWEST_PIXELS, MOST_PIXELS, sheet_png, strip, tiles


@pytest.mark.parametrize(
    ("shape", "channels", "size"),
    [
        ((2, 8, 8), "none", (128, 128)),
        ((2, 5, 10), "none", (65, 130)),
        ((2, 200, 100), "none", (200, 100)),
        ((2, 512, 1024), "none", (128, 256)),
        ((2, 8, 8, 3), "last", (128, 128, 3)),
        ((2, 4, 8, 8), "first", (128, 128, 4)),
        ((2, 8, 8, 2), "last", (128, 128)),
        ((2, 1, 3000), "none", (1, 256)),
    ],
)
def test_sizes(shape, channels, size):
    """Small pictures are enlarged, large ones reduced, and the shape is kept."""
    assert tiles(np.zeros(shape), channels, (0, 1)).shape == (2, *size)


def test_pixels_stay_sharp():
    """Enlarging repeats each pixel."""
    picture = np.random.default_rng(0).random((1, 8, 8))
    tile = tiles(picture, "none", (0, 1))[0]
    step = FEWEST_PIXELS // 8
    assert np.array_equal(tile, tile[::step, ::step].repeat(step, 0).repeat(step, 1))


def test_range():
    """The range seen in training runs from black to white; beyond it is clipped, and missing pixels are black."""
    tile = tiles(np.array([[[0.0, 16.0, 99.0, np.nan]]]), "none", (0, 16))[0]
    assert [int(tile[0, 32 * i]) for i in range(4)] == [0, 255, 255, 0]


def test_constant_range():
    """Pictures of one value only are drawn too."""
    assert tiles(np.ones((1, MOST_PIXELS, 4)), "none", (1, 1)).max() == 0


def test_strip(pictures):
    """A strip holds the originals, the model's and PCA's reconstructions of the same rows."""
    found = strip(measure(pictures.model, pictures.X), np.array([3, 5]), "some")
    assert [name for name, _ in found.rows] == ["Original", "Model", "PCA"]
    assert np.array_equal(found.rows[0][1], tiles(pictures.X[[3, 5]], "none", (0, 16)))


def test_sheet(pictures):
    """The sheet is a PNG with all tiles."""
    found = strip(measure(pictures.model, pictures.X), np.arange(4), "some", ("1\n5\xa0%",) * 4)
    width, height = Image.open(io.BytesIO(sheet_png(found))).size
    assert width > 4 * FEWEST_PIXELS
    assert height > 3 * FEWEST_PIXELS
