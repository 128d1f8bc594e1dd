"""A detector's score beside k-NN and PCA: rankings by hand, and shuffled copies that keep every column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

import isthmus
from isthmus.models import rivals

RNG = np.random.default_rng(0)
ODD = RNG.random(200) < 0.2
SCORES = RNG.normal(size=200).round(1) + ODD


def contest(*scores):
    """Scores of the same rows, named in turn."""
    return rivals.Contest(tuple(rivals.Way(str(i), s) for i, s in enumerate(scores)), ODD)


@pytest.fixture(scope="module")
def detector():
    """Fitted to 120 rows along a curve."""
    t = np.random.default_rng(1).uniform(0, 6, 120)
    X = np.stack([np.cos(t), np.sin(t), np.cos(2 * t)], axis=1)
    return isthmus.AnomalyDetector(isthmus.Autoencoder(2, max_epochs=0), random_state=0).fit(X)


def rows(n=60):
    """New rows along the curve."""
    t = np.random.default_rng(2).uniform(0, 6, n)
    return np.stack([np.cos(t), np.sin(t), np.cos(2 * t)], axis=1)


def test_auroc_is_that_of_scikit_learn():
    """Ties among the scores count half."""
    found = contest(SCORES)
    assert found.auroc(found.ways[0]) == pytest.approx(roc_auc_score(ODD, SCORES))


def test_margin_is_the_difference():
    """A score is no better than itself, and surely better than its negative; the margin turns with the two."""
    found = contest(SCORES, -SCORES)
    one, other = found.ways
    assert found.margin(one, one) == (0.0, False)
    difference, sure = found.margin(one, other)
    assert sure
    assert difference == pytest.approx(found.auroc(one) - found.auroc(other))
    assert found.margin(other, one) == (-difference, True)


def test_chance_makes_nobody_better():
    """Of scores that know nothing, one is called better in few of many draws."""
    called = 0
    for seed in range(100):
        draw = np.random.default_rng(seed)
        found = contest(draw.normal(size=200), draw.normal(size=200))
        called += found.margin(*found.ways)[1]
    assert called <= 12


def test_precision_and_recall():
    """With as many rows flagged as there are anomalies they are the same; with none flagged there is no precision."""
    found = contest(SCORES)
    precision, recall = found.found(found.ways[0], int(ODD.sum()))
    assert precision == recall
    assert np.isnan(found.found(found.ways[0], 0)[0])


def test_ways(detector):
    """Ours are the detector's own scores; k-NN and PCA see a far row, too; rows of fit are known as such."""
    X = np.concatenate([rows(), [[9.0, 9.0, 9.0]]])
    (ours, knn, pca), known = rivals.ways(detector, X)
    assert (ours.name, knn.name, pca.name) == ("isthmus", "k-NN", "PCA")
    assert np.array_equal(ours.scores, detector.anomaly_scores(X))
    assert {way.scores.argmax() for way in (ours, knn, pca)} == {60}
    assert known == 0


@pytest.mark.parametrize("contamination", [None, "auto"])
def test_knn_is_that_of_standardised_columns(contamination):
    """Whatever view the detector keeps its rows in, k-NN is that of scikit-learn on their standardised columns."""
    X = rows(80) * [1, 100, 1]
    X[:, 2] = np.exp(3 * X[:, 2])
    model = isthmus.Autoencoder(2, max_epochs=0)
    detector = isthmus.AnomalyDetector(model, contamination=contamination, random_state=0).fit(X)
    new = np.concatenate([rows(20) * [1, 100, 1] + 1, X[:1]])
    scale = StandardScaler().fit(X)
    near = NearestNeighbors(n_neighbors=5).fit(scale.transform(X)).kneighbors(scale.transform(new))[0]
    found, known = rivals.ways(detector, new)
    assert np.allclose(found[1].scores, near.mean(axis=1), rtol=1e-3, atol=1e-4)
    assert known == pytest.approx(1 / 21)


def test_rows_of_flags():
    """Rows of mostly flags, of which the detector keeps one view alone, have a k-NN beside them, too."""
    frame = pd.DataFrame(
        {"a": np.arange(60.0), **{name: np.arange(60) % k < 1 for k, name in ((2, "b"), (3, "c"), (5, "d"))}}
    )
    detector = isthmus.AnomalyDetector(isthmus.Autoencoder(2, max_epochs=0), random_state=0).fit(frame)
    found, known = rivals.ways(detector, detector.model_._adopted(frame)[0])
    assert [way.name for way in found] == ["isthmus", "k-NN", "PCA"]
    assert known == 1


def test_signals_have_neighbours():
    """Of signals the detector keeps slopes and smoothed samples; k-NN among the latter finds one of another height."""
    walks = np.random.default_rng(0).normal(size=(80, 40)).cumsum(axis=1)
    detector = isthmus.AnomalyDetector(isthmus.Autoencoder(4, max_epochs=0), random_state=0).fit(walks)
    assert detector.scorer_.slopes is not None
    new = np.random.default_rng(1).normal(size=(20, 40)).cumsum(axis=1)
    new[7] += 90
    found = rivals.ways(detector, new)[0]
    assert found[1].name == "k-NN"
    assert found[1].scores.argmax() == 7


def test_without_known_rows():
    """A detector that keeps no rows is compared with PCA alone."""
    model = isthmus.Autoencoder(1, max_epochs=0)
    detector = isthmus.AnomalyDetector(model, reference_rows=0, random_state=0).fit(rows())
    assert [way.name for way in rivals.ways(detector, rows())[0]] == ["isthmus", "PCA"]


@pytest.mark.parametrize("shape", [(30, 4), (30, 4, 5), (30, 6, 5, 3), (30, 3, 8, 9)])
def test_shuffled_keeps_every_column(shape):
    """Every column (pixel, all channels together) holds the values that it had, in another order."""
    X = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    encoder = isthmus.Autoencoder(2, max_epochs=0, random_state=0).fit(X).encoder_
    found = rivals.shuffled(encoder, X, 0)
    assert not np.array_equal(found, X)
    if len(shape) == 4:
        axis = 3 if encoder.channels == "last" else 1
        X, found = (a.astype(np.int64) @ [1, 256, 65536] if axis == 3 else
                    np.tensordot(a.astype(np.int64), [1, 256, 65536], (1, 0)) for a in (X, found))  # fmt: skip
    assert np.array_equal(np.sort(X, axis=0), np.sort(found, axis=0))


def test_shuffled_table_keeps_every_column():
    """Of a frame, gaps and categories too."""
    frame = pd.DataFrame({"a": [1.0, None, 3.0] * 10, "b": list("xyz") * 10})
    model = isthmus.Autoencoder(1, max_epochs=0, random_state=0).fit(frame)
    table, _ = model._adopted(frame)
    found = rivals.shuffled(model.encoder_, table, 0).columns
    for name in ("a", "b"):
        before, after = (sorted(map(str, columns[name].to_pylist())) for columns in (table.columns, found))
        assert before == after


def test_shuffled_copies_are_told_apart(detector):
    """On rows along a curve our score and k-NN tell copies with shuffled columns apart; few rows cannot be tested."""
    found = rivals.against_shuffled(detector, rows())
    assert found.auroc(found.ways[0]) > 0.8
    assert found.odd.sum() == 60
    assert rivals.against_shuffled(detector, rows(19)) is None
