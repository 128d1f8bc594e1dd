"""Why rows are anomalous."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import AnomalyDetector, Autoencoder, DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise, MaskingNoise
from isthmus.errors import ParameterError
from isthmus.models.explaining import COLUMNS, explain

N = 300


@functools.cache
def fitted(make, *given):
    """A quick detector of what a function makes, and these data; the functions are those of the fixture ``data``."""
    X = make(N, *given)
    model = DenoisingAutoencoder(
        GaussianNoise((0.05, 1.0)) | MaskingNoise((0.5, 0.0)), members=2, network="dense", hidden_dims=(32,),
        scaling="column", validation_fraction=0.0, keep="last", max_epochs=40, batch_size=32,
    )  # fmt: skip
    return AnomalyDetector(model, random_state=0).fit(X), X


def first_reasons(frame):
    """The first line of each row."""
    return frame.groupby("row").first()


@pytest.mark.parametrize("column", range(6))
def test_a_spoiled_column_is_named_first(data, column):
    """In rows of which one column was moved, that column comes first, with what stands there and about what belongs there."""
    detector, X = fitted(data.curve)
    truth = data.curve(20, seed=1)
    rows = truth.copy()
    rows[:, column] += 5 * X[:, column].std()
    found = first_reasons(detector.explain(rows))
    assert (found.column == f"x{column}").mean() >= 0.9
    hits = found[found.column == f"x{column}"]
    assert np.allclose(hits.seen, rows[hits.index, column])
    wrong = np.abs(hits.expected - truth[hits.index, column]) / X[:, column].std()
    assert wrong.median() < 1 < 4 < (np.abs(hits.seen - hits.expected) / X[:, column].std()).median()


def test_shares(data):
    """Shares of a row lie from 0 to 1, fall from line to line, and sum to 1 where all columns are listed."""
    detector, X = fitted(data.curve)
    rows = data.curve(20, seed=1) + 3 * X.std(axis=0)
    for top in (1, 3, 6):
        found = detector.explain(rows, top=top).groupby("row").share
        assert (found.count() <= top).all()
        assert (found.sum() <= 1 + 1e-9).all()
        assert all((np.diff(shares) <= 0).all() for _, shares in found)
    assert np.allclose(found.sum(), 1)


def test_only_flagged_rows_come_the_most_anomalous_first(data):
    """Rows that are not flagged are left out unless every row is asked for."""
    detector, X = fitted(data.curve)
    rows = np.r_[data.curve(30, seed=1), data.curve(5, seed=2) + 4 * X.std(axis=0)]
    found = detector.explain(rows)
    assert set(found.row) == set(np.flatnonzero(detector.predict(rows) < 0)) >= {30, 31, 32, 33, 34}
    assert (np.diff(found.score) <= 0).all()
    assert np.array_equal(found.score, detector.anomaly_scores(rows)[found.row])
    assert np.array_equal(found.p_value, detector.p_values(rows)[found.row])
    assert set(explain(detector, rows, every=True).row) == set(range(35))


def test_nothing_is_flagged(data):
    """Where no row is flagged the frame has its columns and no line."""
    detector, _ = fitted(data.curve)
    new = data.curve(30, seed=1)
    found = detector.explain(new[detector.predict(new) > 0])
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 0


def test_far_rows_are_marked(data):
    """A row far from everything seen is marked as such: what is expected of it is then a guess."""
    detector, X = fitted(data.curve)
    found = detector.explain(np.r_[data.curve(30, seed=1), data.curve(3, seed=1) + 50 * X.std(axis=0)])
    assert found.far[found.row >= 30].all()
    assert not found.far[found.row < 30].any()


KINDS = {"weight": 90.0, "visits": 400, "joined": pd.Timestamp("2060-01-01"), "age": 200.0}


@pytest.mark.parametrize("column", KINDS)
def test_frames_of_mixed_columns(data, column):
    """Numbers, integers and dates are told by name, as a person would write them."""
    detector, _ = fitted(data.mixed)
    rows = data.mixed(6, seed=1, gaps=False)
    rows[column] = [KINDS[column]] * 6
    found = first_reasons(detector.explain(rows))
    assert (found.column == column).all()
    assert (found.seen == str(KINDS[column])).all() or column == "joined"


@pytest.mark.parametrize(
    ("column", "other"), [("place", {"north": "south", "mid": "south", "south": "north"}), ("team", None)]
)
def test_categories_that_do_not_belong(data, column, other):
    """A level that contradicts the other columns is named, and the one that belongs there is expected."""
    detector, _ = fitted(data.mixed)
    rows = data.mixed(40, seed=1, gaps=False)
    rows = rows[np.abs(rows.weight) > 3]
    truth = rows[column].astype(str).to_numpy()
    rows[column] = [other[v] for v in truth] if other else np.where(truth == "red", "blue", "red")
    found = first_reasons(explain(detector, rows, every=True))
    named = found[found.column == column]
    assert len(named) > 0.7 * len(rows)
    assert (named.expected == truth[named.index]).mean() > 0.9
    assert (named.seen == rows[column].astype(str).to_numpy()[named.index]).all()


def test_a_missing_cell_is_no_reason(data):
    """A cell that is not there has no share in what is odd about a row."""
    detector, X = fitted(data.curve)
    rows = data.curve(10, seed=1)
    rows[:, 2] += 6 * X[:, 2].std()
    rows[:, 4] = np.nan
    found = detector.explain(rows, top=6)
    assert (found[found.column == "x4"].share == 0).all()
    assert (first_reasons(found).column == "x2").mean() >= 0.9


def test_frames_come_back_as_what_went_in(data):
    """pandas, polars and Arrow give their own kind; arrays give pandas where it is in use."""
    detector, _ = fitted(data.mixed)
    rows = data.mixed(6, seed=1, gaps=False)
    rows["weight"] = 90.0
    frames = {
        pd.DataFrame: rows,
        pl.DataFrame: pl.from_pandas(rows.reset_index(drop=True)),
        pa.Table: pa.Table.from_pandas(rows, preserve_index=False),
    }
    for kind, frame in frames.items():
        found = detector.explain(frame)
        assert isinstance(found, kind)
        names = found.column_names if kind is pa.Table else list(found.columns)
        assert names == list(COLUMNS)
    assert isinstance(fitted(data.curve)[0].explain(data.curve(5) + 1e3), pd.DataFrame)


def test_columns_may_stand_in_another_order(data):
    """Columns are matched by name: in another order, or with more of them, the reasons are the same."""
    detector, _ = fitted(data.mixed)
    rows = data.mixed(6, seed=1)
    rows["weight"] = 90.0
    before = detector.explain(rows)
    after = detector.explain(rows[rows.columns[::-1]])
    pd.testing.assert_frame_equal(before, after)


def test_pictures_give_heat_maps(data):
    """A picture's heat map has its height and width and is the hottest where it is damaged."""
    for shape in ((7, 6), (5, 4, 3)):
        detector = AnomalyDetector(Autoencoder(2, max_epochs=20), random_state=0).fit(data.pictures(200, shape))
        whole = data.pictures(10, shape, seed=1)
        broken = whole.copy()
        broken[:, 2, 1] = 255 - broken[:, 2, 1]
        dull = np.abs(broken.astype(float) - whole).reshape(10, -1).max(axis=1) < 60
        heat = detector.explain(broken)
        assert heat.shape == (10, *shape[:2])
        hottest = np.array([np.unravel_index(h.argmax(), h.shape) for h in heat])
        assert (hottest[~dull] == [2, 1]).all(axis=1).mean() >= 0.8
        assert detector.explain(whole).max() < heat[~dull].max()


def test_rows_of_one_column():
    """A single column is its own reason."""
    X = np.random.default_rng(0).normal(size=(60, 1))
    detector = AnomalyDetector(Autoencoder(1, max_epochs=1), random_state=0).fit(X)
    found = detector.explain([[30.0]])
    assert found.column.tolist() == ["x0"]
    assert found.seen.tolist() == [30.0]


@pytest.mark.parametrize("top", [0, -1, 1.5, "all"])
def test_top_out_of_range(data, top):
    """A number of columns that is none is told."""
    with pytest.raises(ParameterError, match="top of explain must be an integer >= 1"):
        fitted(data.curve)[0].explain(data.curve(2), top=top)


def test_what_is_as_expected_is_no_reason(data):
    """Categories and flags that are what is expected of them have no share; every explained row has a line with one."""
    detector, X = fitted(data.mixed)
    found = explain(detector, X[:60], every=True, top=3)
    same = found[found.seen == found.expected]
    assert (same.share < 0.05).all()
    assert (found.groupby("row").share.first() > 0).mean() > 0.95
