"""What the report of a detector shows: the verdicts are the detector's own, the reasons those of the worst rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import isthmus
from isthmus.errors import DataError
from isthmus.models.judged import anomalies, judge


@pytest.fixture(scope="module")
def judged():
    """A detector of a small frame, and rows of which the third is odd in one column."""
    rng = np.random.default_rng(0)
    t = rng.normal(size=160)
    frame = pd.DataFrame({"a": t, "b": 2 * t + 0.1 * rng.normal(size=160), "kind": np.where(t > 0, "high", "low")})
    model = isthmus.Autoencoder(1, max_epochs=0)
    detector = isthmus.AnomalyDetector(model, random_state=0).fit(frame[:120])
    rows = frame[120:].reset_index(drop=True)
    rows.loc[2, "b"] = 50.0
    return judge(detector, detector.model_._adopted(rows)[0], np.arange(40) == 2), rows


def test_verdicts_are_the_detectors(judged):
    """Scores, flags and what is promised are those of the detector."""
    found, rows = judged
    assert np.array_equal(found.scores, found.detector.anomaly_scores(rows))
    assert np.array_equal(found.flagged, found.detector.predict(rows) < 0)
    conformal = next(row for row in found.detector.thresholds() if row.rule == "conformal")
    assert found.alarms == conformal.alarms
    assert found.set_aside


def test_reasons_name_the_column(judged):
    """The worst row is the odd one, for its odd column, in numbers; rows come in the order of their scores."""
    found, _ = judged
    first = found.reasons[0]
    assert (first.row, first.causes[0].column, first.causes[0].seen) == (2, "b", 50.0)
    assert first.far
    assert [reason.row for reason in found.reasons] == found.worst.tolist()


def test_drift_is_that_of_the_normal_rows(judged):
    """Rows labelled anomalies are left out; fewer than 20 rows tell nothing."""
    found, rows = judged
    assert found.drift == found.detector.check_drift(rows.drop(index=2))
    assert judge(found.detector, found.data.take(np.arange(19))).drift is None


def test_contest_needs_both_kinds(judged):
    """With labels of one kind, or none, there is nothing to rank."""
    found, _ = judged
    assert found.contest is not None
    assert judge(found.detector, found.data, np.zeros(40, bool)).contest is None
    assert judge(found.detector, found.data).contest is None


def test_labels_are_read():
    """As files and people write them; others are refused with what was meant."""
    assert anomalies(["0", "1", "true", "Anomaly", "normal"]).tolist() == [False, True, True, True, False]
    with pytest.raises(DataError, match=r"0 for a normal row.*labels == -1"):
        anomalies(["1", "-1"])
    with pytest.raises(DataError, match=r"got 'setosa'"):
        anomalies(["setosa"])
