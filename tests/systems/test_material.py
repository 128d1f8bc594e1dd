"""Tests of `isthmus.systems.material`: which rows are fitted, watched and tested."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from isthmus.errors import DataError
from isthmus.systems.catalogue import CATALOGUE
from isthmus.systems.material import material


@pytest.fixture(autouse=True)
def small(monkeypatch, small_systems):
    """Small data in place of the real."""
    small_systems(monkeypatch)


@pytest.fixture
def load():
    """A function that gives the rows and the labels of a part as the data set has them."""
    from isthmus.data import datasets

    return lambda name, part: datasets.load(name, part, labels=True)


@pytest.fixture(params=CATALOGUE)
def recipe(request):
    """Each recipe in turn."""
    return CATALOGUE[request.param]


def test_values_lie_between_0_and_1(recipe):
    """Whatever is fitted is float32 between 0 and 1."""
    rows = material(recipe)
    for values in (rows.train, *(v for v in (rows.spoiled, rows.spoiled_test) if v is not None)):
        assert values.dtype == np.float32
        assert 0 <= values.min() < values.max() <= 1
    assert len(rows.labels) == len(rows.test)


def test_pictures_are_divided_by_255(recipe, load):
    """Pixels are 255ths, flat where the network takes rows."""
    if recipe.task == "detect":
        return
    rows, (train, _), (test, labels) = material(recipe), load(recipe.dataset, "train"), load(recipe.dataset, "test")
    assert rows.train.ndim == (2 if recipe.flat else 3)
    assert np.array_equal(np.rint(rows.train * 255).reshape(train.shape), train)
    assert np.array_equal(np.rint(rows.test * 255).reshape(test.shape), test)
    assert np.array_equal(rows.labels, labels)
    assert rows.side == (28, 28)


def test_the_heartbeat_split(load):
    """80 to 20 with seed 42, scaled by the training part's one range; only normal beats are fitted, all kinds tested."""
    rows, (beats, labels) = material(CATALOGUE["ecg-anomaly"]), load("ecg5000", "all")
    train, test, train_labels, test_labels = train_test_split(beats, labels, test_size=0.2, random_state=42)
    low, high = train.min(), train.max()
    assert rows.train * (high - low) + low == pytest.approx(train[train_labels == 1], abs=1e-5)
    assert rows.test * (high - low) + low == pytest.approx(test, abs=1e-5)
    assert np.array_equal(rows.labels, test_labels)
    assert set(rows.labels) == {0, 1}


def test_noise_is_drawn_once():
    """Clipped noise of a fifth of the range on every picture, the same each time, and never the same on two of them."""
    recipe = CATALOGUE["fashion-denoise"]
    rows, again = material(recipe), material(recipe)
    assert np.array_equal(rows.spoiled, again.spoiled)
    assert np.array_equal(rows.spoiled_test, again.spoiled_test)
    noise = (rows.spoiled - rows.train)[(rows.spoiled > 0) & (rows.spoiled < 1) & (np.abs(rows.train - 0.5) < 0.1)]
    assert noise.std() == pytest.approx(0.2, rel=0.1)
    assert np.abs(np.corrcoef((rows.spoiled - rows.train).reshape(40, -1)) - np.eye(40)).max() < 0.3


def test_the_last_fifth_is_watched_and_not_fitted(recipe):
    """What the curves are drawn on: nothing, the test rows, or the last fifth, which is then no part of the fit."""
    rows = material(recipe)
    fitted, watched = rows.train[rows.fitted(recipe)], rows.watched(recipe)
    if recipe.validation == "last fifth":
        assert len(fitted) == len(rows.train) * 4 // 5
        assert np.array_equal(np.concatenate([fitted, watched[1]]), rows.train)
        assert len(watched[0]) == len(watched[1])
    else:
        assert len(fitted) == len(rows.train)
        assert (watched is None) == (recipe.validation == "nothing")


def test_noisy_pictures_are_watched():
    """Where noise is taken off, the noisy pictures go in and the clean ones should come out."""
    recipe = CATALOGUE["fashion-denoise"]
    rows = material(recipe)
    given, wanted = rows.watched(recipe)
    assert np.array_equal(given, rows.spoiled[32:])
    assert np.array_equal(wanted, rows.train[32:])


@pytest.mark.parametrize("name", ["mnist-3d", "fashion-64", "ecg-anomaly"])
def test_a_folder_without_the_files(name, tmp_path, monkeypatch):
    """The error names the file, the folder and the command that brings it."""
    monkeypatch.undo()
    with pytest.raises(DataError, match=rf"is not at hand: .* missing in {tmp_path}\. Run `isthmus datasets get"):
        material(CATALOGUE[name], tmp_path)
