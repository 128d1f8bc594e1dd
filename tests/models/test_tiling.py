"""Tests of `isthmus.models.tiling`: pictures of another size than those of fit."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from isthmus import DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise
from isthmus.errors import DataError
from isthmus.models import tiling
from isthmus.tiles import restore_in_tiles

SETTINGS = {"max_epochs": 20, "batch_size": 16, "random_state": 0}


def waves(n=60, height=16, width=20, seed=0):
    """Smooth pictures of floats from 0 to 1."""
    r = np.random.default_rng(seed)
    rows, columns = (r.uniform(0.1, 0.4, (n, 1)) * np.arange(side) for side in (height, width))
    return 0.5 + 0.5 * np.sin(r.uniform(0, 6, (n, 1, 1)) + rows[:, :, None] + columns[:, None, :])


def coloured(pictures, channels):
    """Grey pictures as three channels that differ."""
    return np.stack([pictures, pictures**2, 1 - pictures], axis=3 if channels == "last" else 1)


@functools.cache
def model(network="unet", channels="none", scale=1):
    """A network fitted to pictures of 16 x 20 with noise; its blocks are small, which spares padding."""
    how = {"hidden_dims": (8, 8)} if network == "unet" else {"latent_dim": 4, "hidden_dims": (16,)}
    X = waves() if channels == "none" else coloured(waves(), channels)
    X = X if scale == 1 else np.rint(X * scale).astype(np.uint8)
    made = DenoisingAutoencoder(GaussianNoise(0.2), network=network, **how, **SETTINGS).fit(X)
    made.block_rows_ = 16
    return made


def noisy(pictures):
    """Pictures with noise."""
    return GaussianNoise(0.2).apply(pictures, 1, low=0, high=1)


@pytest.mark.parametrize("size", [(16, 21), (40, 33), (3, 50), (1, 1)])
def test_any_size_comes_back(size):
    """Larger, smaller, narrow: the result has the shape that came, and keeps to the range of training."""
    for network in ("unet", "conv", "dense"):
        back = model(network).denoise(waves(2, *size))
        assert back.shape == (2, *size)
        assert back.min() >= -1e-6
        assert back.max() <= 1 + 1e-6


def test_one_tile_is_the_network_itself():
    """Where a picture fits into one tile, the result is what the network makes of the whole."""
    X = noisy(waves(3, 37, 29))
    ours = model()
    sized = torch.from_numpy((X[:, None].astype(np.float32) - ours.encoder_.center[:, :1, :1]) / ours.encoder_.scale)
    with torch.inference_mode():
        whole = ours.network_(sized).reconstruction.numpy()[:, 0] * ours.encoder_.scale + ours.encoder_.center[0, 0, 0]
    assert ours.denoise(X) == pytest.approx(whole, abs=1e-5)


def test_tiles_are_close_to_the_whole(monkeypatch):
    """Cut into tiles, a picture is restored nearly as it is whole, and as well, whatever the size of the tiles."""
    clean = waves(2, 70, 60, seed=3)
    X = noisy(clean)
    whole = model().denoise(X)
    for side in (32, 48):
        monkeypatch.setattr(tiling, "LARGEST_TILE", side)
        tiled = model().denoise(X)
        assert 0 < np.abs(tiled - whole).mean() < 0.15 * np.abs(whole - X).mean()
        assert ((tiled - clean) ** 2).mean() < 1.15 * ((whole - clean) ** 2).mean()


def test_large_pictures_are_restored():
    """A network of small pictures takes noise off large ones too."""
    clean = waves(2, 60, 70, seed=4)
    X = noisy(clean)
    assert ((model().denoise(X) - clean) ** 2).mean() < 0.5 * ((X - clean) ** 2).mean()


@pytest.mark.parametrize("network", ["conv", "dense"])
def test_other_networks_work_in_tiles_of_fit(network):
    """A network of one size gives what it makes of each tile of that size, blended."""
    X = noisy(waves(2, 30, 45)).astype(np.float32)
    ours = model(network)
    by_hand = restore_in_tiles(X[:, None], (16, 20), 8, lambda part: ours.denoise(part[:, 0])[:, None], 16)
    assert ours.denoise(X) == pytest.approx(by_hand[:, 0], abs=1e-5)


@pytest.mark.parametrize("network", ["unet", "dense"])
def test_a_picture_alone_gets_the_same_bytes(network):
    """Tiles of other pictures in the same block change nothing."""
    X = noisy(waves(5, 33, 41))
    together = model(network).denoise(X)
    assert all(np.array_equal(model(network).denoise(X[i : i + 1])[0], together[i]) for i in range(5))


@pytest.mark.parametrize("network", ["unet", "dense"])
def test_channels_first_and_last(network):
    """Colour pictures come back with their channels where they were, the same either way."""
    X = waves(2, 25, 30)
    last, first = (model(network, channels).denoise(coloured(X, channels)) for channels in ("last", "first"))
    assert last.shape == (2, 25, 30, 3)
    assert np.array_equal(last.transpose(0, 3, 1, 2), first)


@pytest.mark.parametrize("network", ["unet", "dense"])
def test_integers_stay_integers(network):
    """Bytes come back as bytes, rounded; floats of the same pictures as floats that round to them."""
    X = np.rint(waves(2, 25, 30) * 200).astype(np.uint8)
    ours = model(network, scale=200)
    back = ours.denoise(X)
    assert back.dtype == np.uint8
    assert np.array_equal(np.rint(ours.denoise(X.astype(np.float32))), back)


@pytest.mark.parametrize("network", ["unet", "dense"])
def test_missing_pixels_are_filled(network):
    """Gaps in a large picture come back as numbers, and pixels far from them as they would without."""
    X = waves(1, 40, 60)
    whole = model(network).denoise(X)
    X[:, :4, :4] = np.nan
    back = model(network).denoise(X)
    assert np.isfinite(back).all()
    assert back[:, :, -15:] == pytest.approx(whole[:, :, -15:], abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "channels"), [((2, 25, 30, 3), "none"), ((2, 25, 30), "last"), ((2, 25, 30, 4), "last"), ((2, 3, 9, 9), "last")]
)  # fmt: skip
def test_other_channels_are_errors(shape, channels):
    """Another number of channels, or another place for them, is no other size: the shapes are named."""
    with pytest.raises(DataError, match=r"do not fit the model, which was fitted with pictures 16 high, 20 wide"):
        model("unet", channels).denoise(np.zeros(shape))


def test_other_methods_want_the_size_of_fit():
    """Errors and reconstructions are of pictures of one size, and say which."""
    with pytest.raises(DataError, match="16 high, 20 wide"):
        model().reconstruct(waves(2, 25, 30))
