"""Whether new scores still look as those at calibration, so that the threshold keeps its promise."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from isthmus.errors import DataError
from isthmus.thresholds import RATE, checked_number, checked_scores, quantile

FEWEST_ROWS = 20
"""New rows: with fewer, one in twenty of which lies above the 95 % quantile, even gross drift stays unseen."""
TAIL = 0.05
"""Share of the calibration rows in the upper tail: enough of them to count, and where thresholds stand."""


@dataclass(frozen=True)
class Drift:
    """What a comparison of new scores with those at calibration found.

    Attributes
    ----------
    drifted : whether ``p_value`` is at most the level that was asked for.
    p_value : so large a difference has at most this chance without drift: twice the smaller one of the two tests', at most 1.
    statistic : Kolmogorov-Smirnov: the largest distance between the two distribution functions, 0 to 1.
    n_calibration, n_new : rows compared.
    share_above : share of the new rows above the 95 % quantile of the calibration rows; without drift about 0.05.
    words : what was found and what to do, in one sentence.
    """

    drifted: bool
    p_value: float
    statistic: float
    n_calibration: int
    n_new: int
    share_above: float
    words: str


def check(calibration_scores: ArrayLike, new_scores: ArrayLike, level: float = 0.01) -> Drift:
    """Compare new scores with those at calibration: all of them, and what lies in the upper tail.

    The two-sided two-sample test of Kolmogorov and Smirnov sees any change of the distribution, but least in its tails, where
    thresholds stand. So the new and the calibration rows above the calibration's 95 % quantile are compared as well, by
    Fisher's exact test, one-sided. It is exact although the quantile is itself taken from the calibration rows: how many new
    rows exceed one of the scores of a given rank follows the same hypergeometric law (Gumbel and von Schelling 1950, "The
    distribution of the number of exceedances"). Bonferroni's correction makes up for there being two tests.

    Rows that come in time order are often alike, and the tests take rows for independent: a ``drifted`` from a few minutes of
    a slow process says less than one from rows drawn over a week.

    Parameters
    ----------
    calibration_scores : (n_calibration,) that the threshold was made from.
    new_scores : (n_new,) at least 20, anomalies included: a few do not matter, many are drift.
    level : between 0 and 1, default 0.01: the chance of ``drifted`` where nothing has changed, at most.

    Raises
    ------
    DataError : scores that are not finite, no calibration scores, or fewer than 20 new ones.
    ParameterError : a level outside of 0 to 1.

    Examples
    --------
    >>> found = check(np.linspace(0, 1, 200), np.linspace(0.2, 1.2, 50))
    >>> found.drifted, found.share_above
    (True, 0.26)
    >>> check(np.linspace(0, 1, 200), np.linspace(0, 1, 50)).words
    'The new scores look as at calibration (p = 1): nothing to do.'
    """
    old, new = checked_scores(calibration_scores), checked_scores(new_scores)
    checked_number("level", level, RATE)
    if len(new) < FEWEST_ROWS:
        raise DataError(
            f"drift needs {FEWEST_ROWS} new rows or more to tell; got {len(new)}: gather more before checking again."
        )
    with warnings.catch_warnings():
        # Rounding takes some exact chances to just above 1; the asymptotic one that SciPy then gives is 1 as well.
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
        shape = scipy.stats.ks_2samp(old, new)
    edge = quantile(old, TAIL)
    above = int(np.sum(new > edge))
    before = int(np.sum(old > edge))
    table = [[above, len(new) - above], [before, len(old) - before]]
    tail = float(scipy.stats.fisher_exact(table, alternative="greater").pvalue)
    p = min(1.0, 2 * min(tail, float(shape.pvalue)))
    chance = f"p = {p:.2g}" if p >= 1e-6 else "p < 0.000001"
    words = f"The new scores look as at calibration ({chance}): nothing to do."
    if 2 * tail <= level:
        words = (
            f"The scores have risen: {_percent(above / len(new))} of the new rows lie above what {_percent(before / len(old))} "
            f"of the calibration rows did ({chance}), so false alarms exceed what the threshold promises unless these "
            "rows are anomalies; if they are normal, recalibrate(X) with new normal rows or fit anew."
        )
    elif p <= level:
        words = (
            f"The scores have shifted: their median was {np.median(old):.3g} at calibration and is {np.median(new):.3g} now "
            f"({chance}), so the threshold no longer has the rate it promises; recalibrate(X) with new normal rows, or "
            "fit anew if the data has changed for good."
        )
    return Drift(p <= level, p, float(shape.statistic), len(old), len(new), above / len(new), words)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
