"""Tests of `isthmus.models.base`: laws that hold for data of every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.exceptions import NotFittedError

from isthmus import Autoencoder
from isthmus.errors import DataError, DataTypeError, IsthmusWarning, ParameterError
from isthmus.train.callbacks import Callback

METHODS = ("transform", "reconstruct", "errors", "score_samples")


def as_array(result):
    """A result of any container as an array of objects or numbers."""
    if isinstance(result, pa.Table):
        result = result.to_pandas()
    return result.to_numpy() if hasattr(result, "to_numpy") else result


def same(first, second):
    """Whether two results have the same cells; two missing ones are the same."""
    a, b = as_array(first), as_array(second)
    assert a.shape == b.shape
    return all(x == y or (x != x and y != y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_a_row_gets_the_same_bytes_in_any_company(pair, data, method):
    """Alone, in the batch or in another order, a row's result is the same to the last bit."""
    model, X = pair
    whole = getattr(model, method)(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert same(getattr(model, method)(data.take(X, order)), data.take(whole, order))
    for i in (0, 1, 31, len(X) - 1):
        assert same(getattr(model, method)(data.take(X, [i])), data.take(whole, [i]))


def test_decoding_latents_is_reconstructing(pair):
    """``inverse_transform(transform(X))`` has the cells of ``reconstruct(X)``."""
    model, X = pair
    assert same(model.inverse_transform(model.transform(X)), model.reconstruct(X))


def test_the_score_is_the_share_explained(pair):
    """``score`` is 1 minus the mean of the rows' errors, which are minus ``score_samples``."""
    model, X = pair
    errors = model.errors(X).reshape(len(X), -1).astype(np.float64)
    rows = np.nanmean(errors, axis=1)
    assert model.score_samples(X) == pytest.approx(-rows, rel=1e-6)
    assert model.score(X) == pytest.approx(1 - rows.mean(), rel=1e-6)


def test_shapes(pair):
    """Latents have the latent size; the error map one number per column or pixel."""
    model, X = pair
    assert model.transform(X).shape == (len(X), 2)
    assert model.transform(X).dtype == np.float32
    cells = model.encoder_.layout.shape[1:] if len(X.shape) > 2 else X.shape[1:]
    assert model.errors(X).shape == (len(X), *cells)
    assert model.score_samples(X).shape == (len(X),)


def test_missing_cells_have_no_error(pair):
    """Exactly the missing cells are NaN in ``errors``, and every cell is filled in ``reconstruct``."""
    model, X = pair
    errors = model.errors(X)
    missing = pd.isna(pd.DataFrame(as_array(X))).to_numpy() if len(X.shape) == 2 else np.zeros(errors.shape, bool)
    assert np.array_equal(np.isnan(errors), missing)
    filled = as_array(model.reconstruct(X))
    assert not pd.isna(filled.ravel()).any()


def test_reconstructions_are_what_went_in(pair):
    """The same container, of the same shape and types."""
    model, X = pair
    back = model.reconstruct(X)
    assert type(back) is type(X)
    assert back.shape == X.shape
    for attribute in ("dtype", "schema"):
        assert getattr(back, attribute, None) == getattr(X, attribute, None)


def test_a_pandas_frame_keeps_index_columns_and_dtypes(data):
    """The index, the order of the columns and each dtype come back."""
    model, X = data.fitted("pandas")
    part = X.iloc[5:20][list(X.columns)[::-1]]
    back = model.reconstruct(part)
    assert back.index.equals(part.index)
    assert sorted(back.columns) == sorted(X.columns)
    assert all(back.dtypes[name] == X.dtypes[name] for name in X.columns)
    assert list(model.reconstruct(X).columns) == list(X.columns)


def test_names_in(pair):
    """A frame's columns are kept as the features' names; arrays have none."""
    model, X = pair
    names = list(X.columns) if isinstance(X, (pd.DataFrame, pl.DataFrame)) else getattr(X, "column_names", None)
    found = getattr(model, "feature_names_in_", None)
    assert (list(found) if found is not None else None) == names
    assert model.n_features_in_ == int(np.prod(X.shape[1:]))


def test_names_out(pair):
    """Latent features are named after the class, one per dimension."""
    assert pair[0].get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]


def test_the_network_is_a_module(pair):
    """``network_`` has encode, decode and forward, and is ready to be used."""
    model, _ = pair
    x = torch.zeros(3, *model.encoder_.layout.input_shape)
    with torch.no_grad():
        output = model.network_(x)
        assert torch.equal(output.latent, model.network_.encode(x))
    assert not model.network_.training


def test_comparing_with_pca(pair):
    """The error is that of ``score``, and the ratio that of the two errors."""
    model, X = pair
    result = model.compare(X)
    assert result["error"] == pytest.approx(1 - model.score(X))
    assert result["ratio"] == pytest.approx(result["error"] / result["pca_error"])


@pytest.mark.parametrize("method", [*METHODS, "score", "compare", "summary", "inverse_transform", "save"])
def test_not_fitted_yet(quick, data, method):
    """Every use before ``fit`` raises scikit-learn's own error."""
    arguments = () if method == "summary" else (data.curve(),)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(quick(), method)(*arguments)


@pytest.mark.parametrize(
    ("latents", "error", "words"),
    [
        (np.zeros((3, 5)), DataError, r"must have shape \(n_samples, 2\); got \(3, 5\)"),
        (np.zeros((0, 2)), DataError, r"must have shape \(n_samples, 2\); got \(0, 2\)"),
        (np.zeros((2, 2, 2)), DataError, r"must have shape"),
        ([[0.0, np.nan]], DataError, "contain NaN or infinity"),
        ([[0.0, np.inf]], DataError, "contain NaN or infinity"),
        ([["a", "b"]], DataTypeError, "must be numbers"),
    ],
)
def test_latents_that_cannot_be_decoded(pair, latents, error, words):
    """Latents of another shape or kind are refused in words."""
    with pytest.raises(error, match=words):
        pair[0].inverse_transform(latents)


class TestColumns:
    """New frames beside the frame of fit."""

    def test_a_missing_column_is_named(self, quick, data):
        """The error names it, and what the model was fitted with."""
        model = quick().fit(data.mixed())
        with pytest.raises(DataError, match=r"Column 'visits' is missing .* fitted with columns weight, place"):
            model.transform(data.mixed().drop(columns="visits"))

    def test_an_extra_column_is_noted(self, quick, data):
        """It is left out with a warning and changes nothing."""
        frame = data.mixed()
        model = quick().fit(frame)
        with pytest.warns(IsthmusWarning, match="'extra' is not one of the model's and is ignored"):
            latents = model.transform(frame.assign(extra=1.0))
        assert np.array_equal(latents, model.transform(frame))

    def test_the_order_of_columns_does_not_matter(self, quick, data):
        """Columns are matched by name."""
        frame = data.mixed()
        model = quick().fit(frame)
        assert np.array_equal(model.transform(frame[list(frame.columns)[::-1]]), model.transform(frame))

    def test_containers_agree(self, quick, data):
        """The same table in pandas, polars and Arrow has the same latents."""
        frame = data.mixed().reset_index(drop=True)
        model = quick().fit(frame)
        expected = model.transform(frame)
        assert np.array_equal(model.transform(pl.from_pandas(frame)), expected)
        assert np.array_equal(model.transform(pa.Table.from_pandas(frame)), expected)

    def test_an_unseen_category_is_no_error(self, quick, data):
        """A value that fit never saw has a high error, and is reconstructed as one that it did."""
        frame = data.mixed(gaps=False)
        model = quick().fit(frame)
        new = frame.assign(place="moon")
        assert model.errors(new)[:, 1].mean() > model.errors(frame)[:, 1].mean()
        assert set(model.reconstruct(new)["place"]) <= {"north", "mid", "south"}

    def test_wrong_cells_name_column_and_row(self, quick, data):
        """Text in a number column is refused with its place."""
        frame = data.mixed()
        model = quick().fit(frame)
        bad = frame.assign(visits=["many", *map(str, range(len(frame) - 1))])
        with pytest.raises(DataTypeError, match=r"'visits' is read as a number, but the cell 'many' in row 1"):
            model.transform(bad)

    def test_from_frame_to_array(self, quick, data):
        """A model of a frame takes an array of its columns, with scikit-learn's warning, and gives one back."""
        X = data.curve()
        model = quick().fit(pd.DataFrame(X, columns=list("abcdef")))
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            back = model.reconstruct(X)
        assert isinstance(back, np.ndarray)
        assert np.array_equal(back, model.reconstruct(pd.DataFrame(X, columns=list("abcdef"))).to_numpy())

    def test_from_array_to_frame(self, quick, data):
        """A model of an array takes a frame of as many columns, and gives one back."""
        X = data.curve()
        model = quick().fit(X)
        frame = pd.DataFrame(X, columns=list("abcdef"), index=range(5, 95))
        back = model.reconstruct(frame)
        assert np.array_equal(model.transform(frame), model.transform(X))
        assert back.index.equals(frame.index)
        assert np.array_equal(back.to_numpy(), model.reconstruct(X))

    def test_fitting_again_forgets(self, quick, data):
        """A fit to an array after one to a frame leaves no names behind, and the other way round."""
        model = quick().fit(data.mixed()).fit(data.curve())
        assert not hasattr(model, "feature_names_in_")
        assert model.n_features_in_ == 6
        assert hasattr(model.fit(data.mixed()), "feature_names_in_")

    def test_kinds_can_be_set(self, quick, data):
        """A number column that is declared a category is reconstructed as one of its values."""
        frame = pd.DataFrame({"zip": np.tile([10, 20, 90], 30), "x": np.random.default_rng(0).normal(size=90)})
        model = quick(1, kinds={"zip": "category"}).fit(frame)
        assert model.encoder_.kinds == ("category", "number")
        assert set(model.reconstruct(frame)["zip"]) <= {10, 20, 90}

    @pytest.mark.parametrize(
        ("kinds", "words"),
        [
            ({"wieght": "number"}, "does not have. Did you mean 'weight'?"),
            ({"weight": "numbr"}, 'Did you mean "number"?'),
            ("number", "must be None or a dict"),
        ],
    )
    def test_kinds_that_do_not_exist(self, quick, data, kinds, words):
        """A wrong name of a column or a kind is refused, with the nearest."""
        with pytest.raises(ParameterError, match=words.replace("?", r"\?")):
            quick(kinds=kinds).fit(data.mixed())


class TestTypes:
    """Cells of every type that frames and arrays offer."""

    def test_integers_with_gaps(self, quick):
        """A nullable integer column comes back as such, filled."""
        frame = pd.DataFrame({"a": pd.array([1, None, 3] * 10, dtype="Int64"), "b": np.arange(30.0)})
        back = quick(1).fit(frame).reconstruct(frame)
        assert back.dtypes.equals(frame.dtypes)
        assert back["a"].notna().all()

    def test_times(self, quick):
        """Moments with a zone and lengths of time come back in their types, near where they were."""
        frame = pd.DataFrame(
            {
                "at": pd.date_range("2020", periods=30, tz="Europe/Amsterdam"),
                "took": pd.to_timedelta(range(30), unit="h"),
            }
        )
        back = quick(1).fit(frame).reconstruct(frame)
        assert back.dtypes.equals(frame.dtypes)
        assert (back["at"] - frame["at"]).abs().max() < pd.Timedelta(days=3)

    def test_labels_that_are_no_text(self, quick, data):
        """Columns may be called anything that pandas allows."""
        frame = pd.DataFrame(data.curve()[:, :4], columns=[("a", 1), ("a", 2), 3, "b"])
        assert list(quick().fit(frame).reconstruct(frame).columns) == [("a", 1), ("a", 2), 3, "b"]

    def test_an_index_of_several_levels(self, quick, data):
        """It comes back too."""
        index = pd.MultiIndex.from_product([range(9), range(10)])
        frame = pd.DataFrame(data.curve(), columns=list("abcdef"), index=index)
        assert quick().fit(frame).reconstruct(frame).index.equals(index)

    @pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint64, np.int64])
    def test_dtypes_of_arrays(self, quick, data, dtype):
        """An array comes back in its dtype, also where the model was fitted to another."""
        X = np.abs(data.curve()[:, [0, 1, 2]] * 10).astype(dtype)
        assert quick().fit(X).reconstruct(X).dtype == dtype
        assert quick().fit(X.astype(np.float64)).reconstruct(X).dtype == dtype

    def test_memory_order_does_not_matter(self, quick, data):
        """Rows or columns first in memory give the same bytes."""
        X = data.curve()
        assert np.array_equal(
            quick().fit(X).transform(X), quick().fit(np.asfortranarray(X)).transform(np.asfortranarray(X))
        )


class TestPartialFit:
    """`partial_fit`: one pass each, over data that come in parts."""

    def test_passes_improve(self, quick, data):
        """Passes over rows along a curve end below the error of PCA."""
        X, model = data.curve(400), quick()
        for _ in range(30):
            model.partial_fit(X)
        assert model.compare(X)["ratio"] < 0.95
        assert [entry["epoch"] for entry in model.history_] == list(range(1, 31))

    def test_later_calls_keep_preparation_and_pca(self, quick, data):
        """Only the first call looks at units; later rows only train."""
        model = quick().partial_fit(data.curve())
        encoder, pca = model.encoder_, model.baseline_.linear.encoder.weight.clone()
        model.partial_fit(data.curve(seed=7) * 3)
        assert model.encoder_ is encoder
        assert torch.equal(model.baseline_.linear.encoder.weight, pca)
        assert model.n_rows_ == 180

    def test_the_same_seed_gives_the_same_bytes(self, quick, data):
        """Passes are functions of the seed and of their number."""
        models = [quick().partial_fit(data.curve()).partial_fit(data.curve(seed=1)) for _ in range(2)]
        assert np.array_equal(*[m.transform(data.curve()) for m in models])

    def test_other_columns_are_refused(self, quick, data):
        """A part with other columns is an error, and the model stays."""
        model = quick().partial_fit(data.curve())
        with pytest.raises(DataError, match="X has 5 features, but Autoencoder is expecting 6"):
            model.partial_fit(data.curve()[:, :5])
        assert model.n_features_in_ == 6


class TestWarmStart:
    """``warm_start``: a fit that begins with the weights of the last."""

    def test_it_begins_where_the_last_fit_ended(self, quick, data):
        """On the same rows epoch 0 has the error that was kept, and no epochs change nothing."""
        X, model = data.curve(400), quick(warm_start=True, max_epochs=20)
        before = model.fit(X).reconstruct(X)
        kept = next(entry for entry in model.history_ if entry["kept"])
        model.set_params(max_epochs=0).fit(X)
        assert kept["epoch"] > 0
        assert model.history_[0]["validation_loss"] == pytest.approx(kept["validation_loss"], rel=1e-5)
        assert np.array_equal(model.reconstruct(X), before)

    def test_it_keeps_latents_and_decoder_together(self, quick, data):
        """On other rows the function between network units is that of the last fit."""
        model = quick(warm_start=True, max_epochs=0).fit(data.curve())
        x = torch.randn(20, 6)
        before = model.network_(x).latent, model.network_.latent_scale.clone()
        model.fit(data.curve(seed=9)[:, ::-1] ** 2)
        assert torch.equal(model.network_(x).latent, before[0])
        assert torch.equal(model.network_.latent_scale, before[1])

    def test_without_it_a_fit_starts_anew(self, quick, data):
        """A second fit gives the bytes of the first."""
        X, model = data.curve(), quick()
        first = model.fit(X).transform(X)
        assert np.array_equal(model.fit(X).transform(X), first)

    @pytest.mark.parametrize("change", ["columns", "latent_dim", "hidden_dims"])
    def test_what_cannot_be_continued(self, quick, data, change):
        """Other columns or layer sizes are an error that names the parameter."""
        model = quick(warm_start=True).fit(data.curve())
        model.set_params(**{} if change == "columns" else {change: {"latent_dim": 3, "hidden_dims": (5,)}[change]})
        with pytest.raises(DataError, match="warm_start needs the columns and layer sizes of the last fit"):
            model.fit(data.curve()[:, :5] if change == "columns" else data.curve())


class TestSeeds:
    """Randomness: a seed is drawn or given, and nothing global moves."""

    def test_the_same_seed_gives_the_same_bytes(self, pair, quick):
        """Two fits of any data with one seed agree in every weight."""
        model, X = pair
        again = quick().fit(X)
        first, second = model.network_.state_dict(), again.network_.state_dict()
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_a_seed_is_drawn_and_kept(self, quick, data):
        """Without a seed one is drawn; giving it gives the same model."""
        X = data.curve()
        model = quick(random_state=None).fit(X)
        assert np.array_equal(quick(random_state=model.seed_).fit(X).transform(X), model.transform(X))
        assert quick(random_state=None).fit(X).seed_ != model.seed_

    def test_a_random_state_is_a_seed(self, quick, data):
        """NumPy's RandomState works, and moves on from fit to fit."""
        X, state = data.curve(), np.random.RandomState(1)
        first, second = quick(random_state=state).fit(X).seed_, quick(random_state=state).fit(X).seed_
        assert first != second
        assert quick(random_state=np.random.RandomState(1)).fit(X).seed_ == first

    def test_nothing_global_moves(self, quick, data):
        """The random states of NumPy and torch, threads and precision are as they were."""

        def state():
            numpy_state = np.random.get_state()  # noqa: NPY002  (the global state is what is looked at)
            return (torch.get_rng_state().tolist(), numpy_state[1].tolist(), numpy_state[2], torch.get_num_threads(),
                    torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled())  # fmt: skip

        before = state()
        quick(random_state=None).fit(data.curve()).transform(data.curve())
        assert state() == before


def test_an_interrupted_fit_can_be_used(quick, data):
    """Ctrl-C leaves a fitted estimator with the best weights so far."""

    class Interrupt(Callback):
        def on_step_end(self, state):
            raise KeyboardInterrupt

    with pytest.warns(IsthmusWarning, match="interrupted"):
        model = quick(callbacks=(Interrupt(),)).fit(data.curve())
    assert model.compare(data.curve())["ratio"] == pytest.approx(1.0, abs=1e-4)


def test_a_plan_is_made_without_fitting(quick, data):
    """``plan(X)`` says what ``fit(X)`` will do, and leaves the estimator unfitted."""
    model, X = quick(), data.mixed()
    plan = model.plan(X)
    assert not hasattr(model, "network_")
    assert plan == model.fit(X).plan_


@pytest.mark.parametrize("seed", [[1, 2], np.random.default_rng(0)])
def test_seeds_of_other_types(quick, data, seed):
    """What is neither a number nor a RandomState is refused in words."""
    with pytest.raises(ParameterError, match="random_state must be an integer, None or a numpy RandomState"):
        quick(random_state=seed).fit(data.curve())


def test_a_row_far_out_is_far_from_normal(quick, data):
    """The largest numbers give finite latents, and errors far above those of other rows."""
    X = data.curve()
    model = quick().fit(X)
    far = np.vstack([X[:5], X[:5] * [1e300, 1, 1, -1e300, 1, 1]])
    assert np.isfinite(model.transform(far)).all()
    assert model.score_samples(far)[5:].max() < model.score_samples(far)[:5].min() - 1e6


def test_a_user_network_with_dropout_follows_the_seed(quick, data):
    """Dropout and the weights that a callable draws are part of the seed, and torch's random state stays."""

    def build(shape, n):
        return torch.nn.Sequential(torch.nn.Dropout(0.3), torch.nn.Linear(6, n)), torch.nn.Linear(n, 6)

    before = torch.get_rng_state()
    first, second = (quick(network=build).fit(data.curve()).transform(data.curve()) for _ in range(2))
    assert np.array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_default_dtype_of_double(quick, data):
    """A program that computes in float64 gets the same model."""
    expected = quick().fit(data.curve()).transform(data.curve())
    torch.set_default_dtype(torch.float64)
    try:
        found = quick().fit(data.curve()).transform(data.curve())
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(found, expected)


def test_a_first_partial_fit_starts_at_pca_of_all_rows(quick, data):
    """No row is held out, so none is hidden from PCA; a pass that changes nothing leaves it."""
    X = data.curve()
    model = quick(validation_fraction=0.5, learning_rate=1e-30).partial_fit(X)
    assert model.compare(X)["ratio"] == pytest.approx(1.0, rel=1e-5)


def test_a_variant_changes_hooks(quick, data):
    """Training corrupts with the one hook and adds the other to the loss."""

    class Variant(Autoencoder):
        def _corruption(self):
            return lambda x, generator: torch.zeros_like(x)

        def _penalty(self, output):
            return torch.full((len(output.latent),), 100.0)

    model = Variant(2, max_epochs=1, random_state=0).fit(data.curve())
    assert model.history_[1]["training_loss"] > 100
    plain = quick(batch_size="auto").fit(data.curve())
    assert model.history_[0]["validation_loss"] > plain.history_[0]["validation_loss"]
