"""Distances to known rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import nan_euclidean_distances
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from isthmus.scores.neighbours import Neighbours, least

BLOCK = 64


def draw(n=200, columns=5, seed=0):
    """Rows of a normal distribution, (n, columns)."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, columns)).astype(np.float32))


def known(rows, count=3, **options):
    """Neighbours that know these rows."""
    made = Neighbours(*rows.shape, count, **options)
    made.set(rows, BLOCK)
    return made


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_nearest_are_those_of_a_plain_search(offset):
    """Places and distances are scikit-learn's, also far from the origin, where products of vectors lose digits."""
    rows, new = draw() + offset, draw(50, seed=1) + offset
    distances, places = known(rows).nearest(new, 4)
    expected = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(rows.double()).kneighbors(new.double())
    np.testing.assert_allclose(distances, expected[0], rtol=1e-4)
    assert (places.numpy() == expected[1]).mean() > 0.99


def test_the_distance_is_the_mean_of_those_asked():
    """One number a row: the mean distance to the nearest rows."""
    rows, new = draw(), draw(50, seed=1)
    expected = NearestNeighbors(n_neighbors=3).fit(rows).kneighbors(new)[0].mean(axis=1)
    np.testing.assert_allclose(known(rows)(new), expected, rtol=1e-5)


def test_a_row_is_not_its_own_neighbour():
    """A known row that names its place is compared with the others only; -1 names none."""
    rows = draw()
    own = torch.arange(len(rows))
    distances, places = known(rows).nearest(rows, 3, own)
    assert not (places == own[:, None]).any()
    assert (distances > 0).all()
    assert torch.equal(known(rows)(rows, torch.full((len(rows),), -1)), known(rows)(rows))


def test_a_copy_of_a_row_is_its_neighbour():
    """Only the row itself is left out: a second one with its values is at distance 0."""
    rows = torch.cat([draw(), draw()])
    assert not known(rows, 1)(rows, torch.arange(len(rows))).any()


def test_local_ratios_inside_even_data_are_about_one():
    """Within rows of one density a row is as far from its neighbours as these are from theirs, whatever the unit."""
    rows = torch.from_numpy(np.random.default_rng(0).uniform(size=(2_000, 2)).astype(np.float32))
    new = torch.from_numpy(np.random.default_rng(1).uniform(0.1, 0.9, (500, 2)).astype(np.float32))
    ratio = known(rows, 10, local=True)(new)
    assert 0.85 < ratio.median() < 1.05
    scaled = known(rows * 1e3, 10, local=True)(new * 1e3)
    assert torch.allclose(scaled, ratio, rtol=1e-3)


def test_local_finds_what_plain_distances_miss():
    """A gap that is large for a dense region counts more than the same gap in a sparse one; so says LOF of scikit-learn."""
    dense, sparse = draw(300, 2) * 0.01, draw(300, 2, seed=1) * 3 + 50
    rows, new = torch.cat([dense, sparse]), torch.tensor([[0.2, 0.2], [50.5, 50.5]])
    plain, local = known(rows, 10)(new), known(rows, 10, local=True)(new)
    assert plain[0] < plain[1]
    assert local[0] > 5 * local[1]
    lof = -LocalOutlierFactor(10, novelty=True).fit(rows.numpy()).score_samples(new.numpy())
    assert lof[0] > 5 * lof[1]


def test_copies_of_one_row_have_a_spacing():
    """Where many rows are the same, no ratio is infinite or NaN."""
    rows = torch.cat([torch.zeros(100, 3), draw(100, 3)])
    ratio = known(rows, 10, local=True)(torch.cat([torch.zeros(1, 3), torch.full((1, 3), 0.01)]))
    assert ratio.isfinite().all()
    assert ratio[0] == 0
    assert ratio[1] > 0


def test_rows_all_alike():
    """With nothing but copies known, they are at distance 0 and any other row is far."""
    made = known(torch.ones(30, 2), 10, local=True)
    found = made(torch.tensor([[1.0, 1.0], [2.0, 1.0]]))
    assert found[0] == 0
    assert found[1] > 1e6


@pytest.mark.parametrize("n", [2, 3])
def test_fewer_rows_than_are_asked(n):
    """All other rows are asked where there are too few."""
    rows = draw(n)
    made = known(rows, 10)
    assert made.count == n - 1
    expected = torch.cdist(rows, rows).sum(dim=1) / (n - 1)
    assert torch.allclose(made(rows, torch.arange(n)), expected, rtol=1e-5)


def test_gaps_are_left_out_of_distances():
    """Distances of rows with gaps are scikit-learn's for such rows; a whole row among them keeps its bytes."""
    rows, new = draw(), draw(50, seed=1)
    seen = torch.from_numpy(np.random.default_rng(2).random(new.shape) > 0.3)
    seen[0], seen[1] = True, False
    holes = torch.where(seen, new, torch.nan)
    distances, _ = known(rows).nearest(new, 3, None, seen)
    expected = np.sort(nan_euclidean_distances(holes[2:].double(), rows.double()), axis=1)[:, :3]
    np.testing.assert_allclose(distances[2:], expected, rtol=1e-4)
    assert torch.equal(distances[0], known(rows).nearest(new, 3)[0][0])
    assert not distances[1].any()


@pytest.mark.parametrize("m", [5, 300, 1_791, 1_792, 1_800, 5_003])
@pytest.mark.parametrize("count", [1, 5, 7])
def test_the_least_are_those_of_a_sort(m, count):
    """Looked through in groups or whole, with equal values and with infinities: the least of a sorted column."""
    values = torch.randn(m, 9, generator=torch.Generator().manual_seed(m)).round(decimals=2)
    values[::7, 3] = torch.inf
    values[:, 4] = 1.0
    found, places = least(values, min(count, m))
    assert torch.equal(found, values.sort(dim=0).values[: min(count, m)].T)
    assert torch.equal(values.gather(0, places.T).T, found)
    assert all(len(set(row)) == len(row) for row in places.tolist())
