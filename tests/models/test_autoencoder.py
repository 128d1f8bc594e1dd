"""Tests of `isthmus.models.autoencoder`: each parameter, PCA as the floor, and scikit-learn's tools around it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from torch import nn

from isthmus import Autoencoder
from isthmus.errors import IsthmusWarning, ParameterError
from isthmus.parameters import ACTIVATIONS, LOSSES, OPTIMIZERS, AutoencoderParameters


def pca_through(X, latent_dim):
    """Rows reconstructed by scikit-learn's PCA, within the range of each column."""
    pca = PCA(latent_dim, svd_solver="full").fit(X)
    return np.clip(pca.inverse_transform(pca.transform(X)), X.min(axis=0), X.max(axis=0))


class TestFloor:
    """With no epochs the model is PCA."""

    @pytest.mark.parametrize("latent_dim", [1, 2, 4])
    def test_no_epochs_are_pca(self, quick, data, latent_dim):
        """Reconstructions are those of PCA on standardised columns, in the columns' own units."""
        X = data.curve()
        mean, std = X.mean(axis=0), X.std(axis=0)
        expected = pca_through((X - mean) / std, latent_dim) * std + mean
        ours = quick(latent_dim, max_epochs=0, scaling="column").fit(X).reconstruct(X)
        assert (ours - mean) / std == pytest.approx((expected - mean) / std, abs=1e-4)

    @pytest.mark.parametrize("scaling", ["common", "none"])
    def test_no_epochs_are_pca_of_the_values(self, quick, data, scaling):
        """With one factor for all columns, or none, they are those of PCA on the values as they are."""
        X = data.curve()[:, [0, 1, 2]]
        ours = quick(2, max_epochs=0, scaling=scaling).fit(X).reconstruct(X)
        pca = PCA(2).fit(X)
        expected = pca.inverse_transform(pca.transform(X))
        low, high = (X.min(), X.max()) if scaling == "common" else (X.min(axis=0), X.max(axis=0))
        assert ours == pytest.approx(np.clip(expected, low, high), abs=1e-3)

    def test_no_epochs_are_pca_of_pictures(self, quick, data):
        """For pictures they are those of PCA on the pixels, within the range of all."""
        X = data.pictures().astype(np.float64)
        flat = X.reshape(len(X), -1)
        pca = PCA(3).fit(flat)
        expected = np.clip(pca.inverse_transform(pca.transform(flat)), X.min(), X.max())
        ours = quick(3, max_epochs=0).fit(X).reconstruct(X)
        assert ours.reshape(len(X), -1) == pytest.approx(expected, abs=0.02)

    @pytest.mark.parametrize("name", ["floats", "gaps", "pandas", "pictures"])
    def test_no_epochs_are_the_baseline(self, quick, data, name):
        """For data of every kind the start has the errors of the baseline that is kept beside it."""
        X = data.forms[name]()
        model = quick(max_epochs=0).fit(X)
        assert model.compare(X)["ratio"] == pytest.approx(1.0, abs=1e-5)

    def test_training_beats_pca_on_a_curve(self, quick, data):
        """Where the rows lie on a curve the fit ends far below PCA."""
        X = data.curve(300)
        assert quick(max_epochs=40).fit(X).compare(X)["ratio"] < 0.8

    @pytest.mark.parametrize("n_rows", [40, 300])
    def test_training_keeps_pca_on_noise(self, quick, n_rows):
        """Where there is nothing to learn the fit ends as PCA of all rows."""
        X = np.random.default_rng(0).normal(size=(n_rows, 8))
        model = quick(max_epochs=5).fit(X)
        assert model.history_[0]["kept"] == 1.0
        assert model.compare(X)["ratio"] == pytest.approx(1.0, abs=1e-5)


class TestParameters:
    """What each parameter does, and what it refuses."""

    @pytest.mark.parametrize("loss", LOSSES)
    def test_every_loss(self, quick, data, loss):
        """Training on any loss lowers that loss on training rows, and leaves a finite score."""
        X = data.curve(300)
        output = "sigmoid" if loss == "bce" else "auto"
        model = quick(loss=loss, output=output, max_epochs=12).fit(X)
        losses = [entry["training_loss"] for entry in model.history_[1:]]
        assert losses[-1] < losses[0]
        assert math.isfinite(model.score(X))

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_every_optimizer(self, quick, data, optimizer):
        """No optimizer ends above PCA on validation rows."""
        model = quick(optimizer=optimizer, max_epochs=6).fit(data.curve(300))
        kept = next(entry for entry in model.history_ if entry["kept"])
        assert kept["validation_loss"] <= model.history_[0]["validation_loss"]
        assert model.history_[-1]["training_loss"] < 1.05 * model.history_[1]["training_loss"]

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_every_activation(self, quick, data, activation):
        """Each activation trains: the last layers, which start at zero, have learnt something."""
        model = quick(activation=activation, max_epochs=10, batch_size=8, learning_rate=0.01).fit(data.curve(200))
        assert model.history_[-1]["training_loss"] < model.history_[1]["training_loss"]

    @pytest.mark.parametrize("output", ["linear", "sigmoid"])
    def test_outputs_stay_in_the_range_of_training(self, quick, data, output):
        """Neither output leaves the range of a column, however far a new row lies."""
        X = data.curve()
        back = quick(output=output).fit(X).reconstruct(X * 100)
        slack = 1e-5 * np.abs(X).max(axis=0)
        assert (back >= X.min(axis=0) - slack).all()
        assert (back <= X.max(axis=0) + slack).all()

    def test_a_sigmoid_of_categories(self, quick, data):
        """A sigmoid output keeps numbers in their range and categories among theirs."""
        X = data.mixed()
        back = quick(output="sigmoid").fit(X).reconstruct(X)
        assert set(back["place"]) <= {"north", "mid", "south"}
        assert back["visits"].between(X["visits"].min(), X["visits"].max()).all()

    @pytest.mark.parametrize("latent_dim", [6, 7, 20])
    def test_a_latent_above_the_columns(self, quick, data, latent_dim):
        """It works, reconstructs almost everything, and is noted."""
        X = data.curve()
        model = quick(latent_dim, max_epochs=0).fit(X)
        assert model.transform(X).shape == (len(X), latent_dim)
        assert model.score(X) > 0.999
        assert any("nothing is compressed" in note for note in model.notes_)

    def test_hidden_layers(self, quick, data):
        """The encoder has the sizes asked for, the decoder mirrors them."""
        model = quick(3, hidden_dims=(9, 5)).fit(data.curve())
        sizes = [m.out_features for part in (model.network_.encoder, model.network_.decoder)
                 for m in part.modules() if isinstance(m, nn.Linear)]  # fmt: skip
        assert sizes == [9, 5, 3, 5, 9, 6]

    @pytest.mark.parametrize("shape", [(1, 7), (9, 12, 3), (28, 28, 1), (20, 17)])
    def test_convolutions_of_any_size(self, quick, data, shape):
        """Any height, width and number of channels trains, and comes back as it went in."""
        X = data.pictures(40, shape)
        channels = "last" if len(shape) == 3 else "auto"
        model = quick(network="conv", channels=channels).fit(X)
        assert model.plan_.network == "conv"
        assert model.reconstruct(X).shape == X.shape
        assert model.reconstruct(X).dtype == np.uint8
        assert model.compare(X)["ratio"] <= 1.02

    @pytest.mark.parametrize(
        "form",
        [
            {"output": "sigmoid"},
            {"network": {"encoder": ["dense 9 relu", "dense 2"], "decoder": ["dense 9 relu", "dense 4"]}},
            {"output": "sigmoid", "members": 2},
        ],
    )
    def test_bfloat16_trains_what_is_not_anchored(self, form):
        """Networks without a linear path take the same steps."""
        X = np.random.default_rng(0).normal(size=(60, 4))
        model = Autoencoder(**{"latent_dim": 2, **form}, precision="bfloat16", max_epochs=2, random_state=0).fit(X)
        assert np.isfinite(model.transform(X)).all()

    def test_bfloat16_trains(self, quick, data):
        """Training in bfloat16 ends near training in float32, and the model stays in float32."""
        X = data.curve(200)
        half, full = (quick(precision=p, max_epochs=6).fit(X) for p in ("bfloat16", "float32"))
        assert {p.dtype for p in half.network_.parameters()} == {torch.float32}
        assert half.score(X) == pytest.approx(full.score(X), abs=0.05)

    def test_no_validation_rows(self, quick, data):
        """With validation_fraction=0 all rows train, and the best epoch is chosen on them."""
        model = quick(validation_fraction=0.0, max_epochs=10).fit(data.curve())
        assert model.plan_.validation_rows == 0
        assert model.history_[-1]["validation_loss"] < model.history_[0]["validation_loss"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"latent_dim": 0},
                r'latent_dim of Autoencoder must be an integer >= 1 and <= 16,777,216 or "auto"; got 0',
            ),
            ({"latent_dim": "atuo"}, r'got \'atuo\'. Did you mean "auto"\?'),
            ({"latent_dim": 2.5}, r"must be an integer >= 1"),
            ({"hidden_dims": ()}, r"hidden_dims of Autoencoder must be a sequence of integers >= 1"),
            ({"hidden_dims": (8, 0)}, r"hidden_dims of Autoencoder must be"),
            ({"network": "dens"}, r'Did you mean "dense"\?'),
            ({"activation": "rellu"}, r'Did you mean "relu"\?'),
            ({"output": "sigmod"}, r'Did you mean "sigmoid"\?'),
            ({"scaling": "colum"}, r'Did you mean "column"\?'),
            ({"channels": "frist"}, r'Did you mean "first"\?'),
            ({"loss": "hubert"}, r'Did you mean "huber"\?'),
            ({"loss": "bce"}, r'loss="bce" needs output="sigmoid"'),
            ({"optimizer": "adamww"}, r'Did you mean "adamw"\?'),
            ({"learning_rate": 0}, r"must be a number > 0"),
            ({"learning_rate": math.nan}, r"must be a number > 0"),
            ({"batch_size": 0}, r"must be an integer >= 1"),
            ({"max_epochs": -1}, r"must be an integer >= 0"),
            ({"patience": 0}, r"must be an integer >= 1"),
            ({"validation_fraction": 1.0}, r"must be a number >= 0 and < 1; got 1.0"),
            ({"precision": "bfloat"}, r'Did you mean "bfloat16"\?'),
            ({"device": "cpu0"}, r'Did you mean "cpu"\?'),
            ({"random_state": -1}, r"must be an integer >= 0"),
            ({"warm_start": 1}, r"must be True or False; got 1"),
            ({"progress": "atuo"}, r'Did you mean "auto"\?'),
            ({"network": "conv"}, r'network="conv" needs pictures'),
            ({"kinds": {"a": "number"}}, r"Only frames and files have named columns"),
        ],
    )
    def test_values_that_are_refused(self, quick, data, changes, words):
        """A wrong value is an error at fit: which parameter, what is allowed, what came, and the nearest name."""
        with pytest.raises(ParameterError, match=words):
            quick(**changes).fit(data.curve())

    def test_every_parameter_is_documented(self):
        """The class tells what each parameter does."""
        for field in dataclasses.fields(AutoencoderParameters):
            assert f"\n    {field.name} : " in Autoencoder.__doc__


class TestOwnNetwork:
    """A pair of modules, or a callable that makes one, as ``network``."""

    @staticmethod
    def build(shape, latent_dim):
        """A small network for rows or pictures."""
        n = math.prod(shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            encoder = nn.Sequential(nn.Flatten(), nn.Linear(n, 16), nn.Tanh(), nn.Linear(16, latent_dim))
            decoder = nn.Sequential(nn.Linear(latent_dim, 16), nn.Tanh(), nn.Linear(16, n), nn.Unflatten(1, shape))
        return encoder, decoder

    def test_it_learns(self, quick, data):
        """The user's network trains from its own start, and a note says that this is not PCA."""
        X = data.curve(300)
        model = quick(network=self.build, max_epochs=30, learning_rate=1e-2).fit(X)
        assert model.plan_.network == "custom"
        assert model.history_[-1]["validation_loss"] < 0.7 * model.history_[0]["validation_loss"]
        assert any("does not start at PCA" in note for note in model.notes_)

    def test_the_given_modules_stay_as_they_are(self, quick, data):
        """A pair is copied: its weights are what they were, and fitting again starts from them."""
        torch_pair = self.build((6,), 2)
        before = [value.clone() for part in torch_pair for value in part.state_dict().values()]
        model = quick(network=torch_pair, max_epochs=10, learning_rate=0.01).fit(data.curve())
        after = [value for part in torch_pair for value in part.state_dict().values()]
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        assert not torch.equal(model.network_.encoder[1].weight, torch_pair[0][1].weight)

    def test_pictures(self, quick, data):
        """It sees pictures as (n, channels, height, width)."""
        X = data.pictures(shape=(5, 4, 3))
        model = quick(network=self.build).fit(X)
        assert model.reconstruct(X).shape == X.shape

    def test_a_network_that_does_not_fit(self, quick, data):
        """The error names the part and the shapes."""
        with pytest.raises(ParameterError, match=r"the encoder of network does not take rows of shape \(6,\)"):
            quick(network=self.build((5,), 2)).fit(data.curve())


class TestTools:
    """Autoencoders inside of scikit-learn's tools."""

    def test_parameters_round_trip(self, data):
        """``get_params``, ``set_params`` and ``clone`` keep what was given, and no fitted state."""
        model = Autoencoder(3, max_epochs=1, hidden_dims=(4,), kinds={"a": "number"})
        copy = clone(model)
        assert copy.get_params() == model.get_params()
        assert copy.set_params(latent_dim=5).latent_dim == 5
        assert not hasattr(clone(data.fitted("floats")[0]), "network_")

    def test_repr(self):
        """Only what differs from the default is shown."""
        assert repr(Autoencoder(3, loss="mae")) == "Autoencoder(latent_dim=3, loss='mae')"

    def test_a_pipeline(self, quick, data):
        """It stands between a scaler and a regression."""
        X = data.curve()
        pipeline = make_pipeline(MinMaxScaler(), quick(3), LinearRegression()).fit(X, X[:, 0])
        scaled = MinMaxScaler().fit_transform(X)
        latents = quick(3).fit_transform(scaled)
        assert pipeline.predict(X) == pytest.approx(LinearRegression().fit(latents, X[:, 0]).predict(latents))

    def test_a_grid_search(self, quick, data):
        """A search over the latent size takes the one that explains most, by ``score``."""
        search = GridSearchCV(quick(max_epochs=1), {"latent_dim": [1, 4]}, cv=2).fit(data.curve())
        assert search.best_params_ == {"latent_dim": 4}
        assert search.best_score_ == pytest.approx(search.cv_results_["mean_test_score"].max())

    @pytest.mark.parametrize(("library", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
    def test_set_output(self, quick, data, library, frame):
        """Latents come as a frame of the library asked for, with the index of a pandas frame."""
        X = data.mixed()
        latents = quick().set_output(transform=library).fit(X).transform(X)
        assert isinstance(latents, frame)
        assert list(latents.columns) == ["autoencoder0", "autoencoder1"]
        if library == "pandas":
            assert latents.index.equals(X.index)

    def test_fit_transform(self, quick, data):
        """It gives what ``transform`` gives after ``fit``."""
        X = data.curve()
        assert np.array_equal(quick().fit_transform(X), quick().fit(X).transform(X))

    def test_y_is_ignored(self, quick, data):
        """Labels do not change anything."""
        X = data.curve()
        assert np.array_equal(quick().fit(X, X[:, 0]).transform(X), quick().fit(X).transform(X))


class TestNotes:
    """What is worth knowing about the data is kept in ``notes_``."""

    @pytest.mark.parametrize("named", [True, False])
    def test_empty_and_constant_columns(self, quick, data, named):
        """They work and come back, with a note each."""
        X = data.curve()
        X[:, 1], X[:, 3] = np.nan, 7.0
        frame = pd.DataFrame(X, columns=list("abcdef")) if named else X
        model = quick().fit(frame)
        back = np.asarray(model.reconstruct(frame))
        assert (back[:, 3] == 7).all()
        assert any(note.endswith("has no values.") for note in model.notes_)
        assert any(note.endswith("is constant.") for note in model.notes_)

    @pytest.mark.parametrize("value", [3.0, np.nan])
    @pytest.mark.parametrize("shape", [(20, 4), (20, 3, 3)])
    def test_nothing_but_one_value(self, quick, value, shape):
        """Data that are all alike, or all missing, can be fitted, decoded and scored."""
        X = np.full(shape, value)
        model = quick().fit(X)
        assert np.isfinite(model.reconstruct(X)).all()
        assert math.isfinite(model.score(X))

    def test_a_category_that_is_all_missing(self, quick):
        """A column of no category at all can be fitted and comes back missing."""
        X = pd.DataFrame({"a": pd.Categorical([None] * 20, categories=["x"]), "b": np.arange(20.0)})
        model = quick(1).fit(X)
        assert model.reconstruct(X)["a"].isna().all()
        assert math.isfinite(model.score(X))

    def test_nothing_to_say(self, quick, data):
        """Ordinary data have no notes."""
        assert quick().fit(data.curve()).notes_ == ()


def test_short_warnings_name_the_caller(quick, data):
    """A warning about new data points at the line that gave them, not into the package."""
    frame = data.mixed()
    model = quick().fit(frame)
    with pytest.warns(IsthmusWarning, match="ignored") as caught:
        model.transform(frame.assign(extra=1))
    assert len(caught) == 1
