"""Tests of `isthmus.filters`: each filter lowers the error that it is made for, and leaves the rest alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from isthmus import filters
from isthmus.errors import DataError, MissingPackageError, ParameterError
from isthmus.filters import HOLE_FILTERS, NOISE_FILTERS, best_tv_weight, evenly, fill, noise_level, total_variation

NEEDY = ("total variation", "non-local means", "inpainting")


def scenes(n=2, side=48, channels=None):
    """Clean pictures: a slope and a bright disc, values from 0 to 1."""
    y, x = np.mgrid[:side, :side] / side
    disc = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06
    pictures = np.stack([0.2 + 0.4 * x + 0.3 * disc * (i + 1) / n for i in range(n)])
    return pictures if channels is None else np.stack([pictures * (1 - 0.2 * c) for c in range(channels)], axis=-1)


def noisy_of(clean, sigma, seed=0):
    """The pictures with Gaussian noise."""
    return clean + np.random.default_rng(seed).normal(0, sigma, size=clean.shape)


def error(a, b):
    """Mean squared error."""
    return float(np.mean((a - b) ** 2))


def log_error(a, b):
    """Mean over the pictures of the logarithm of the mean squared error: PSNR but for sign and factor."""
    return float(np.log(((a - b) ** 2).mean(axis=(1, 2))).mean())


def needing_nothing_that_is_missing(name):
    """The name of a filter, or a skip where the filter needs scikit-image and there is none."""
    if name in NEEDY:
        pytest.importorskip("skimage")
    return name


@pytest.fixture(params=sorted(NOISE_FILTERS))
def against_noise(request):
    """Each filter against noise."""
    return NOISE_FILTERS[needing_nothing_that_is_missing(request.param)]


@pytest.fixture(params=sorted(HOLE_FILTERS))
def against_holes(request):
    """Each filter against holes."""
    return HOLE_FILTERS[needing_nothing_that_is_missing(request.param)]


@pytest.mark.parametrize("name", ["median", "total variation", "non-local means"])
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("sigma", [0.1, None])
def test_noise_is_taken_off(name, channels, sigma):
    """Each filter leaves less than half of the error, in grey and in colour, with the noise known or estimated."""
    needing_nothing_that_is_missing(name)
    clean = scenes(channels=channels)
    noisy = noisy_of(clean, 0.1)
    restored = NOISE_FILTERS[name](noisy, sigma)
    assert restored.shape == clean.shape
    assert error(restored, clean) < 0.5 * error(noisy, clean)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (1, 3, 2), (1, 8, 8), (1, 1, 1, 3), (0, 4, 4)])
def test_pictures_of_any_size(against_noise, shape):
    """Tiny pictures, and none at all, come back in their shape."""
    pictures = np.random.default_rng(0).random(shape)
    restored = against_noise(pictures, 0.1)
    assert restored.shape == shape
    assert np.isfinite(restored).all()


def test_clean_pictures_are_left_alone():
    """Where there is no noise, the filters that measure it change nothing."""
    pytest.importorskip("skimage")
    flat = np.full((1, 16, 16), 0.3)
    for name in ("total variation", "non-local means"):
        assert np.array_equal(NOISE_FILTERS[name](flat, None), flat)
        assert np.array_equal(NOISE_FILTERS[name](scenes(), 0.0), scenes())


def test_each_picture_is_filtered_alone(against_noise):
    """A picture's restoration does not depend on its company."""
    noisy = noisy_of(scenes(3), 0.1)
    together = against_noise(noisy, None)
    assert np.array_equal(together[1:2], against_noise(noisy[1:2], None))


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.3])
def test_the_noise_level_is_found(sigma):
    """The estimate is that of the noise, little above it where the picture has edges."""
    estimate = noise_level(noisy_of(scenes(4, side=96), sigma))
    assert estimate.shape == (4,)
    assert estimate == pytest.approx(np.full(4, sigma), rel=0.05)


def test_the_noise_level_scales():
    """Pictures in other units have their noise in those units; its channels are averaged."""
    noisy = noisy_of(scenes(2, channels=3), 0.1)
    assert noise_level(255 * noisy - 40) == pytest.approx(255 * noise_level(noisy))
    assert noise_level(noisy) == pytest.approx(np.mean([noise_level(noisy[..., c]) for c in range(3)], axis=0))


def test_flat_pictures_have_no_noise():
    """A picture of one value has noise of exactly 0, and so has a single pixel."""
    assert noise_level(np.full((2, 16, 16), 0.3)).tolist() == [0, 0]
    assert noise_level(np.full((1, 1, 1), 0.3)).tolist() == [0]


def test_best_weight_is_best():
    """No weight nearby is better than the best by more than a little, and more noise wants a larger one."""
    pytest.importorskip("skimage")
    clean = scenes()
    weights = []
    for sigma in (0.05, 0.2):
        noisy = noisy_of(clean, sigma)
        best = best_tv_weight(noisy, clean)
        reached = {f: log_error(total_variation(noisy, weight=best * f), clean) for f in (0.5, 0.8, 1, 1.25, 2)}
        assert reached[1] < min(reached.values()) + 0.01
        weights.append(best)
    assert weights[0] < weights[1]


def test_best_weight_needs_pairs():
    """Training pictures of different shape are an error."""
    with pytest.raises(DataError, match="must be pictures of one shape"):
        best_tv_weight(scenes(2), scenes(3))


@pytest.mark.parametrize("channels", [None, 3])
def test_holes_are_filled(against_holes, channels):
    """Holes come near the truth, known pixels stay as they were, and what stood in the holes does not matter."""
    clean = scenes(channels=channels)
    mask = np.zeros(clean.shape[:3], dtype=bool)
    mask[:, 20:28, 5:11] = True
    damaged = clean.copy()
    damaged[mask] = np.nan
    restored = against_holes(damaged, mask)
    assert np.array_equal(restored[~mask], clean[~mask])
    assert restored[mask] == pytest.approx(clean[mask], abs=0.1)


def test_a_mask_may_serve_all_pictures_or_name_channels(against_holes):
    """A mask of one picture is that of all; a pixel is missing where one of its channels is."""
    clean = scenes(channels=3)
    mask = np.zeros(clean.shape[1:3], dtype=bool)
    mask[10:14, 10:14] = True
    by_channel = np.zeros(clean.shape, dtype=bool)
    by_channel[:, 10:14, 10:14, 1] = True
    expected = against_holes(clean, np.stack([mask, mask]))
    assert np.array_equal(against_holes(clean, mask), expected)
    assert np.array_equal(against_holes(clean, by_channel), expected)


def test_without_holes_nothing_changes(against_holes):
    """An empty mask leaves the pictures; one that covers all leaves nothing to fill from: zeros."""
    clean = scenes()
    assert np.array_equal(against_holes(clean, np.zeros(clean.shape, dtype=bool)), clean)
    assert not against_holes(clean, np.ones(clean.shape, dtype=bool)).any()


def test_diffusion_solves_laplace():
    """Each filled pixel is the mean of its neighbours, also at the border and in holes of any form."""
    r = np.random.default_rng(0)
    picture, mask = r.random((1, 9, 11)), r.random((1, 9, 11)) < 0.6
    filled = fill(picture, mask)[0]
    around = np.pad(filled, 1, constant_values=np.nan)
    neighbours = np.stack([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
    assert np.nanmean(neighbours, axis=0)[mask[0]] == pytest.approx(filled[mask[0]])


def test_a_mask_of_another_shape():
    """The error names both shapes and the one that is wanted."""
    with pytest.raises(DataError, match=r"shape \(3, 3\), the pictures \(2, 48, 48\); the mask must be \(2, 48, 48\)"):
        fill(scenes(), np.zeros((3, 3), dtype=bool))


@pytest.mark.parametrize("name", NEEDY)
def test_a_missing_package_is_named(monkeypatch, name):
    """Without scikit-image the filters that need it say how to install it."""
    monkeypatch.setitem(sys.modules, "skimage.restoration", None)
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingPackageError, match=r"isthmus\[images\]"):
        (filters.NOISE_FILTERS | filters.HOLE_FILTERS)[name](scenes(), np.zeros((48, 48)))


@pytest.mark.parametrize(("count", "most"), [(1, 1), (10, 3), (1000, 200), (5, 200), (0, 3)])
def test_evenly_drawn_numbers(count, most):
    """They are different, in order, and as many as wanted or there are."""
    drawn = evenly(count, most)
    assert len(set(drawn.tolist())) == min(count, most)
    assert (np.diff(drawn) > 0).all()
    assert ((drawn >= 0) & (drawn < max(1, count))).all()


def test_no_pictures_to_look_at():
    """A sample of none is an error."""
    with pytest.raises(ParameterError, match="most must be an integer >= 1"):
        evenly(10, 0)
