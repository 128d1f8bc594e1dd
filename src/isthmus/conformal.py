"""P-values from calibration scores, and what follows from them for new rows.

Calibration scores are those of normal rows that the model was not trained on. All that is assumed of a new normal row is that
it comes from where they came from: its rank among them is then uniform (Vovk, Gammerman, Shafer 2005, "Algorithmic learning
in a random world"). Higher scores are more anomalous; a row is flagged when ``score > threshold``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

from isthmus import thresholds
from isthmus.errors import DataError, ParameterError
from isthmus.thresholds import COUNT, RATE, checked_number, checked_scores, default_rate


@dataclass(frozen=True)
class ExpectedAlarms:
    """False alarms to expect among new normal rows.

    Attributes
    ----------
    rate : expected share of new normal rows that are flagged.
    low, high : bounds of the interval that holds the true share with a chance of at least ``level``.
    level : float
    """

    rate: float
    low: float
    high: float
    level: float = 0.95

    @property
    def words(self) -> str:
        """The rate and its interval per 1,000 rows, in words.

        >>> ExpectedAlarms(0.01, 0.0047, 0.0182).words
        '10 false alarms per 1,000 new normal rows (95 % interval: 4.7 to 18)'
        """
        rate, low, high = (_short(1_000 * share) for share in (self.rate, self.low, self.high))
        noun = "false alarm" if rate == "1" else "false alarms"
        return f"{rate} {noun} per 1,000 new normal rows ({100 * self.level:.6g} % interval: {low} to {high})"


@dataclass(frozen=True)
class ThresholdRow:
    """What one rule makes of the calibration scores.

    Attributes
    ----------
    rule : its name, in words.
    threshold : None where the rule cannot be followed with so few scores.
    alarms : what the threshold promises; None where there is none.
    reason : why there is no threshold; empty where there is one.
    """

    rule: str
    threshold: float | None
    alarms: ExpectedAlarms | None
    reason: str = ""


def p_values(calibration_scores: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """The chance that a new normal row scores as high: ``(1 + #{calibration >= score}) / (n + 1)``.

    Where a new row is normal its p-value is at most ``a`` with a chance of at most ``a``, for every ``a``, whatever the
    scores' distribution (Vovk, Gammerman, Shafer 2005; Bates et al. 2023, "Testing for outliers with conformal p-values").
    ``p <= a`` flags the same rows as ``score > thresholds.conformal(calibration_scores, a)``.

    Parameters
    ----------
    calibration_scores : (n_calibration,)
    scores : (n_samples,); may be empty or hold infinities, but no NaN.

    Returns
    -------
    (n_samples,) from ``1 / (n_calibration + 1)`` to 1.

    Raises
    ------
    DataError : calibration scores that are not finite, none of them, or a score that is NaN.

    Examples
    --------
    >>> p_values([1, 2, 3, 4], [0, 2, 2.5, 9])
    array([1. , 0.8, 0.6, 0.2])
    """
    calibration = np.sort(checked_scores(calibration_scores))
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or np.isnan(found).any():
        gaps = np.isnan(found).sum()
        raise DataError(f"p-values need one score for each row, none NaN; got shape {found.shape} with {gaps} NaN.")
    n = len(calibration)
    return np.asarray((1.0 + n - np.searchsorted(calibration, found, side="left")) / (n + 1.0))


def least_rate(n: int) -> float:
    """The least false-alarm rate, and the least p-value, that ``n`` calibration rows can tell: ``1 / (n + 1)``.

    ``n`` is an integer >= 1; another is a `ParameterError`.

    >>> least_rate(99)
    0.01
    """
    checked_number("n", n, COUNT)
    return 1 / (n + 1)


def cannot_resolve(n: int, false_alarm_rate: float) -> str | None:
    """Why ``n`` calibration rows cannot tell a false-alarm rate, in one sentence; None where they can.

    Parameters
    ----------
    n : calibration rows, at least 1.
    false_alarm_rate : between 0 and 1.

    Raises
    ------
    ParameterError : a number of rows or a rate out of range.

    Examples
    --------
    >>> cannot_resolve(106, 0.005)
    '106 calibration rows cannot tell a false-alarm rate of 0.5 %: the least they can is 0.93 %; 199 rows could.'
    >>> cannot_resolve(199, 0.005)
    """
    checked_number("false_alarm_rate", false_alarm_rate, RATE)
    least, needed = least_rate(n), _fewest_rows(false_alarm_rate)
    if n >= needed:
        return None
    return (
        f"{n:,} calibration rows cannot tell a false-alarm rate of {_percent(false_alarm_rate)}: the least they can is "
        f"{_short(100 * least)} %; {needed:,} rows could."
    )


def benjamini_hochberg(p: ArrayLike, fdr: float) -> NDArray[np.bool_]:
    """Which rows are discoveries when at most the share ``fdr`` of all discoveries may be false, on average.

    The ``k`` smallest p-values, for the largest ``k`` at which the ``k``-th is at most ``k fdr / n_samples`` (Benjamini and
    Hochberg 1995, "Controlling the false discovery rate"). Conformal p-values share their calibration rows, and it holds for
    them nevertheless (Bates et al. 2023). `cannot_discover` tells where there are too few of them.

    Parameters
    ----------
    p : (n_samples,) from 0 to 1, as from `p_values`; may be empty.
    fdr : between 0 and 1.

    Returns
    -------
    (n_samples,) bool. Equal p-values are discoveries together or not at all.

    Raises
    ------
    DataError : p-values that are not one number from 0 to 1 for each row.
    ParameterError : an fdr outside of 0 to 1.

    Examples
    --------
    >>> benjamini_hochberg([0.9, 0.01, 0.03, 0.5], fdr=0.1)
    array([False,  True,  True, False])
    """
    found = np.asarray(p, dtype=np.float64)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise DataError(f"p must be one number from 0 to 1 for each row; got an array of shape {found.shape}.")
    checked_number("fdr", fdr, RATE)
    # p-values of a conformal test often lie exactly on the line; rounding must not decide there.
    line = np.arange(1, len(found) + 1) * (fdr / max(len(found), 1)) * (1 + 1e-12)
    ranked = np.sort(found)
    under = np.flatnonzero(ranked <= line)
    return np.asarray(found <= ranked[under[-1]] if len(under) else np.zeros(len(found), dtype=bool))


def cannot_discover(n: int, fdr: float, n_samples: int = 1) -> str | None:
    """What `benjamini_hochberg` can never find with ``n`` calibration rows, in one sentence; None where nothing stands in its way.

    No p-value is below ``1 / (n + 1)``, so among many rows a discovery may be possible only together with others.

    Parameters
    ----------
    n : calibration rows, at least 1.
    fdr : between 0 and 1.
    n_samples : rows that are tested together, at least 1, default 1.

    Raises
    ------
    ParameterError : a number of rows or an fdr out of range.

    Examples
    --------
    >>> cannot_discover(9, fdr=0.05)
    '9 calibration rows can never give a discovery at a false-discovery rate of 5 %: that takes 19 rows or more.'
    >>> cannot_discover(99, fdr=0.05, n_samples=100)
    'With 99 calibration rows, discoveries among 100 rows at a false-discovery rate of 5 % come 20 or more at a time; finding
     a single one takes 1,999 calibration rows.'
    """
    checked_number("fdr", fdr, RATE)
    checked_number("n_samples", n_samples, COUNT)
    together = math.ceil(n_samples * least_rate(n) / fdr - 1e-9)
    if together <= 1:
        return None
    if together > n_samples:
        return (
            f"{n:,} calibration rows can never give a discovery at a false-discovery rate of {_percent(fdr)}: that takes "
            f"{_fewest_rows(fdr):,} rows or more."
        )
    return (
        f"With {n:,} calibration rows, discoveries among {n_samples:,} rows at a false-discovery rate of {_percent(fdr)} come "
        f"{together:,} or more at a time; finding a single one takes {_fewest_rows(fdr / n_samples):,} calibration rows."
    )


def expected_false_alarms(calibration_scores: ArrayLike, threshold: float, level: float = 0.95) -> ExpectedAlarms:
    """How many of the new normal rows a threshold flags, and how far that is known.

    With ``k`` of ``n`` calibration scores above the threshold the expected share is ``(k + 1) / (n + 1)``: where the threshold
    is one of the scores, chosen by its rank, the share follows Beta(k + 1, n - k) (Wilks 1941, "Determination of sample sizes
    for setting tolerance limits"). The upper bound is that law's, the lower that of Beta(k, n - k + 1), together the interval
    of Clopper and Pearson 1934; so it holds for such a threshold and for one that was fixed beforehand, and about so for one
    between two scores.

    Parameters
    ----------
    calibration_scores : (n_calibration,)
    threshold : any number, infinity too.
    level : between 0 and 1, default 0.95: the chance that the interval holds the true share, at least.

    Raises
    ------
    DataError : calibration scores that are not finite, or none.
    ParameterError : a threshold that is not a number, or a level outside of 0 to 1.

    Examples
    --------
    >>> expected_false_alarms(range(999), threshold=989).words
    '10 false alarms per 1,000 new normal rows (95 % interval: 4.1 to 17)'
    """
    found = checked_scores(calibration_scores)
    checked_number("level", level, RATE)
    if math.isnan(threshold):
        raise ParameterError("threshold must be a number; got nan.")
    n, k = len(found), int(np.sum(found > threshold))
    low = float(scipy.special.betaincinv(k, n - k + 1, (1 - level) / 2)) if k else 0.0
    high = float(scipy.special.betaincinv(k + 1, n - k, (1 + level) / 2)) if k < n else 1.0
    return ExpectedAlarms((k + 1) / (n + 1), low, high, float(level))


def all_thresholds(
    scores: ArrayLike,
    false_alarm_rate: float | None = None,
    k: float = 3.0,
    contamination: float | None = None,
    level: float = 0.95,
) -> list[ThresholdRow]:
    """Every rule that needs no labels, side by side on the same scores.

    Parameters
    ----------
    scores : (n_samples,) of normal rows that the model was not trained on.
    false_alarm_rate : between 0 and 1, default None: that of `thresholds.default_rate`.
    k : float, default 3.0: deviations above the mean and above the median.
    contamination : above 0, at most 0.5, default None: no row for `thresholds.share`.
    level : between 0 and 1, default 0.95: of the intervals.

    Returns
    -------
    One row a rule; a rule that so few scores do not allow has no threshold but a reason.

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a parameter out of its range.

    Examples
    --------
    >>> [(row.rule, row.threshold) for row in all_thresholds(range(99), false_alarm_rate=0.005)][:2]
    [('conformal', None), ('quantile', 98.0)]
    """
    found = checked_scores(scores)
    rate = default_rate(len(found)) if false_alarm_rate is None else false_alarm_rate
    checked_number("k", k, thresholds.NUMBER)
    reason = cannot_resolve(len(found), rate)
    rules = {
        "conformal": None if reason else thresholds.conformal(found, rate),
        "quantile": thresholds.quantile(found, rate),
        "peaks over threshold": thresholds.peaks_over_threshold(found, rate),
        f"median + {k:g} deviations": thresholds.median_deviations(found, k),
        f"mean + {k:g} deviations": thresholds.mean_and_deviations(found, k),
    }
    if contamination is not None:
        rules[f"{_percent(contamination)} of these rows"] = thresholds.share(found, contamination)
    return [
        ThresholdRow(rule, None, None, reason or "")
        if threshold is None
        else ThresholdRow(rule, threshold, expected_false_alarms(found, threshold, level))
        for rule, threshold in rules.items()
    ]


def _fewest_rows(rate: float) -> int:
    return max(1, math.ceil(1 / rate - 1 - 1e-9))


def _percent(rate: float) -> str:
    return f"{100 * rate:.6g} %"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
