"""Tests of `Corruption.apply` and `isthmus.corrupting.raw`: arrays of any dtype, their range and their seeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.corruptions import GaussianNoise, Grayscale, Holes, MaskingNoise, SaltPepper, Speckle, Swap, Watermark
from isthmus.errors import DataError, DataTypeError, ParameterError

FOR_PICTURES = [
    GaussianNoise(), GaussianNoise(0.3, clip=False), MaskingNoise(), SaltPepper(), Speckle(), Holes(),
    Holes(3, (0.1, 0.2), "stripes", "mean"), Watermark(), Watermark("to\nyou", opacity=0.9, place="center", size=0.4, ink=1.0),
    Watermark(picture=np.eye(5), place="top-right", size=None), Grayscale(), GaussianNoise(0.1) | Holes() | Watermark(),
]  # fmt: skip
R = np.random.default_rng(0)


@pytest.mark.parametrize("kind", FOR_PICTURES, ids=repr)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64])
def test_arrays_come_back_as_they_came(kind, dtype):
    """A corrupted array has the shape and dtype of the clean one, which is not changed."""
    X = R.integers(0, 256, (3, 24, 32, 3)).astype(dtype)
    before = X.copy()
    spoilt = kind.apply(X, random_state=0)
    assert (spoilt.dtype, spoilt.shape) == (X.dtype, X.shape)
    assert np.array_equal(X, before)
    assert np.array_equal(spoilt, kind.apply(X, random_state=np.int64(0)))


@pytest.mark.parametrize("kind", [GaussianNoise(), Holes(), Watermark("ok")], ids=repr)
def test_apply_is_the_same_route(kind, seeded):
    """`apply` is `on_pictures` in the range of the data, wherever the channels stand."""
    unit = torch.rand(4, 3, 16, 20, generator=seeded(2))
    expected = kind.on_pictures(unit, seeded(7)).numpy() * 50 - 20
    first = kind.apply(unit.numpy() * 50 - 20, 7, low=-20, high=30)
    last = kind.apply((unit.numpy() * 50 - 20).transpose(0, 2, 3, 1), 7, low=-20, high=30)
    assert first == pytest.approx(expected, abs=1e-4)
    assert np.array_equal(last.transpose(0, 3, 1, 2), first)


def test_values_left_alone_are_the_same_to_the_bit():
    """What a corruption does not touch does not pass through float32."""
    X = R.normal(size=(10, 12, 12)) * 1e6
    spoilt = MaskingNoise(0.3).apply(X, 0)
    assert set(np.unique(spoilt)) <= {*np.unique(X)}
    rows = R.normal(size=(50, 4))
    assert np.isin(Swap(0.5).apply(rows, 0), rows).all()
    assert np.isin(SaltPepper(0.5).apply(rows, 0), rows).all()


def test_unclipped_noise_stays_within_the_type():
    """Bytes below 0 and above 255 are not wrapped around."""
    X = np.zeros((2, 30, 30), dtype=np.uint8)
    assert GaussianNoise(0.1, clip=False).apply(X, 0).max() < 200


def test_noise_on_rows_has_the_deviation_of_each_column():
    """Strengths on rows are in standard deviations of the column; gaps and constants stay."""
    X = R.normal(size=(4000, 3)) * [1, 1000, 0] + [0, 1e6, 5]
    X[::7, 0] = np.nan
    moved = GaussianNoise(0.5).apply(X, 0) - X
    assert np.nanstd(moved, axis=0) == pytest.approx([0.5, 500, 0], rel=0.05)
    assert np.array_equal(np.isnan(moved), np.isnan(X))


def test_no_pictures_stay_no_pictures():
    """An empty array, and pictures that are all alike, are no error."""
    assert Holes().apply(np.empty((0, 4, 5))).shape == (0, 4, 5)
    assert Swap().apply(np.empty((0, 4))).shape == (0, 4)
    assert np.array_equal(GaussianNoise().apply(np.full((2, 4, 5), 3.0)), np.full((2, 4, 5), 3.0))


@pytest.mark.parametrize(
    ("kind", "X", "error", "words"),
    [
        (
            Holes(),
            np.ones((4, 5)),
            ParameterError,
            "Holes is for pictures, got rows of columns; use MaskingNoise for rows",
        ),
        (Speckle(), np.ones((4, 5)), ParameterError, "use GaussianNoise for rows"),
        (
            Swap(),
            np.ones((4, 5, 5)),
            ParameterError,
            "Swap is for rows of columns, got pictures; use SaltPepper for pic",
        ),
        (Swap() | Holes(), np.ones((4, 5)), ParameterError, "Holes is for pictures"),
        (Grayscale(), np.ones((4, 5, 5)), DataError, "got 1; these are grey already"),
        (
            Watermark("i", size=1.0),
            np.ones((4, 20, 30)),
            DataError,
            r"\d+ high and 30 wide, larger.*20 high and 30 wide",
        ),
        (
            Watermark(picture=np.ones((9, 4)), size=None),
            np.ones((1, 8, 8)),
            DataError,
            "9 high and 4 wide.*8 high and 8",
        ),
        (Watermark(), np.ones((1, 8, 8)), DataError, "too small to read"),
        (MaskingNoise(), np.ones((9, 9), int), DataTypeError, r"NaN.*int64 cannot hold; give X.astype\(float\)"),
        (Swap(), np.array([["a"]]), DataTypeError, "X holds <U1"),
        (Swap(), np.ones(3), DataError, r"shape \(3,\); expected rows"),
        (Swap(), np.array([[np.inf]]), DataError, "infinite values"),
        (Holes(), np.ones((2, 9, 9, 9)), DataError, "neither of axes 1 and 3"),
    ],
)
def test_data_that_cannot_be_corrupted(kind, X, error, words):
    """Data of the wrong kind or size are refused in one line that says what to do."""
    with pytest.raises(error, match=words) as found:
        kind.apply(X)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"low": 3.0, "high": 1.0}, "low must be less than high"),
        ({"low": "a"}, "low of apply must be a number or None"),
        ({"channels": "lst"}, 'Did you mean "last"'),
        ({"random_state": -1}, "random_state must be an integer from 0"),
    ],
)
def test_wrong_words_to_apply(given, words):
    """Ranges, channels and seeds are checked."""
    with pytest.raises(ParameterError, match=words):
        Holes().apply(np.ones((2, 4, 4)), **given)
