"""From scores to a threshold. Higher scores are more anomalous.

Everywhere in isthmus a row is flagged when its score lies above the threshold, ``score > threshold``; a row exactly at it is
not. Scores are (n_samples,), one finite number for each row. Rules that also take labels are in `isthmus.labelled`; p-values
and what a threshold promises about new rows are in `isthmus.conformal`.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

from isthmus.allowed import Allowed
from isthmus.errors import DataError, ParameterError

FALSE_ALARM_RATE = 0.01
FEWEST_EXCEEDANCES = 10
"""Calibration rows that are expected above a threshold: with fewer, its rate is known to less than a third."""
RATE = Allowed("", number="float", low=0, high=1, open_low=True, open_high=True)
SHARE = Allowed("", number="float", low=0, high=0.5, open_low=True)
NUMBER = Allowed("", number="float")
COUNT = Allowed("", number="int", low=1)
NORMAL_PER_MAD = 1.4826
"""Standard deviations of a normal distribution over its median absolute deviation."""


def default_rate(n: int) -> float:
    """The false-alarm rate where none is asked for: 1 %, but never fewer than 10 expected exceedances among ``n`` rows.

    At most one half, however few the rows.

    Parameters
    ----------
    n : calibration rows, at least 1.

    Raises
    ------
    ParameterError : ``n`` is not an integer >= 1.

    Examples
    --------
    >>> default_rate(5_000), default_rate(400), default_rate(6)
    (0.01, 0.025, 0.5)
    """
    checked_number("n", n, COUNT)
    return min(0.5, max(FALSE_ALARM_RATE, FEWEST_EXCEEDANCES / n))


def mean_and_deviations(scores: ArrayLike, k: float = 1.0) -> float:
    """Mean plus ``k`` standard deviations of ``scores``.

    The rule of many tutorials. It states no rate of false alarms: under a normal distribution and ``k=1`` about one row in
    six lies above it, and scores are not normally distributed.

    Parameters
    ----------
    scores : (n_samples,) of normal rows, best of rows that the model was not trained on.
    k : float, default 1.0

    Raises
    ------
    DataError : no scores, or scores that are not finite.

    Examples
    --------
    >>> mean_and_deviations([1.0, 3.0], k=2.0)
    4.0
    """
    found = checked_scores(scores)
    return float(found.mean() + k * found.std())


def conformal(scores: ArrayLike, false_alarm_rate: float | None = None) -> float:
    """The threshold above which a new normal row lies with a chance of at most ``false_alarm_rate``.

    The rank ``ceil((n + 1) (1 - rate))`` of ``n`` held-out scores (split conformal prediction: Vovk, Gammerman, Shafer 2005).
    It assumes nothing of the scores but that new normal rows come from where the held-out ones came from.

    Parameters
    ----------
    scores : (n_samples,) of normal rows that the model was not trained on.
    false_alarm_rate : between 0 and 1, default None: that of `default_rate`.

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a rate outside of 0 to 1, or one that so few scores cannot tell.

    Examples
    --------
    >>> conformal(range(1, 100), 0.1)
    90.0
    """
    found = np.sort(checked_scores(scores))
    rate = default_rate(len(found)) if false_alarm_rate is None else false_alarm_rate
    checked_number("false_alarm_rate", rate, RATE)
    rank = _rank(len(found) + 1, rate)
    if rank > len(found):
        raise ParameterError(
            f"{len(found)} held-out rows cannot tell a false-alarm rate of {rate:g}; the least they can is "
            f"{1 / (len(found) + 1):.2g}. Give more rows, or ask for a larger rate."
        )
    return float(found[rank - 1])


def quantile(scores: ArrayLike, false_alarm_rate: float | None = None) -> float:
    """The lowest of the scores that at most ``false_alarm_rate`` of them lie above: the plain empirical quantile.

    It speaks of the rows at hand; new rows lie above it a little more often, by up to ``1 / (n + 1)``, which `conformal` adds
    (Hyndman and Fan 1996, "Sample quantiles in statistical packages", definition 1; NumPy's ``inverted_cdf``).

    Parameters
    ----------
    scores : (n_samples,) of normal rows that the model was not trained on.
    false_alarm_rate : between 0 and 1, default None: that of `default_rate`. Below ``1 / n`` it is the highest score.

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a rate outside of 0 to 1.

    Examples
    --------
    >>> quantile(range(1, 101), 0.1)
    90.0
    """
    found = np.sort(checked_scores(scores))
    rate = default_rate(len(found)) if false_alarm_rate is None else false_alarm_rate
    checked_number("false_alarm_rate", rate, RATE)
    return float(found[_rank(len(found), rate) - 1])


def median_deviations(scores: ArrayLike, k: float = 3.0) -> float:
    """Median plus ``k`` times 1.4826 times the median absolute deviation from it.

    `mean_and_deviations` for scores among which are some anomalies: up to half of the rows can be moved anywhere without
    moving it far (Hampel 1974, "The influence curve and its role in robust estimation"). It states no rate of false alarms.
    Where more than half of the scores are alike, the deviation is 0 and the threshold is the median.

    Parameters
    ----------
    scores : (n_samples,) of rows, most of them normal.
    k : float, default 3.0

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : ``k`` is not a finite number.

    Examples
    --------
    >>> round(median_deviations([1.0, 2.0, 3.0, 4.0, 1e6], k=2.0), 4)
    5.9652
    """
    found = checked_scores(scores)
    checked_number("k", k, NUMBER)
    middle = np.median(found)
    return float(middle + k * NORMAL_PER_MAD * np.median(np.abs(found - middle)))


def peaks_over_threshold(scores: ArrayLike, false_alarm_rate: float | None = None, tail: float = 0.1) -> float:
    """The threshold that a generalised Pareto tail puts at ``false_alarm_rate``, also far beyond the highest score.

    What lies above a high quantile of almost any distribution follows that law (Pickands 1975; Balkema and de Haan 1974), so
    it can be asked for rates that ``n`` rows cannot tell by counting; the price is that the tail must go on as it began.
    The threshold is equation 1 of Siffer et al. 2017, "Anomaly detection in streams with extreme value theory". Its shape and
    scale come from probability-weighted moments (Hosking and Wallis 1987), a closed form that exists for any scores; an end
    of the tail that falls below the highest score is moved there (Dupuis and Tsao 1998).

    Of exponential scores, new rows lie above a threshold for 0.1 % as often as asked in the typical case; on average over
    many fits 5 times as often with 100 calibration rows, 2.6 with 200 and 1.4 with 1,000.

    It is never below the quantile where the tail begins, and is that quantile where no more than ``false_alarm_rate`` of the
    scores lie above it, as with scores that are all alike. With fewer than 10 scores in the tail its shape cannot be told:
    the tail is then exponential.

    Parameters
    ----------
    scores : (n_samples,) of normal rows that the model was not trained on; some hundreds, best of all.
    false_alarm_rate : between 0 and 1, default None: that of `default_rate`.
    tail : float, default 0.1, between 0 and 1: the share of the scores that the tail is fitted to. Where the rate is larger,
        there is nothing to extrapolate: the tail begins at the rate, and the threshold is `quantile`.

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a rate or a tail outside of 0 to 1.

    Examples
    --------
    >>> exponential = -np.log1p(-(np.arange(2_000) + 0.5) / 2_000)
    >>> round(peaks_over_threshold(exponential, 1e-5), 1), round(-math.log(1e-5), 1)
    (11.6, 11.5)
    """
    found = checked_scores(scores)
    rate = default_rate(len(found)) if false_alarm_rate is None else false_alarm_rate
    checked_number("false_alarm_rate", rate, RATE)
    checked_number("tail", tail, RATE)
    start = quantile(found, max(tail, rate))
    excess = np.sort(found[found > start]) - start
    if len(excess) <= rate * len(found):
        return start
    shape, scale = _generalised_pareto(excess / excess[-1])
    beyond = scipy.special.boxcox(len(excess) / (rate * len(found)), shape)
    return float(start + excess[-1] * scale * beyond)


def share(scores: ArrayLike, contamination: float) -> float:
    """The threshold above which lies exactly the share ``contamination`` of the scores themselves.

    For rows among which that share is known to be anomalous, such as those of a fit on contaminated data; it says nothing of
    the false alarms among new rows.

    Parameters
    ----------
    scores : (n_samples,)
    contamination : above 0, at most 0.5. ``round(contamination * n_samples)`` rows lie above the threshold; where the scores
        on both sides of the cut are equal they stay below it together, so fewer do.

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a share that is not above 0 and at most 0.5.

    Examples
    --------
    >>> share([5.0, 1.0, 4.0, 2.0, 3.0], 0.4)
    3.0
    """
    found = np.sort(checked_scores(scores))
    checked_number("contamination", contamination, SHARE)
    return float(found[len(found) - 1 - round(contamination * len(found))])


def checked_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """``scores`` as (n_samples,) float64; anything but one finite score for each row is a `DataError`.

    >>> checked_scores([1, 2])
    array([1., 2.])
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise DataError(f"a threshold needs one finite score for each row; got an array of shape {found.shape}.")
    return found


def checked_number(name: str, value: object, allowed: Allowed) -> None:
    """Raise `ParameterError` with what is allowed unless ``allowed`` admits ``value``.

    >>> checked_number("false_alarm_rate", 0.01, RATE)
    """
    if not allowed.admits(value):
        raise ParameterError(f"{name} must be {allowed.words()}; got {value!r}.")


def _rank(n: int, rate: float) -> int:
    # A rate such as 0.07 leaves a trace in 100 * (1 - 0.07) that must not push it to the next rank.
    return max(1, math.ceil(n * (1 - rate) - 1e-9))


def _generalised_pareto(excess: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of sorted excesses (n,) in (0, 1]; at shape 0 the tail is exponential, below 0 it has an end."""
    n, mean = len(excess), float(excess.mean())
    if n < FEWEST_EXCEEDANCES:
        return 0.0, mean
    weighted = float(np.mean(excess * np.arange(n - 1, -1, -1) / (n - 1)))
    # It is 0 where all excesses are alike; this little more puts the end of the tail at their value.
    spread = max(mean - 2 * weighted, 1e-9 * mean)
    shape, scale = 2 - mean / spread, 2 * mean * weighted / spread
    return max(shape, -scale / float(excess[-1])), scale
