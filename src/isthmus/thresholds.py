"""From scores to a threshold. Higher scores are more anomalous."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import DataError, ParameterError

FALSE_ALARM_RATE = 0.01
FEWEST_EXCEEDANCES = 10
"""Calibration rows that are expected above a threshold: with fewer, its rate is known to less than a third."""


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
    found = _checked(scores)
    return float(found.mean() + k * found.std())


def conformal(scores: ArrayLike, false_alarm_rate: float | None = None) -> float:
    """The threshold above which a new normal row lies with a chance of at most ``false_alarm_rate``.

    The rank ``ceil((n + 1) (1 - rate))`` of ``n`` held-out scores (split conformal prediction: Vovk, Gammerman, Shafer 2005).
    It assumes nothing of the scores but that new normal rows come from where the held-out ones came from.

    Parameters
    ----------
    scores : (n_samples,) of normal rows that the model was not trained on.
    false_alarm_rate : between 0 and 1, default None: 1 %, but never fewer than 10 rows expected above the threshold (at most
        half of them).

    Raises
    ------
    DataError : no scores, or scores that are not finite.
    ParameterError : a rate outside of 0 to 1, or one that so few scores cannot tell.

    Examples
    --------
    >>> conformal(range(1, 100), 0.1)
    90.0
    """
    found = np.sort(_checked(scores))
    rate = false_alarm_rate
    if rate is None:
        rate = min(0.5, max(FALSE_ALARM_RATE, FEWEST_EXCEEDANCES / len(found)))
    if isinstance(rate, (str, bool)) or not 0 < rate < 1:
        raise ParameterError(f"false_alarm_rate must be a number > 0 and < 1; got {rate!r}.")
    rank = math.ceil((len(found) + 1) * (1 - rate) - 1e-9)
    if rank > len(found):
        raise ParameterError(
            f"{len(found)} held-out rows cannot tell a false-alarm rate of {rate:g}; the least they can is "
            f"{1 / (len(found) + 1):.2g}."
        )
    return float(found[max(rank, 1) - 1])


def _checked(scores: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise DataError(f"a threshold needs one finite score for each row; got an array of shape {found.shape}.")
    return found
