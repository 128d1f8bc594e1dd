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
from isthmus.corruptions import Chain, GaussianNoise, Holes, MaskingNoise, SaltPepper, Speckle, Swap, Watermark
from isthmus.errors import ModelFileError, OutputError, ParameterError, UserError
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


@pytest.mark.parametrize("gaps", [False, True])
def test_convolved_rows(quick, again, gaps):
    """A network for rows of samples comes back with the same bytes, gap marks or not."""
    X = np.random.default_rng(0).normal(size=(60, 33)).cumsum(axis=1)
    if gaps:
        X[::7, 3] = np.nan
    model = quick(network="conv1d").fit(X)
    loaded = again(model)
    assert loaded.plan_.network == "conv1d"
    assert np.array_equal(loaded.reconstruct(X), model.reconstruct(X))
    assert loaded.summary() == model.summary()
    assert np.array_equal(loaded.fit(X).transform(X), model.fit(X).transform(X))


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


LAYERS = {"encoder": ["flatten", "dense 5 tanh", "dense 3"], "decoder": ["dense 42 sigmoid", "reshape 1 7 6"]}
KERAS_ADAM = {"optimizer": "adam", "optimizer_options": {"betas": (0.9, 0.999), "eps": 1e-7}}


def restorer(data, corruption="auto", **changes):
    """A small U-shaped network fitted to pictures."""
    given = {"network": "unet", "hidden_dims": (4, 6), "max_epochs": 1, "random_state": 0, **changes}
    return isthmus.DenoisingAutoencoder(corruption, **given).fit(data.pictures())


class TestLayers:
    """A network from a list of layers is in the file, down to its words."""

    @pytest.mark.parametrize("scaling", ["range", "none", "common"])
    @pytest.mark.parametrize("loss", ["mse", "bce"])
    def test_it_comes_back(self, quick, data, again, scaling, loss):
        """The loaded model gives the same bytes, has the same plan, and saves to the same file."""
        X = data.pictures() / 255.0
        model = quick(
            "auto", network=LAYERS, scaling=scaling, loss=loss, keep="last", schedule="constant", **KERAS_ADAM
        )
        loaded = again(model.fit(X))
        assert np.array_equal(loaded.reconstruct(X), model.reconstruct(X))
        assert loaded.plan_ == dataclasses.replace(model.plan_, device="cpu")
        assert loaded.network == {**LAYERS, "initializer": "glorot-uniform"}
        assert loaded.optimizer_options == model.optimizer_options

    def test_it_can_be_fitted_again_and_go_on(self, quick, data, again):
        """The file holds all that a fit needs, and all that a pass needs."""
        X = data.pictures()
        model = quick("auto", network=LAYERS, **KERAS_ADAM).fit(X)
        loaded = again(model)
        assert np.array_equal(loaded.partial_fit(X).transform(X), model.partial_fit(X).transform(X))
        assert np.array_equal(loaded.fit(X).transform(X), model.fit(X).transform(X))

    def test_of_rows(self, quick, data, again):
        """Rows of columns with gaps too."""
        X = data.forms["gaps"]()
        layers = {"encoder": ["dense 2"], "decoder": ["dense 6"], "initializer": "normal"}
        model = quick("auto", network=layers).fit(X)
        loaded = again(model)
        assert np.array_equal(loaded.reconstruct(X), model.reconstruct(X))
        assert loaded.get_params() == model.get_params()


@pytest.mark.parametrize("name", ["floats", "integers", "gaps", "pictures", "colour pictures", "float pictures"])
@pytest.mark.parametrize("scaling", ["range", "none"])
def test_scalings_of_one_factor(quick, data, again, name, scaling):
    """Values between 0 and 1, or as they are: what is fitted, reconstructed, saved and loaded stays in the data's unit."""
    X = data.forms[name]()
    model = quick(scaling=scaling).fit(X)
    back = model.reconstruct(X)
    assert (back.dtype, back.shape) == (X.dtype, X.shape)
    assert np.nanmin(X) - 1e-3 <= back.min() <= back.max() <= np.nanmax(X) + 1e-3
    encoded = model._rows(X).slice(0, len(X))
    columns = slice(None) if X.ndim > 2 else slice(X.shape[1])
    units = (0.0, 1.0) if scaling == "range" else (np.nanmin(X), np.nanmax(X))
    assert (np.nanmin(encoded[:, columns]), np.nanmax(encoded[:, columns])) == pytest.approx(units, rel=1e-5, abs=1e-6)
    loaded = again(model)
    assert equal(loaded.reconstruct(X), back)
    assert loaded.score(X) == model.score(X)


class TestDenoising:
    """What a denoising autoencoder has besides is in the file too."""

    @pytest.mark.parametrize(
        "corruption",
        [
            GaussianNoise(0.1), MaskingNoise(0.4), SaltPepper(0.1), Speckle(0.3), Holes(2, (0.2, 0.4), "stripes", "mean"),
            GaussianNoise(0.1) | Holes(), "auto", Chain((SaltPepper(0.01),) * 60),
            GaussianNoise((0.05, 1.0)) | MaskingNoise((0.5, 0.1)),
        ],
        ids=lambda kind: repr(kind)[:40],
    )  # fmt: skip
    def test_the_corruption_comes_back(self, data, again, corruption):
        """The loaded model spoils clean rows as the saved one does, and has the parameters that were given."""
        model = restorer(data, corruption)
        loaded = again(model)
        assert loaded.corruption_ == model.corruption_
        assert loaded.get_params() == model.get_params()
        assert loaded.compare(data.pictures()) == model.compare(data.pictures())

    @pytest.mark.parametrize("size", [(7, 6), (15, 20)])
    def test_restored_pictures_have_the_same_bytes(self, data, again, size):
        """Of the size of fit, and of another."""
        model, X = restorer(data), data.pictures(5, size)
        assert equal(again(model).denoise(X), model.denoise(X))

    def test_large_pictures(self, data, path):
        """A network that was trained on windows of large pictures comes back, and one seed makes one file."""
        X, files = data.pictures(4, (100, 97)), []
        for _ in range(2):
            model = isthmus.DenoisingAutoencoder(hidden_dims=(4, 4), max_epochs=1, random_state=0).fit(X)
            model.save(path)
            files.append(path.read_bytes())
        assert model.plan_.crop > 0
        assert files[0] == files[1]
        assert equal(isthmus.load(path).denoise(X), model.denoise(X))

    def test_it_can_be_fitted_again_and_go_on(self, data, again):
        """The file holds all that a fit needs, and all that a pass needs."""
        X, model = data.pictures(), restorer(data, Holes())
        loaded = again(model)
        assert np.array_equal(loaded.partial_fit(X).denoise(X), model.partial_fit(X).denoise(X))
        assert np.array_equal(loaded.fit(X).denoise(X), model.fit(X).denoise(X))

    def test_of_tables(self, data, again):
        """A table's latents, restored cells and errors come back, with swapped cells as the corruption."""
        X = data.mixed()
        model = isthmus.DenoisingAutoencoder(latent_dim=2, max_epochs=1, random_state=0).fit(X)
        loaded = again(model)
        assert loaded.corruption_ == Swap(0.15)
        assert equal(loaded.denoise(X), model.denoise(X))
        assert loaded.compare(X) == model.compare(X)

    @pytest.mark.parametrize("paired", [True, False], ids=["pairs", "a picture as watermark"])
    def test_what_a_file_cannot_hold(self, data, again, paired):
        """Without a corruption in the file, clean rows alone cannot be compared, and pairs can."""
        X = data.pictures()
        mark = "auto" if paired else Watermark(picture=np.eye(3), size=None)
        model = isthmus.DenoisingAutoencoder(mark, latent_dim=2, max_epochs=1, random_state=0).fit(
            X, X if paired else None
        )
        loaded = again(model)
        assert loaded.corruption_ is None
        assert loaded.compare(X, X) == model.compare(X, X)
        with pytest.raises(ParameterError, match="its file could not hold it"):
            loaded.compare(X)


class TestHostile:
    """Files whose bytes are in order and whose words are not: never anything but a `ModelFileError` that names the file."""

    @pytest.fixture
    def edited(self, path, monkeypatch):
        """A function that saves a model with an edit in its spec, under a right checksum, and loads it."""
        write = container.write

        def save_and_load(model, *keys, value):
            def with_edit(target, spec, tensors):
                place = spec
                for key in keys[:-1]:
                    place = place[key]
                assert keys[-1] in place
                place[keys[-1]] = value
                write(target, spec, tensors)

            monkeypatch.setattr(container, "write", with_edit)
            model.save(path)
            return isthmus.load(path)

        return save_and_load

    @pytest.mark.parametrize("place", ["plan", "parameters"])
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"encoder": ["dance 3"]}, "unknown layer 'dance'"),
            ({"encoder": []}, "must be a list of layers"),
            ({"encoder": [3]}, "must be a string|must be an object"),
            ({"encoder": ["dense 3"] * 201}, "must have from 0 to 200 entries|must be an object"),
            ({"encoder": ["dense 99999999"]}, "expected 'dense UNITS"),
            ({"initializer": "os.system"}, "unknown initializer 'os.system'"),
            ({"more": []}, "unknown key 'more'|must be an object"),
        ],
    )  # fmt: skip
    def test_layers_of_other_words(self, quick, data, edited, place, change, words):
        """Words that are no layers are refused where the plan has them, and where the parameters have them."""
        layers = {**LAYERS, "initializer": "normal"}
        model = quick("auto", network=layers, max_epochs=0).fit(data.pictures())
        key = "layers" if place == "plan" else "network"
        with pytest.raises(ModelFileError, match=rf"Cannot load .*model\.safetensors.*({words})"):
            edited(model, place, key, value={**layers, **change})

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"encoder": ["dense 3"]}, "put 'flatten' before it"),
            ({"encoder": ["flatten", "dense 4"]}, "its spec asks for|that nothing asks for"),
            ({"encoder": ["up 9999", "up 9999", "flatten", "dense 3"]}, "at most 4,294,967,296"),
            ({"encoder": ["flatten", "dense 16777216", "dense 3"]}, "its spec asks for|lacks the array"),
            ({"decoder": ["dense 41 sigmoid"]}, r"41 values; the data have shape \(1, 7, 6\)"),
            ({"decoder": ["max-pool 2", "dense 42"]}, "it takes a picture"),
        ],
    )
    def test_layers_that_do_not_fit(self, quick, data, edited, change, words):
        """Layers that cannot be built, or whose weights are not in the file, cost neither time nor memory."""
        layers = {**LAYERS, "initializer": "normal"}
        model = quick("auto", network=layers, max_epochs=0).fit(data.pictures())
        with pytest.raises(ModelFileError, match=rf"Cannot load .*model\.safetensors.*({words})"):
            edited(model, "plan", "layers", value={**layers, **change})

    @pytest.mark.parametrize(
        ("keys", "value"),
        [
            (("plan", "network"), "dense"), (("plan", "network"), "layers"), (("plan", "network"), "custom"),
            (("plan", "network"), "resnet"), (("plan", "latent_dim"), 3), (("plan", "latent_dim"), -1),
            (("plan", "hidden_dims"), []), (("plan", "crop"), 48), (("plan", "crop"), -1),
            (("plan", "hidden_dims"), [4]), (("plan", "hidden_dims"), [2**24] * 64), (("plan", "hidden_dims"), [0, 6]),
            (("baseline",), True), (("estimator",), "Autoencoder"), (("estimator",), "os.system"), (("plan", "schedule"), "x"),
            (("plan", "keep"), None), (("plan", "scaling"), "auto"), (("plan", "layers"), {**LAYERS, "initializer": "normal"}),
            (("plan", "optimizer_options"), {"lr": 1}), (("plan", "optimizer_options"), {"betas": 0.9}),
            (("plan", "optimizer_options"), {"eps": "x"}), (("plan", "optimizer_options"), None),
            (("parameters", "optimizer_options"), {"lr": 1}), (("parameters", "network"), "unte"), (("parameters", "network"), 3),
        ],
    )  # fmt: skip
    def test_restorers_that_are_none(self, data, edited, keys, value):
        """A U-shaped network with a latent, with layers, without levels or beside a PCA does not go together."""
        with pytest.raises(ModelFileError, match=r"^Cannot load .*model\.safetensors.*[^.]\.$"):
            edited(restorer(data), *keys, value=value)

    @pytest.mark.parametrize(
        ("keys", "value"),
        [(("plan", "network"), "unet"), (("plan", "network"), "layers"), (("plan", "latent_dim"), 0), (("plan", "latent_dim"), 1)],
    )  # fmt: skip
    def test_tables_with_networks_for_pictures(self, quick, data, edited, keys, value):
        """Rows of columns have no U-shaped network, no layers that nobody listed, and a latent."""
        with pytest.raises(ModelFileError, match=r"Cannot load .*model\.safetensors"):
            edited(quick().fit(data.mixed()), *keys, value=value)

    @pytest.mark.parametrize("form", ["pictures", "mixed", "curve"])
    def test_networks_for_rows_of_samples(self, quick, data, edited, form):
        """Pictures, tables of several kinds and rows whose file has no convolutions are not called rows of samples."""
        model = quick(network="dense").fit(getattr(data, form)())
        with pytest.raises(ModelFileError, match=r"Cannot load .*model\.safetensors"):
            edited(model, "plan", "network", value="conv1d")

    @pytest.mark.parametrize("place", [("corruption",), ("parameters", "corruption")], ids=["fitted", "parameter"])
    @pytest.mark.parametrize(
        "value",
        [
            [], [{}], [{"std": 1}], [{"name": "Hole"}], [{"name": None}], [{"name": "Chain", "parts": []}], {"name": "Swap"},
            "noise", 3,
            [{"name": "Holes", "cuont": 1}], [{"name": "Holes", "self": 1}], [{"name": "Holes", "count": 10**9}],
            [{"name": "Holes", "size": "abc"}], [{"name": "Holes", "size": []}], [{"name": "Holes", "size": None}],
            [{"name": "GaussianNoise", "std": 99}], [{"name": "GaussianNoise", "std": True}],
            [{"name": "GaussianNoise", "clip": 1}],
            [{"name": "Watermark", "picture": None}], [{"name": "Watermark", "text": None}],
            [{"name": "Watermark", "text": "\ud800"}],
            [{"name": "Watermark", "text": "x" * 201}], [{"name": "Watermark", "size": None}],
            [{"name": "Swap"}] * 101,
        ],
        ids=lambda value: str(value)[:40],
    )  # fmt: skip
    def test_corruptions_that_cannot_be_made(self, data, edited, place, value):
        """Whatever stands in the place of a corruption, it is made from known parts and values or not at all."""
        with pytest.raises(ModelFileError, match=r"Cannot load .*model\.safetensors"):
            edited(restorer(data), *place, value=value)
