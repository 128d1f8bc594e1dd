"""Tests of `isthmus.prep.codecs`: units, round trips and gaps of each kind of column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.prep.codecs import DAYS, CategoryCodec, DateCodec, FlagCodec, NumberCodec

R = np.random.default_rng(0)
NORMAL = R.normal(size=(400, 1))
HARD = {
    "heavy tail": R.standard_cauchy(size=(400, 1)) ** 3,
    "one outlier": np.vstack([NORMAL, [[1e6]]]),
    "1e38": 1e38 * np.sign(NORMAL),
    "1e200": 1e200 * NORMAL,
    "huge offset": 1e9 + NORMAL,
    "tiny": 1e-30 * NORMAL,
    "two values": (NORMAL > 0).astype(float),
    "integers": np.rint(NORMAL * 100),
    "mostly zero": np.where(R.random((400, 1)) < 0.9, 0.0, NORMAL),
    "gaps": np.where(R.random((400, 1)) < 0.3, np.nan, NORMAL),
}
NUMBERS = st.one_of(st.just(np.nan), st.floats(-1e38, 1e38), st.sampled_from([0.0, 1.0, -1e38, 1e38]))
TABLES = arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 3)), elements=NUMBERS)


def through(codec, values):
    """Values encoded and decoded."""
    return codec.decode(codec.encode(values))


@pytest.mark.parametrize("name", HARD)
def test_hard_columns_have_mean_0_and_variance_1(name):
    """Whatever a column is like, its best constant guess is 0 and has error 1."""
    encoded = NumberCodec.fit(HARD[name], "column").encode(HARD[name]).astype(np.float64)
    assert np.nanmean(encoded) == pytest.approx(0.0, abs=1e-3)
    assert np.nanvar(encoded) == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize("name", HARD)
def test_hard_columns_come_back(name):
    """Decoding undoes encoding to single precision of a value's distance from the middle."""
    values = HARD[name]
    away = np.abs(values - np.nanmedian(values))
    error = np.abs(through(NumberCodec.fit(values, "column"), values) - values)
    spread = np.nanmedian(away[away > 0])
    assert np.nanmax(error / (away + spread + 1e-7 * np.abs(values))) < 1e-4


@pytest.mark.parametrize("scaling", ["column", "common"])
@given(values=TABLES)
@settings(max_examples=30)
def test_any_numbers_come_back(scaling, values):
    """Decoding undoes encoding for any finite numbers, and gaps stay gaps."""
    codec = NumberCodec.fit(values, scaling)
    decoded = through(codec, values)
    assert np.array_equal(np.isnan(decoded), np.isnan(values))
    size = np.nanmax(np.abs(values), axis=None if scaling == "common" else 0, initial=0.0)
    assert np.nanmax(np.abs(decoded - values) - 1e-5 * size, initial=0.0) <= 1e-30


@given(values=TABLES)
@settings(max_examples=30)
def test_units_of_any_numbers(values):
    """An encoded column has mean 0, and variance 1 or none."""
    encoded = NumberCodec.fit(values, "column").encode(values).astype(np.float64)
    for column in encoded.T:
        seen = column[~np.isnan(column)]
        if len(seen):
            assert seen.mean() == pytest.approx(0.0, abs=1e-3)
            assert seen.var() == pytest.approx(1.0, abs=1e-2) or seen.var() == pytest.approx(0.0, abs=1e-9)


def test_one_factor_gives_mean_variance_1():
    """With common scaling variances average to 1 and keep their ratios."""
    values = R.normal(size=(300, 3)) * [1.0, 2.0, 5.0] + [0.0, 7.0, -3.0]
    variances = NumberCodec.fit(values, "common").encode(values).astype(np.float64).var(axis=0)
    assert variances.mean() == pytest.approx(1.0, abs=1e-4)
    assert variances / variances[0] == pytest.approx(values.var(axis=0) / values[:, 0].var(), rel=1e-4)


def test_no_scaling_leaves_values_as_they_are():
    """With scaling "none" a network sees what came in."""
    values = R.normal(5.0, 9.0, size=(50, 2))
    encoded = NumberCodec.fit(values, "none").encode(values)
    assert encoded == pytest.approx(values, abs=1e-4)


def test_one_range_for_all():
    """With scaling "range" the lowest and the highest value of all columns become 0 and 1."""
    values = R.normal(5.0, 9.0, size=(50, 2))
    encoded = NumberCodec.fit(values, "range").encode(values)
    assert encoded == pytest.approx((values - values.min()) / (values.max() - values.min()), abs=1e-6)


@pytest.mark.parametrize("scaling", ["column", "common", "range"])
@pytest.mark.parametrize("value", [0.0, 5.0, -1e38, 1e-38, 1e12])
def test_a_constant_column_comes_back(scaling, value):
    """A constant is encoded as 0 and decoded as itself, whatever the network says."""
    values = np.full((9, 1), value)
    codec = NumberCodec.fit(values, scaling)
    assert not codec.encode(values).any()
    assert (codec.decode(np.array([[0.0], [1e6], [-1e6]], np.float32)) == value).all()


def test_a_column_without_values_decodes_to_a_number():
    """A column that is all gaps encodes as NaN and decodes to 0."""
    values = np.full((4, 1), np.nan)
    codec = NumberCodec.fit(values, "column")
    assert np.isnan(codec.encode(values)).all()
    assert codec.decode(np.ones((2, 1), np.float32)).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("scaling", ["column", "common", "none"])
def test_no_numbers_at_all(scaling):
    """A table without number columns has an encoded part of no width."""
    values = np.empty((5, 0))
    assert through(NumberCodec.fit(values, scaling), values).shape == (5, 0)


def test_decoded_numbers_stay_in_the_range_seen():
    """However far the network goes, no value leaves the range of training."""
    codec = NumberCodec.fit(NORMAL, "column")
    decoded = codec.decode(np.array([[-1e9], [1e9]], np.float32)).ravel()
    assert decoded.tolist() == [NORMAL.min(), NORMAL.max()]


def test_only_heavy_tails_are_bent():
    """A bend is for columns with a value beyond 10 standard deviations from the median."""
    values = np.column_stack([NORMAL, NORMAL])
    values[0] = [9.0, 50.0]
    bends = NumberCodec.fit(values, "column").spread
    assert bends[0] == 0
    assert bends[1] > 0


def test_a_bend_of_any_size_is_finite():
    """Values that differ by hundreds of orders of magnitude are encoded and decoded as finite numbers."""
    values = np.vstack([1e-300 * NORMAL, [[1e38]]])
    codec = NumberCodec.fit(values, "column")
    assert np.isfinite(codec.encode(values)).all()
    assert through(codec, values)[-1] == pytest.approx(1e38)


def test_order_survives_encoding():
    """Encoding never changes which of two values is larger, bent or not."""
    values = np.sort(HARD["heavy tail"], axis=0)
    assert (np.diff(NumberCodec.fit(values, "column").encode(values), axis=0) >= 0).all()


@pytest.mark.parametrize("scaling", ["common", "column", "range", "none"])
def test_blocks_change_nothing(monkeypatch, scaling):
    """Moments that are summed some rows at a time are those of all rows at once, with gaps and bends."""
    rows = np.random.default_rng(0).standard_normal((500, 6))
    rows[:, 1] = np.exp(5 * rows[:, 1])
    rows[::7, 2] = np.nan
    rows[:, 3] = np.nan
    rows[:, 4] = 1e200 * rows[:, 4]
    whole = NumberCodec.fit(rows, scaling)
    monkeypatch.setattr("isthmus.prep.codecs.CELLS", 60)
    parts = NumberCodec.fit(rows, scaling)
    assert (parts.spread > 0).tolist() == [scaling == "column" and j == 1 for j in range(6)]
    for name, value in whole.arrays().items():
        np.testing.assert_allclose(parts.arrays()[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.int64, bool])
def test_small_types_are_encoded_like_floats(dtype):
    """The short way for small types gives what float64 gives, to single precision."""
    values = R.integers(0, 2 if dtype is bool else 100, size=(50, 2)).astype(dtype)
    codec = NumberCodec.fit(values, "common")
    assert codec.encode(values) == pytest.approx(codec.encode(values.astype(np.float64)), abs=1e-5)


def test_values_beyond_float32_stay_finite():
    """New values far beyond those of fit are encoded as large finite numbers."""
    encoded = NumberCodec.fit(NORMAL * 1e-30, "column").encode(np.array([[1e38], [-1e38]]))
    assert np.isfinite(np.square(encoded)).all()
    assert encoded[0] == -encoded[1] > 1e15


def test_tiny_single_floats_are_no_gaps():
    """A spread whose inverse float32 cannot hold is encoded all the same."""
    values = (NORMAL * 1e-41).astype(np.float32)
    assert np.isfinite(NumberCodec.fit(values, "column").encode(values)).all()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_flags_come_back(share):
    """An encoded flag is positive exactly where it was true, so it decodes to itself."""
    values = (np.arange(50)[:, None] < 50 * share).astype(float)
    codec = FlagCodec.fit(values)
    assert np.array_equal(through(codec, values), values)


def test_flags_have_mean_0_and_variance_1():
    """Flags weigh as much as numbers in PCA."""
    values = (np.random.default_rng(1).random((5000, 1)) < 0.2).astype(float)
    encoded = FlagCodec.fit(values).encode(values)
    assert encoded.mean() == pytest.approx(0.0, abs=1e-3)
    assert encoded.var() == pytest.approx(1.0, abs=1e-2)


def test_a_missing_flag_is_nan():
    """A gap in a flag is a gap in the code, and does not count in the share."""
    values = np.array([[1.0], [np.nan], [0.0], [np.nan]])
    codec = FlagCodec.fit(values)
    assert np.isnan(codec.encode(values)).ravel().tolist() == [False, True, False, True]
    assert codec.share.tolist() == [0.5]
    assert np.isfinite(FlagCodec.fit(values * np.nan).entropies()).all()


@given(codes=arrays(np.int32, st.integers(1, 40), elements=st.integers(-1, 4)))
@settings(max_examples=30)
def test_categories_come_back(codes):
    """Any codes decode to their own texts, whatever levels are absent; gaps are NaN."""
    levels = ("a", "b", "c", "d", "e")
    codec = CategoryCodec.fit(codes, levels)
    encoded = codec.encode(codes, levels)
    seen = codes >= 0
    decoded = [codec.levels[i] for i in codec.decode(encoded[seen])]
    assert decoded == [levels[i] for i in codes[seen]]
    assert np.isnan(encoded[~seen]).all()


def test_the_variances_of_a_category_sum_to_1():
    """A category weighs as much as one number, however many levels it has."""
    codes = R.integers(0, 7, 5000).astype(np.int32)
    encoded = CategoryCodec.fit(codes, tuple("abcdefg")).encode(codes, tuple("abcdefg")).astype(np.float64)
    assert encoded.var(axis=0).sum() == pytest.approx(1.0, abs=1e-2)
    assert encoded.mean(axis=0) == pytest.approx(np.zeros(8), abs=1e-3)


def test_an_unseen_level_goes_to_the_bucket():
    """A value that training never saw takes the last position, which is never the answer."""
    codec = CategoryCodec.fit(np.array([0, 1, 0], np.int32), ("a", "b"))
    encoded = codec.encode(np.array([0, 1], np.int32), ("b", "zebra"))
    assert encoded.argmax(axis=1).tolist() == [1, 2]
    assert codec.decode(np.array([[0.0, 1.0, 99.0]], np.float32)).tolist() == [1]


def test_levels_are_matched_by_text():
    """New data may number the same texts otherwise."""
    codec = CategoryCodec.fit(np.array([0, 1, 2], np.int32), ("a", "b", "c"))
    first, second = (
        codec.encode(np.array([0, 2], np.int32), ("a", "b", "c")),
        codec.encode(np.array([1, 0], np.int32), ("c", "a")),
    )
    assert np.array_equal(first, second)


def test_a_category_without_values_is_finite():
    """A column that is all gaps has no level to decode to, and a positive unit."""
    codec = CategoryCodec.fit(np.full(3, -1, np.int32), ("x",))
    assert np.isnan(codec.encode(np.full(3, -1, np.int32), ("x",))).all()
    assert codec.decode(np.ones((2, 1), np.float32)).tolist() == [-1, -1]
    assert codec.entropy() > 0


@pytest.mark.parametrize("cycle", DAYS)
def test_dates_one_cycle_apart_look_alike(cycle):
    """A whole number of days, weeks or years later the waves of that cycle are where they were."""
    days = np.linspace(0, 3000, 50)
    codec = DateCodec((cycle,))
    assert codec.encode(days) == pytest.approx(codec.encode(days + 3 * DAYS[cycle]), abs=1e-4)
    assert (codec.encode(days) ** 2).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)


@pytest.mark.parametrize(
    ("days", "cycles"),
    [
        (np.arange(500.0), ("week", "year")),
        (np.arange(0.0, 700.0, 7.0), ("year",)),
        (np.arange(50) / 24, ("day", "week", "year")),
        (np.full(5, 3.5), ()),
        (np.full(5, np.nan), ()),
    ],
)
def test_a_cycle_is_for_dates_that_move_in_it(days, cycles):
    """Whole days have no time of day, Mondays no weekday, one moment nothing at all."""
    assert DateCodec.fit(days).cycles == cycles


def test_a_missing_date_has_no_waves():
    """A gap in a date is 0 in its waves, as its gap mark says it is missing."""
    encoded = DateCodec(("day", "year")).encode(np.array([1.25, np.nan]))
    assert encoded.shape == (2, 4)
    assert not encoded[1].any()
    assert encoded[0].any()
