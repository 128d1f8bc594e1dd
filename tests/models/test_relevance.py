"""Tests of `isthmus.models.relevance`: what the latent keeps of each column."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus import Autoencoder
from isthmus.data.readers import as_data
from isthmus.errors import DataError, ParameterError
from isthmus.models.relevance import change_of, explained_of, places_of, relevance


def rows(n=400, seed=0):
    """Three columns that share one factor, and one of noise, in units of very different size."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=n)
    shared = [scale * (factor + 0.2 * rng.normal(size=n)) for scale in (1, 50, 0.01)]
    return pd.DataFrame(dict(zip("abcz", [*shared, rng.normal(size=n)], strict=True)))


def pca(X, latent_dim=1, **changes):
    """A model that is PCA."""
    return Autoencoder(latent_dim, max_epochs=0, random_state=0, **changes).fit(X)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_ranked_last(seed):
    """A column that shares nothing with the others comes last and the latent hardly listens to it."""
    found = relevance(pca(rows(seed=seed)), rows(seed=seed))
    assert found[-1].name == "z"
    assert abs(found[-1].explained) < 0.05 > found[-1].change
    assert all(column.explained > 0.9 for column in found[:3])


def test_shares_add_up(pair):
    """Of every form of columns, each has its place once and the shares of the change sum to 1."""
    model, X = pair
    if np.ndim(X) > 2:
        return  # pictures have no columns
    found = relevance(model, X)
    assert len(found) == len(model.encoder_.kinds)
    assert sum(column.change for column in found) == pytest.approx(1)
    assert all(column.change >= 0 for column in found)


def test_explained_is_one_less_the_error():
    """For columns with a scale of their own, R2 is 1 less the mean of the error map."""
    model = pca(rows(), 2)
    errors = model.errors(rows()).mean(axis=0, dtype=np.float64)
    assert explained_of(model, model.encoder_.adopt(as_data(rows()))[0]) == pytest.approx(1 - errors)


def test_the_change_of_a_linear_encoder_is_known():
    """Exchanged cells move a linear latent by twice the column's variance times its squared weight, in whitened units."""
    X = rows(2000).to_numpy()[:, [0, 3]]
    model = pca(X, scaling="column")
    weights = model.network_.linear.encoder.weight.detach().numpy()[0].astype(float)
    expected = weights**2 / (weights**2).sum()
    assert change_of(model, X, 0) == pytest.approx(expected, abs=0.05)


def test_a_turned_and_stretched_latent_has_the_same_shares():
    """The shares belong to what the latent holds, not to its coordinates."""
    X, other = rows(), pca(rows(), 2)
    model = copy.deepcopy(other)
    turn = torch.tensor([[3.0, 1.0], [-0.2, 0.5]])
    with torch.no_grad():
        path = other.network_.linear.encoder
        path.weight.copy_(turn @ path.weight)
        path.bias.copy_(turn @ path.bias)
    first, second = (change_of(m, m.encoder_.adopt(as_data(X))[0], 0) for m in (model, other))
    assert first == pytest.approx(second, rel=1e-3)


def test_a_constant_column_has_no_part():
    """A column that never changes moves nothing; it has no R2 of its own and comes last."""
    X = rows().assign(same=1.0)
    found = relevance(pca(X), X)[-1]
    assert (found.name, found.change) == ("same", 0)
    assert np.isnan(found.explained)


@pytest.mark.parametrize("scaling", ["column", "common", "none"])
def test_explained_is_a_share_in_any_unit(scaling):
    """A column that is kept whole has an R2 of 1 whatever the scaling, and noise that is not kept one near 0."""
    X = rows().to_numpy()[:, [0, 0, 3]] * [10, 10, 1]
    found = {c.name: c.explained for c in relevance(pca(X, scaling=scaling), X)}
    assert found["column 1"] == pytest.approx(1, abs=0.02)
    assert abs(found["column 3"]) < 0.05


def test_every_kind_in_one_unit(data):
    """Flags and categories keep their own unit where numbers share one: each is explained as far as with column scaling."""
    frame = data.mixed(gaps=False)
    model = Autoencoder(2, max_epochs=0, scaling="common", random_state=0).fit(frame)
    found = {c.name: c.explained for c in relevance(model, frame)}
    errors = dict(zip(frame.columns, np.nanmean(model.errors(frame), axis=0), strict=True))
    for name in ("place", "member", "team"):
        assert found[name] == pytest.approx(1 - errors[name], abs=1e-5)


def test_each_encoded_position_belongs_to_one_column(data):
    """Targets, parts of dates and gap marks together are all inputs of the network."""
    model, _ = data.fitted("pandas")
    places = places_of(model.encoder_)
    assert sorted(place for column in places for place in column) == list(range(model.encoder_.layout.input_shape[0]))
    kinds = model.encoder_.kinds
    assert len(places[kinds.index("category")]) > len(places[kinds.index("number")]) - 1


def test_exchanged_cells_are_whole(data):
    """Exchanging all positions of all columns gives another row, whatever the kinds."""
    model, frame = data.fitted("pandas")
    encoded = model.encoder_.encode(as_data(frame))
    mixed = encoded.copy()
    for places in places_of(model.encoder_):
        mixed[:, places] = np.roll(encoded, 1, axis=0)[:, places]
    assert np.array_equal(mixed, np.roll(encoded, 1, axis=0), equal_nan=True)


def test_the_seed_decides():
    """The same seed gives the same bytes."""
    model = pca(rows())
    assert relevance(model, rows(), random_state=3) == relevance(model, rows(), random_state=3)
    assert relevance(model, rows(), random_state=3) != relevance(model, rows(), random_state=4)


def test_many_columns_are_looked_at_in_fewer_rows(monkeypatch):
    """The work stays bounded, and the shares still add up."""
    monkeypatch.setattr("isthmus.models.relevance.MOST_ENCODED", 10)
    monkeypatch.setattr("isthmus.models.relevance.FEWEST_ROWS", 20)
    assert sum(c.change for c in relevance(pca(rows()), rows())) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda data: ("model", rows()), ParameterError, "fitted isthmus autoencoder; got a str"),
        (lambda data: data.fitted("pictures"), DataError, "fitted with pictures, whose pixels have no names"),
        (lambda data: (pca(rows()), rows()[:1]), DataError, "needs at least 2 rows; got 1"),
        (lambda data: (pca(rows()), rows().drop(columns="a")), DataError, "'a' is missing"),
    ],
)
def test_bad_input(data, make, error, match):
    """What has no columns to rank is named in one line."""
    with pytest.raises(error, match=match):
        relevance(*make(data))
