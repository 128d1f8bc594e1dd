"""Tests of `isthmus.models.restoring`: figures agree with those taken by hand, of pictures of one size and of several."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus import DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise, Holes
from isthmus.errors import DataError, ParameterError
from isthmus.models import restoring
from isthmus.models.restoring import OURS, as_at_fit, filters_beside, noise_of, restoration, spoil_pictures
from isthmus.models.trial import Trial
from isthmus.restoration import mse, psnr

SETTINGS = {"max_epochs": 0, "random_state": 0, "latent_dim": 3}


def waves(n=30, shape=(12, 14)):
    """Smooth pictures of bytes."""
    phase = np.random.default_rng(0).uniform(0, 6, (n, 1, 1))
    grey = 127 + 100 * np.sin(phase + sum(np.ogrid[: shape[0], : shape[1]]) / 4)
    return (grey if len(shape) == 2 else grey[..., None].repeat(shape[2], axis=3)).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    """A model of grey pictures with noise."""
    return DenoisingAutoencoder(GaussianNoise(0.1), **SETTINGS).fit(waves())


def test_psnr_is_that_of_the_pictures(model):
    """The decibels are those of `isthmus.restoration` on the pictures themselves."""
    X = waves()
    found, trial = restoration(model, X), Trial(model, X)
    assert found["untouched_psnr"] == pytest.approx(psnr(trial.spoiled(), X, 255).mean(), rel=1e-5)
    assert found["psnr"] == pytest.approx(psnr(trial.restored(), X, 255).mean(), abs=0.1)  # bytes are rounded
    assert {name: found[name] for name in model.compare(X)} == model.compare(X)


def test_rows_have_no_decibels():
    """Of a table there is the error and PCA's, and nothing that only pictures have."""
    X = np.random.default_rng(0).normal(size=(40, 4))
    found = restoration(DenoisingAutoencoder(**SETTINGS).fit(X), X)
    assert (found["psnr"], found["untouched_psnr"], found["untouched_error"]) == (None, None, None)
    assert found["error"] == pytest.approx(found["pca_error"], rel=1e-4)


def test_the_model_stands_beside_the_filters(model):
    """The table has the filters and, last, the model with the error of its pictures."""
    X = waves()
    noisy = spoil_pictures(model, X)
    rows = filters_beside(model, [(noisy, X, model.denoise(noisy))], by_model=True)
    assert [row.name for row in rows] == ["untouched", "median", "total variation", "non-local means", OURS]
    assert rows[-1].mse == pytest.approx(mse(model.denoise(noisy), X).mean())
    assert rows[0].mse == pytest.approx(mse(noisy, X).mean())


def test_several_sizes_make_one_table(model):
    """Parts of several sizes give the means over all of their pictures."""
    X = waves(8)
    parts = [(X + 10, X, X), (X[:4, :10] + 20, X[:4, :10], X[:4, :10])]
    rows = filters_beside(model, parts, by_model=False)
    assert rows[0].pictures == 12
    assert rows[0].mse == pytest.approx((8 * 100 + 4 * 400) / 12)
    assert rows[-1].mse == 0


def test_large_pictures_are_measured_in_their_middle(model, monkeypatch):
    """Beyond the largest size, and beyond so many pixels, the middle of fewer pictures is looked at."""
    monkeypatch.setattr(restoring, "LARGEST", 6)
    monkeypatch.setattr(restoring, "FILTERED_PIXELS", 36 * 5)
    X = waves()
    spoiled = X.copy()
    spoiled[:, :3], spoiled[:, 9:] = 0, 0
    rows = filters_beside(model, [(spoiled, X, X)], by_model=False)
    assert (rows[0].pictures, rows[0].mse) == (5, 0)


def test_missing_pixels_are_left_out(model):
    """Pictures with gaps are not compared; without any other there is no table."""
    X = waves().astype(float)
    spoiled = X.copy()
    spoiled[2:, 0, 0] = np.nan
    assert filters_beside(model, [(spoiled, X, X)], by_model=False)[0].pictures == 2
    assert filters_beside(model, [(spoiled[2:], X[2:], X[2:])], by_model=False) == []


def test_filters_are_told_the_noise(model):
    """The strength of noise is known to them where noise is all there is."""
    low, high = model.encoder_.low, model.encoder_.high
    assert noise_of(model, 255) == pytest.approx(0.1 * (high - low) / 255)
    for more in (GaussianNoise() | Holes(), GaussianNoise((0.1, 0.1))):
        assert noise_of(DenoisingAutoencoder(more, **SETTINGS).fit(waves()), 255) is None


def test_spoiling_is_repeatable_and_of_any_size(model):
    """The same pictures are spoiled in the same way, in the range of fit, whatever their size."""
    X = waves(5, (20, 9))
    first, again = spoil_pictures(model, X), spoil_pictures(model, X)
    assert np.array_equal(first, again)
    assert (first.shape, first.dtype) == (X.shape, X.dtype)
    assert (first != X).mean() > 0.9
    assert model.encoder_.low <= first.min() <= first.max() <= model.encoder_.high


def test_what_cannot_be_spoiled():
    """A model of pairs, and one of pictures all alike, have nothing to spoil with."""
    X = waves()
    with pytest.raises(ParameterError, match="fitted to pairs"):
        spoil_pictures(DenoisingAutoencoder(**SETTINGS).fit(X, X), X)
    flat = DenoisingAutoencoder(**{**SETTINGS, "latent_dim": 1}).fit(np.full((9, 4, 4), 7))
    with pytest.raises(DataError, match="all of one value"):
        spoil_pictures(flat, X)


@pytest.mark.parametrize(
    ("fit", "new", "expected"),
    [
        ((12, 14), (12, 14), (30, 12, 14)),
        ((12, 14, 3), (9, 10), (30, 9, 10, 3)),
        ((12, 14, 3), (9, 10, 3), (30, 9, 10, 3)),
        ((12, 14), (9, 10, 3), (30, 9, 10, 3)),
        ((12, 14, 1), (9, 10), (30, 9, 10, 1)),
    ],
)
def test_pictures_get_the_axes_of_fit(fit, new, expected):
    """Grey files become coloured for a model of colours; what cannot fit is left alone."""
    model = DenoisingAutoencoder(**SETTINGS).fit(waves(shape=fit))
    assert as_at_fit(model, waves(shape=new)).shape == expected


def test_channels_first_is_kept():
    """Files for a model whose pictures had their channels first get them there."""
    model = DenoisingAutoencoder(**SETTINGS).fit(waves(shape=(12, 14, 3)).transpose(0, 3, 1, 2))
    assert as_at_fit(model, waves()).shape == (30, 3, 12, 14)
