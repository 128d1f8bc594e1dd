"""What the latent keeps of each column of a table: how well it comes back, and how much the latent listens to it.

In: a fitted model and rows. Out: a `Relevance` per column. Two questions, as neither answers alone: a column may come back
well because others tell it (then the latent need not listen to it), and the latent may listen to a column in order to restore
others. A column that is independent of all others and takes no part in the latent has about 0 in both.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from isthmus.data.table import Table
from isthmus.errors import DataError, ParameterError
from isthmus.models.base import BaseAutoencoder
from isthmus.models.inputs import Data, read_input, warn_of
from isthmus.nets.blocks import in_blocks
from isthmus.nets.seeding import draw_seed
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.rows import EncodedRows

Floats = NDArray[np.float64]
MOST_ROWS = 5_000
"""Rows in which cells are exchanged, at most: a share of the change is then known to about a hundredth of itself."""
MOST_ENCODED = 400_000
"""Rows times columns, at most: seconds for a few hundred columns."""
FEWEST_ROWS = 64
UNUSED = 1e-6
"""Share of the largest variance of the latent below which a direction counts as unused."""
_BLOCK = 4_096


@dataclass(frozen=True)
class Relevance:
    """What the latent keeps of one column.

    Attributes
    ----------
    name : the user's name, or ``column 3``.
    kind : number, category, flag or date.
    explained : share explained (R2) of the column when it is reconstructed from the latent: 1 is perfect, 0 no better than a
        constant guess, and below 0 worse than that; NaN where these rows do not vary in it.
    change : share of the latent's change that the column is to be thanked for, in [0, 1]; all columns sum to 1.
    """

    name: str
    kind: str
    explained: float
    change: float


def relevance(model: Any, X: Any, *, random_state: Any = 0) -> list[Relevance]:
    """Tell for each column what the latent keeps of it, the best explained first.

    Reconstruction knows nothing of what you want the columns for: a column that is ranked last shares nothing with the
    others that the latent had room for, which is no proof that it is useless, and one that is ranked first is no proof that
    it is useful. With labels, `isthmus.probe` measures what a set of columns is worth for a task.

    Parameters
    ----------
    model : Autoencoder
        Fitted to a table or a 2-D array.
    X : array, frame or path
        At least two rows; anything that the model's ``transform`` takes.
    random_state : int, RandomState or None, default 0
        Seed of the exchange of cells.

    Returns
    -------
    list of Relevance
        One per column, the best explained first; columns that do not vary in these rows last.

    Raises
    ------
    ParameterError : ``model`` is no autoencoder of isthmus, or has no latent.
    DataError, DataTypeError : pictures, a single row, or rows that do not fit the model.

    Notes
    -----
    ``change`` is the permutation importance of Breiman 2001 ("Random forests", section 10) with the latent in the place of
    a forest's answer: a column's cells are given to other rows, and the squared distance by which the latents move is
    averaged over the rows. Latents are whitened for it, so the result is the same however a latent is turned or stretched.
    It looks at 5,000 rows at most, fewer where there are more than 80 columns.

    Examples
    --------
    >>> import numpy as np, isthmus
    >>> rng = np.random.default_rng(0)
    >>> size = rng.normal(size=500)
    >>> noise = rng.normal(size=(500, 3))
    >>> X = np.column_stack([size + 0.2 * noise[:, 0], size + 0.2 * noise[:, 1], noise[:, 2]])
    >>> model = isthmus.Autoencoder(latent_dim=1, random_state=0).fit(X)
    >>> found = relevance(model, X)
    >>> found[-1].name, found[-1].explained < 0.1, found[-1].change < 0.1
    ('column 3', True, True)
    """
    if not isinstance(model, BaseAutoencoder):
        raise ParameterError(f"model must be a fitted isthmus autoencoder; got a {type(model).__name__}.")
    check_is_fitted(model)
    if not hasattr(model, "transform"):
        raise ParameterError(f"this {type(model).__name__} has no latent that could keep a column.")
    if not isinstance(model.encoder_, ColumnEncoder):
        raise DataError("relevance is for columns; this model was fitted with pictures, whose pixels have no names.")
    data, notes = model.encoder_.adopt(read_input(model, X, reset=False))
    warn_of(notes)
    if len(data) < 2:
        raise DataError("relevance exchanges cells between rows, so it needs at least 2 rows; got 1.")
    explained, change = explained_of(model, data), change_of(model, data, draw_seed(random_state))
    names = data.names if isinstance(data, Table) else [f"column {j + 1}" for j in range(data.shape[1])]
    kinds = model.encoder_.kinds
    found = [Relevance(*row) for row in zip(names, kinds, explained.tolist(), change.tolist(), strict=True)]
    return sorted(found, key=lambda column: -column.explained if column.explained == column.explained else np.inf)


def explained_of(model: Any, data: Data) -> Floats:
    """Share explained (R2) of each column, (n_columns,), NaN where these rows do not vary.

    Parameters
    ----------
    data : rows that the model's preparation adopted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rows were adopted before, and what was noticed then was said
        errors = model.errors(data).astype(np.float64)
    reference = reference_of(model.encoder_, data)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(errors, axis=0) / (~np.isnan(errors)).sum(axis=0)
        return np.asarray(1 - mean / reference)


def reference_of(encoder: ColumnEncoder, data: Data) -> Floats:
    """Error of the constant guess per column, (n_columns,); NaN where these rows do not vary in the column.

    It is 1 where errors have each column's own unit, else the mean square of the column in these rows.
    """
    layout, rows = encoder.layout, EncodedRows(data, encoder)
    low, high = np.full(layout.n_targets, np.inf), np.full(layout.n_targets, -np.inf)
    squares, seen = np.zeros(layout.n_numbers), np.zeros(layout.n_numbers)
    for start in range(0, len(rows), _BLOCK):
        part = rows.slice(start, min(start + _BLOCK, len(rows))).numpy()[:, : layout.n_targets]
        low, high = np.fmin(low, np.fmin.reduce(part)), np.fmax(high, np.fmax.reduce(part))
        numbers = part[:, : layout.n_numbers].astype(np.float64)
        squares += np.nansum(numbers**2, axis=0)
        seen += (~np.isnan(numbers)).sum(axis=0)
    single = layout.n_numbers + layout.n_flags
    varies = np.array([*(high > low)[:single], *((high > low)[where].any() for where in layout.level_positions)])
    grouped = np.where(varies, 1.0, np.nan)
    if encoder.scaling != "column":
        with np.errstate(invalid="ignore", divide="ignore"):
            grouped[: layout.n_numbers] *= squares / seen
    return grouped[list(layout.order)] if layout.order else grouped


def change_of(model: Any, data: Data, seed: int) -> Floats:
    """Share of the latent's change of each column, (n_columns,); NaN for a single row, 0 where the latent never changes.

    Parameters
    ----------
    data : rows that the model's preparation adopted.
    seed : of the rows looked at, and of which row gets whose cell.
    """
    encoder = model.encoder_
    n_columns, draw = len(encoder.kinds), np.random.default_rng(seed)
    rows = EncodedRows(data, encoder)
    most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_ENCODED // n_columns))
    chosen = draw.permutation(len(rows))[:most]
    if len(chosen) < 2:
        return np.full(n_columns, np.nan)
    x = rows.take(torch.from_numpy(chosen))
    # The rows stand in random order, so the row before is a row by chance, and never the same row.
    other, before = x.roll(1, dims=0), _latents(model, x)
    white = _whitening(before)
    change = np.zeros(n_columns)
    for column, places in enumerate(places_of(encoder)):
        exchanged = x.clone()
        exchanged[:, places] = other[:, places]
        change[column] = np.square((_latents(model, exchanged) - before) @ white).sum(axis=1).mean()
    whole = change.sum()
    return change / whole if whole > 0 else change


def places_of(encoder: ColumnEncoder) -> list[list[int]]:
    """Encoded positions of each column, in the order of the data: its target, and its inputs behind the targets."""
    layout = encoder.layout
    single = layout.n_numbers + layout.n_flags
    targets = [[place] for place in range(single)]
    targets += [list(range(where.start, where.stop)) for where in layout.level_positions]
    found = [list(targets[group]) for group in layout.order] if layout.order else targets
    end = layout.n_targets
    dates = [column for column, kind in enumerate(encoder.kinds) if kind == "date"]
    for column, codec in zip(dates, encoder.dates, strict=True):
        found[column] += range(end, end + 2 * len(codec.cycles))
        end += 2 * len(codec.cycles)
    for place, column in enumerate(encoder.gaps):
        found[column].append(end + place)
    return found


def _latents(model: Any, x: torch.Tensor) -> Floats:
    device = next(model.network_.parameters()).device
    found = in_blocks(model.network_.encode, lambda i, j: x[i:j], len(x), model.block_rows_, device)
    return found.reshape(len(x), -1).astype(np.float64)


def _whitening(latents: Floats) -> Floats:
    """A matrix (latent_dim, n_used) that gives latents variance 1 in each direction that they use."""
    centred = latents - latents.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(latents))
    used = variances > UNUSED * max(float(variances[-1]), np.finfo(np.float64).tiny)
    return np.asarray(directions[:, used] / np.sqrt(variances[used]))
