"""Everything that a report shows, measured once.

In: a fitted model and rows. Out: `Measured`, the errors, latents and reconstructions of the rows by the network and by PCA
at the same latent size. PCA is the same estimator with the linear network in the place of the trained one, so both are
encoded, run and decoded by the same code. Of a model that restores, everything is measured on restoration: spoiled rows go
in, and what comes out is held against the clean ones.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from isthmus.data.containers import Origin
from isthmus.data.readers import as_data
from isthmus.data.table import Table
from isthmus.errors import ParameterError
from isthmus.models.base import BaseAutoencoder
from isthmus.models.denoising import DenoisingAutoencoder
from isthmus.models.inputs import Data, kinds_of_fit, read_input
from isthmus.models.pairs import check_pairs
from isthmus.models.trial import Trial, row_errors
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.prep.rows import EncodedRows
from isthmus.views.labels import Labels, column_labels, row_labels, without

Floats = NDArray[np.float64]
MOST_DRAWN = 5_000
"""Points of the latent map, and rows whose reconstructions are compared in original units."""
MOST_SHOWN = 10
"""Pictures in a strip, and rows in the list of the worst."""
_BLOCK = 4_096


@dataclass(frozen=True, eq=False)
class Errors:
    """What one network makes of the rows.

    Attributes
    ----------
    rows : (n_samples,) mean error of each row over its observed cells.
    columns : (n_columns,) mean error of each column over its observed cells, NaN where there are none; None for pictures.
    """

    rows: Floats
    columns: Floats | None

    @property
    def mean(self) -> float:
        """Mean error of the rows, as `compare` gives it."""
        return float(self.rows.mean())


@dataclass(frozen=True, eq=False)
class Measured:
    """A model and rows, with all that is known of them.

    Attributes
    ----------
    model : the fitted autoencoder.
    pca : the same with PCA as its network; None where PCA was too large.
    data : the rows as the model's preparation adopted them.
    source : the name of the file that the rows came from, or nothing.
    notes : what was noticed about the rows.
    ours, theirs : the errors of the model and of PCA.
    latents : (n_samples, latent_dim), of the clean rows; None where the network has no latent.
    labels : one per row, or None.
    trial : of a model that restores, the spoiled form of the rows; else None.
    untouched : the errors of spoiled pictures as they are; None for rows and where nothing is spoiled.
    given_spoiled : whether the rows came spoiled, with their clean form beside them.
    """

    model: Any
    pca: Any | None
    data: Data
    source: str
    notes: tuple[str, ...]
    ours: Errors
    theirs: Errors | None
    latents: NDArray[np.float32] | None
    labels: Labels | None
    trial: Trial | None = None
    untouched: Errors | None = None
    given_spoiled: bool = False

    @property
    def pictures(self) -> bool:
        """Whether the rows are pictures."""
        return isinstance(self.model.encoder_, PixelEncoder)

    @property
    def restores(self) -> bool:
        """Whether restoration is measured: spoiled rows go in, clean ones are wanted."""
        return self.trial is not None

    @property
    def raw_errors(self) -> bool:
        """Whether errors are in the square of the data's unit, not shares of the variance (``scaling="none"``)."""
        return bool(self.model.plan_.scaling == "none")

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """Rows of the latent map: all, or `MOST_DRAWN` drawn with the model's seed, in order."""
        n = len(self.data)
        if n <= MOST_DRAWN:
            return np.arange(n)
        return np.sort(np.random.default_rng(self.model.seed_).choice(n, MOST_DRAWN, replace=False))

    @cached_property
    def spread(self) -> NDArray[np.int64]:
        """Ten rows at equal distances from first to last."""
        return np.unique(np.linspace(0, len(self.data) - 1, MOST_SHOWN).round().astype(np.int64))

    @cached_property
    def worst(self) -> NDArray[np.int64]:
        """The ten rows with the largest error, the largest first."""
        return np.argsort(-self.ours.rows, kind="stable")[:MOST_SHOWN]

    def rows(self, index: NDArray[np.int64]) -> Data:
        """The rows at ``index``."""
        return self.data.take(index) if isinstance(self.data, Table) else self.data[index]

    def rebuilt(self, index: NDArray[np.int64], *, by_pca: bool = False) -> Any:
        """What the model, or PCA, gives back for the rows at ``index``; of a model that restores, from their spoiled form."""
        if self.trial is not None:
            return self.trial.restored(index, self.model.baseline_ if by_pca else None)
        network: Any = self.pca if by_pca else self.model
        return network.reconstruct(self.rows(index))

    def cells(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """The error map of the rows at ``index``."""
        if self.trial is not None:
            return self.trial.errors(index=index)
        return self.model.errors(self.rows(index))  # type: ignore[no-any-return]  # the model is untyped here

    @cached_property
    def column_references(self) -> Floats | float:
        """Error of the constant guess per column: 1 where each column has its own scale, else measured on these rows."""
        encoder = self.model.encoder_
        if not isinstance(encoder, ColumnEncoder) or encoder.scaling == "column":
            return 1.0
        rows, width = EncodedRows(self.data, encoder), encoder.layout.n_columns
        squares, seen = np.zeros(width), np.zeros(width)
        for start in range(0, len(rows), _BLOCK):
            part = rows.slice(start, min(start + _BLOCK, len(rows)))[:, :width].double()
            squares += part.square().nan_to_num().sum(dim=0).numpy()
            seen += (~part.isnan()).sum(dim=0).numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(squares / seen)

    def explained(self, errors: Errors) -> Floats:
        """Share explained of each column (R2), NaN where these rows do not vary."""
        if errors.columns is None:
            raise ValueError("pictures have no columns")
        reference = np.broadcast_to(self.column_references, errors.columns.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(reference > 0, 1 - errors.columns / reference, np.nan)


def measure(model: Any, X: Any, labels: Any = None, clean: Any = None) -> Measured:
    """Run the model and PCA over the rows of ``X``, whose clean form, for a model that restores, may be given too.

    Raises
    ------
    ParameterError : ``model`` is not an autoencoder of isthmus.
    DataError, DataTypeError : rows that do not fit the model, labels that do not fit the rows.
    """
    if not isinstance(model, BaseAutoencoder):
        raise ParameterError(f"model must be a fitted isthmus autoencoder; got a {type(model).__name__}.")
    check_is_fitted(model)
    _check_clean(model, clean)
    rows, found = _rows_and_labels(model, X if clean is None else clean, labels)
    data, notes = model.encoder_.adopt(read_input(model, rows, reset=False))
    # Reconstructions then come back as Arrow tables, whatever came in.
    data = dataclasses.replace(data, origin=Origin("arrow")) if isinstance(data, Table) else data
    notes = rows.notes if isinstance(rows, Table) else notes
    if labels is not None and found is None:
        found = row_labels(labels, len(data))
    pca = _with_network(model, model.baseline_)
    with warnings.catch_warnings():
        # The rows were adopted above, and what was noticed then stands in the report.
        warnings.simplefilter("ignore")
        latents = model.transform(data) if model.latent_dim_ else None
        trial = (
            _trial(model, X, rows, data)
            if clean is not None
            else Trial(model, data)
            if isinstance(model, DenoisingAutoencoder)
            else None
        )
        ours = _errors(model.errors(data) if trial is None else trial.errors())
        theirs = None
        if pca is not None:
            theirs = _errors(pca.errors(data) if trial is None else trial.errors(model.baseline_))
        untouched = (
            _errors(trial.untouched()) if trial is not None and isinstance(model.encoder_, PixelEncoder) else None
        )
        return Measured(
            model, pca, data, source_of(X), notes, ours, theirs, latents, found, trial, untouched, clean is not None
        )


def _check_clean(model: Any, clean: Any) -> None:
    """Refuse clean rows for a model that restores nothing, and a model that needs them where there are none."""
    if not isinstance(model, DenoisingAutoencoder):
        if clean is not None:
            raise ParameterError(
                "clean is for a DenoisingAutoencoder, which restores rows; leave it out for this model."
            )
    elif clean is None and model.corruption_ is None:
        raise ParameterError(
            "the model has no corruption to spoil clean rows with (it was fitted to pairs, or its file could not hold it), so "
            "a report needs both: the spoiled rows, and clean= (--clean) their clean form."
        )


def _trial(model: DenoisingAutoencoder, X: Any, rows: Any, data: Data) -> Trial:
    """The rows that are spoiled already, and their clean form."""
    spoiled = as_data(X, fitted=kinds_of_fit(model))
    check_pairs(spoiled, rows)
    return Trial(model, model.encoder_.adopt(read_input(model, spoiled, reset=False))[0], data)


def _rows_and_labels(model: BaseAutoencoder, X: Any, labels: Any) -> tuple[Any, Labels | None]:
    """The rows with the columns of the model alone, and the labels where they are one of the columns."""
    known = kinds_of_fit(model)
    if not isinstance(labels, str):
        return as_data(X, fitted=known), None
    table = as_data(X)
    found = column_labels(table, labels)
    if known is None:
        return without(table, labels), found
    # Read once more, now with the kinds of fit: text that looks like a number stays the category that it was.
    table = as_data(X, fitted={labels: table.kinds.get(labels, "category"), **known})
    return table if labels in known else without(table, labels), found


def source_of(X: Any) -> str:
    """The name of the file that ``X`` came from, or nothing; without its folder, so a report tells nothing of the machine."""
    if isinstance(X, (str, os.PathLike)):
        return Path(X).name
    return Path(X.source).name if isinstance(X, Table) and X.container == "file" else ""


def _with_network(model: BaseAutoencoder, network: Any) -> Any | None:
    if network is None:
        return None
    twin = copy.copy(model)
    twin.network_ = network
    return twin


def _errors(cells: NDArray[np.float32]) -> Errors:
    """The error map of all rows, summed up."""
    rows = row_errors(cells)
    if cells.ndim != 2:
        return Errors(rows, None)
    with np.errstate(invalid="ignore"):
        columns = np.nansum(cells, axis=0, dtype=np.float64) / (~np.isnan(cells)).sum(axis=0)
    return Errors(rows, columns)
