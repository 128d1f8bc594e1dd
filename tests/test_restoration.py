"""Tests of `isthmus.restoration`: figures that agree with scikit-image, and a fair table of filters."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from isthmus import restoration
from isthmus.errors import DataError, ParameterError
from isthmus.restoration import Row, compare_filters, mse, psnr, ssim, text_table


def pair(shape, seed=0, sigma=0.1):
    """Clean pictures of blurred noise, and noisy ones, about 0 to 1."""
    r = np.random.default_rng(seed)
    clean = r.random(shape).cumsum(axis=2) / shape[2]
    return clean + r.normal(0, sigma, size=shape), clean


def skimage_ssim(restored, clean, data_range):
    """SSIM of each picture by scikit-image, in the form of Wang et al. 2004."""
    metrics = pytest.importorskip("skimage.metrics")
    return [
        metrics.structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=data_range,
            channel_axis=-1 if a.ndim == 3 else None,
        )
        for a, b in zip(restored, clean, strict=True)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def set12(shared_data):
    """The pictures of Set12, 0 to 255, a list of float arrays."""
    files = sorted((shared_data / "denoise" / "set12").glob("*.png"))
    if not files:
        pytest.skip("Set12 is not here")
    pictures = []
    for file in files:
        with Image.open(file) as image:
            pictures.append(np.asarray(image, dtype=np.float64)[None])
    return pictures


@pytest.mark.parametrize("shape", [(3, 11, 11), (2, 11, 30), (2, 20, 17, 3), (1, 40, 12, 1)])
@pytest.mark.parametrize("data_range", [1, 255])
def test_ssim_agrees_with_scikit_image(shape, data_range):
    """The same figures for grey and colour pictures of many sizes, down to that of the window."""
    restored, clean = (data_range * a for a in pair(shape))
    assert ssim(restored, clean, data_range) == pytest.approx(skimage_ssim(restored, clean, data_range), abs=1e-6)


def test_figures_agree_with_scikit_image_on_set12(set12):
    """The same PSNR and SSIM for real pictures with noise of 25 of 255."""
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(0)
    for clean in set12[::3]:
        noisy = clean + rng.normal(0, 25, size=clean.shape)
        assert ssim(noisy, clean, 255) == pytest.approx(skimage_ssim(noisy, clean, 255), abs=1e-6)
        expected = metrics.peak_signal_noise_ratio(clean[0], noisy[0], data_range=255)
        assert psnr(noisy, clean, 255) == pytest.approx([expected], abs=1e-9)


@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 2, 30), (1, 10, 10), (3, 7, 9, 3)])
def test_small_pictures_have_ssim(shape):
    """Pictures smaller than the window have a figure: 1 for themselves, less for noisy ones."""
    restored, clean = pair(shape)
    assert ssim(clean, clean, 1) == pytest.approx(np.ones(shape[0]))
    assert (ssim(restored, clean, 1) < 1).all()


def test_a_window_of_one_pixel_compares_brightness():
    """Where the window holds one pixel, SSIM is its first factor, that of the means."""
    a, b = np.full((1, 1, 1), 0.2), np.full((1, 1, 1), 0.6)
    assert ssim(a, b, 1)[0] == pytest.approx((2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4))


@pytest.mark.parametrize("figure", [mse, psnr, ssim])
def test_pictures_are_measured_one_by_one(monkeypatch, figure):
    """A picture's figure does not depend on its company, nor on how many are measured at a time."""
    restored, clean = pair((5, 12, 13))
    rest = () if figure is mse else (1,)
    together = figure(restored, clean, *rest)
    monkeypatch.setattr(restoration, "BLOCK", 300)
    assert figure(restored, clean, *rest) == pytest.approx(together, rel=1e-12)
    assert figure(restored[2:3], clean[2:3], *rest) == pytest.approx(together[2:3], rel=1e-12)
    assert figure(restored[:0], clean[:0], *rest).shape == (0,)


def test_more_noise_is_worse():
    """PSNR and SSIM fall and the error rises with the noise."""
    pairs = [pair((1, 32, 32), sigma=s) for s in (0.05, 0.1, 0.2)]
    assert (np.diff([mse(*p)[0] for p in pairs]) > 0).all()
    assert (np.diff([psnr(*p, 1)[0] for p in pairs]) < 0).all()
    assert (np.diff([ssim(*p, 1)[0] for p in pairs]) < 0).all()


def test_units_do_not_matter():
    """Pictures of 0 to 255, 8 bits or not, have the PSNR and SSIM that they have as 0 to 1."""
    r = np.random.default_rng(0)
    a, b = r.integers(0, 256, size=(2, 2, 16, 16), dtype=np.uint8)
    assert psnr(a, b, 255) == pytest.approx(psnr(a / 255, b / 255, 1))
    assert ssim(a, b, 255) == pytest.approx(ssim(a / 255, b / 255, 1))


def test_perfect_pictures():
    """A picture restored exactly has error 0, infinite PSNR and SSIM 1; a missing pixel is never perfect."""
    _, clean = pair((2, 16, 16))
    gaps = clean.copy()
    gaps[1, 3, 3] = np.nan
    assert psnr(clean, clean, 1).tolist() == [np.inf, np.inf]
    assert np.isnan(mse(gaps, clean)).tolist() == [False, True]
    assert np.isnan(ssim(gaps, clean, 1)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("restored", "clean", "match"),
    [
        ((2, 8, 8), (3, 8, 8), r"restored has shape \(2, 8, 8\), clean \(3, 8, 8\)"),
        ((8, 8), (8, 8), r"clean must be pictures, .* got shape \(8, 8\)"),
        ((2, 0, 8), (2, 0, 8), "clean must be pictures"),
        ((2, 3, 8, 8), (2, 3, 8, 8), "seems to hold its channels first; move them last"),
    ],
)
def test_shapes_that_do_not_fit(restored, clean, match):
    """The error names the shapes."""
    with pytest.raises(DataError, match=match):
        mse(np.zeros(restored), np.zeros(clean))


@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf])
def test_ranges_that_are_none(data_range):
    """A data range is a number above 0."""
    with pytest.raises(ParameterError, match="data_range must be a number > 0"):
        psnr(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), data_range)


def test_filters_against_noise():
    """Without a mask the table holds the filters against noise, then the restored pictures."""
    noisy, clean = pair((2, 16, 16))
    rows = compare_filters(noisy, clean, {"ours": clean}, 1, sigma=0.1)
    assert [row.name for row in rows] == ["untouched", "median", "total variation", "non-local means", "ours"]
    assert (rows[-1].mse, rows[-1].psnr, rows[-1].seconds) == (0, 100, None)


@pytest.mark.parametrize(("sigma", "noise"), [(None, []), (0.1, ["total variation", "non-local means"])])
def test_filters_against_holes(sigma, noise):
    """With a mask it holds those against holes, and those against noise only where there is noise too."""
    _, clean = pair((2, 16, 16))
    mask = np.zeros((16, 16), dtype=bool)
    mask[4:8, 4:8] = True
    rows = compare_filters(np.where(mask, 0, clean), clean, {}, 1, mask=mask, sigma=sigma)
    assert [row.name for row in rows] == ["untouched", "median", *noise, "fill", "inpainting"]
    by_name = {row.name: row for row in rows}
    assert by_name["fill"].psnr > by_name["untouched"].psnr + 10


def test_all_rows_measure_the_same_pictures():
    """Of many pictures the same ones are drawn for each row, and the figures are their means."""
    noisy, clean = pair((50, 12, 12))
    rows = compare_filters(noisy, clean, {"same": noisy}, 1, most=5)
    assert {row.pictures for row in rows if not row.note} == {5}
    untouched, same = rows[0], rows[-1]
    assert (untouched.mse, untouched.psnr, untouched.ssim) == (same.mse, same.psnr, same.ssim)
    drawn = np.round(np.linspace(0, 49, 5)).astype(int)
    assert untouched.psnr == pytest.approx(psnr(noisy[drawn], clean[drawn], 1).mean())


def test_the_table_has_no_unit():
    """Pictures of 0 to 255 give the same PSNR and SSIM as pictures of 0 to 1, for every filter."""
    noisy, clean = pair((2, 24, 24))
    small = compare_filters(noisy, clean, {}, 1, sigma=0.1)
    large = compare_filters(255 * noisy, 255 * clean, {}, 255, sigma=0.1)
    for a, b in zip(small, large, strict=True):
        assert (a.psnr, a.ssim) == (pytest.approx(b.psnr, abs=1e-6), pytest.approx(b.ssim, abs=1e-6))


def test_the_weight_reaches_total_variation():
    """A weight of one's own changes the row of total variation and no other."""
    pytest.importorskip("skimage")
    noisy, clean = pair((2, 24, 24))
    rule = compare_filters(noisy, clean, {}, 1, sigma=0.1)
    own = compare_filters(noisy, clean, {}, 1, sigma=0.1, tv_weight=0.5)
    assert [a.name for a, b in zip(rule, own, strict=True) if a.psnr != b.psnr] == ["total variation"]


def test_without_scikit_image_the_table_says_so(monkeypatch):
    """The filters that need it are named with what they need; the others are measured."""
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setitem(sys.modules, "skimage.restoration", None)
    noisy, clean = pair((2, 16, 16))
    rows = compare_filters(noisy, clean, {}, 1, mask=np.eye(16, dtype=bool), sigma=0.1)
    missing = {row.name for row in rows if row.note == "needs scikit-image" and row.psnr is None}
    assert missing == {"total variation", "non-local means", "inpainting"}
    assert "inpainting       needs scikit-image" in text_table(rows)


def test_the_text_holds_every_row():
    """The table has a heading, a line per row, and columns that stand under each other."""
    rows = [Row("a", 0.01, 20.0, 0.5, 0.001, 3), Row("longer name", 1234.5, 7.25, -0.1, None, 3)]
    lines = text_table(rows).splitlines()
    assert lines[0].split() == ["PSNR,", "dB", "SSIM", "MSE", "s/picture"]
    assert lines[1].split() == ["a", "20.00", "0.500", "0.01", "0.0010"]
    assert lines[1].index(".") == lines[2].index(".")


@pytest.mark.parametrize("which", ["noisy", "clean"])
def test_missing_pixels_are_named(which):
    """A comparison needs every pixel of what the filters start from and of the truth."""
    pictures = dict(zip(("noisy", "clean"), pair((3, 12, 12)), strict=True))
    pictures[which][1, 2, 2] = np.nan
    with pytest.raises(DataError, match=rf"picture 1 of {which} has missing pixels \(NaN\)"):
        compare_filters(**pictures, restored={}, data_range=1)


def test_other_bad_input():
    """Restored pictures of another shape, no pictures and negative noise are errors that say so."""
    noisy, clean = pair((3, 12, 12))
    with pytest.raises(DataError, match=r"ours has shape \(2, 12, 12\), clean \(3, 12, 12\)"):
        compare_filters(noisy, clean, {"ours": noisy[:2]}, 1)
    with pytest.raises(DataError, match="no pictures to compare"):
        compare_filters(noisy[:0], clean[:0], {}, 1)
    with pytest.raises(ParameterError, match="sigma must be a number >= 0"):
        compare_filters(noisy, clean, {}, 1, sigma=-0.1)


def test_set12_has_the_figures_of_the_literature(set12):
    """Noise of 25 of 255 leaves 20.17 dB; total variation and non-local means reach what is known of them."""
    pytest.importorskip("skimage")
    rng = np.random.default_rng(0)
    clean = np.concatenate(set12[:4])
    rows = compare_filters(clean + rng.normal(0, 25, size=clean.shape), clean, {}, 255, sigma=25 / 255)
    reached = {row.name: row.psnr for row in rows}
    assert reached["untouched"] == pytest.approx(20.17, abs=0.02)
    assert 27.5 < reached["total variation"] < 29.5
    assert 28 < reached["non-local means"] < 29.5
