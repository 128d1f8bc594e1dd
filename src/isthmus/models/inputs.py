"""What callers hand in, checked: a frame, a path, an array of rows or of pictures becomes a Table or an array.

scikit-learn's own validation looks at arrays of rows, so that its messages (and its checks) hold; what it refuses comes
out as a `DataError` or a `DataTypeError`, which are ValueError and TypeError.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from isthmus.data.images import Pictures
from isthmus.data.notes import note_on
from isthmus.data.readers import as_data
from isthmus.data.table import Table
from isthmus.errors import DataError, DataTypeError, IsthmusWarning
from isthmus.parameters import check_kinds

Data = Table | NDArray[Any]
FEWEST_ROWS = 2
BLOCK = 256
"""Pictures that are looked through at a time."""
_USE_A_FRAME = "Give text, dates and mixed columns as a frame with named columns."


def read_input(estimator: Any, X: Any, *, kinds: Any = None, reset: bool) -> Data:
    """``X`` as a `Table` or a checked array.

    Parameters
    ----------
    estimator : sets ``n_features_in_`` (and ``feature_names_in_`` where there are names) on it when ``reset``.
    kinds : kinds that a user set, by column name.
    reset : True in fit; False checks that arrays of rows have as many columns as in fit.
    """
    known = None if reset else kinds_of_fit(estimator)
    data = as_data(X, kinds=kinds if reset else None, fitted=known)
    if isinstance(data, Table):
        warn_of(data.notes if known is not None else ())
        return _checked_table(estimator, data, reset=reset)
    check_kinds(kinds, ()) if kinds else None
    if isinstance(data, Pictures):
        return _checked_pictures(estimator, np.asarray(data), reset=reset)
    array = data if hasattr(data, "ndim") else X
    if getattr(array, "ndim", 2) in (3, 4):
        return _checked_pictures(estimator, np.asarray(array), reset=reset)
    return _checked_rows(estimator, array, reset=reset)


def notes_on(data: Data) -> tuple[str, ...]:
    """What is worth saying about the data of a fit: columns that are empty or constant."""
    if isinstance(data, Table):
        return data.notes
    if data.ndim != 2:
        return ()
    low, high = data.min(axis=0), data.max(axis=0)
    gaps = np.isnan(low) if data.dtype.kind == "f" else np.zeros(data.shape[1], bool)
    if gaps.any():
        low, high = np.fmin.reduce(data, axis=0), np.fmax.reduce(data, axis=0)
    empty = np.flatnonzero(gaps & (low != low)).tolist()
    constant = np.flatnonzero(~gaps & (low == high)).tolist()
    return (
        *note_on(empty, "has no values", "have no values"),
        *note_on(constant, "is constant", "are constant"),
    )


def kinds_of_fit(estimator: Any) -> dict[str, Any] | None:
    """Kind of each named column of a fitted estimator; None where the columns had no names."""
    encoder = estimator.encoder_
    names = getattr(encoder, "names", ())
    return dict(zip(names, encoder.kinds, strict=True)) if names else None


def warn_of(notes: tuple[str, ...]) -> None:
    """Say what was noticed about new data."""
    for note in notes:
        warnings.warn(note, IsthmusWarning, stacklevel=4)


def as_latents(Z: Any, latent_dim: int) -> torch.Tensor:
    """Latents (n_samples, latent_dim) that a caller hands in, checked, float32."""
    try:
        latents = np.array(Z, dtype=np.float32, ndmin=2)
    except (TypeError, ValueError) as error:
        raise DataTypeError(f"latents must be numbers; got {type(Z).__name__} with other cells.") from error
    if latents.ndim != 2 or latents.shape[1] != latent_dim or not len(latents):
        raise DataError(
            f"latents must have shape (n_samples, {latent_dim}); got {tuple(np.shape(Z))}. transform(X) gives them."
        )
    if not np.isfinite(latents).all():
        raise DataError("latents contain NaN or infinity; transform(X) gives finite ones.")
    return torch.from_numpy(latents)


def _checked_table(estimator: Any, table: Table, *, reset: bool) -> Table:
    if not reset:
        return table
    table.check_fit()
    if len(table) < FEWEST_ROWS:
        raise DataError(f"{table.source} has 1 sample (one row); an autoencoder needs at least {FEWEST_ROWS} rows.")
    estimator.n_features_in_ = len(table.names)
    estimator.feature_names_in_ = np.array(table.names, dtype=object)
    return table


def _checked_rows(estimator: Any, X: Any, *, reset: bool) -> NDArray[Any]:
    try:
        rows: NDArray[Any] = validate_data(
            estimator,
            X,
            reset=reset,
            dtype="numeric",
            ensure_all_finite=False,
            ensure_min_samples=FEWEST_ROWS if reset else 1,
        )
    except TypeError as error:
        raise DataTypeError(_one_line(error)) from error
    except ValueError as error:
        raise _odd_cell(X) or DataError(_one_line(error)) from error
    if rows.dtype.kind not in "biuf":
        raise DataTypeError(f"X holds {rows.dtype}; expected numbers. {_USE_A_FRAME}")
    if reset and hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    _refuse_infinities(rows)
    return rows


def _odd_cell(X: Any) -> DataTypeError | None:
    """Name the first cell that is no number; None where something else is wrong."""
    try:
        cells = np.asarray(X)
    except ValueError:
        return None
    for place, cell in np.ndenumerate(cells) if cells.ndim == 2 and cells.dtype.kind in "OSU" else ():
        try:
            float(cell)
        except (TypeError, ValueError):
            what = f"{str(cell)!r:.60} ({type(cell).__name__})"
            return DataTypeError(f"X[{place[0]}, {place[1]}] is {what}; expected numbers. {_USE_A_FRAME}")
    return None


def _one_line(error: Exception) -> str:
    """scikit-learn's words without the print of the array that it puts between them."""
    lines = str(error).splitlines()
    return " ".join(line for line in lines if line.strip() and not line.startswith(("array=", "[", " ")))


def _checked_pictures(estimator: Any, pictures: NDArray[Any], *, reset: bool) -> NDArray[Any]:
    if pictures.dtype.kind not in "uifb":
        raise DataTypeError(f"pictures must be numbers, got an array of dtype {pictures.dtype}.")
    if 0 in pictures.shape:
        raise DataError(f"pictures of shape {pictures.shape} hold nothing: 0 sample(s) or an empty axis.")
    if reset and len(pictures) < FEWEST_ROWS:
        raise DataError(f"1 sample (one picture) is too few; an autoencoder needs at least {FEWEST_ROWS}.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
        _refuse_infinities(pictures.astype(np.float32, copy=False) if pictures.dtype.kind == "f" else pictures)
    if reset:
        estimator.n_features_in_ = int(np.prod(pictures.shape[1:]))
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    return pictures


def _refuse_infinities(array: NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    # The sum of finite numbers may overflow, but a finite sum proves that no number is infinite, in one quick pass.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    for start in range(0, len(array), BLOCK):  # a mask of them all would take a quarter of their own memory
        infinite = np.argwhere(np.isinf(array[start : start + BLOCK]))
        if not len(infinite):
            continue
        where = ", ".join(str(i) for i in (start + infinite[0][0], *infinite[0][1:]))
        raise DataError(
            f"X[{where}] contains infinity or a value too large for {array.dtype}; replace it by a number, or by "
            "NaN if it is missing."
        )
