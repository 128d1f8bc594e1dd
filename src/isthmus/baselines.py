"""The classical counterparts: PCA, for the anchor of a network and for the report.

What enters is encoded rows (network units, centred, missing cells NaN); what leaves is a `LinearFit`, the weights of a
linear encoder and decoder. For numbers and pixels it is exactly PCA. The logits of flags and categories come from linear
discriminant analysis on the same components (Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 4.3),
its within-class covariance ridged, so a linear model stands beside the network for columns of every kind.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import scipy.sparse.linalg
import torch
from torch import Tensor

from isthmus.layout import ColumnLayout, Layout

COVARIANCE_COLUMNS = 4_096
"""Up to here an eigendecomposition of the columns' covariance takes seconds; beyond, it grows with the cube."""
FEW_COLUMNS = 1_024
"""Up to here all eigenvectors of a matrix take a fraction of a second."""
SAMPLE_ROWS = 20_000
"""Rows that the randomised SVD of wider data looks at."""
DOUBLE_WORK = 1e10
"""Multiply-adds up to which the covariance is accumulated in float64 all through (about a second)."""
BLOCK_ROWS = 4_096
WIDTH_OF_STRIP = 128
"""Columns of a strip of the covariance; the products of four strips with what stands right of them are 5/8 of the whole."""
RIDGE = 1e-2
"""Share of the mean within-class variance added to each component before discriminant analysis inverts it."""


@dataclass(frozen=True)
class LinearFit:
    """A linear encoder ``z = x @ encode.T + encode_bias`` and decoder ``z @ decode.T + decode_bias``.

    Attributes
    ----------
    encode : (latent_dim, n_inputs)
    encode_bias : (latent_dim,)
    decode : (n_targets, latent_dim)
    decode_bias : (n_targets,)
    variances : (latent_dim,) variance of each latent coordinate, descending.
    """

    encode: Tensor
    encode_bias: Tensor
    decode: Tensor
    decode_bias: Tensor
    variances: Tensor


class Sliced(Protocol):
    """Encoded rows that are not all in memory."""

    def __len__(self) -> int: ...
    def slice(self, start: int, stop: int) -> Tensor:
        """The rows from ``start`` to ``stop``."""


def can_stream(layout: Layout, n_rows: int) -> bool:
    """Whether one pass over blocks of the rows is enough for `fit_linear`."""
    numbers = not isinstance(layout, ColumnLayout) or layout.only_numbers
    return numbers and layout.n_targets <= min(n_rows, COVARIANCE_COLUMNS)


def fit_linear(x: Tensor | Sliced, layout: Layout, latent_dim: int, seed: int) -> LinearFit:
    r"""PCA of encoded rows, with linear logits for flags and categories.

    Parameters
    ----------
    x : (n_samples, \*layout.input_shape) float32; NaN (a missing cell) counts as the column's centre. Rows that are not all in
        memory only where `can_stream` says so.
    latent_dim : components to keep; those beyond the data's rank are zero.
    seed : for the randomised SVD of very wide data.
    """
    n_inputs, n_targets = math.prod(layout.input_shape), layout.n_targets
    if isinstance(x, Tensor):
        mean, components, variances = _pca(x.flatten(1), n_targets, latent_dim, seed)
    else:
        blocks = (x.slice(start, start + BLOCK_ROWS).flatten(1) for start in range(0, len(x), BLOCK_ROWS))
        mean, components, variances = _turned(*_covariance(blocks, len(x), n_targets, latent_dim), latent_dim)
    encode = torch.zeros(latent_dim, n_inputs)
    encode[: len(components), :n_targets] = components.float()
    decode = encode[:, :n_targets].T.clone()
    decode_bias = mean.float()
    padded = torch.zeros(latent_dim)
    padded[: len(variances)] = variances.float()
    encode_bias = -(encode[:, :n_targets].double() @ mean).float()
    fit = LinearFit(encode, encode_bias, decode, decode_bias, padded)
    if isinstance(x, Tensor) and isinstance(layout, ColumnLayout) and not layout.only_numbers:
        _set_logits(fit, x.flatten(1), layout)
    return fit


def _pca(rows: Tensor, n_targets: int, latent_dim: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (n_targets,), components (k, n_targets) and their variances (k,), all float64; k <= latent_dim."""
    n = len(rows)
    if n_targets > COVARIANCE_COLUMNS and n > SAMPLE_ROWS:
        generator = torch.Generator().manual_seed(seed)
        rows = rows[torch.randperm(n, generator=generator)[:SAMPLE_ROWS].sort().values]
        n = SAMPLE_ROWS
    if n_targets > COVARIANCE_COLUMNS and n > COVARIANCE_COLUMNS:
        mean, components, variances = _randomised(rows[:, :n_targets].nan_to_num(), latent_dim, seed)
    elif n < n_targets:
        mean, components, variances = _gram(rows[:, :n_targets].nan_to_num().double(), latent_dim)
    else:
        mean, components, variances = _covariance(rows.split(BLOCK_ROWS), n, n_targets, latent_dim)
    return _turned(mean, components, variances, latent_dim)


def _turned(mean: Tensor, components: Tensor, variances: Tensor, latent_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """At most ``latent_dim`` components, each with its sign settled."""
    keep = min(latent_dim, len(components))
    components, variances = components[:keep], variances[:keep].clamp_min(0)
    # A component's sign is free; the entry of largest size is made positive so that the same data give the same latent.
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    return mean, components * torch.where(largest < 0, -1.0, 1.0), variances


def _covariance(
    blocks: Iterable[Tensor], n_rows: int, n_targets: int, latent_dim: int
) -> tuple[Tensor, Tensor, Tensor]:
    double = n_rows * n_targets**2 <= DOUBLE_WORK
    total = torch.zeros(n_targets, dtype=torch.float64)
    products = torch.zeros(n_targets, n_targets, dtype=torch.float64)
    for block in blocks:
        part = block[:, :n_targets]
        sums = part.sum(dim=0, dtype=torch.float64)
        if not bool(sums.isfinite().all()):
            part = part.nan_to_num()
            sums = part.sum(dim=0, dtype=torch.float64)
        total += sums
        _add_product(products, part.double() if double else part)
    products = products.triu() + products.triu(1).T
    mean = total / n_rows
    covariance = products / n_rows - mean[:, None] * mean[None, :]
    variances, vectors = _leading(covariance, latent_dim)
    return mean, vectors.T, variances


def _add_product(products: Tensor, part: Tensor) -> None:
    """Add the upper half of ``part.T @ part``; the lower is its mirror image."""
    width = max(WIDTH_OF_STRIP, -(-part.shape[1] // 4))
    for start in range(0, part.shape[1], width):
        strip = slice(start, start + width)
        products[strip, start:] += part[:, strip].T @ part[:, start:]


def _gram(rows: Tensor, latent_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    mean = rows.mean(dim=0)
    centred = rows - mean
    squares, vectors = _leading(centred @ centred.T, latent_dim)
    # Centring costs one rank; what rounding leaves below this bound has no direction of its own.
    kept = squares > max(float(squares[0]), 0.0) * 1e-12
    components = (vectors[:, kept] / squares[kept].sqrt()).T @ centred
    return mean, components, squares[kept] / len(rows)


def _leading(matrix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Leading eigenvalues, descending, and eigenvectors (columns) of a symmetric matrix: at least ``count`` of them.

    A few of a large matrix come from Lanczos iterations (ARPACK, to machine precision), ten times as fast as all of them.
    """
    if len(matrix) > FEW_COLUMNS and count * 8 <= len(matrix):
        start = torch.randn(len(matrix), dtype=torch.float64, generator=torch.Generator().manual_seed(0)).numpy()
        # The iterations fail on a matrix without any direction, that of constant data.
        with contextlib.suppress(scipy.sparse.linalg.ArpackError):
            found, basis = scipy.sparse.linalg.eigsh(matrix.numpy(), k=count, v0=start)
            return torch.from_numpy(found[::-1].copy()), torch.from_numpy(basis[:, ::-1].copy())
    values, vectors = torch.linalg.eigh(matrix)
    return values.flip(0), vectors.flip(1)


def _randomised(rows: Tensor, latent_dim: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Halko, Martinsson, Tropp 2011, algorithm 4.4: 10 extra directions, 4 power iterations."""
    generator = torch.Generator().manual_seed(seed)
    mean = rows.mean(dim=0)
    centred = rows - mean
    width = min(latent_dim + 10, *rows.shape)
    basis = centred @ torch.randn(rows.shape[1], width, generator=generator)
    for _ in range(4):
        basis = torch.linalg.qr(basis).Q
        basis = centred @ torch.linalg.qr(centred.T @ basis).Q
    basis = torch.linalg.qr(basis).Q
    _, singular, components = torch.linalg.svd((basis.T @ centred).double(), full_matrices=False)
    return mean.double(), components, singular.square() / len(rows)


def _set_logits(fit: LinearFit, rows: Tensor, layout: ColumnLayout) -> None:
    """Put linear discriminant logits of flags and categories in place of the PCA rows of ``fit.decode``."""
    latent = (rows.nan_to_num() @ fit.encode.T + fit.encode_bias).double()
    for position in range(*layout.flag_positions.indices(layout.n_targets)):
        cells = rows[:, position]
        truth = torch.stack([cells <= 0, cells > 0], dim=1).double()[~cells.isnan()]
        weight, bias = _discriminant(latent[~cells.isnan()], truth)
        fit.decode[position] = (weight[1] - weight[0]).float()
        fit.decode_bias[position] = (bias[1] - bias[0]).float()
    for where in layout.level_positions:
        cells = rows[:, where]
        seen = ~cells[:, 0].isnan()
        truth = torch.nn.functional.one_hot(cells[seen].argmax(dim=1), cells.shape[1]).double()
        weight, bias = _discriminant(latent[seen], truth)
        fit.decode[where] = weight.float()
        fit.decode_bias[where] = bias.float()


def _discriminant(latent: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (n_classes, latent_dim) and biases (n_classes,) of the logits, from one-hot ``truth``."""
    n_classes = truth.shape[1]
    # Half a row of each class, at the overall mean, keeps the logit of a class without rows finite.
    counts = truth.sum(dim=0) + 0.5
    overall = latent.mean(dim=0) if len(latent) else latent.new_zeros(latent.shape[1])
    means = (truth.T @ latent + 0.5 * overall) / counts[:, None]
    centred = latent - truth @ means
    within = centred.T @ centred / max(1, len(latent))
    ridge = RIDGE * within.diagonal().mean().clamp_min(1e-6)
    weight = torch.linalg.solve(within + ridge * torch.eye(len(within), dtype=within.dtype), means.T).T
    weight = weight.reshape(n_classes, -1)
    bias = (counts / counts.sum()).log() - 0.5 * (weight * means).sum(dim=1)
    return weight, bias
