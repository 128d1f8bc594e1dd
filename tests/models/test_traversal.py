"""Walks along one latent coordinate."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import DataError, ParameterError
from isthmus.models.traversal import column_changes, traverse


def test_steps_are_decoded_latents(pair):
    """For data of every form, a walk decodes the mean latent with one coordinate replaced."""
    model, data = pair
    values, rows = traverse(model, data, 1, steps=3)
    latents = model.transform(data).astype(np.float64)
    places = np.repeat(latents.mean(axis=0)[None], 3, axis=0)
    places[:, 1] = values
    again = model.inverse_transform(places)
    assert type(rows) is type(again)
    assert str(rows) == str(again)


def test_a_row_can_be_the_starting_point(data):
    """With the coordinate at the row's own value, the walk passes through its reconstruction."""
    model, X = data.fitted("floats")
    latents = model.transform(X).astype(np.float64)
    row = int(latents[:, 0].argmax())  # the walk ends where the rows end, which is at this row
    walk = traverse(model, X, 0, around=row, width=100)
    assert walk.values[-1] == latents[row, 0]
    assert np.allclose(walk.rows[-1], model.reconstruct(X)[row], atol=1e-4)


def test_width_widens_up_to_the_rows(data):
    """A wider walk goes further on both sides, but never beyond the smallest and the largest of the rows."""
    model, X = data.fitted("floats")
    along = model.transform(X)[:, 0]
    spans = [np.ptp(traverse(model, X, 0, width=width).values) for width in (0.5, 1.0, 50.0, 100.0)]
    assert spans == sorted(spans)
    assert spans[2:] == pytest.approx([np.ptp(along)] * 2)


def test_pca_walks_straight(data, quick):
    """Where the model is PCA, equal steps change the row by equal amounts (inside the range of the data)."""
    X = data.curve()
    model = quick(max_epochs=0, scaling="none").fit(X)
    rows = traverse(model, X, 0, steps=5, width=0.2).rows
    assert np.allclose(np.diff(rows, n=2, axis=0), 0, atol=1e-3)
    assert np.ptp(rows, axis=0).max() > 1


def test_columns_that_change(data):
    """What changes is measured for columns of every kind, in their order; a walk of one place changes nothing."""
    model, frame = data.fitted("pandas")
    walk = traverse(model, frame, 0)
    changes = column_changes(model, walk.rows)
    steady = [walk.rows[name].nunique() == 1 for name in frame.columns]
    assert [change < 1e-3 for change in changes] == steady
    assert not column_changes(model, walk.rows.iloc[[4, 4]]).any()


def test_pictures_have_no_columns(data):
    """Changes by column of pictures are an error."""
    model, X = data.fitted("pictures")
    with pytest.raises(DataError, match="pictures have no columns"):
        column_changes(model, X)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"coordinate": 2}, r"coordinate of traverse must be an integer >= 0 and <= 1; got 2"),
        ({"around": 90}, r"around of traverse must be an integer >= 0 and <= 89 or None; got 90"),
        ({"steps": 1}, r"steps of traverse must be an integer >= 2"),
        ({"width": 0}, r"width of traverse must be a number > 0"),
    ],
)
def test_values_that_are_not_allowed(data, words, match):
    """Each value out of range is named with what is allowed."""
    model, X = data.fitted("floats")
    with pytest.raises(ParameterError, match=match):
        traverse(model, X, **{"coordinate": 0, **words})


def test_rows_that_do_not_differ(data):
    """Equal rows show no way to go."""
    model, X = data.fitted("floats")
    with pytest.raises(DataError, match=r"coordinate 0 is the same in all 3 rows"):
        traverse(model, X[[5, 5, 5]], 0)
