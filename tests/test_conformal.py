"""Tests of `isthmus.conformal`: p-values, discoveries, and what a threshold promises about new rows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import thresholds
from isthmus.conformal import (
    ExpectedAlarms,
    all_thresholds,
    benjamini_hochberg,
    cannot_discover,
    cannot_resolve,
    expected_false_alarms,
    least_rate,
    p_values,
)
from isthmus.errors import DataError, ParameterError

SCORES = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=50)
RATE = st.integers(1, 199).map(lambda k: k / 200)


@given(SCORES, SCORES)
def test_p_values_count(calibration, scores):
    """Sorting and searching gives what counting row by row gives, at ties too."""
    counted = [(1 + sum(c >= s for c in calibration)) / (len(calibration) + 1) for s in scores]
    assert p_values(calibration, scores) == pytest.approx(counted)


@given(SCORES, SCORES, RATE)
def test_p_values_agree_with_the_threshold(calibration, scores, rate):
    """A row is above the conformal threshold exactly when its p-value is at most the rate."""
    if cannot_resolve(len(calibration), rate) is None:
        flagged = np.array(scores) > thresholds.conformal(calibration, rate)
        assert (flagged == (p_values(calibration, scores) <= rate + 1e-9)).all()
    else:
        assert (p_values(calibration, scores) > rate).all()


@given(SCORES, SCORES)
def test_p_values_need_ranks_only(calibration, scores):
    """No increasing transform of all scores, nor the order of the calibration rows, changes them."""
    before = p_values(calibration, scores)
    assert (p_values(np.exp(calibration[::-1]), np.exp(scores)) == before).all()
    order = np.argsort(scores, kind="stable")
    assert (np.diff(before[order]) <= 0).all()


@pytest.mark.parametrize("values", [None, 4])
def test_p_values_of_normal_rows(values):
    """A normal row has a p-value of at most a with a chance of at most a; without ties with that chance, to 1 / (n + 1)."""
    r = np.random.default_rng(0)
    draw = (lambda n: r.normal(size=n)) if values is None else (lambda n: r.integers(0, values, n))
    found = np.array([p_values(draw(39), draw(1))[0] for _ in range(4_000)])
    for a in (0.025, 0.1, 0.5, 0.9):
        slack = 3 * np.sqrt(a * (1 - a) / len(found))
        assert np.mean(found <= a + 1e-9) <= a + slack
        if values is None:
            assert np.mean(found <= a + 1e-9) >= a - slack


def test_p_values_at_the_ends():
    """Infinite scores are the highest or lowest, no rows have no p-values, and one calibration row tells halves."""
    assert p_values([1.0], [-np.inf, 1.0, 1.5, np.inf]).tolist() == [1, 1, 0.5, 0.5]
    assert p_values([1.0], []).shape == (0,)


def test_scores_without_p_values():
    """NaN, tables and calibration scores that are not finite are errors."""
    with pytest.raises(DataError, match=r"one score for each row, none NaN; got shape \(3,\) with 1 NaN"):
        p_values([1.0, 2.0], [1.0, np.nan, 2.0])
    with pytest.raises(DataError, match=r"got shape \(1, 2\)"):
        p_values([1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(DataError, match="one finite score for each row"):
        p_values([1.0, np.inf], [1.0])


@given(st.integers(1, 5_000), RATE)
def test_rates_that_can_be_told(n, rate):
    """There is a reason against a rate exactly where `thresholds.conformal` refuses it, and the rows it names suffice."""
    reason = cannot_resolve(n, rate)
    assert (reason is None) == (rate >= least_rate(n) - 1e-12)
    if reason is None:
        thresholds.conformal(range(n), rate)
    else:
        needed = int(re.search(r"([\d,]+) rows could", reason)[1].replace(",", ""))
        assert cannot_resolve(needed, rate) is None
        assert cannot_resolve(needed - 1, rate) is not None
        with pytest.raises(ParameterError, match="cannot tell"):
            thresholds.conformal(range(n), rate)


def test_counts_out_of_range():
    """Rows are counted from 1."""
    for call in (least_rate, lambda n: cannot_resolve(n, 0.1), lambda n: cannot_discover(n, 0.1)):
        with pytest.raises(ParameterError, match="n must be an integer >= 1; got 0"):
            call(0)
    with pytest.raises(ParameterError, match="n_samples must be an integer >= 1; got 0"):
        cannot_discover(9, 0.1, 0)


@given(st.lists(st.integers(0, 50).map(lambda k: k / 50), max_size=40), RATE)
def test_benjamini_hochberg_by_its_definition(p, fdr):
    """The discoveries are the k smallest for the largest k that keeps below the line, found by trying every k."""
    mask = benjamini_hochberg(p, fdr)
    ranked = sorted(p)
    k = max([k for k in range(1, len(p) + 1) if ranked[k - 1] <= k * fdr / len(p) + 1e-12], default=0)
    assert mask.tolist() == [k > 0 and value <= ranked[k - 1] for value in p]
    assert mask.sum() == k


@given(st.lists(st.floats(0, 1), max_size=40), RATE, RATE)
def test_benjamini_hochberg_grows_with_the_dial(p, one, other):
    """More false discoveries allowed never takes one away; a single p-value is compared with the rate itself."""
    assert (benjamini_hochberg(p, min(one, other)) <= benjamini_hochberg(p, max(one, other))).all()
    assert (np.ravel([benjamini_hochberg([v], one) for v in p]) == (np.array(p) <= one * (1 + 1e-12))).all()


def test_benjamini_hochberg_controls_false_discoveries():
    """Over many draws, the mean share of false discoveries keeps to fdr times the share of normal rows, and finds most."""
    r = np.random.default_rng(1)
    anomaly = np.arange(100) < 15
    shares, found = [], []
    for _ in range(600):
        mask = benjamini_hochberg(p_values(r.normal(size=300), r.normal(4 * anomaly)), 0.2)
        shares.append(np.sum(mask & ~anomaly) / max(1, mask.sum()))
        found.append(np.mean(mask[anomaly]))
    assert np.mean(shares) <= 0.2 * 0.85 + 3 * np.std(shares) / np.sqrt(len(shares))
    assert np.mean(found) > 0.8


def test_p_that_are_not_probabilities():
    """NaN, values beyond 0 to 1 and tables are errors, as are rates beyond 0 to 1."""
    for p in ([0.5, np.nan], [1.1], [-0.1], [[0.5]], 0.5):
        with pytest.raises(DataError, match="p must be one number from 0 to 1 for each row; got"):
            benjamini_hochberg(p, 0.1)
    with pytest.raises(ParameterError, match="fdr must be a number > 0 and < 1; got 5"):
        benjamini_hochberg([0.5], 5)
    with pytest.raises(ParameterError, match="fdr must be a number > 0 and < 1; got 0"):
        cannot_discover(9, 0)


@given(st.integers(1, 300), RATE, st.integers(1, 60))
def test_discoveries_that_can_be_made(n, fdr, n_samples):
    """What the sentence says is so: rows beyond all calibration rows are discovered only that many at a time."""
    says = cannot_discover(n, fdr, n_samples)

    def discovered(k):
        scores = np.where(np.arange(n_samples) < k, n + 1, -1)
        return benjamini_hochberg(p_values(range(n), scores), fdr).sum()

    if says is None:
        assert discovered(1) >= 1
    elif "never" in says:
        assert discovered(n_samples) == 0
    else:
        fewest = int(re.search(r"come ([\d,]+) or more", says)[1].replace(",", ""))
        assert discovered(fewest - 1) == 0
        assert discovered(fewest) >= fewest


@pytest.mark.parametrize(("n", "rate"), [(20, 0.1), (99, 0.01), (99, 0.05), (400, 0.025)])
def test_expected_false_alarms_come_true(n, rate):
    """Over many calibrations new rows are flagged as often as expected, and the interval holds the true share."""
    r = np.random.default_rng(2)
    true, expected = [], []
    for _ in range(1_500):
        scores = r.uniform(size=n)
        threshold = thresholds.conformal(scores, rate)
        true.append(1 - threshold)
        expected.append(expected_false_alarms(scores, threshold))
    assert np.mean(true) == pytest.approx(expected[0].rate, abs=3 * np.std(true) / np.sqrt(len(true)))
    held = np.mean([e.low <= share <= e.high for e, share in zip(expected, true, strict=True)])
    assert held >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(true))


def test_expected_false_alarms_of_a_fixed_threshold():
    """The interval holds the share above a threshold that was chosen before the scores came."""
    r = np.random.default_rng(3)
    found = [expected_false_alarms(r.uniform(size=150), 0.97, level=0.8) for _ in range(1_500)]
    held = np.mean([e.low <= 0.03 <= e.high for e in found])
    assert held >= 0.8 - 3 * np.sqrt(0.8 * 0.2 / len(found))


@given(SCORES, st.integers(-11, 11), st.sampled_from([0.5, 0.8, 0.95]))
def test_expected_false_alarms_fall_with_the_threshold(scores, threshold, level):
    """A higher threshold gives fewer, and the expected rate lies inside its interval, which grows with the level."""
    low, high = (expected_false_alarms(scores, t, level) for t in (threshold, threshold + 1))
    assert low.rate >= high.rate
    assert (low.low, low.high) >= (high.low, high.high)
    assert 0 <= low.low < low.rate <= low.high <= 1
    wide = expected_false_alarms(scores, threshold, 0.99)
    assert wide.low <= low.low <= low.high <= wide.high


def test_expected_false_alarms_at_the_ends():
    """Below all scores every row may be flagged; above all of them some may be, the fewer the more scores there are."""
    everything, nothing = (expected_false_alarms(range(50), t) for t in (-np.inf, np.inf))
    assert (everything.rate, everything.high) == (1, 1)
    assert (nothing.rate, nothing.low) == (pytest.approx(1 / 51), 0)
    assert nothing.high == pytest.approx(1 - 0.025 ** (1 / 50))  # at a larger share 50 rows have none in < 2.5 %
    assert expected_false_alarms([3.0], 3.0).rate == 0.5


def test_thresholds_that_are_none():
    """A threshold is a number and a level lies between 0 and 1."""
    with pytest.raises(ParameterError, match="threshold must be a number; got nan"):
        expected_false_alarms([1.0], float("nan"))
    with pytest.raises(ParameterError, match="level must be a number > 0 and < 1; got 95"):
        expected_false_alarms([1.0], 1.0, level=95)


def test_expected_false_alarms_in_words():
    """Per 1,000 rows, with no more digits than matter."""
    assert ExpectedAlarms(0.001, 0.0, 0.0366, 0.9).words == (
        "1 false alarm per 1,000 new normal rows (90 % interval: 0 to 37)"
    )
    assert ExpectedAlarms(1.0, 0.5, 1.0).words.startswith("1,000 false alarms per 1,000")


@pytest.mark.parametrize("n", [1, 2, 12, 300, 3_000])
def test_all_thresholds_at_the_usual_rate(n):
    """Every rule gives a threshold at the usual rate, the same as its own function gives, with its alarms."""
    scores = np.random.default_rng(4).exponential(size=n)
    rows = {row.rule: row for row in all_thresholds(scores, contamination=0.05)}
    assert rows["conformal"].threshold == thresholds.conformal(scores)
    assert rows["quantile"].threshold == thresholds.quantile(scores)
    assert rows["peaks over threshold"].threshold == thresholds.peaks_over_threshold(scores)
    assert rows["median + 3 deviations"].threshold == thresholds.median_deviations(scores, 3)
    assert rows["mean + 3 deviations"].threshold == thresholds.mean_and_deviations(scores, 3)
    assert rows["5 % of these rows"].threshold == thresholds.share(scores, 0.05)
    for row in rows.values():
        assert row.alarms == expected_false_alarms(scores, row.threshold)
        assert row.reason == ""


def test_all_thresholds_says_what_cannot_be():
    """A rate that so few rows cannot tell leaves the conformal row empty, with the reason; the others stand."""
    first, *others = all_thresholds(range(106), false_alarm_rate=0.005, k=2.5)
    assert (first.rule, first.threshold, first.alarms) == ("conformal", None, None)
    assert "106 calibration rows cannot tell a false-alarm rate of 0.5 %: the least they can is 0.93 %" in first.reason
    assert all(row.threshold is not None and row.alarms for row in others)
    assert others[-1].rule == "mean + 2.5 deviations"


def test_all_thresholds_checks_its_parameters():
    """A parameter out of its range is an error, not a row."""
    with pytest.raises(ParameterError, match="false_alarm_rate must be a number > 0 and < 1; got 2"):
        all_thresholds(range(9), false_alarm_rate=2)
    with pytest.raises(ParameterError, match="k must be a number; got inf"):
        all_thresholds(range(9), k=float("inf"))
    with pytest.raises(ParameterError, match=r"contamination must be a number > 0 and <= 0\.5; got 0\.7"):
        all_thresholds(range(9), contamination=0.7)
    with pytest.raises(DataError, match="one finite score for each row"):
        all_thresholds([])
