"""Tests of `isthmus.prep.pixels`: pictures in every arrangement of their axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.errors import DataError
from isthmus.prep import pixels
from isthmus.prep.pixels import PixelEncoder, find_channels

R = np.random.default_rng(0)
ARRANGED = {"none": (20, 5, 7), "last": (20, 5, 7, 3), "first": (20, 3, 5, 7)}


@pytest.mark.parametrize("channels", ARRANGED)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64, bool])
def test_pictures_come_back(channels, dtype):
    """Decoding undoes encoding, in the axes and the dtype that came in."""
    pictures = R.integers(0, 2 if dtype is bool else 200, ARRANGED[channels]).astype(dtype)
    encoder = PixelEncoder.fit(pictures, channels)
    decoded = encoder.decode(encoder.encode(pictures))
    assert decoded.dtype == pictures.dtype
    assert decoded.astype(float) == pytest.approx(pictures.astype(float), abs=0 if dtype is np.uint8 else 1e-3)


@pytest.mark.parametrize("channels", ARRANGED)
def test_channels_come_first_inside(channels):
    """The network sees (n, channels, height, width), however the pictures came."""
    encoder = PixelEncoder.fit(R.random(ARRANGED[channels]), channels)
    assert encoder.layout.shape == (1 if channels == "none" else 3, 5, 7)
    assert encoder.encode(R.random(ARRANGED[channels])).shape[1:] == encoder.layout.shape


def test_arrangements_agree():
    """The same pictures, channels first or last, are the same to the network."""
    last = R.random((20, 5, 7, 3))
    first = last.transpose(0, 3, 1, 2)
    encoded = [PixelEncoder.fit(p, c).encode(p) for p, c in ((last, "last"), (first, "first"))]
    assert np.array_equal(*encoded)


@pytest.mark.parametrize("scale", [1.0, 255.0, 1e-20, 3e37])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units(scale, dtype):
    """Each pixel has mean 0, and the mean of their variances is 1."""
    pictures = (R.random((200, 5, 7)) * np.linspace(0, scale, 7)).astype(dtype)
    encoded = PixelEncoder.fit(pictures, "none").encode(pictures).astype(np.float64)
    assert encoded.mean(axis=0) == pytest.approx(np.zeros((1, 5, 7)), abs=1e-4)
    assert encoded.var(axis=0).mean() == pytest.approx(1.0, abs=1e-3)


def test_one_factor_keeps_the_ratios_of_variances():
    """A dark corner stays as small as it is."""
    pictures = R.random((200, 1, 2)) * [1.0, 0.01]
    encoded = PixelEncoder.fit(pictures, "none").encode(pictures)
    assert encoded[..., 1].std() / encoded[..., 0].std() == pytest.approx(0.01, rel=0.2)


def test_no_scaling_leaves_pixels_as_they_are():
    """With scaling "none" a network sees what came in."""
    pictures = R.random((20, 2, 2)) * 100
    encoded = PixelEncoder.fit(pictures, "none", "none").encode(pictures)
    assert encoded[:, 0] == pytest.approx(pictures, abs=1e-4)


def test_one_range():
    """With scaling "range" the lowest and the highest pixel of all become 0 and 1, and come back."""
    pictures = R.integers(0, 256, (20, 3, 3)).astype(np.uint8)
    encoder = PixelEncoder.fit(pictures, "none", "range")
    encoded = encoder.encode(pictures)
    assert (encoded.min(), encoded.max()) == (0, pytest.approx(1))
    assert np.array_equal(encoder.decode(encoded), pictures)


def test_one_centre_for_each_channel():
    """Networks that treat every place alike get one centre for each channel; units stay."""
    encoder = PixelEncoder.fit(R.random((20, 4, 5, 3)), "last")
    shared = encoder.with_one_center()
    assert (shared.center == shared.center[:, :1, :1]).all()
    assert shared.scale == encoder.scale


@given(arrays(np.uint8, st.tuples(st.integers(2, 5), *[st.integers(1, 4)] * 3)))
@settings(max_examples=25)
def test_any_bytes_come_back(pictures):
    """Any pictures of bytes come back exactly, also where all are alike."""
    encoder = PixelEncoder.fit(pictures, "last")
    assert np.array_equal(encoder.decode(encoder.encode(pictures)), pictures)


def test_statistics_do_not_depend_on_the_blocks(monkeypatch):
    """Taking pictures in small blocks gives the same encoder, but for rounding."""
    pictures = R.random((50, 4, 4))
    whole = PixelEncoder.fit(pictures, "none")
    monkeypatch.setattr(pixels, "BLOCK", 7)
    parts = PixelEncoder.fit(pictures, "none")
    assert parts.scale == pytest.approx(whole.scale)
    assert parts.center == pytest.approx(whole.center)


def test_missing_pixels_stay_missing():
    """NaN goes in as NaN, in its own place only, and does not move the mean."""
    pictures = R.random((30, 3, 3))
    pictures[::2, 1, 1] = np.nan
    encoded = PixelEncoder.fit(pictures, "none").encode(pictures)
    assert np.array_equal(np.isnan(encoded[:, 0]), np.isnan(pictures))
    assert np.nanmean(encoded[:, 0, 1, 1]) == pytest.approx(0.0, abs=1e-5)


def test_pictures_without_any_pixel_are_finite():
    """Pictures that are all NaN give finite bounds and decode to 0."""
    encoder = PixelEncoder.fit(np.full((3, 2, 2), np.nan), "none")
    assert np.isfinite(encoder.bounds()).all()
    assert not encoder.decode(np.ones((1, 1, 2, 2), np.float32)).any()


def test_decoded_pixels_stay_in_the_range_seen():
    """However far the network goes, no pixel leaves the range of training."""
    pictures = R.integers(10, 200, (20, 3, 3)).astype(np.uint8)
    encoder = PixelEncoder.fit(pictures, "none")
    far = np.array([-1e6, 1e6], np.float32)[:, None, None, None] * np.ones((1, 1, 3, 3), np.float32)
    decoded = encoder.decode(far)
    assert (decoded[0] == pictures.min()).all()
    assert (decoded[1] == pictures.max()).all()


def test_decoding_follows_what_went_in():
    """A model of floats gives bytes back for bytes."""
    encoder = PixelEncoder.fit(R.random((20, 2, 2)) * 255, "none")
    like = R.integers(0, 255, (4, 2, 2)).astype(np.uint8)
    assert encoder.decode(encoder.encode(like), like).dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_integers_never_wrap(dtype):
    """Pixels beyond the range of the type that is given back take its extremes."""
    encoder = PixelEncoder.fit(np.array([-1e20, 1e20]).reshape(2, 1, 1), "none")
    limits = np.iinfo(dtype)
    decoded = encoder.decode(np.array([-1.0, 1.0], np.float32).reshape(2, 1, 1, 1), np.zeros((2, 1, 1), dtype))
    assert decoded.ravel().tolist() == pytest.approx([limits.min, limits.max], rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((9, 5, 7), "none"), ((9, 5, 7, 4), "last"), ((9, 1, 5, 7), "first"), ((9, 5, 5, 1), "last")],
)
def test_channels_are_found(shape, expected):
    """The axis of at most 4 holds the channels."""
    assert find_channels(shape, "auto") == expected


@pytest.mark.parametrize(("shape", "word"), [((9, 3, 5, 3), "both"), ((9, 5, 5, 5), "neither")])
def test_ambiguous_channels_are_an_error(shape, word):
    """Where both or neither axis could hold the channels, the error names the parameter that says which."""
    with pytest.raises(DataError, match=rf'{word} of axes 1 and 3 .* Say channels="first" or channels="last"'):
        find_channels(shape, "auto")


@pytest.mark.parametrize("channels", ["first", "last"])
def test_the_parameter_overrides(channels):
    """What the caller says is taken, whatever the sizes look like."""
    assert find_channels((9, 3, 5, 3), channels) == channels


@pytest.mark.parametrize("shape", [(4, 5, 8), (4, 7, 5), (4, 5, 7, 1), (4, 35)])
def test_other_sizes_do_not_fit(shape):
    """Pictures of another size than those of fit are refused with both sizes."""
    encoder = PixelEncoder.fit(R.random((20, 5, 7)), "none")
    with pytest.raises(DataError, match=r"do not fit the model, .* 5 high, 7 wide, 1 channel \(channels: none\)"):
        encoder.adopt(R.random(shape))


def test_pixels_far_out_have_finite_squares():
    """A new pixel far beyond those of fit is a large number, not infinity."""
    encoder = PixelEncoder.fit(np.random.default_rng(0).random((9, 3, 2)).astype(np.float32) * 1e-9, "none")
    assert np.isfinite(np.square(encoder.encode(np.full((1, 3, 2), 1e38, np.float32)))).all()


def test_the_order_of_bytes_is_the_arrays_own():
    """Big-endian pictures are encoded like others; the type that is kept is the machine's."""
    pictures = np.random.default_rng(0).random((9, 3, 2)).astype(">f4")
    encoder = PixelEncoder.fit(pictures, "none")
    assert encoder.dtype == "float32"
    assert np.array_equal(encoder.encode(pictures), encoder.encode(pictures.astype(np.float32)))
