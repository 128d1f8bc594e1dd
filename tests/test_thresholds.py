"""Tests of `isthmus.thresholds`: what a threshold promises about new rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import DataError, ParameterError
from isthmus.thresholds import (
    FALSE_ALARM_RATE,
    FEWEST_EXCEEDANCES,
    conformal,
    default_rate,
    mean_and_deviations,
    median_deviations,
    peaks_over_threshold,
    quantile,
    share,
)

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
RATES = (0.0001, 0.001, 0.01, 0.02, 0.1, 0.5, 0.99)
BY_RATE = [quantile, peaks_over_threshold]
DRAWS = {
    "normal": lambda r, n: r.normal(size=n),
    "heavy tail": lambda r, n: np.exp(2 * r.normal(size=n)),
    "few values": lambda r, n: r.integers(0, 5, n).astype(float),
    "all alike": lambda r, n: np.full(n, 3.0),
}


@given(SCORES, st.floats(-3, 3))
def test_mean_and_deviations_moves_with_the_scores(scores, k):
    """Shifting all scores shifts the threshold, stretching them stretches it."""
    before = mean_and_deviations(scores, k)
    after = mean_and_deviations(2 * np.array(scores) + 5, k)
    assert after == pytest.approx(2 * before + 5, rel=1e-6, abs=1e-6)


def test_mean_and_deviations_grows_with_k():
    """More deviations set the threshold higher; none set it at the mean."""
    scores = np.random.default_rng(0).normal(size=50)
    found = [mean_and_deviations(scores, k) for k in (-1, 0, 1, 3)]
    assert found == sorted(found)
    assert found[1] == pytest.approx(scores.mean())
    assert found[2] - found[1] == pytest.approx(scores.std())


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("n", "rate"), [(9, 0.1), (99, 0.01), (60, 0.05), (200, 0.3)])
def test_conformal_keeps_its_promise(name, n, rate):
    """Over many draws of scores, at most the stated share of new rows of the same kind lies above, however they spread."""
    r = np.random.default_rng(1)
    above = [np.mean(DRAWS[name](r, 200) > conformal(DRAWS[name](r, n), rate)) for _ in range(800)]
    slack = 3 * np.std(above) / np.sqrt(len(above))
    assert np.mean(above) <= rate + slack
    if name in ("normal", "heavy tail"):  # without ties the promise is sharp, to one row of the calibration
        assert np.mean(above) >= rate - 1 / (n + 1) - slack


def test_conformal_falls_with_the_rate():
    """The more false alarms are allowed, the lower the threshold; it is always one of the scores."""
    scores = np.random.default_rng(0).normal(size=99)
    found = [conformal(scores, rate) for rate in (0.01, 0.02, 0.1, 0.5, 0.99)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 5
    assert set(found) <= set(scores.tolist())
    assert found[0] == scores.max()


@given(SCORES, st.randoms())
def test_conformal_needs_no_order(scores, random):
    """The order of the scores plays no part, nor does adding a number to them all."""
    shuffled = random.sample(scores, len(scores))
    assert conformal(shuffled) == conformal(scores)
    assert conformal(np.round(scores) + 7) == conformal(np.round(scores)) + 7


@pytest.mark.parametrize("n", [1, 2, 19, 20, 300, 1_000, 5_000])
def test_the_usual_rate(n):
    """Without a rate it is 1 %, but about 10 of the rows lie above, and never more than half of them."""
    scores = np.arange(float(n))
    above = np.sum(scores > conformal(scores))
    assert above == pytest.approx(max(FALSE_ALARM_RATE * n, min(FEWEST_EXCEEDANCES, n / 2)), abs=1)


def test_too_few_rows_for_a_rate():
    """A rate that so few rows cannot tell is an error that names the least they can, which then works."""
    with pytest.raises(ParameterError, match=r"9 held-out rows cannot tell a false-alarm rate of 0\.05; .* is 0\.1\."):
        conformal(range(9), 0.05)
    assert conformal(range(9), 0.1) == 8


@given(st.integers(1, 10**9))
def test_default_rate(n):
    """The usual rate falls with the rows, from a half to 1 %, and can always be told."""
    assert 0.01 <= default_rate(n + 1) <= default_rate(n) <= 0.5
    assert default_rate(n) * n >= min(FEWEST_EXCEEDANCES, n / 2) - 1e-6
    assert default_rate(n) >= 1 / (n + 1)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "9"])
def test_default_rate_needs_a_count(n):
    """Rows are counted: anything but an integer of at least 1 is an error."""
    with pytest.raises(ParameterError, match="n must be an integer >= 1; got"):
        default_rate(n)


@given(SCORES, st.floats(0.001, 0.999))
def test_quantile_is_the_lowest_that_will_do(scores, rate):
    """At most the stated share of the scores lies above it, and any lower score has more above."""
    found = quantile(scores, rate)
    values = np.array(scores)
    assert found in values
    assert np.sum(values > found) <= rate * len(values) + 1e-6
    lower = values[values < found]
    assert not len(lower) or np.sum(values > lower.max()) > rate * len(values) - 1e-6


def test_quantile_among_fresh_rows():
    """New rows lie above it a little more often than asked: as often as its rank among n + 1 says."""
    r = np.random.default_rng(2)
    above = [np.mean(r.normal(size=200) > quantile(r.normal(size=50), 0.1)) for _ in range(2_000)]
    assert np.mean(above) == pytest.approx(1 - 45 / 51, abs=3 * np.std(above) / np.sqrt(len(above)))


@pytest.mark.parametrize("rule", BY_RATE)
@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("n", [1, 2, 15, 99, 1_000])
def test_thresholds_fall_with_the_rate(rule, name, n):
    """The more false alarms are allowed, the lower the threshold, for scores of any kind and number."""
    scores = DRAWS[name](np.random.default_rng(3), n)
    found = [rule(scores, rate) for rate in RATES]
    assert np.isfinite(found).all()
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("rule", BY_RATE)
@given(scores=SCORES, rate=st.sampled_from(RATES))
def test_thresholds_move_with_the_scores(rule, scores, rate):
    """Shifting all scores shifts the threshold, stretching them stretches it."""
    rounded = np.round(scores)
    assert rule(4 * rounded + 3, rate) == pytest.approx(4 * rule(rounded, rate) + 3, rel=1e-6, abs=1e-6)


@given(SCORES, st.floats(-3, 3))
def test_median_deviations_moves_with_the_scores(scores, k):
    """Shifting all scores shifts the threshold, stretching them stretches it."""
    after = median_deviations(2 * np.array(scores) + 5, k)
    assert after == pytest.approx(2 * median_deviations(scores, k) + 5, rel=1e-6, abs=1e-6)


def test_median_deviations_of_normal_scores():
    """It stands k standard deviations above the mean of normal scores, and stays there when a fifth of the rows are wild."""
    scores = np.random.default_rng(0).normal(10, 2, size=5_000)
    found = [median_deviations(scores, k) for k in (-1, 0, 1, 3)]
    assert found == pytest.approx([8, 10, 12, 16], abs=0.3)
    scores[:1_000] = 1e9
    assert median_deviations(scores) < 20
    assert mean_and_deviations(scores, 3) > 1e9


@given(SCORES, st.sampled_from(RATES), st.sampled_from([0.05, 0.1, 0.3]))
def test_peaks_over_threshold_starts_at_the_quantile(scores, rate, tail):
    """It is never below the quantile where the tail begins, and just there where the rate is no smaller than the tail."""
    found = peaks_over_threshold(scores, rate, tail)
    assert found >= quantile(scores, max(tail, rate))
    if rate >= tail:
        assert found == quantile(scores, rate)


def test_peaks_over_threshold_of_exponential_scores():
    """Ten times beyond what 1,000 rows can tell it is right on average, and spreads as Hosking and Wallis's theory says.

    With N rows in the tail the moments' estimates of scale and shape have variances 7/3 and 4/3 and a covariance of 4/3, all
    over N; the threshold is start + L scale + L^2/2 shape, where L is the log of the ratio of tail to rate.
    """
    r = np.random.default_rng(4)
    n, rate, tail = 1_000, 1e-4, 0.1
    found = np.array([peaks_over_threshold(r.exponential(size=n), rate, tail) for _ in range(500)])
    ratio = np.log(tail / rate)
    spread = np.sqrt((7 / 3 * ratio**2 + ratio**4 / 3 - 4 / 3 * ratio**3 + 1 - tail) / (tail * n))
    assert np.median(found) == pytest.approx(-np.log(rate), abs=4 * 1.25 * spread / np.sqrt(len(found)) + 0.05 * 9.2)
    assert np.std(found) == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize("name", ["normal", "heavy tail"])
def test_peaks_over_threshold_keeps_its_rate(name):
    """At the edge of what the rows can tell, the typical rate among new rows is the asked one to a factor of two."""
    r = np.random.default_rng(5)
    new = np.sort(DRAWS[name](r, 400_000))
    found = [peaks_over_threshold(DRAWS[name](r, 1_000), 0.001) for _ in range(200)]
    assert 0.0005 < 1 - np.searchsorted(new, np.median(found)) / len(new) < 0.002


def test_peaks_over_threshold_below_the_end_of_a_tail():
    """Scores that end somewhere have a threshold near that end, at or above the highest seen, however small the rate."""
    scores = np.random.default_rng(6).uniform(size=2_000)
    for rate in (1e-4, 1e-6, 1e-9):
        assert scores.max() - 0.001 <= peaks_over_threshold(scores, rate) < 1.02


@pytest.mark.parametrize("high", [12, 30])
def test_peaks_over_threshold_of_two_values(high):
    """A tail of one single value is not torn apart: nothing lies above, unless more may than do."""
    scores = np.repeat([0.0, 2.0], [1_000 - high, high])
    assert np.sum(scores > peaks_over_threshold(scores, 0.0005)) == 0
    assert peaks_over_threshold(scores, 0.05) == 0


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.floats(0.001, 0.5))
def test_share_of_the_scores(scores, contamination):
    """Without ties exactly the rounded share lies above; at ties fewer do, and taking them along would be too many."""
    n, wanted = len(scores), round(contamination * len(scores))
    assert np.sum(np.arange(n) > share(np.arange(n), contamination)) == wanted
    values = np.array(scores)
    found = share(values, contamination)
    assert np.sum(values > found) <= wanted < np.sum(values >= found)


@pytest.mark.parametrize("contamination", [0, 0.51, -0.1, float("nan"), True, "0.1"])
def test_shares_out_of_range(contamination):
    """Anomalies are some rows, and at most half of them."""
    with pytest.raises(ParameterError, match=r"contamination must be a number > 0 and <= 0\.5; got"):
        share(range(100), contamination)


@pytest.mark.parametrize("rule", [conformal, *BY_RATE])
@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan"), True])
def test_rates_out_of_range(rule, rate):
    """A rate is above 0 and below 1."""
    with pytest.raises(ParameterError, match="false_alarm_rate must be a number > 0 and < 1; got"):
        rule(range(100), rate)


def test_other_parameters_out_of_range():
    """A tail is a share of the rows, and deviations are counted by a finite number."""
    with pytest.raises(ParameterError, match="tail must be a number > 0 and < 1; got 10"):
        peaks_over_threshold(range(100), 0.01, tail=10)
    with pytest.raises(ParameterError, match="k must be a number; got nan"):
        median_deviations(range(100), k=float("nan"))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60, unique_by=lambda x: round(x, 3)))
def test_ranks_alone_decide(scores):
    """Rules that pick one of the scores pick the same row after any increasing transform of them."""
    rounded = np.round(scores, 3)
    for rule in (conformal, quantile, lambda s: share(s, 0.3)):
        assert rule(np.exp(rounded)) == np.exp(rule(rounded))


@pytest.mark.parametrize(
    "rule", [conformal, quantile, median_deviations, peaks_over_threshold, lambda s: share(s, 0.1)]
)
def test_few_and_constant_scores(rule):
    """One score, or scores that are all alike, give that score: nothing of them is flagged."""
    assert rule([2.5]) == 2.5
    assert rule([0.1] * 500) == 0.1


@pytest.mark.parametrize("rule", [mean_and_deviations, median_deviations, conformal, *BY_RATE, lambda s: share(s, 0.1)])
@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf], [[1.0], [2.0]], 3.0])
def test_scores_that_are_none(rule, scores):
    """No scores, gaps, infinities and tables are errors that give the shape."""
    with pytest.raises(DataError, match=r"one finite score for each row; got an array of shape \("):
        rule(scores)
