"""Tests of `isthmus.models.probing`: latents as features for a classifier."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder
from isthmus.errors import DataError, IsthmusWarning, ParameterError
from isthmus.models import probing
from isthmus.models.probing import features_of, probe

SPECIES = np.tile(["cat", "dog"], 60)


def frame(n=120):
    """Animals of two sizes, one in two a dog, with a place that looks like a number and a gap."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=n) + 4 * (SPECIES == "dog")
    zip_code = np.where(size > 2, "00701", "01234")
    found = pd.DataFrame({"length": size, "weight": size + rng.normal(0, 0.3, n), "zip": zip_code})
    found.loc[3, "weight"] = np.nan
    return found


@pytest.fixture(scope="module")
def model():
    """A model of the animals, fitted without their species."""
    return Autoencoder(1, max_epochs=3, random_state=0).fit(frame())


def by_name(found):
    """The features of a probe by their name."""
    return {f.name: f for f in found.features}


def test_useful_latents_are_found_useful(model):
    """Species that differ in size are told apart; species by chance are not."""
    assert by_name(probe(model, frame(), SPECIES))["latents"].linear.value > 0.9
    chance = np.random.default_rng(1).permutation(SPECIES)
    assert by_name(probe(model, frame(), chance))["latents"].linear.value < 0.8


def test_sizes_and_the_table(model):
    """The table names each kind of features, its size, the split and the gain."""
    found = probe(model, frame(), SPECIES, test_fraction=0.2, neighbours=3)
    assert (found.training_rows, found.test_rows, found.n_classes, found.usual) == (96, 24, 2, 0.5)
    raw = model.encoder_.layout.input_shape[0]
    assert {name: f.size for name, f in by_name(found).items()} == {
        "latents": 1, "PCA components": 1, "raw columns": raw,
    }  # fmt: skip
    for words in ("latents less PCA", "3-NN", "24 test rows; 96 rows to learn from, 2 classes", "50.00 %"):
        assert words in str(found)


def test_features_are_what_the_model_gives(model):
    """Latents are those of `transform`, and raw columns have no gaps."""
    data = model.encoder_.adopt(probing.as_data(frame()))[0]
    found = features_of(model, data)
    assert np.array_equal(found["latents"], model.transform(frame()))
    assert np.isfinite(found["raw columns"]).all()


def test_an_untrained_network_gains_nothing():
    """A network that is PCA has PCA's accuracy on every row."""
    model = Autoencoder(2, max_epochs=0, random_state=0).fit(frame())
    found = probe(model, frame(), SPECIES)
    assert (found.linear_gain.value, found.neighbours_gain.value) == (0, 0)


def test_without_pca(model):
    """Where the model has no PCA this is said, and there is no gain."""
    alone = copy.copy(model)
    alone.baseline_ = None
    found = probe(alone, frame(), SPECIES)
    assert found.linear_gain is None
    assert set(by_name(found)) == {"latents", "raw columns"}
    assert "Without PCA, which would have been larger" in str(found)


def test_the_seed_decides(model):
    """The same seed gives the same figures, another one another split."""
    assert probe(model, frame(), SPECIES, random_state=1) == probe(model, frame(), SPECIES, random_state=1)
    chance = np.random.default_rng(1).permutation(SPECIES)
    assert len({probe(model, frame(), chance, random_state=seed).features for seed in range(4)}) > 1


@pytest.mark.parametrize("form", ["frame", "csv"])
def test_labels_by_the_name_of_a_column(model, tmp_path, form):
    """A column that the model does not know gives the same as its values, and is no feature."""
    X = frame().assign(species=SPECIES)
    if form == "csv":
        X.to_csv(tmp_path / "x.csv", index=False)
        X = tmp_path / "x.csv"
    assert probe(model, X, "species") == probe(model, frame(), SPECIES)


def test_a_label_column_beside_columns_without_names():
    """A model of a plain array takes a frame with one column more, if that holds the labels."""
    numbers = frame()[["length", "weight"]]
    model = Autoencoder(1, max_epochs=1, random_state=0).fit(numbers.to_numpy())
    assert by_name(probe(model, numbers.assign(species=SPECIES), "species"))["raw columns"].linear.value > 0.9


def test_the_answer_among_the_features_is_told():
    """A model that was fitted with the labels may hold the answer, which is said."""
    X = frame().assign(species=SPECIES)
    model = Autoencoder(2, max_epochs=1, random_state=0).fit(X)
    with pytest.warns(IsthmusWarning, match="fitted with the column 'species' itself"):
        probe(model, X, "species")


def test_rows_without_a_label(model):
    """They are left out, counted, and change nothing for the others."""
    labels = [*SPECIES[:100], *[None] * 20]
    with pytest.warns(IsthmusWarning, match="20 of 120 rows have no label"):
        found = probe(model, frame(), labels)
    assert found == probe(model, frame()[:100], SPECIES[:100])


def test_large_data_are_thinned(model, monkeypatch):
    """No more rows than stated are learnt from and tested; fewer where columns and classes are many."""
    monkeypatch.setattr(probing, "MOST_TRAINING", 40)
    monkeypatch.setattr(probing, "MOST_TEST", 10)
    found = probe(model, frame(), SPECIES)
    assert (found.training_rows, found.test_rows) == (40, 10)
    monkeypatch.setattr(probing, "MOST_WORK", 2 * model.encoder_.layout.n_targets * 20)
    assert probe(model, frame(), SPECIES).training_rows == 20


def test_pictures(data):
    """Pictures are probed by their pixels."""
    pictures = data.pictures(90)
    model = Autoencoder(2, max_epochs=1, random_state=0).fit(pictures)
    bright = pictures.mean(axis=(1, 2)) > np.median(pictures.mean(axis=(1, 2)))
    assert by_name(probe(model, pictures, bright))["raw columns"].size == 42


def test_the_model_is_not_changed(model):
    """Probing leaves the model's answers as they were, and warns of nothing."""
    before = model.transform(frame())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probe(model, frame(), SPECIES)
    assert np.array_equal(model.transform(frame()), before)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"test_fraction": 0}, ParameterError, "test_fraction of probe must be a number > 0 and < 1; got 0"),
        ({"test_fraction": 1.0}, ParameterError, "test_fraction of probe"),
        ({"neighbours": 0}, ParameterError, "neighbours of probe must be an integer >= 1 and <= 90; got 0"),
        ({"neighbours": 91}, ParameterError, "<= 90; got 91"),
        ({"random_state": "x"}, ParameterError, "random_state must be an integer"),
        ({"labels": SPECIES[:7]}, DataError, "one value for each of the 120 rows"),
        ({"labels": ["cat"] * 120}, DataError, "at least two classes"),
        ({"labels": np.linspace(0, 1, 120)}, DataError, "a scale and no set of classes"),
        ({"labels": "kind"}, DataError, "labels='kind': the data have no such column; they have 'length'"),
        ({"X": np.zeros((3, 2)), "labels": "kind"}, DataError, "these data have no column names"),
        ({"model": "model"}, ParameterError, "fitted isthmus autoencoder; got a str"),
    ],
)
def test_bad_input(model, changes, error, match):
    """What cannot be probed is named in one line."""
    given = {"model": model, "X": frame(), "labels": SPECIES, **changes}
    with pytest.raises(error, match=match):
        probe(given.pop("model"), given.pop("X"), given.pop("labels"), **given)
