"""Nearest rows in the latent."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import DataError, ParameterError
from isthmus.models.neighbours import nearest


def test_distances_are_those_of_latents(pair):
    """For data of every form, what is found is what a plain search over all latents finds."""
    model, data = pair
    indices, distances = nearest(model, data, data, n_neighbors=4)
    latents = model.transform(data).astype(np.float64)
    between = np.linalg.norm(latents[:, None] - latents, axis=2)
    assert np.allclose(distances, np.sort(between, axis=1)[:, :4])
    assert np.allclose(np.take_along_axis(between, indices, axis=1), distances)


def test_a_row_is_its_own_nearest(data):
    """Rows that are searched among themselves come first, at distance 0."""
    model, X = data.fitted("floats")
    indices, distances = nearest(model, X, X)
    assert indices[:, 0].tolist() == list(range(len(X)))
    assert not distances[:, 0].any()


def test_a_number_is_a_row_without_itself(pair, data):
    """An integer asks for the neighbours of that row among the others."""
    model, X = pair
    every = nearest(model, X, data.take(X, [7]), n_neighbors=4)
    others = nearest(model, X, 7, n_neighbors=3)
    assert others.indices.tolist() == [[i for i in every.indices[0] if i != 7]]


def test_distances_grow(data):
    """Neighbours come in the order of their distances, and of equal ones the first row first."""
    model, X = data.fitted("pictures")
    twice = np.concatenate([X, X])
    indices, distances = nearest(model, twice, X[:5], n_neighbors=20)
    assert (np.diff(distances) >= 0).all()
    assert indices[:, :2].tolist() == [[i, i + len(X)] for i in range(5)]


@pytest.mark.parametrize(
    ("query", "count", "match"),
    [
        (90, 5, r"query of nearest must be an integer >= 0 and <= 89; got 90"),
        (True, 5, r"query of nearest must be an integer"),
        (3, 90, r"n_neighbors of nearest must be an integer >= 1 and <= 89; got 90"),
        (3, 0, r"n_neighbors of nearest must be"),
    ],
)
def test_numbers_out_of_range(data, query, count, match):
    """A row or a count that is not there is named with what is."""
    model, X = data.fitted("floats")
    with pytest.raises(ParameterError, match=match):
        nearest(model, X, query, n_neighbors=count)


def test_things_without_latents(data):
    """Other models, and a single row to search, are refused with a reason."""
    model, X = data.fitted("floats")
    with pytest.raises(ParameterError, match="must be a fitted isthmus autoencoder; got a str"):
        nearest("model", X, 0)
    with pytest.raises(DataError, match="one row, which has no neighbours"):
        nearest(model, X[:1], 0)
