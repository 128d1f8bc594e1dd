"""From scores and labels to a threshold: where a few rows are known to be anomalies.

A row is flagged when ``score > threshold``. Each threshold stands half-way between the lowest score that is flagged and the
highest that is not; of two that do equally well the higher is taken, which flags fewer rows. What they promise holds for
rows mixed as these are: with another share of anomalies another threshold is best. Choose on other rows than you judge on.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.allowed import Allowed
from isthmus.errors import DataError
from isthmus.thresholds import checked_number, checked_scores

RECALL = Allowed("", number="float", low=0, high=1, open_low=True)
COST = Allowed("", number="float", low=0, open_low=True)

Cuts = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], int]


def best_f1(scores: ArrayLike, labels: ArrayLike) -> float:
    """The threshold with the highest F1, the harmonic mean of precision and recall of the anomalies.

    Parameters
    ----------
    scores : (n_samples,)
    labels : (n_samples,) of 1 or True for an anomaly, 0 or False for a normal row; both must occur.

    Raises
    ------
    DataError : scores that are not finite, or labels that do not fit.

    Examples
    --------
    >>> best_f1([0.1, 0.2, 0.6, 0.8], [0, 0, 1, 1])
    0.4
    """
    thresholds, hits, alarms, anomalies = _cuts(scores, labels)
    return float(thresholds[np.argmax(2 * hits / (hits + alarms + anomalies))])


def target_recall(scores: ArrayLike, labels: ArrayLike, recall: float) -> float:
    """The highest threshold above which lies at least the share ``recall`` of the anomalies.

    Parameters
    ----------
    scores : (n_samples,)
    labels : (n_samples,) of 1 or True for an anomaly, 0 or False for a normal row; both must occur.
    recall : above 0, at most 1.

    Raises
    ------
    DataError : scores that are not finite, or labels that do not fit.
    ParameterError : a recall that is not above 0 and at most 1.

    Examples
    --------
    >>> target_recall([1, 2, 3, 4, 5], [0, 1, 0, 1, 1], recall=0.6)
    3.5
    """
    thresholds, hits, _, anomalies = _cuts(scores, labels)
    checked_number("recall", recall, RECALL)
    # A recall such as 0.07 leaves a trace in 0.07 * 100 that must not ask for one anomaly more.
    return float(thresholds[np.argmax(hits >= math.ceil(recall * anomalies - 1e-9))])


def least_cost(scores: ArrayLike, labels: ArrayLike, false_alarm_cost: float = 1.0, miss_cost: float = 1.0) -> float:
    """The threshold at which false alarms and missed anomalies cost least together.

    Parameters
    ----------
    scores : (n_samples,)
    labels : (n_samples,) of 1 or True for an anomaly, 0 or False for a normal row; both must occur.
    false_alarm_cost : float above 0, default 1.0: the cost of one normal row that is flagged.
    miss_cost : float above 0, default 1.0: the cost of one anomaly that is not.

    Raises
    ------
    DataError : scores that are not finite, or labels that do not fit.
    ParameterError : a cost that is not above 0.

    Examples
    --------
    >>> scores, labels = [1, 2, 3, 4, 5], [0, 1, 0, 0, 1]
    >>> least_cost(scores, labels), least_cost(scores, labels, miss_cost=10)
    (4.5, 1.5)
    """
    thresholds, hits, alarms, anomalies = _cuts(scores, labels)
    checked_number("false_alarm_cost", false_alarm_cost, COST)
    checked_number("miss_cost", miss_cost, COST)
    return float(thresholds[np.argmin(false_alarm_cost * alarms + miss_cost * (anomalies - hits))])


def checked_labels(labels: ArrayLike, n: int) -> NDArray[np.bool_]:
    """``labels`` as (n,) bool, True for an anomaly; anything but ``n`` of 0 and 1, both of them, is a `DataError`.

    >>> checked_labels([0, 1, 0], 3)
    array([False,  True, False])
    """
    wanted = "labels must be 0 for a normal row or 1 for an anomaly"
    found = np.asarray(labels)
    if found.shape != (n,):
        raise DataError(f"{wanted}, one for each of the {n} scores; got an array of shape {found.shape}.")
    odd = [value for value in found.tolist() if value not in (0, 1)]
    if odd:
        hint = " Of scikit-learn's +1 and -1 make them with labels == -1." if odd[0] == -1 else ""
        raise DataError(f"{wanted}; got {odd[0]!r}.{hint}")
    flags: NDArray[np.bool_] = found.astype(bool)
    if flags.all() or not flags.any():
        raise DataError(
            f"a threshold from labels needs rows of both classes, 0 for normal and 1 for an anomaly; all {n} labels are "
            f"{int(flags[0])}. Without labels use a rule of isthmus.thresholds."
        )
    return flags


def _cuts(scores: ArrayLike, labels: ArrayLike) -> Cuts:
    """Every place to cut, from nothing flagged to all: thresholds, anomalies and normal rows above, anomalies in all."""
    found = checked_scores(scores)
    flags = checked_labels(labels, len(found))
    order = np.argsort(-found, kind="stable")
    ranked, above = found[order], np.cumsum(flags[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equal scores
    below = np.append(ranked[last[:-1] + 1], np.nextafter(ranked[-1], -np.inf))
    # Half-way between two neighbouring floats rounds to one of them, which must not be the upper one.
    middle = ranked[last] / 2 + below / 2
    middle = np.where(middle < ranked[last], middle, below)
    thresholds = np.concatenate([ranked[:1], middle])
    hits = np.concatenate([[0], above[last]])
    return thresholds, hits, np.concatenate([[0], last + 1]) - hits, int(flags.sum())
