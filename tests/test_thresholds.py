"""Tests of `isthmus.thresholds`: what a threshold promises about new rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import DataError, ParameterError
from isthmus.thresholds import FALSE_ALARM_RATE, FEWEST_EXCEEDANCES, conformal, mean_and_deviations

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
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


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan"), True])
def test_rates_out_of_range(rate):
    """A rate is above 0 and below 1."""
    with pytest.raises(ParameterError, match="false_alarm_rate must be a number > 0 and < 1; got"):
        conformal(range(100), rate)


@pytest.mark.parametrize("rule", [mean_and_deviations, conformal])
@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf], [[1.0], [2.0]], 3.0])
def test_scores_that_are_none(rule, scores):
    """No scores, gaps, infinities and tables are errors that give the shape."""
    with pytest.raises(DataError, match=r"one finite score for each row; got an array of shape \("):
        rule(scores)
