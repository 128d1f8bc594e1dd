"""Tests of `isthmus.baselines`: the linear fit is PCA by every route, with honest logits beside it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.decomposition import PCA

from isthmus import baselines
from isthmus.baselines import fit_linear
from isthmus.data.table import table_from
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.losses import error_map
from isthmus.prep.columns import ColumnEncoder


def rows_of(n, d, seed=0):
    """Correlated rows whose variances fall from direction to direction."""
    r = np.random.default_rng(seed)
    return torch.from_numpy((r.normal(size=(n, d)) * 0.7 ** np.arange(d)) @ r.normal(size=(d, d)) + 2).float()


def through(fit, x):
    """Latents and reconstructions of a linear fit."""
    z = x @ fit.encode.T + fit.encode_bias
    return z, z @ fit.decode.T + fit.decode_bias


@pytest.fixture(params=["covariance", "covariance in blocks", "leading", "gram", "leading of gram", "randomised"])
def route(request, monkeypatch):
    """Rows that take each of the routes to PCA."""
    if request.param == "covariance in blocks":
        monkeypatch.setattr(baselines, "BLOCK_ROWS", 64)
    if request.param.startswith("leading"):
        monkeypatch.setattr(baselines, "FEW_COLUMNS", 4)
    if request.param == "randomised":
        monkeypatch.setattr(baselines, "COVARIANCE_COLUMNS", 30)
    wide = {"gram": (25, 60), "leading of gram": (40, 60), "randomised": (150, 60), "leading": (200, 48)}
    return rows_of(*wide.get(request.param, (200, 12)))


def test_every_route_is_pca(route):
    """Reconstructions and explained variances are those of scikit-learn's PCA."""
    fit = fit_linear(route, ColumnLayout(route.shape[1]), 4, seed=0)
    pca = PCA(4, svd_solver="full").fit(route.numpy().astype(np.float64))
    expected = pca.inverse_transform(pca.transform(route.numpy().astype(np.float64)))
    assert through(fit, route)[1].numpy() == pytest.approx(expected, abs=2e-3 * expected.std())
    n = len(route)
    assert fit.variances.numpy() == pytest.approx(pca.explained_variance_ * (n - 1) / n, rel=1e-3)


def test_every_route_spans_the_space_of_pca(route):
    """The components are orthonormal and lie within the space of scikit-learn's."""
    fit = fit_linear(route, ColumnLayout(route.shape[1]), 4, seed=0)
    ours = fit.encode.double().numpy()
    theirs = PCA(4, svd_solver="full").fit(route.numpy()).components_
    assert ours @ ours.T == pytest.approx(np.eye(4), abs=1e-4)
    assert np.linalg.svd(ours @ theirs.T)[1] == pytest.approx(np.ones(4), abs=1e-4)


def test_latents_have_the_variances(route):
    """Latents are centred, uncorrelated, and vary as stated, in descending order."""
    fit = fit_linear(route, ColumnLayout(route.shape[1]), 4, seed=0)
    z = through(fit, route)[0].double().numpy()
    assert z.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-3)
    assert z.T @ z / len(z) == pytest.approx(np.diag(fit.variances.numpy()), abs=1e-3 * float(fit.variances[0]))
    assert (fit.variances.diff() <= 0).all()


def test_every_route_repeats_itself(route):
    """The same rows give the same bytes."""
    fits = [fit_linear(route, ColumnLayout(route.shape[1]), 4, seed=0) for _ in range(2)]
    assert torch.equal(fits[0].encode, fits[1].encode)


@pytest.mark.parametrize("shape", [(200, 48), (40, 60)])
def test_a_low_rank_is_found(monkeypatch, shape):
    """Rows of rank 2 are reconstructed by two components, whatever else is asked for, by the leading ones too."""
    monkeypatch.setattr(baselines, "FEW_COLUMNS", 4)
    r = np.random.default_rng(0)
    x = torch.from_numpy(r.normal(size=(shape[0], 2)) @ r.normal(size=(2, shape[1]))).float()
    fit = fit_linear(x, ColumnLayout(shape[1]), 4, seed=0)
    assert fit.encode.isfinite().all()
    assert torch.allclose(through(fit, x)[1], x, atol=1e-3)


def test_signs_are_fixed(route):
    """The largest entry of each component is positive, so mirrored data have the same components."""
    layout = ColumnLayout(route.shape[1])
    fit, mirrored = fit_linear(route, layout, 4, seed=0), fit_linear(-route, layout, 4, seed=0)
    largest = fit.encode.gather(1, fit.encode.abs().argmax(dim=1, keepdim=True))
    assert (largest > 0).all()
    assert torch.allclose(fit.encode, mirrored.encode, atol=1e-3)


@pytest.mark.parametrize(("n", "d", "rank"), [(50, 4, 4), (5, 20, 4)])
def test_components_beyond_the_rank_are_zero(n, d, rank):
    """A latent size above the rank of the data pads with zeros, and all is reconstructed."""
    x = rows_of(n, d)
    fit = fit_linear(x, ColumnLayout(d), rank + 3, seed=0)
    assert not fit.encode[rank:].any()
    assert not fit.variances[rank:].any()
    assert torch.allclose(through(fit, x)[1], x, atol=1e-3)


@pytest.mark.parametrize("few", [4, 1024])
@pytest.mark.parametrize("shape", [(50, 4), (4, 20), (50, 30), (30, 50)])
def test_constant_rows_are_finite(monkeypatch, shape, few):
    """Data without any variance give finite weights and themselves back, by every route."""
    monkeypatch.setattr(baselines, "FEW_COLUMNS", few)
    x = torch.full(shape, 3.0)
    fit = fit_linear(x, ColumnLayout(shape[1]), 2, seed=0)
    assert torch.allclose(through(fit, x)[1], x)
    assert fit.variances.max() < 1e-6


def test_a_gap_is_the_centre_of_its_column():
    """A missing cell counts as 0, and the inputs that mark gaps have no weight."""
    x = torch.cat([rows_of(80, 5) - 2, torch.zeros(80, 2)], dim=1)
    x[::3, 1] = torch.nan
    x[::3, 5] = 1.0
    layout = ColumnLayout(5, n_extras=2)
    with_gaps, filled = fit_linear(x, layout, 2, seed=0), fit_linear(x.nan_to_num(), layout, 2, seed=0)
    assert torch.equal(with_gaps.encode, filled.encode)
    assert not with_gaps.encode[:, 5:].any()


def test_pictures_are_rows_of_pixels():
    """A picture's PCA is that of its values in a row."""
    x = rows_of(60, 12)
    pictures, rows = (
        fit_linear(x.reshape(60, 3, 2, 2), PixelLayout((3, 2, 2)), 3, 0),
        fit_linear(x, ColumnLayout(12), 3, 0),
    )
    assert torch.equal(pictures.encode, rows.encode)


def test_single_precision_products_are_close(monkeypatch):
    """Above the stated work the products are taken in float32, with the same components."""
    x = rows_of(300, 10) - 2
    exact = fit_linear(x, ColumnLayout(10), 3, seed=0)
    monkeypatch.setattr(baselines, "DOUBLE_WORK", 0)
    assert torch.allclose(fit_linear(x, ColumnLayout(10), 3, seed=0).encode, exact.encode, atol=1e-3)


def test_wide_data_are_sampled_by_the_seed(monkeypatch):
    """Wide data with many rows are sampled: the same seed gives the same fit."""
    monkeypatch.setattr(baselines, "COVARIANCE_COLUMNS", 8)
    monkeypatch.setattr(baselines, "SAMPLE_ROWS", 60)
    x = rows_of(200, 20)
    first, again, other = (fit_linear(x, ColumnLayout(20), 3, seed).encode for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def errors_of(columns, latent_dim):
    """Mean error per column of the linear fit to a table's own rows."""
    table = table_from(pa.table(columns))
    encoder = ColumnEncoder.fit(table, "column")
    x = torch.from_numpy(encoder.encode(table))
    return error_map(through(fit_linear(x, encoder.layout, latent_dim, 0), x)[1], x, encoder.layout).nanmean(dim=0)


def factor(n=600):
    """One hidden factor and four columns that show it."""
    t = np.random.default_rng(0).normal(size=n)
    noise = np.random.default_rng(1).normal(size=(4, n))
    return t, {f"n{i}": t + 0.1 * noise[i] for i in range(4)}


def test_logits_beat_the_prior_where_the_latent_tells():
    """A flag and a category that follow the hidden factor are predicted far better than by their shares."""
    t, numbers = factor()
    levels = np.array(["low", "middle", "high"])[np.digitize(t, [-0.7, 0.7])]
    errors = errors_of({**numbers, "flag": t > 0, "level": levels}, 1)
    assert errors[4] < 0.3
    assert errors[5] < 0.6


def test_logits_are_the_prior_where_the_latent_tells_nothing():
    """A flag and a category of pure chance cost what their shares cost."""
    t, numbers = factor()
    r = np.random.default_rng(2)
    chance = {"flag": r.random(len(t)) < 0.2, "level": r.choice(["a", "b", "c"], len(t))}
    errors = errors_of({**numbers, **chance}, 1)
    assert errors[4:].numpy() == pytest.approx(np.ones(2), abs=0.03)


def test_logits_of_a_column_with_one_value_are_finite():
    """A flag that is always true and a category with one level are reconstructed at almost no error."""
    _, numbers = factor(50)
    fit_errors = errors_of({**numbers, "flag": [True] * 50, "level": pa.array(["a"] * 50).dictionary_encode()}, 2)
    assert fit_errors.isfinite().all()


class _Pieces:
    """Rows that are handed out in pieces only."""

    def __init__(self, x):
        self._x = x

    def __len__(self):
        return len(self._x)

    def slice(self, start, stop):
        """A copy of some rows."""
        return self._x[start:stop].clone()


@pytest.mark.parametrize("layout", [ColumnLayout(12), PixelLayout((1, 3, 4))])
def test_rows_that_are_not_all_in_memory(monkeypatch, layout):
    """One pass over pieces gives the bytes that all rows at once give, gaps included."""
    monkeypatch.setattr(baselines, "BLOCK_ROWS", 64)
    x = rows_of(300, 12).reshape(300, *layout.input_shape)
    x[::9].flatten(1)[:, 3] = torch.nan
    whole, pieces = (fit_linear(given, layout, 4, 0) for given in (x, _Pieces(x)))
    for name in ("encode", "encode_bias", "decode", "decode_bias", "variances"):
        assert torch.equal(getattr(whole, name), getattr(pieces, name))


@pytest.mark.parametrize(
    ("layout", "n", "said"),
    [
        (ColumnLayout(12), 300, True),
        (ColumnLayout(12), 11, False),
        (ColumnLayout(5_000), 10_000, False),
        (ColumnLayout(12, n_flags=1, entropies=(0.5,)), 300, False),
    ],
)
def test_what_can_be_streamed(layout, n, said):
    """Numbers only, more rows than columns, and not too many of these."""
    assert baselines.can_stream(layout, n) is said
