"""What a report measures agrees with the model's own methods."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.views import measured as views
from isthmus.views.measured import measure


def test_mean_errors(case):
    """The mean errors are those of `compare`, to the last bit."""
    found, truth = measure(case.model, case.X, case.labels), case.model.compare(case.rows)
    assert found.ours.mean == truth["error"]
    assert found.theirs.mean == truth["pca_error"]


def test_worst(case):
    """The worst rows come first, the worst of all at the head."""
    found = measure(case.model, case.rows)
    assert np.all(np.diff(found.ours.rows[found.worst]) <= 0)
    assert found.worst[0] == np.argmin(case.model.score_samples(case.rows))


def test_model_is_left_alone(case):
    """Measuring PCA does not put its network into the model."""
    before = case.model.network_
    measure(case.model, case.rows)
    assert case.model.network_ is before


def test_drawn(pictures, monkeypatch):
    """Rows of the map are drawn without repetition, in order, and the same each time."""
    monkeypatch.setattr(views, "MOST_DRAWN", 50)
    first, second = (measure(pictures.model, pictures.X).drawn for _ in range(2))
    assert len(set(first)) == 50
    assert np.array_equal(first, np.sort(second))


def test_explained_with_one_scale(array):
    """R2 of a column with a common scale is that of its own variance."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * [1.0, 1.0, 1.0, 0.5]
    model = type(array.model)(2, scaling="common", max_epochs=0, random_state=0).fit(X)
    found = measure(model, X)
    truth = 1 - ((model.reconstruct(X) - X) ** 2).mean(axis=0) / X.var(axis=0)
    assert found.explained(found.ours) == pytest.approx(truth, abs=1e-3)
