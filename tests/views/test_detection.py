"""The report of a detector: what is flagged and why, what that promises, and who is better."""

from __future__ import annotations

import re

import numpy as np
import pytest

import isthmus
from isthmus.errors import DataError, ParameterError
from isthmus.models import rivals
from isthmus.models.judged import judge
from isthmus.views import ranking

SECTIONS = {"alarms", "thresholds", "worst", "ranking", "file", "inside", "baseline", "training", "errors", "latent"}


def detector_of(X, **how):
    """A small detector."""
    found = isthmus.AnomalyDetector(isthmus.Autoencoder(2, max_epochs=0), random_state=0, **how).fit(X)
    found.model_.block_rows_ = 64
    return found


@pytest.fixture(scope="module", params=["pictures", "table", "array"])
def detected(request, tmp_path_factory):
    """A detector of each kind of data, its rows, and the text of its report without labels."""
    rows = request.getfixturevalue(request.param).rows
    detector = detector_of(rows)
    path = tmp_path_factory.mktemp("detector") / "report.html"
    return detector, rows, isthmus.report(detector, rows, path, title="odd").read_text(encoding="utf-8")


def test_page_stands_alone(detected, page):
    """Well formed, ids unique, nothing loaded or run."""
    found = page(detected[2])
    assert found.wrong == []
    assert found.open == []
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert not {"script", "link", "iframe"} & {tag for tag, _ in found.tags}
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    assert not re.search(r"https?:", detected[2])


def test_sections(detected, page):
    """Every kind of data gets all sections, and those of the model inside."""
    assert set(page(detected[2]).values("section", "id")) >= SECTIONS


def test_first_sentence(detected, page):
    """It says how many rows are flagged, at which threshold, and what that promises."""
    detector, rows, html = detected
    text = page(html).text
    flagged = int((detector.predict(rows) < 0).sum())
    assert f"{flagged} of {len(rows)} " in text
    assert re.search(r"[\d.]+ false alarms? per 1,000 new normal rows \(95 % interval: ", text)


def test_rules_side_by_side(detected, page):
    """All rules of the detector stand in the table; rows of the fit are called flattering."""
    detector, _, html = detected
    text = page(html).text
    assert all(row.rule in text for row in detector.thresholds())
    assert "copies of them in which the values of" in text
    assert "flattering" in text
    assert f"{detector.scorer_.shape.n_reference} of the {detector.n_rows_} rows of fit are kept" in text


def test_same_bytes(array, tmp_path):
    """The same detector and rows give the same bytes."""
    detector = detector_of(array.rows)
    one, other = (isthmus.report(detector, array.rows, tmp_path / name) for name in ("a.html", "b.html"))
    assert one.read_bytes() == other.read_bytes()


def test_labels(table, tmp_path, page):
    """With labels the page shows both curves and how many of them are flagged; the better score is named."""
    rows = table.rows.assign(odd=np.arange(len(table.rows)) < 20)
    rows.loc[:19, "price"] = 1e5
    detector = detector_of(table.rows[20:])
    target = isthmus.report(detector, rows, tmp_path / "r.html", labels="odd", png=True)
    text = page(target.read_text(encoding="utf-8")).text
    assert "Of 20 anomalies 20 are flagged" in text
    assert "Precision and recall of isthmus" in text
    assert {"r-roc.png", "r-precision-recall.png", "r-scores.png"} <= {file.name for file in tmp_path.iterdir()}


def test_rule_that_cannot_be_followed(array, tmp_path, page):
    """A rate that so few rows cannot tell leaves a reason in the place of the threshold."""
    detector = detector_of(array.rows, false_alarm_rate=0.001, threshold="peaks")
    html = isthmus.report(detector, array.rows, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "calibration rows cannot tell a false-alarm rate of 0.1 %" in page(html).text


def test_signals_are_drawn(tmp_path, page):
    """Of rows of ordered samples, the worst stand as curves beside what was expected."""
    walks = np.random.default_rng(0).normal(size=(120, 40)).cumsum(axis=1)
    html = isthmus.report(detector_of(walks), walks, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "signals and what was expected" in " ".join(page(html).values("svg", "aria-label"))


def test_few_rows(array, tmp_path, page):
    """One row makes a report, without tests of drift or shuffled copies."""
    html = isthmus.report(detector_of(array.rows), array.rows[:1], tmp_path / "r.html").read_text(encoding="utf-8")
    found = page(html)
    assert "ranking" not in found.values("section", "id")
    assert "Drift" not in found.text


def test_refusals(array, tmp_path):
    """Labels that are none of a detector, and clean rows, are refused in one line; nothing is written."""
    detector = detector_of(array.rows)
    with pytest.raises(DataError, match="0 for a normal row"):
        isthmus.report(detector, array.rows, tmp_path / "r.html", labels=["a"] * len(array.rows))
    with pytest.raises(ParameterError, match="clean is for"):
        isthmus.report(detector, array.rows, tmp_path / "r.html", clean=array.rows)
    assert list(tmp_path.iterdir()) == []


def test_who_is_better_is_said_plainly(array):
    """Where PCA ranks anomalies higher the page says so and advises it, but not where the test is a stand-in."""
    odd = np.arange(60) < 20
    poor, good = np.random.default_rng(0).normal(size=60), odd + 0.1 * np.random.default_rng(1).normal(size=60)
    judged = judge(detector_of(array.rows), array.rows, odd)
    contest = rivals.Contest((rivals.Way("isthmus", poor), rivals.Way("PCA", good)), odd)
    said = ranking.with_labels(contest, judged).body
    assert "PCA is better here" in said
    assert "prefer it here" in said
    stand_in = ranking.without_labels(contest, judged).body
    assert "PCA is better here" in stand_in
    assert "prefer it" not in stand_in
    turned = rivals.Contest((rivals.Way("isthmus", good), rivals.Way("PCA", poor)), odd)
    assert "Better than PCA" in ranking.with_labels(turned, judged).body
