"""The latent looked at."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from isthmus.errors import DataError, ParameterError
from isthmus.models.traversal import traverse
from isthmus.views.charts import as_png
from isthmus.views.latent import main_axes, map_chart, map_png, neighbours_strip, walk_chart, walk_strip
from isthmus.views.pictures import sheet_png, tiles

LATENTS = np.random.default_rng(0).normal(size=(80, 5)) * [3, 2, 1, 0.5, 0.1]
KINDS = [f"kind {n % 4}" for n in range(80)]


def colours_in(png):
    """The distinct colours of a picture, as ``#rrggbb``."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    return {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.unique(pixels, axis=0)}


@pytest.mark.parametrize(("width", "dims"), [(5, 2), (5, 3), (3, 3), (2, 2), (1, 2)])
@pytest.mark.parametrize("labels", [None, KINDS, [float(n) for n in range(80)]], ids=["none", "groups", "numbers"])
def test_same_input_same_bytes(width, dims, labels):
    """A map of every kind is drawn, twice the same."""
    first = map_png(LATENTS[:, :width], labels, dims=dims)
    assert first == map_png(LATENTS[:, :width], labels, dims=dims)
    assert min(Image.open(io.BytesIO(first)).size) > 400


def test_every_group_is_seen():
    """Each group's colour is in the legend and in the picture."""
    chart = map_chart(LATENTS, KINDS)
    assert [name for name, _ in chart.legend] == ["kind 0", "kind 1", "kind 2", "kind 3"]
    assert {colour for _, colour in chart.legend} <= colours_in(as_png(chart))


def test_as_many_coordinates_as_directions_are_drawn_as_they_are():
    """A latent of three numbers is its own map in space; a larger one is placed on its main axes."""
    points, names = main_axes(LATENTS[:, :3], 3)
    assert np.array_equal(points, LATENTS[:, :3])
    assert names == ["latent0", "latent1", "latent2"]
    points, names = main_axes(LATENTS, 3)
    assert np.allclose(np.cov(points.T), np.diag(np.diag(np.cov(points.T))), atol=1e-9)
    assert names[0].startswith("axis 1: ")


def test_many_rows_are_drawn_by_lot():
    """A map of very many rows draws as many as can be seen."""
    assert "5,000 rows" in map_chart(np.random.default_rng(0).normal(size=(6_000, 2))).words


@pytest.mark.parametrize(
    ("latents", "labels", "dims", "error", "match"),
    [
        (LATENTS, None, 4, ParameterError, "dims must be 2 or 3; got 4"),
        (LATENTS[:, :2], None, 3, ParameterError, "needs a latent of at least 3 numbers; this one has 2"),
        (LATENTS[0], None, 2, DataError, r"got shape \(5,\)"),
        ([["a", "b"]], None, 2, DataError, "latents must be numbers"),
        (np.full((3, 2), np.nan), None, 2, DataError, "must be finite numbers"),
        (LATENTS, KINDS[:7], 2, DataError, "one value for each of the 80 rows"),
    ],
)
def test_what_cannot_be_drawn(latents, labels, dims, error, match):
    """Latents, labels and dims that do not go together are refused by name."""
    with pytest.raises(error, match=match):
        map_png(latents, labels, dims=dims)


def test_latents_that_do_not_vary():
    """Rows that all lie in one place are drawn too."""
    for width, dims in itertools.product((1, 3), (2, 3)):
        if width >= dims or dims == 2:
            assert map_png(np.ones((4, width)), list("aabb"), dims=dims)


def test_walk_of_pictures(pictures):
    """A walk is a strip with the value of the coordinate below each step."""
    walk = traverse(pictures.model, pictures.X, 0, steps=4)
    strip = walk_strip(pictures.model, walk, 0)
    assert np.array_equal(strip.rows[0][1], tiles(walk.rows, "none", (0, 16)))
    assert len(strip.captions) == 4
    assert Image.open(io.BytesIO(sheet_png(strip))).size[0] > 4 * 128


def test_walk_of_curves(array):
    """A walk over many columns is one curve a step, each in the legend."""
    chart = walk_chart(traverse(array.model, array.X, 0, steps=5), 0)
    assert len(chart.legend) == 5
    assert {chart.legend[0][1], chart.legend[-1][1]} <= colours_in(as_png(chart))


def test_neighbours_of_a_picture(pictures):
    """The picture itself comes first, then its neighbours with row number and distance."""
    strip = neighbours_strip(pictures.model, pictures.X[[3, 5, 9]], 3, [5, 9], [0.5, 0.75])
    assert strip.captions == ("row 4\nthis one", "row 6\n0.5", "row 10\n0.75")
    assert strip.rows[0][1].shape[0] == 3
