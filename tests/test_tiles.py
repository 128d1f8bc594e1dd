"""Tests of `isthmus.tiles`: tiles cover each pixel once in all, and leave no trace."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import DataError, InternalError, ParameterError
from isthmus.tiles import cut, restore_in_tiles

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
TILES = st.tuples(st.integers(1, 12), st.integers(1, 12))


def drawn(n, c, h, w, seed=0):
    """Pictures of noise."""
    return np.random.default_rng(seed).normal(size=(n, c, h, w)).astype(np.float32)


@given(size=SIZES, tile=TILES, share=st.floats(0, 0.99), n=st.integers(0, 3), c=st.integers(1, 3))
def test_identity_gives_the_input_back(size, tile, share, n, c):
    """Pictures of any size come through tiles of any size as they were."""
    pictures = drawn(n, c, *size)
    again = restore_in_tiles(pictures, tile, int(share * min(tile)), lambda tiles: tiles, block=5)
    assert again.dtype == np.float32
    assert np.allclose(again, pictures, rtol=1e-5, atol=1e-6)


@given(size=SIZES, tile=TILES, share=st.floats(0, 0.99))
def test_tiles_cover_every_pixel_and_are_full(size, tile, share):
    """Each pixel lies in a tile, no tile begins outside, and only pictures that are smaller have tiles that reach out."""
    covered = np.zeros(size, dtype=int)
    for top, left in cut(size, tile, int(share * min(tile))):
        assert top in range(max(1, size[0] - tile[0] + 1))
        assert left in range(max(1, size[1] - tile[1] + 1))
        covered[top : top + tile[0], left : left + tile[1]] += 1
    assert covered.min() >= 1


@given(length=st.integers(1, 60), side=st.integers(1, 12), share=st.floats(0, 0.99))
def test_neighbours_share_the_overlap(length, side, share):
    """Tiles are in order, all different, and neighbours share at least the overlap."""
    overlap = int(share * side)
    starts = [left for _, left in cut((1, length), (side, side), overlap)]
    assert all(0 < b - a <= side - overlap for a, b in itertools.pairwise(starts))


@pytest.mark.parametrize("size", [(1, 1), (5, 50), (33, 31)])
@pytest.mark.parametrize("overlap", [0, 3, 7])
def test_pointwise_functions_need_no_tiles(size, overlap):
    """A function of each pixel alone gives the same with and without tiles."""
    pictures = drawn(2, 3, *size)
    tiled = restore_in_tiles(pictures, (8, 9), overlap, np.tanh, block=4)
    assert np.allclose(tiled, np.tanh(pictures), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 20), (40, 17)])
def test_constants_stay_constant(size):
    """A flat picture stays flat, with no pattern of tiles in it."""
    flat = np.full((1, 1, *size), 0.7, dtype=np.float32)
    assert restore_in_tiles(flat, (8, 8), 4, lambda tiles: 2 * tiles, 3) == pytest.approx(1.4, abs=1e-6)


def test_pictures_of_one_tile_come_back_exactly():
    """Where one tile is enough nothing is blended: each byte is the function's own."""
    pictures = drawn(5, 2, 8, 6)
    assert np.array_equal(restore_in_tiles(pictures, (8, 8), 4, lambda tiles: tiles, 2), pictures)


def test_small_pictures_are_continued_by_reflection():
    """The function sees full tiles: the picture, then its mirror image; a single pixel is repeated."""
    seen = []
    pictures = np.arange(3, dtype=np.float32).reshape(1, 1, 1, 3)
    restore_in_tiles(pictures, (2, 6), 1, lambda tiles: seen.append(tiles) or tiles, 4)
    assert seen[0][0, 0].tolist() == [[0, 1, 2, 1, 0, 1]] * 2


def test_borders_of_tiles_hardly_count():
    """Errors at the outermost pixels of tiles, where a network sees least, are blended away inside a picture."""

    def with_bad_borders(tiles):
        wrong = np.ones_like(tiles)
        wrong[:, :, 1:-1, 1:-1] = 0
        return tiles + wrong

    pictures = np.zeros((1, 1, 64, 64), dtype=np.float32)
    inside = restore_in_tiles(pictures, (16, 16), 8, with_bad_borders, 8)[0, 0, 1:-1, 1:-1]
    assert inside.max() < 0.03


def test_no_more_than_a_block_at_a_time():
    """Tiles come in blocks, full ones but for the last, whatever pictures they are from."""
    sizes = []
    restore_in_tiles(drawn(3, 1, 10, 10), (4, 4), 1, lambda tiles: sizes.append(len(tiles)) or tiles, block=4)
    assert sizes == [4] * 6 + [3]


def test_a_picture_alone_gets_the_same_bytes():
    """What is restored does not depend on the other pictures, nor on the block."""
    pictures = drawn(4, 2, 19, 23)
    together = restore_in_tiles(pictures, (8, 8), 3, np.tanh, 7)
    alone = np.concatenate([restore_in_tiles(p[None], (8, 8), 3, np.tanh, 2) for p in pictures])
    assert np.array_equal(together, alone)


def test_the_input_is_left_alone():
    """The pictures that came are not written to, even by a function that works in place."""
    pictures = drawn(1, 1, 8, 8)
    before = pictures.copy()
    restore_in_tiles(pictures, (8, 8), 0, lambda tiles: np.negative(tiles, out=tiles), 1)
    assert np.array_equal(pictures, before)


@pytest.mark.parametrize(
    ("tile", "overlap", "block", "match"),
    [
        ((0, 4), 0, 1, "tile must be a height and a width >= 1"),
        ((4,), 0, 1, "tile must be a height and a width >= 1"),
        ((4, 8), 4, 1, "overlap must be from 0 to 3"),
        ((4, 8), -1, 1, "overlap must be from 0 to 3"),
        ((4, 4), 0, 0, "block must be an integer >= 1"),
    ],
)
def test_parameters_out_of_range(tile, overlap, block, match):
    """A tile without pixels, an overlap of a whole tile and an empty block are errors that say what is allowed."""
    with pytest.raises(ParameterError, match=match):
        restore_in_tiles(drawn(1, 1, 9, 9), tile, overlap, lambda tiles: tiles, block)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 0, 4)])
def test_pictures_have_four_axes_and_pixels(shape):
    """Other arrays are an error that names the shape."""
    with pytest.raises(DataError, match=r"must be \(n, channels, height, width\)"):
        restore_in_tiles(np.zeros(shape, np.float32), (4, 4), 0, lambda tiles: tiles, 1)


def test_the_function_keeps_the_shape():
    """A function that returns tiles of another size is our bug."""
    with pytest.raises(InternalError, match="came back as"):
        restore_in_tiles(drawn(1, 1, 9, 9), (4, 4), 0, lambda tiles: tiles[:, :, 1:], 1)
