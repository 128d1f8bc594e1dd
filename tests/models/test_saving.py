"""Tests of `isthmus.models.saving` and `isthmus.models.loading`: one file holds the whole estimator."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from torch import nn

import isthmus
from isthmus.errors import ModelFileError, OutputError, UserError
from isthmus.files import container


@pytest.fixture
def path(tmp_path):
    """Where a test keeps its model."""
    return tmp_path / "model.safetensors"


@pytest.fixture
def again(path):
    """A function that saves a model and loads it."""

    def save_and_load(model, **options):
        model.save(path)
        return isthmus.load(path, **options)

    return save_and_load


def cells(result):
    """A result of any container as a list of cells."""
    if isinstance(result, pa.Table):
        return result.to_pylist()
    if isinstance(result, pl.DataFrame):
        return result.to_dicts()
    return (
        result.astype(object).where(result.notna(), None).to_dict("list")
        if isinstance(result, pd.DataFrame)
        else result
    )


def equal(first, second):
    """Whether two results are of one type and have the same cells."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
    return cells(first) == cells(second)


@pytest.mark.parametrize("method", ["transform", "reconstruct", "errors", "score_samples", "score", "compare"])
def test_a_loaded_model_gives_the_same_bytes(pair, again, method):
    """Every method of a loaded model gives what the model that was saved gives."""
    model, X = pair
    loaded = again(model)
    first, second = getattr(model, method)(X), getattr(loaded, method)(X)
    assert first == second if method in ("score", "compare") else equal(first, second)


def test_a_loaded_model_decodes_to_what_fit_was_given(pair, again):
    """Latents decode to the container of fit, in its types."""
    model, X = pair
    Z = model.transform(X)
    assert equal(again(model).inverse_transform(Z), model.inverse_transform(Z))


def test_a_loaded_model_is_fitted(pair, again):
    """Plan, history, notes, seed and names are what they were."""
    model, _ = pair
    loaded = again(model)
    assert loaded.plan_ == dataclasses.replace(model.plan_, device="cpu")
    assert [list(e.values())[1:] for e in loaded.history_[1:]] == [list(e.values())[1:] for e in model.history_[1:]]
    assert math.isnan(loaded.history_[0]["training_loss"])
    for name in ("notes_", "seed_", "n_rows_", "n_features_in_", "latent_dim_", "block_rows_"):
        assert getattr(loaded, name) == getattr(model, name)
    assert list(getattr(loaded, "feature_names_in_", [])) == list(getattr(model, "feature_names_in_", []))
    assert loaded.summary() == model.summary()


def test_files_have_the_same_bytes(pair, path):
    """Two saves of a model, and the save of the loaded model, are one and the same file."""
    model, _ = pair
    model.save(path)
    first = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == first
    isthmus.load(path).save(path)
    assert path.read_bytes() == first


def test_fits_with_one_seed_make_one_file(quick, data, path):
    """The same seed gives the same file, another seed another."""
    files = []
    for seed in (1, 1, 2):
        quick(random_state=seed).fit(data.mixed()).save(path)
        files.append(path.read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_file_holds_no_path(quick, data, path):
    """Nothing in the file tells where or when it was made."""
    quick().fit(data.mixed()).save(path)
    assert str(path.parent).encode() not in path.read_bytes()


def test_parameters_come_back(quick, data, again):
    """A loaded model has the parameters that it was fitted with, and can be fitted again."""
    model = quick(hidden_dims=(7, 3), learning_rate=0.01, kinds={"visits": "number"}, patience=None).fit(data.mixed())
    loaded = again(model)
    assert loaded.get_params() == model.get_params()
    assert np.array_equal(loaded.fit(data.mixed()).transform(data.mixed()), model.transform(data.mixed()))


def test_a_model_from_partial_fits(quick, data, again):
    """A model made of passes is saved and can go on."""
    model = quick().partial_fit(data.curve()).partial_fit(data.curve(seed=3))
    loaded = again(model)
    assert loaded.history_ == model.history_
    expected = model.partial_fit(data.curve()).transform(data.curve())
    assert np.array_equal(loaded.partial_fit(data.curve()).transform(data.curve()), expected)


def test_a_loaded_model_can_go_on(quick, data, again):
    """With ``warm_start`` a fit continues from the file's weights."""
    model = quick(warm_start=True).fit(data.curve())
    loaded = again(model)
    assert np.array_equal(
        loaded.fit(data.curve()).transform(data.curve()), model.fit(data.curve()).transform(data.curve())
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "sigmoid", "loss": "bce"},
        {"network": "conv"},
        {"scaling": "none"},
        {"max_epochs": 0},
        {"precision": "bfloat16"},
        {"random_state": np.random.RandomState(3)},
    ],
)
def test_every_form_of_model(quick, data, again, changes):
    """Whatever the model was fitted with, it loads and gives the same bytes."""
    X = data.pictures()
    model = quick(**changes).fit(X)
    assert np.array_equal(again(model).reconstruct(X), model.reconstruct(X))


def test_awkward_names(quick, again):
    """Names of columns and levels of any characters survive."""
    frame = pd.DataFrame({"größe\n": np.arange(20.0), "<b>": ["'\"\\", "日本"] * 10, "": [1.5, 2.5] * 10}).rename(
        columns={"": " "}
    )
    model = quick(1).fit(frame)
    assert cells(again(model).reconstruct(frame)) == cells(model.reconstruct(frame))


def test_a_category_without_values(quick, again):
    """A column that is all gaps survives too."""
    frame = pd.DataFrame({"a": pd.Categorical([None] * 20, categories=["x"]), "b": np.arange(20.0)})
    model = quick(1).fit(frame)
    assert np.array_equal(again(model).transform(frame), model.transform(frame))


def test_a_file_is_described_in_its_header(quick, data, path):
    """The header alone says which estimator it is and what it was fitted to."""
    quick().fit(data.mixed()).save(path)
    spec = container.read_header(path).spec
    assert spec["estimator"] == "Autoencoder"
    assert spec["n_rows"] == 90


def test_an_output_that_cannot_be_written(quick, data, tmp_path):
    """A folder that does not exist is an error, and nothing is left behind."""
    with pytest.raises(OutputError, match="no_such_folder"):
        quick().fit(data.curve()).save(tmp_path / "no_such_folder" / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 7, 100, 0.5, -1])
def test_a_cut_off_file(quick, data, path, cut):
    """However much is missing at the end, the error says that it is no whole model file."""
    quick().fit(data.curve()).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        isthmus.load(path)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_a_changed_byte(quick, data, path, share):
    """A single changed byte anywhere is noticed."""
    quick().fit(data.curve()).save(path)
    changed = bytearray(path.read_bytes())
    changed[int(share * len(changed))] ^= 0x10
    path.write_bytes(changed)
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        isthmus.load(path)


class TestOwnNetwork:
    """A model with a network of the user's own: the file holds its weights only."""

    @staticmethod
    def build(shape, latent_dim):
        """A small network with a layer that keeps running statistics."""
        encoder = nn.Sequential(nn.Linear(shape[0], 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, latent_dim))
        return encoder, nn.Sequential(nn.Linear(latent_dim, 8), nn.ReLU(), nn.Linear(8, shape[0]))

    @pytest.mark.parametrize("given", ["pair", "callable"])
    def test_it_loads_with_the_same_network(self, quick, data, again, given):
        """Handed the pair or callable that it was fitted with, a file gives the same bytes."""
        X = data.curve()
        network = self.build if given == "callable" else self.build((6,), 2)
        model = quick(network=network).fit(X)
        assert np.array_equal(again(model, network=network).reconstruct(X), model.reconstruct(X))

    def test_it_is_refused_without(self, quick, data, again):
        """The error says what to hand over."""
        with pytest.raises(
            ModelFileError, match=r"user's own network; load it with isthmus\.load\(path, network=\.\.\.\)"
        ):
            again(quick(network=self.build).fit(data.curve()))

    def test_another_network_is_refused(self, quick, data, again):
        """A network whose tensors have other shapes does not fit the file."""

        def wider(shape, latent_dim):
            return nn.Linear(shape[0], latent_dim), nn.Linear(latent_dim, shape[0])

        with pytest.raises(ModelFileError, match=r"Cannot load .*model\.safetensors"):
            again(quick(network=self.build).fit(data.curve()), network=wider)

    def test_ours_needs_none(self, quick, data, again):
        """A model with a network of isthmus's own refuses another."""
        with pytest.raises(UserError, match=r"load it without network="):
            again(quick().fit(data.curve()), network=self.build)

    def test_the_given_network_is_not_changed(self, quick, data, again):
        """Loading copies the pair that is handed over."""
        network = self.build((6,), 2)
        model = quick(network=network).fit(data.curve())
        before = network[0][0].weight.clone()
        again(model, network=network)
        assert torch.equal(network[0][0].weight, before)
