"""What a report measures agrees with the model's own methods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import isthmus
from isthmus.views import measured as views
from isthmus.views.columns import best_first
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
    monkeypatch.setattr(views, "MOST_DRAWN", 20)
    first, second = (measure(pictures.model, pictures.X).drawn for _ in range(2))
    assert len(set(first)) == 20
    assert np.array_equal(first, np.sort(second))


def test_explained_with_one_scale(array):
    """R2 of a column with a common scale is that of its own variance."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * [1.0, 1.0, 1.0, 0.5]
    model = type(array.model)(2, scaling="common", max_epochs=0, random_state=0).fit(X)
    found = measure(model, X)
    truth = 1 - ((model.reconstruct(X) - X) ** 2).mean(axis=0) / X.var(axis=0)
    assert found.explained(found.ours) == pytest.approx(truth, abs=1e-3)


def test_ignored_columns_are_noted(table):
    """A column that the model does not know is named, unless it holds the labels."""
    assert measure(table.model, table.X).notes == ("Column 'segment' is not one of the model's and is ignored.",)
    assert measure(table.model, table.X, "segment").notes == ()


def test_label_in_the_model(table):
    """A column of the model may be the label too."""
    assert measure(table.model, table.rows, "country").labels.name == "country"


def test_text_that_looks_like_a_number(tmp_path):
    """Categories of a file are read as at fit, also beside a label column."""
    (tmp_path / "rows.csv").write_text("zip,y\n" + "01,a\n02,b\n" * 20)
    model = isthmus.Autoencoder(
        1, max_epochs=1, hidden_dims=(8,), random_state=0, kinds={"zip": "category", "y": "category"}
    )
    measured = measure(model.fit(tmp_path / "rows.csv"), tmp_path / "rows.csv", "y")
    assert measured.data.texts("zip")[1] == ("01", "02")


def test_labels_for_a_model_without_names(array):
    """A label column leaves the frame before its columns go to a model of plain arrays."""
    frame = pd.DataFrame(array.X).assign(y=["a", "b"] * 30)
    found = measure(array.model, frame, "y")
    assert found.labels.order == ("a", "b")
    assert found.ours.mean == measure(array.model, array.X).ours.mean


def test_rows_without_names(table):
    """An array of as many columns as the model's frame is measured like the frame."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=list("abc"))
    model = type(table.model)(1, max_epochs=0, random_state=0).fit(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = measure(model, frame.to_numpy())
    assert [column.off for column in best_first(found)] == [column.off for column in best_first(measure(model, frame))]


def test_text_of_polars(table):
    """A polars frame, whose text Arrow calls views, is measured too."""
    frame = pl.DataFrame({"a": ["x", "y"] * 20, "b": range(40)})
    model = type(table.model)(1, max_epochs=0, random_state=0).fit(frame)
    assert len(best_first(measure(model, frame))) == 2
