"""Similar rows: those whose latents lie nearest.

In: a fitted model, rows to search, and rows to find neighbours for. Out: the numbers of the nearest rows and their
distances. Latents keep PCA's scale, in which a distance means what it means in the data: two rows that lie far apart differ in
what the model keeps of them. So the distance is the plain Euclidean one; dividing each coordinate by its spread would make
the faintest coordinate count as much as the first.
"""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from isthmus.allowed import Allowed
from isthmus.errors import DataError
from isthmus.models.latents import latents_of
from isthmus.parameters import check_value


class Neighbours(NamedTuple):
    """Which rows lie nearest, and how near.

    Attributes
    ----------
    indices : (n_queries, n_neighbors) int64, rows of ``X`` counted from 0, the nearest first.
    distances : (n_queries, n_neighbors) float64, Euclidean, between latents.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]


def nearest(model: Any, X: Any, query: Any, n_neighbors: int = 5) -> Neighbours:
    """Find the rows of ``X`` that a model finds most like each row of ``query``.

    Parameters
    ----------
    model : Autoencoder
        Fitted.
    X : array, frame, pictures or path
        The rows to search; anything that the model's ``transform`` takes.
    query : int, or as ``X``
        The rows to find neighbours for. An integer is a row of ``X``, counted from 0, which is then not its own neighbour.
    n_neighbors : int, default 5
        How many to find, at most the rows there are.

    Returns
    -------
    Neighbours
        ``indices`` and ``distances``, (n_queries, n_neighbors) each; of equal distances the row that comes first is first.

    Raises
    ------
    ParameterError : ``n_neighbors`` out of range, no such row, or a model that has no latents.
    DataError, DataTypeError : rows that do not fit the model.

    Examples
    --------
    >>> import isthmus
    >>> from sklearn.datasets import load_iris
    >>> X, kinds = load_iris(return_X_y=True)
    >>> model = isthmus.Autoencoder(latent_dim=2, max_epochs=0, random_state=0).fit(X)
    >>> indices, distances = nearest(model, X, 100, n_neighbors=3)
    >>> indices.shape, kinds[indices[0]], kinds[100]
    ((1, 3), array([2, 2, 2]), np.int64(2))
    """
    latents = latents_of(model, X)
    among = np.arange(len(latents))
    if isinstance(query, numbers.Integral):
        check_value("query", query, Allowed("", number="int", low=0, high=len(latents) - 1), "nearest")
        among, sought = np.delete(among, int(query)), latents[[int(query)]]
    else:
        sought = latents_of(model, query)
    if not len(among):
        raise DataError("X has one row, which has no neighbours; give more rows to search.")
    check_value("n_neighbors", n_neighbors, Allowed("", number="int", low=1, high=len(among)), "nearest")
    found = NearestNeighbors(n_neighbors=n_neighbors).fit(latents[among])
    indices = among[found.kneighbors(sought, return_distance=False)].astype(np.int64)
    # The search may take distances from products of vectors, which leaves a little where two rows are the same.
    distances = np.linalg.norm(latents[indices] - sought[:, None], axis=2)
    order = np.lexsort((indices, distances))
    return Neighbours(np.take_along_axis(indices, order, axis=1), np.take_along_axis(distances, order, axis=1))
