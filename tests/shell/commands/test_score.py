from __future__ import annotations

import json

import numpy as np
import pytest

import isthmus


def test_errors_are_those_of_the_estimator(run, model, table, tmp_path):
    """Each row has minus its ``score_samples``, and the share that is left explained."""
    assert run("score", model, table, "-o", tmp_path / "s.csv").code == 0
    columns = isthmus.read(tmp_path / "s.csv").columns
    errors = columns["error"].to_numpy()
    assert np.array_equal(errors, -isthmus.load(model).score_samples(str(table)))
    assert np.array_equal(columns["row"].to_numpy(), np.arange(1, 61))
    assert np.allclose(columns["share_explained"].to_numpy(), 1 - errors)


def test_the_summary_names_pca_and_the_worst_rows(run, model, table):
    """Without an output there are the means and the worst rows, worst first."""
    result = run("score", model, table, "--json")
    found = json.loads(result.out)
    errors = -isthmus.load(model).score_samples(str(table))
    assert found["error"] == pytest.approx(errors.mean())
    assert [entry["row"] for entry in found["worst"]] == (np.argsort(-errors)[:5] + 1).tolist()
    assert "error of PCA" in result.err


def test_pictures_are_named(run, photo_model, photos, tmp_path):
    """Scores of pictures stand beside the file that each came from."""
    result = run("score", photo_model, photos, "-o", tmp_path / "s.csv")
    lines = (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,row,error,share_explained"
    assert "photo" in result.out.split("worst rows")[1]


def test_scores_of_a_detector_are_anomaly_scores(run, detector, new, tmp_path):
    """A detector gives anomaly scores and p-values, and says which way they go."""
    result = run("score", detector, new, "-o", tmp_path / "s.csv")
    columns, fitted = isthmus.read(tmp_path / "s.csv").columns, isthmus.load(detector)
    assert columns.column_names == ["row", "score", "p_value"]
    assert np.array_equal(columns["score"].to_numpy(), fitted.anomaly_scores(str(new)))
    assert np.array_equal(columns["p_value"].to_numpy(), fitted.p_values(str(new)))
    assert "higher is more anomalous" in result.out


def test_the_worst_rows_of_a_detector(run, detector, new):
    """--json names the most anomalous rows, and how many are above the threshold."""
    found = json.loads(run("score", detector, new, "--json").out)
    scores = isthmus.load(detector).anomaly_scores(str(new))
    assert [entry["row"] for entry in found["worst"]] == (np.argsort(-scores, kind="stable")[:5] + 1).tolist()
    assert found["flagged"] == int(np.sum(scores > found["threshold"]))
