"""Tests of estimators on rows of ordered samples: what the plan says of them, and what 1-D convolutions keep to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.corruptions import GaussianNoise
from isthmus.errors import ParameterError
from isthmus.prep.ordered import NOTE

SAMPLES = 45


def beats(n=200, seed=0):
    """One bump a row, at a place and of a width of its own, (n, 45)."""
    r = np.random.default_rng(seed)
    place, width = r.uniform(12, 32, (n, 1)), r.uniform(3, 6, (n, 1))
    return np.exp(-0.5 * ((np.arange(SAMPLES) - place) / width) ** 2) + r.normal(0, 0.02, (n, SAMPLES))


def convolved(latent_dim=2, **changes):
    """A model with 1-D convolutions, unfitted."""
    return Autoencoder(latent_dim, network="conv1d", **{"max_epochs": 3, "random_state": 0, **changes})


@pytest.fixture(scope="module")
def model():
    """One fitted to rows with a bump."""
    return convolved(max_epochs=20).fit(beats())


def test_the_plan_says_that_rows_are_ordered():
    """Of an array and of a frame of numbers, not of the same columns in another order; ``plan`` says what ``fit`` does."""
    rows = beats()
    mixed = rows[:, np.random.default_rng(0).permutation(SAMPLES)]
    frame = pd.DataFrame(rows, columns=[f"t{j}" for j in range(SAMPLES)])
    auto = Autoencoder(2, max_epochs=0, random_state=0)
    assert [NOTE in auto.plan(data).notes for data in (rows, frame, mixed)] == [True, True, False]
    assert auto.fit(rows).plan_ == auto.plan(rows)
    assert NOTE in auto.notes_
    assert NOTE in auto.summary()


def test_it_starts_at_pca():
    """Without training the network is PCA."""
    found = convolved(max_epochs=0).fit(beats()).compare(beats(50, seed=1))
    assert found["ratio"] == pytest.approx(1)


def test_it_improves_on_pca(model):
    """Bumps that move are bent more than two numbers of PCA can say."""
    assert model.compare(beats(100, seed=1))["ratio"] < 0.7


@pytest.mark.parametrize("method", ["transform", "reconstruct", "errors"])
def test_a_row_gets_the_same_bytes_in_any_company(model, method):
    """Alone or among others."""
    rows = beats(70, seed=2)
    whole = getattr(model, method)(rows)
    for i in (0, 33, 69):
        assert np.array_equal(getattr(model, method)(rows[i : i + 1])[0], whole[i])


def test_the_same_seed_gives_the_same_bytes():
    """Another seed gives others."""
    first, again, other = (convolved(random_state=seed).fit(beats()).transform(beats()) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_gaps_and_frames():
    """Missing cells are filled, and a frame comes back as a frame."""
    frame = pd.DataFrame(beats(), columns=[f"t{j}" for j in range(SAMPLES)])
    frame.loc[frame.index[::5], "t7"] = None
    back = convolved().fit(frame).reconstruct(frame)
    assert list(back.columns) == list(frame.columns)
    assert back.notna().all(axis=None)


@pytest.mark.parametrize("latent_dim", [3, "auto"])
def test_noise_is_taken_off(latent_dim):
    """A denoising autoencoder has a latent and leaves less noise than there was."""
    model = DenoisingAutoencoder(
        GaussianNoise(0.3), latent_dim=latent_dim, network="conv1d", max_epochs=20, random_state=0
    ).fit(beats())
    found = model.compare(beats(50, seed=1))
    assert found["error"] < found["untouched_error"] if found["untouched_error"] else found["error"] < 1
    assert model.transform(beats(5)).shape == (5, model.latent_dim_)


def test_mixed_tables_are_refused():
    """A column that is no number is an error that names the network to use."""
    frame = pd.DataFrame(beats(), columns=[f"t{j}" for j in range(SAMPLES)]).assign(place=["a", "b"] * 100)
    with pytest.raises(ParameterError, match=r"got columns that are no numbers: say network=\"dense\""):
        convolved().fit(frame)
