"""Tests of `isthmus.models.denoising`: what the network sees, what it gives back, and what it refuses."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import isthmus
from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.corruptions import (
    Corruption,
    GaussianNoise,
    Grayscale,
    Holes,
    MaskingNoise,
    SaltPepper,
    Speckle,
    Swap,
    Watermark,
)
from isthmus.errors import DataError, DataTypeError, ParameterError

SETTINGS = {"max_epochs": 2, "batch_size": 32, "random_state": 0}
FOR_PICTURES = [
    GaussianNoise(0.3),
    MaskingNoise(0.3),
    SaltPepper(0.4),
    Speckle(0.4),
    Holes(2, (0.2, 0.5)),
    Watermark("ab", size=0.9),
    GaussianNoise(0.1) | Holes(),
]


def denoiser(corruption="auto", **changes):
    """A model of two epochs, unfitted; a U-shaped network has two levels of 8 channels."""
    return DenoisingAutoencoder(corruption, **{**SETTINGS, "hidden_dims": (8, 8), **changes})


def waves(n=40, shape=(16, 18), seed=0):
    """Smooth pictures of floats from 0 to 1."""
    r = np.random.default_rng(seed)
    rows, columns = (r.uniform(0.1, 0.6, (n, 1)) * np.arange(side) for side in shape[:2])
    grey = 0.5 + 0.5 * np.sin(r.uniform(0, 6, (n, 1, 1)) + rows[:, :, None] + columns[:, None, :])
    return grey if len(shape) == 2 else np.stack([grey**power for power in range(1, shape[2] + 1)], axis=3)


@functools.cache
def restorer():
    """A U-shaped network fitted to smooth pictures with noise; its blocks are small, which spares padding."""
    model = denoiser(GaussianNoise(0.2)).fit(waves())
    model.block_rows_ = 16
    return model


def spoiled_by(model, corruption, X, seed=3):
    """What the network sees of ``X``, in network units."""
    return model._spoil(corruption)(model._rows(X).slice(0, len(X)), torch.Generator().manual_seed(seed)).numpy()


class TestCorruption:
    """What the network sees in training."""

    @pytest.mark.parametrize("scaling", ["common", "range", "none"])
    @pytest.mark.parametrize("corruption", FOR_PICTURES, ids=repr)
    def test_pictures_are_spoiled_as_by_hand(self, corruption, scaling):
        """Whatever the network's units, it sees what `apply` makes of the pictures within the range of training."""
        X = 3 + 7 * waves(8)
        model = denoiser(corruption, latent_dim=2, scaling=scaling, max_epochs=0).fit(X)
        encoder = model.encoder_
        by_hand = corruption.apply(X, 3, low=encoder.low, high=encoder.high)
        assert spoiled_by(model, corruption, X) == pytest.approx(encoder.encode(by_hand), abs=1e-4)

    @pytest.mark.parametrize("channels", ["first", "last"])
    def test_colours_are_spoiled_as_by_hand(self, channels):
        """Greying and holes act on the channels wherever they stand."""
        X = waves(8, (9, 7, 3))
        X = X.transpose(0, 3, 1, 2) if channels == "first" else X
        corruption = Grayscale() | Holes()
        model = denoiser(corruption, latent_dim=2, max_epochs=0).fit(X)
        encoder = model.encoder_
        by_hand = corruption.apply(X, 3, low=encoder.low, high=encoder.high)
        assert encoder.channels == channels
        assert spoiled_by(model, corruption, X) == pytest.approx(encoder.encode(by_hand), abs=1e-4)

    @pytest.mark.parametrize(
        "corruption", [GaussianNoise(0.3), SaltPepper(0.3), MaskingNoise(0.3), Swap(0.3)], ids=repr
    )
    def test_rows_are_spoiled_as_by_hand(self, corruption, data):
        """Of columns with a scale each, it sees what `apply` makes of the rows: strengths are standard deviations."""
        X = data.curve()
        model = denoiser(corruption, latent_dim=2, scaling="column", max_epochs=0).fit(X)
        by_hand = model.encoder_.encode(corruption.apply(X, 3))
        assert spoiled_by(model, corruption, X) == pytest.approx(by_hand, abs=1e-3, nan_ok=True)

    def test_masked_cells_are_marked_as_gaps(self, data):
        """A cell that is taken away is missing, and marked as such where the column had gaps at fit."""
        X = data.mixed()
        model = denoiser(MaskingNoise(0.5), latent_dim=2, max_epochs=0).fit(X)
        encoder = model.encoder_
        seen, owner, marks = spoiled_by(model, model.corruption, X), encoder.owners(), len(encoder.gaps)
        assert marks == 4
        gone = np.isnan(seen[:, :-marks])
        for place, column in enumerate(owner[-marks:], start=-marks):
            assert np.array_equal(seen[:, place] == 1, gone[:, owner[:-marks] == column].any(axis=1))

    @pytest.mark.parametrize(
        ("make", "expected"),
        [
            (lambda d: d.curve(), Swap(0.15)),
            (lambda d: d.curve()[:, :2] * [1, 0.5], GaussianNoise(0.2)),
            (lambda d: d.mixed(), Swap(0.15)),
            (lambda d: d.pictures(), GaussianNoise(0.2)),
        ],
    )
    def test_auto(self, data, make, expected):
        """Noise where all values share a unit, swapped cells where columns have their own."""
        X = make(data)
        scaling = "common" if isinstance(expected, GaussianNoise) and X.ndim == 2 else "auto"
        assert denoiser(latent_dim=1, scaling=scaling, max_epochs=0).fit(X).corruption_ == expected

    def test_every_step_draws_anew(self):
        """No two steps see the same noise, and validation rows are spoiled too."""
        seen = []

        class Spy(Corruption):
            def on_pictures(self, x, generator):
                seen.append(torch.rand(1, generator=generator).item())
                return x

        model = denoiser(Spy(), latent_dim=2).fit(waves())
        # 36 training rows in batches of 32, twice; validation at the start and after each epoch, always with the same noise.
        assert len(seen) == 2 * 2 + 3
        assert len(set(seen)) == 2 * 2 + 1
        assert model.corruption_.to_spec() is None


class TestFit:
    """Fits to clean rows and to pairs."""

    @pytest.mark.parametrize("changes", [{}, {"latent_dim": 3, "hidden_dims": "auto"}], ids=["unet", "dense"])
    def test_the_same_seed_gives_the_same_bytes(self, changes, tmp_path):
        """Two fits with one seed are one file; another seed is another."""
        files = []
        for seed in (1, 1, 2):
            denoiser(random_state=seed, **changes).fit(waves()).save(tmp_path / "m")
            files.append((tmp_path / "m").read_bytes())
        assert files[0] == files[1] != files[2]

    def test_torch_is_left_alone(self):
        """A fit neither uses nor moves torch's own random state."""
        state = torch.get_rng_state()
        denoiser().fit(waves())
        assert torch.equal(torch.get_rng_state(), state)

    @pytest.mark.parametrize("name", ["floats", "gaps", "pandas", "pictures"])
    def test_without_corruption_it_is_the_autoencoder(self, data, name):
        """Pairs of the same rows twice give the bytes of an `Autoencoder` (but for PCA's claim to be kept)."""
        X, last = data.forms[name](), {**SETTINGS, "keep": "last"}
        ours = DenoisingAutoencoder(latent_dim=2, **last).fit(X, X)
        assert np.array_equal(ours.transform(X), Autoencoder(2, **last).fit(X).transform(X))

    def test_a_corruption_of_no_strength_is_none(self, data):
        """Swapping no cell gives the bytes of an `Autoencoder` too."""
        X = data.curve()
        ours = DenoisingAutoencoder(Swap(0.0), latent_dim=2, **SETTINGS).fit(X)
        assert np.array_equal(ours.transform(X), Autoencoder(2, **SETTINGS).fit(X).transform(X))

    def test_labels_are_ignored(self):
        """One value a row in ``y``, of any kind, changes nothing."""
        X = waves()
        expected = denoiser(latent_dim=2).fit(X).transform(X)
        for y in (np.arange(40), ["a"] * 40, pd.Series(np.arange(40.0), index=np.arange(40)[::-1])):
            assert np.array_equal(denoiser(latent_dim=2).fit(X, y).transform(X), expected)

    @pytest.mark.parametrize("changes", [{}, {"latent_dim": 12, "hidden_dims": "auto"}], ids=["unet", "dense"])
    @pytest.mark.parametrize("paired", [False, True], ids=["clean", "pairs"])
    def test_it_learns_to_restore(self, changes, paired):
        """New pictures with noise come out nearer to the clean ones than they went in."""
        X, new, noise = waves(150), waves(30, seed=1), GaussianNoise(0.2)
        given = (noise.apply(X, 5), X) if paired else (X,)
        model = denoiser("auto" if paired else noise, max_epochs=12, batch_size=16, **changes).fit(*given)
        noisy = noise.apply(new, 6)
        assert ((model.denoise(noisy) - new) ** 2).mean() < 0.5 * ((noisy - new) ** 2).mean()

    def test_pairs_need_no_corruption(self):
        """Pairs are used as they are, unless a corruption is asked for besides."""
        X = waves()
        assert denoiser().fit(X, X).corruption_ is None
        assert denoiser(Holes()).fit(X, X).corruption_ == Holes()

    def test_pairs_that_failed_are_forgotten(self, data):
        """After an error in a fit to pairs, a fit to clean rows has its usual corruption."""
        X, model = data.mixed(), denoiser(max_epochs=0)
        with pytest.raises(DataError, match="Column 'mass' is missing from the frame"):
            model.fit(X, X.rename(columns={"weight": "mass"}))
        assert model.fit(X).corruption_ == Swap(0.15)

    def test_large_pictures_are_learnt_in_windows(self):
        """Windows of large pictures are enough: pairs stay pairs in them, and each picture comes back alone as in company."""
        X = waves(12, (98, 100))
        noisy = GaussianNoise(0.2).apply(X, 5)
        model = denoiser(max_epochs=40, hidden_dims=(6, 6)).fit(noisy, X)
        model.block_rows_ = 16
        assert model.plan_.crop > 0
        assert ((model.denoise(noisy) - X) ** 2).mean() < 0.5 * ((noisy - X) ** 2).mean()
        assert np.array_equal(model.denoise(noisy[3:4])[0], model.denoise(noisy)[3])

    def test_gaps_in_pictures(self):
        """Missing pixels are neither learnt nor given back: every pixel of the result is a number."""
        X = waves()
        X[:, 3, 4], X[::7, :5], X[5] = np.nan, np.nan, np.nan
        model = denoiser().fit(X)
        assert np.isfinite(model.denoise(X)).all()
        assert all(np.isfinite(value) for value in model.compare(X).values() if value is not None)
        assert np.isnan(model.errors(X)[5]).all()

    def test_a_fit_forgets_the_last(self, data):
        """Fitted to other data, an estimator gives what a new one gives."""
        model, X = denoiser(hidden_dims="auto").fit(waves()), data.mixed()
        assert not hasattr(model, "transform")
        again = denoiser(hidden_dims="auto").fit(X)
        assert np.array_equal(model.fit(X).transform(X), again.transform(X))
        assert model.corruption_ == Swap(0.15)

    def test_warm_start_goes_on(self):
        """With ``warm_start`` a fit starts where the last one ended."""
        model = denoiser(warm_start=True).fit(waves())
        first = [entry["validation_loss"] for entry in model.history_]
        assert model.fit(waves()).history_[0]["validation_loss"] == pytest.approx(min(first), rel=1e-4)


class TestDenoise:
    """What goes in and what comes out."""

    @pytest.mark.parametrize("network", ["unet", "conv", "dense"])
    def test_a_row_alone_gets_the_same_bytes(self, network):
        """A picture does not depend on its company."""
        X = waves(21)
        model = restorer() if network == "unet" else denoiser(network=network, latent_dim=2).fit(X)
        model.block_rows_ = 16
        together = model.denoise(X)
        assert all(np.array_equal(model.denoise(X[i : i + 1])[0], together[i]) for i in (0, 15, 16, 20))

    @pytest.mark.parametrize("name", ["floats", "integers", "pandas", "polars", "pictures", "colour pictures"])
    def test_it_is_a_reconstruction(self, data, name):
        """For rows, and for pictures of the size of fit, it gives what `reconstruct` gives, in the same container."""
        X = data.forms[name]()
        model = DenoisingAutoencoder(latent_dim=2, **SETTINGS).fit(X)
        ours, theirs = model.denoise(X), model.reconstruct(X)
        assert type(ours) is type(theirs) is type(X)
        assert np.array_equal(np.asarray(ours, dtype=object), np.asarray(theirs, dtype=object))

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64", "bool"])
    def test_types_stay(self, dtype):
        """Pictures come back in their type and within the range of training."""
        X = (waves() * 200 > 100) if dtype == "bool" else (waves() * 200).astype(dtype)
        model = denoiser().fit(X)
        back = model.denoise(X)
        assert back.dtype == X.dtype
        assert X.min() - 1e-5 <= back.min() <= back.max() <= X.max() + 1e-5

    def test_channels_may_stand_anywhere(self):
        """Channels first and last are the same pictures."""
        last = waves(shape=(16, 17, 3))
        first = np.ascontiguousarray(last.transpose(0, 3, 1, 2))
        ours, theirs = (denoiser().fit(X).denoise(X) for X in (last, first))
        assert ours.shape == last.shape
        assert np.array_equal(ours.transpose(0, 3, 1, 2), theirs)

    def test_missing_pixels_come_back(self):
        """A gap in new pictures is filled, whether fit had any or not."""
        X = waves(4)
        X[:, 2:5, 2:5] = np.nan
        assert np.isfinite(restorer().denoise(X)).all()

    @pytest.mark.parametrize(
        ("shape", "words"),
        [
            ((4, 16, 18, 1), r"pictures of shape \(16, 18, 1\) do not fit the model"),
            ((4, 288), r"rows of shape \(288,\) do not fit the model, which was fitted with pictures 16 high, 18 wide"),
        ],
    )
    def test_other_axes(self, shape, words):
        """Rows, and channels that fit had not, are an error that names both shapes."""
        with pytest.raises(DataError, match=words):
            restorer().denoise(np.zeros(shape))

    def test_a_table_is_no_picture(self, data):
        """A frame is refused by a model of pictures."""
        with pytest.raises(DataError, match="got a table; the model was fitted with pictures"):
            restorer().denoise(data.mixed())


class TestCompare:
    """Errors beside those of PCA and of the spoiled rows."""

    def test_pairs_by_hand(self):
        """On pairs the errors are those of `reconstruct` and of the spoiled pictures, in units of the variance."""
        X = waves()
        noisy = SaltPepper(0.2).apply(X, 0)
        model = denoiser(latent_dim=3).fit(noisy, X)
        found = model.compare(noisy, X)
        unit = model.encoder_.scale**2
        assert found["error"] == pytest.approx(((model.reconstruct(noisy) - X) ** 2).mean() / unit, rel=1e-4)
        assert found["untouched_error"] == pytest.approx(((noisy - X) ** 2).mean() / unit, rel=1e-4)
        assert found["ratio"] == pytest.approx(found["error"] / found["pca_error"])

    def test_clean_rows_are_spoiled_by_the_seed(self):
        """What clean rows give is repeatable, and more noise leaves them farther from what they were."""
        X = waves()
        untouched = []
        for std in (0.05, 0.1, 0.3):
            model = denoiser(GaussianNoise(std, clip=False), latent_dim=1, max_epochs=0).fit(X)
            first, again = model.compare(X), model.compare(X)
            assert first == again
            untouched.append(first["untouched_error"])
        assert untouched == sorted(untouched)
        assert untouched[0] == pytest.approx(0.05**2 * np.ptp(X) ** 2 / model.encoder_.scale**2, rel=0.1)

    def test_what_there_is_nothing_to_compare_with(self, data):
        """A network without latent has no PCA beside it, and spoiled cells of a table are no guess."""
        assert restorer().compare(waves())["pca_error"] is None
        model = DenoisingAutoencoder(latent_dim=2, **SETTINGS).fit(data.mixed())
        assert model.compare(data.mixed())["untouched_error"] is None

    def test_missing_pixels_of_spoiled_pictures(self):
        """A pixel that is missing where the clean one is known counts as the average."""
        X = waves()
        spoiled = X.copy()
        spoiled[:, 4:8, 4:8] = np.nan
        found = denoiser().fit(spoiled, X).compare(spoiled, X)
        assert 0 < found["untouched_error"] < 1
        assert np.isfinite(found["error"])

    def test_pairs_must_be_given_again(self):
        """A model fitted to pairs knows of no corruption to spoil clean rows with."""
        model = denoiser(max_epochs=0).fit(waves(), waves())
        with pytest.raises(ParameterError, match=r"no corruption .* compare\(X, y\)"):
            model.compare(waves())
        with pytest.raises(DataError, match="must have exactly the shape"):
            model.compare(waves(), waves()[:3])


class TestPartialFit:
    """Passes over rows as they come."""

    def test_passes_lower_the_error(self):
        """Each pass goes on from the last, spoils the rows, and never makes their error larger."""
        model, X = denoiser(GaussianNoise(0.2)), waves(60)
        errors = [model.partial_fit(X).compare(X)["error"] for _ in range(4)]
        assert [entry["epoch"] for entry in model.history_] == [1, 2, 3, 4]
        assert errors[-1] < errors[0]
        assert model.corruption_ == GaussianNoise(0.2)

    def test_pairs_are_for_fit(self):
        """Pairs in `partial_fit`, which would be taken for clean rows, are an error; labels are not."""
        X = waves()
        with pytest.raises(ParameterError, match="partial_fit takes clean rows"):
            denoiser().partial_fit(X, X)
        assert denoiser().partial_fit(X, np.arange(40)).n_rows_ == 40


class TestNoLatent:
    """A U-shaped network passes details around any bottleneck."""

    @pytest.mark.parametrize("method", ["transform", "inverse_transform"])
    def test_there_are_no_latents(self, method, tmp_path):
        """The methods are absent before the fit if it is asked for, after it, and after loading."""
        model = restorer()
        model.save(tmp_path / "m")
        assert not hasattr(denoiser(network="unet"), method)
        assert hasattr(denoiser(), method)
        assert not hasattr(model, method)
        assert not hasattr(isthmus.load(tmp_path / "m"), method)
        with pytest.raises(AttributeError) as error:
            getattr(model, method)
        assert "restores pictures without a latent" in str(error.value.__cause__)

    def test_with_a_latent_they_are_there(self, data):
        """Asked for a latent size, the same estimator compresses, and frames come out as asked for."""
        X = data.mixed()
        model = denoiser(latent_dim=2, hidden_dims="auto").set_output(transform="pandas").fit(X)
        assert isinstance(model.transform(X), pd.DataFrame)
        assert list(model.inverse_transform(model.transform(X)).columns) == list(X.columns)

    def test_the_other_methods_work(self):
        """Errors, scores and the summary need no latent."""
        model, X = restorer(), waves()
        assert model.latent_dim_ == 0
        assert model.errors(X).shape == X.shape
        assert model.score_samples(X).mean() == pytest.approx(model.score(X) - 1, abs=1e-6)
        assert "nothing is compressed" in " ".join(model.notes_)
        assert "unet" in model.summary()

    def test_a_report_without_latents(self, tmp_path):
        """The report has pictures and errors, and neither a latent map nor a rate of compression."""
        page = isthmus.report(restorer(), waves(12), tmp_path / "r.html").read_text(encoding="utf-8")
        assert "restores pictures of 16" in page
        assert "model.denoise(X)" in page
        assert "Compression" not in page
        assert 'id="latent"' not in page


class TestTools:
    """scikit-learn's tools around it."""

    def test_parameters_round_trip(self):
        """``get_params``, ``set_params`` and ``clone`` keep the corruption, and no fitted state."""
        model = denoiser(GaussianNoise(0.1) | Holes(), latent_dim=3)
        copy = clone(model)
        assert copy.get_params() == model.get_params()
        assert copy.set_params(corruption=Swap()).corruption == Swap()
        assert model.corruption == GaussianNoise(0.1) | Holes()
        assert not hasattr(clone(restorer()), "network_")

    def test_repr(self):
        """The corruption is shown as it would be typed."""
        model = DenoisingAutoencoder(Swap(0.3), latent_dim=3)
        assert repr(model) == "DenoisingAutoencoder(corruption=Swap(share=0.3), latent_dim=3)"

    def test_documentation_names_its_parameters(self):
        """The class tells what its own parameter does."""
        assert "\n    corruption : " in DenoisingAutoencoder.__doc__


class TestRefused:
    """Wrong values, each with a line that helps."""

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    @pytest.mark.parametrize("corruption", [object(), GaussianNoise, "gauss", [Swap()]])
    def test_what_is_no_corruption(self, method, corruption):
        """A name, a class or a list is refused before anything is fitted, with an example."""
        model = denoiser(corruption)
        with pytest.raises(ParameterError, match=r'corruption must be "auto" or one of .*GaussianNoise\(0\.2\); got'):
            getattr(model, method)(waves())
        assert not hasattr(model, "network_")

    @pytest.mark.parametrize(
        ("corruption", "X", "error", "words"),
        [
            (Swap(), waves(), ParameterError, "Swap is for rows of columns, got pictures; use SaltPepper"),
            (Holes(), waves().reshape(40, -1), ParameterError, "Holes is for pictures, got rows of columns; use Masking"),
            (Grayscale(), waves(), DataError, "Grayscale needs pictures of 3 .* these are grey already"),
            (
                Watermark(picture=np.ones((17, 5)), size=None), waves(), DataError,
                r"the watermark is 17 high and 5 wide, larger than the pictures, which are 16 high and 18 wide \(pixels\)",
            ),
        ],
    )  # fmt: skip
    def test_corruptions_that_do_not_suit_the_data(self, corruption, X, error, words):
        """A corruption for other data, and a watermark larger than the pictures, are named with what to do."""
        with pytest.raises(error, match=words):
            denoiser(corruption, hidden_dims="auto").fit(X)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"network": "unet", "latent_dim": 3}, 'network="unet" has no latent; leave latent_dim=3 out'),
            ({"network": "unte"}, 'Did you mean "unet"'),
            ({"latent_dim": 0}, "latent_dim of DenoisingAutoencoder must be an integer >= 1"),
        ],
    )
    def test_other_parameters(self, changes, words):
        """What does not go together is named."""
        with pytest.raises(ParameterError, match=words):
            denoiser(**changes).fit(waves())

    def test_a_restorer_is_for_pictures(self, data):
        """Rows of columns have no U-shaped network; an `Autoencoder` has none at all."""
        with pytest.raises(ParameterError, match=r'network="unet" needs pictures, .* got rows of 6 columns'):
            denoiser(network="unet").fit(data.curve())
        with pytest.raises(ParameterError, match="network of Autoencoder must be"):
            Autoencoder(network="unet").fit(waves())

    @pytest.mark.parametrize("X", [waves().astype(str), np.full((4, 16, 18), np.inf)])
    def test_pictures_that_cannot_be_used(self, X):
        """Text and infinities are refused as they are by every estimator."""
        with pytest.raises((DataError, DataTypeError), match=r"must be numbers|infinity"):
            denoiser().fit(X)


def test_gaps_in_the_spoiled_rows_of_pairs_only():
    """Clean rows without a gap, spoiled ones with gaps: every epoch trains."""
    draw = np.random.default_rng(0)
    clean = draw.normal(size=(200, 3)) @ draw.normal(size=(3, 6))
    spoiled = np.where(draw.random(clean.shape) < 0.1, np.nan, clean)
    model = DenoisingAutoencoder(latent_dim=3, max_epochs=4, network="dense", random_state=0).fit(spoiled, clean)
    assert [entry["epoch"] for entry in model.history_] == [0, 1, 2, 3, 4]
