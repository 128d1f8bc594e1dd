"""Tests of `isthmus.models.trial`: the same rows are spoiled in the same way, and two ways to restore them agree."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus import DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise, MaskingNoise, Swap
from isthmus.errors import DataError, ParameterError
from isthmus.models.trial import Trial, mean_error

SETTINGS = {"max_epochs": 1, "batch_size": 32, "random_state": 0}
INDEX = np.array([70, 3, 3, 33])


@pytest.fixture(scope="module")
def pictures():
    """Pictures of bytes and a model of them whose blocks are smaller than they are many."""
    r = np.random.default_rng(0)
    X = (127 + 100 * np.sin(r.uniform(0, 6, (90, 1, 1)) + np.arange(42).reshape(7, 6) / 5)).astype(np.uint8)
    model = DenoisingAutoencoder(GaussianNoise(0.1), latent_dim=3, **SETTINGS).fit(X)
    model.block_rows_ = 32
    return model, X


@pytest.fixture(scope="module")
def table():
    """Rows with gaps and a model of them."""
    X = np.random.default_rng(1).normal(size=(90, 5))
    X[::7, 1] = np.nan
    return DenoisingAutoencoder(MaskingNoise(0.2) | Swap(), latent_dim=2, **SETTINGS).fit(X), X


@pytest.mark.parametrize("kind", ["pictures", "table"])
def test_its_mean_is_that_of_compare(kind, request):
    """The errors of model and PCA have the means that `compare` gives."""
    model, X = request.getfixturevalue(kind)
    trial, found = Trial(model, X), model.compare(X)
    assert mean_error(trial.errors()) == found["error"]
    assert mean_error(trial.errors(model.baseline_)) == found["pca_error"]


@pytest.mark.parametrize("kind", ["pictures", "table"])
def test_some_rows_are_as_among_all(kind, request):
    """Rows asked for alone, in any order and twice, are spoiled and restored as with all others."""
    model, X = request.getfixturevalue(kind)
    trial = Trial(model, X)
    assert np.array_equal(trial.errors(index=INDEX), trial.errors()[INDEX], equal_nan=True)
    assert np.array_equal(trial.restored(INDEX), trial.restored()[INDEX])


def test_spoiled_pictures_restore_as_the_trial_does(pictures):
    """What the model makes of the spoiled pictures by hand is what the trial gives."""
    model, X = pictures
    trial = Trial(model, X)
    spoiled = trial.spoiled()
    assert spoiled.shape == X.shape
    assert trial.restored().dtype == X.dtype
    assert np.abs(model.denoise(spoiled) - trial.restored().astype(float)).max() <= 0.5 + 1e-3


def test_untouched_is_the_distance_to_the_clean(pictures):
    """The error of pictures left alone is that of the spoiled ones, in the unit of errors."""
    model, X = pictures
    trial = Trial(model, X)
    expected = ((trial.spoiled() - X) / model.encoder_.scale) ** 2
    assert trial.untouched() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("channels", "axes"), [("last", (0, 1, 2, 3)), ("first", (0, 3, 1, 2))])
def test_channels_stay_where_they_stood(channels, axes):
    """Spoiled pictures in colour have the axes of the clean ones."""
    X = np.random.default_rng(0).uniform(size=(20, 5, 4, 3)).transpose(axes)
    model = DenoisingAutoencoder(GaussianNoise(0.0), latent_dim=2, channels=channels, **SETTINGS).fit(X)
    assert Trial(model, X).spoiled() == pytest.approx(X, abs=1e-5)


def test_pairs_are_taken_as_they_are(pictures):
    """Spoiled pictures that are given stay as they are."""
    model, X = pictures
    noisy = GaussianNoise(0.2).apply(X, 1)
    trial = Trial(model, noisy, X)
    assert trial.spoiled() == pytest.approx(noisy, abs=1e-3)
    assert np.array_equal(trial.data, X)


def test_what_there_is_nothing_to_try_with(pictures):
    """Pairs of different shape, and clean rows for a model of pairs, are errors."""
    model, X = pictures
    with pytest.raises(DataError, match="must have exactly the shape"):
        Trial(model, X, X[:3])
    pairs = DenoisingAutoencoder(latent_dim=1, **{**SETTINGS, "max_epochs": 0}).fit(X, X)
    with pytest.raises(ParameterError, match="no corruption"):
        Trial(pairs, X)
