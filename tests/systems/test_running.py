"""Tests of `isthmus.systems.running`: as written, improved, and the classical baseline on the same rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from isthmus import Autoencoder, DenoisingAutoencoder, recipes, restoration
from isthmus.corruptions import GaussianNoise
from isthmus.errors import ParameterError
from isthmus.systems.detection import detection_figures
from isthmus.systems.material import material
from isthmus.systems.running import run_as_written, run_baselines, run_improved
from isthmus.thresholds import mean_and_deviations

RECONSTRUCT, DENOISE, DETECT = "mnist-3d", "fashion-denoise", "ecg-anomaly"
ONE_OF_EACH = (RECONSTRUCT, DENOISE, DETECT)


@pytest.fixture(autouse=True)
def small(monkeypatch, small_systems):
    """Small data in place of the real, and few epochs."""
    small_systems(monkeypatch)


def as_written(name, seed=0):
    """A recipe, its rows, and what it gives as written."""
    recipe = recipes.find(name)
    rows = material(recipe)
    return recipe, rows, run_as_written(recipe, rows, recipe.as_written, seed, lambda line: None)


def timeless(side):
    """The figures of a side without its seconds."""
    return {name: value for name, value in side.figures.items() if "seconds" not in name}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_same_seed_gives_the_same_figures(name):
    """All figures but the seconds depend on the seed alone."""
    first, again = (as_written(name)[2] for _ in range(2))
    assert timeless(first) == timeless(again)
    assert first.history == again.history


def test_another_seed_gives_others():
    """The first weights and the order of the rows are drawn from the seed."""
    assert timeless(as_written(RECONSTRUCT, 0)[2]) != timeless(as_written(RECONSTRUCT, 1)[2])


def test_what_is_written_is_fitted():
    """A recipe gives what the estimator gives with its parameters, epoch by epoch."""
    recipe, rows, side = as_written(RECONSTRUCT)
    by_hand = Autoencoder(**recipe.as_written, random_state=0).fit(rows.train)
    assert np.array_equal(side.model.reconstruct(rows.test), by_hand.reconstruct(rows.test))
    assert side.figures["test error"] == pytest.approx(
        ((by_hand.reconstruct(rows.test) - rows.test) ** 2).mean(), rel=1e-5
    )
    assert (
        side.figures["training loss, last epoch"] == side.history[-1]["loss"] == by_hand.history_[-1]["training_loss"]
    )
    assert side.model.callbacks == ()


def test_noise_as_written_is_in_pairs():
    """Noise that was drawn once is learnt from pairs, without the last fifth; the noisy test pictures go in."""
    recipe, rows, side = as_written(DENOISE)
    by_hand = DenoisingAutoencoder(**recipe.as_written, random_state=0).fit(rows.spoiled[:32], rows.train[:32])
    restored = by_hand.denoise(rows.spoiled_test)
    assert side.model.corruption_ is None
    assert side.figures["test error"] == pytest.approx(((restored - rows.test) ** 2).mean(), rel=1e-5)
    assert side.figures["PSNR (dB)"] == pytest.approx(restoration.psnr(restored, rows.test, 1.0).mean(), rel=1e-5)


def test_improved_draws_noise_anew():
    """Improved is fitted to clean pictures with the recipe's noise as the corruption."""
    recipe = recipes.find(DENOISE)
    side = run_improved(recipe, material(recipe), 0)
    assert side.model.corruption_ == GaussianNoise(0.2)
    assert side.model.n_rows_ == 40
    assert side.model.plan_.network == "unet"


@pytest.mark.parametrize("name", ["mnist-3d", "mnist-conv-7x7"])
def test_the_baseline_is_pca(name):
    """PCA has the latent size of the tutorial, is not trained, and is what every improved model stands beside."""
    recipe = recipes.find(name)
    rows = material(recipe)
    (side,) = run_baselines(recipe, rows, 0)
    beside = Autoencoder(latent_dim=recipe.improved["latent_dim"], network="dense", max_epochs=0, random_state=0).fit(
        rows.train
    )
    assert side.name == "PCA"
    assert side.model.compare(rows.test)["ratio"] == pytest.approx(1.0, abs=1e-4)
    assert side.model.score(rows.test) == pytest.approx(beside.score(rows.test))


def test_filters_are_the_baseline_of_noise():
    """Each filter has its error and PSNR; the untouched pictures have those of the noise."""
    recipe = recipes.find(DENOISE)
    rows = material(recipe)
    sides = run_baselines(recipe, rows, 0)
    assert [side.name for side in sides] == ["untouched", "median", "total variation", "non-local means"]
    some = [0, 9, 19]
    untouched = ((rows.spoiled_test[some] - rows.test[some]) ** 2).mean()
    assert sides[0].figures["test error"] == pytest.approx(untouched, rel=1e-4)
    assert all(side.model is None for side in sides)


def test_the_threshold_as_written():
    """The tutorial's: mean and deviation of the errors of the rows that it was trained on."""
    _, rows, side = as_written(DETECT)
    scores = np.abs(side.model.reconstruct(rows.train).astype(np.float64) - rows.train).mean(axis=1)
    assert side.threshold == pytest.approx(mean_and_deviations(scores))
    found = detection_figures(side.scores, rows.labels == 1, side.threshold)
    assert {name: side.figures[name] for name in found} == found


def test_the_threshold_of_held_out_rows():
    """Where rows were held out, the threshold comes from them, and every score of the test rows is kept beside it."""
    recipe = recipes.find(DETECT)
    rows = material(recipe)
    side = run_improved(recipe, rows, 0)
    normal = np.abs(side.model.reconstruct(rows.train).astype(np.float64) - rows.train).mean(axis=1)
    assert side.model.plan_.validation_rows > 0
    assert np.isclose(normal, side.threshold).any()
    assert side.scores.shape == rows.labels.shape


def test_noise_is_needed_to_be_taken_off():
    """A recipe that restores and has no noise is a mistake in the catalogue."""
    recipe = dataclasses.replace(recipes.find(DENOISE), noise=0.0)
    with pytest.raises(ParameterError, match="a recipe that restores needs noise"):
        run_improved(recipe, material(recipe), 0)
