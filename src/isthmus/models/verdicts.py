"""What a detector says of new rows, all in one pass: scores, p-values, which are flagged, and how well that meets labels.

In: a fitted detector and rows. Out: `Verdicts`, reasons for some of the rows, and figures where labels are known.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils.validation import check_is_fitted

from isthmus import conformal, drift
from isthmus.errors import DataError, IsthmusWarning, ParameterError
from isthmus.models import detecting, explaining, rivals, thresholding

MOST_ASKED = 1_000
"""Rows that are looked for among those of the fit."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What is said of each row; all arrays (n_samples,).

    Attributes
    ----------
    scores : higher is more anomalous.
    p_values : see `AnomalyDetector.p_values`.
    flagged : above the threshold, or with an ``fdr`` a discovery.
    far : far from everything that the detector knows.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    far: NDArray[np.bool_]

    def worst_first(self) -> NDArray[np.int64]:
        """Places of all rows, the most anomalous first; of equal scores the earlier row."""
        return np.argsort(-self.scores, kind="stable")

    def worst_flagged(self) -> NDArray[np.int64]:
        """Places of the flagged rows, the most anomalous first."""
        order = self.worst_first()
        return order[self.flagged[order]]


def judge(detector: Any, X: Any, fdr: float | None = None) -> Verdicts:
    """Score the rows of ``X`` once, and flag them as ``detector.predict(X, fdr=fdr)`` does."""
    found = detecting.score_rows(detector, X)
    scores = found[:, 0].astype(np.float64)
    p_values = conformal.p_values(detector.calibration_scores_, scores)
    flagged = scores > detector.threshold_ if fdr is None else conformal.benjamini_hochberg(p_values, fdr)
    return Verdicts(scores, p_values, flagged, found[:, -1] > detector.scorer_.far_from)


def moved(detector: Any, X: Any, scores: NDArray[np.float64]) -> str | None:
    """What to know of the scores of ``X`` as a whole: that they have shifted, or that its rows are those of the fit."""
    if len(scores) < drift.FEWEST_ROWS:
        return None
    changed = drift.check(detector.calibration_scores_, scores)
    if not changed.drifted:
        return None
    some = np.unique(np.linspace(0, len(scores) - 1, min(len(scores), MOST_ASKED)).astype(np.int64))
    known = rivals.share_known(detector, detector.model_._rows(detecting.take(X, some)))
    if known > rivals.MOSTLY_KNOWN:
        return f"{known:.0%} of these rows stand among those that the detector keeps from its fit; they score lower than new ones."
    return changed.words


def reasons_of(detector: Any, X: Any, places: NDArray[np.int64], top: int = 3) -> Any:
    """What `explaining.explain` says of the rows at ``places``, flagged or not; its rows are places in ``places``.

    What was noticed about ``X`` is not said again.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)
        return explaining.explain(detector, detecting.take(X, places), top=top, every=True)


def check_rate(detector: Any, n_rows: int) -> None:
    """Raise `ParameterError` where a detector that is not fitted yet asks for a rate that ``n_rows`` rows will not tell."""
    rule = thresholding.first_rule(detector)
    rate = rule.options.get("false_alarm_rate")
    if rule.name != "conformal" or rate is None:
        return
    n = len(detecting.split(n_rows, detector.calibration_fraction, 0)[1])
    if reason := conformal.cannot_resolve(n, rate):
        raise ParameterError(f"{reason} Ask for a larger rate, give more rows, or use the rule peaks.")


def expected(detector: Any) -> conformal.ExpectedAlarms | None:
    """The false alarms to expect of new normal rows; None where the scores that were set aside cannot tell them.

    They cannot where none were set aside, or where some of them are anomalies.
    """
    check_is_fitted(detector)
    if detector.contamination is not None or detector.n_rows_ < detecting.FEWEST_SET_ASIDE:
        return None
    return conformal.expected_false_alarms(detector.calibration_scores_, detector.threshold_)


def expected_words(detector: Any) -> str:
    """`expected` in words, and where that is None, why."""
    if found := expected(detector):
        return found.words
    if detector.contamination is None:
        return "false alarms unknown: too few rows to set some aside"
    share = conformal.expected_false_alarms(detector.calibration_scores_, detector.threshold_).rate
    return f"about {1_000 * share:.2g} of 1,000 rows like those of the fit are flagged; how many falsely is unknown"


def truth_of(labels: Sequence[Any], n_rows: int) -> NDArray[np.bool_]:
    """Labels of 1 for an anomaly and 0 for a normal row, as (n_rows,) bool.

    The words normal and anomaly, and true and false, are taken too.

    >>> truth_of([0, 1, "1", False, "anomaly"], 5)
    array([False,  True,  True, False,  True])
    """
    known = {0: False, "0": False, "false": False, "normal": False, 1: True, "1": True, "true": True, "anomaly": True}
    wanted = "labels must be 1 for an anomaly and 0 for a normal row"
    if len(labels) != n_rows:
        raise DataError(f"{wanted}, one for each of the {n_rows:,} rows; there are {len(labels):,}.")
    plain = [label.strip().lower() if isinstance(label, str) else label for label in labels]
    for row, label in enumerate(plain, 1):
        if not isinstance(label, (bool, int, float, str)) or label not in known:
            raise DataError(f"{wanted}; that of row {row:,} is {'missing' if label is None else repr(label)}.")
    return np.array([known[label] for label in plain], dtype=bool)


def measured(verdicts: Verdicts, truth: NDArray[np.bool_]) -> dict[str, float | None]:
    """How well scores and flags meet the truth (n_samples,), True for an anomaly; None for what such labels cannot tell.

    AUROC and average precision judge the scores alone; precision and recall are those of the flagged rows.
    """
    hits, flagged, anomalies = (int(np.sum(a)) for a in (verdicts.flagged & truth, verdicts.flagged, truth))
    both = 0 < anomalies < len(truth)
    return {
        "auroc": float(roc_auc_score(truth, verdicts.scores)) if both else None,
        "average_precision": float(average_precision_score(truth, verdicts.scores)) if anomalies else None,
        "precision": hits / flagged if flagged else None,
        "recall": hits / anomalies if anomalies else None,
    }
