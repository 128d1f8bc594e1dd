"""Columns one by one: what share of each is explained, and by how much a value is typically off in its own unit.

In: what was measured of a table or an array. Out: a `Column` each, and the worst rows with the columns that make them so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.dtypes import is_span
from isthmus.data.readers import as_data
from isthmus.data.table import Table
from isthmus.models.inputs import Data
from isthmus.models.relevance import change_of, reference_of
from isthmus.views.measured import Floats, Measured
from isthmus.views.words import cell, number, percent

CAUSES = 3
"""Columns named for each of the worst rows."""


@dataclass(frozen=True)
class Column:
    """One column in the report.

    Attributes
    ----------
    name : the user's name, or ``column 3``.
    kind : number, category, flag or date.
    explained, pca_explained : share explained (R2); NaN where it is not defined or there is no PCA.
    off, pca_off : by how much a value is typically off, as text with its unit.
    change : share of the latent's change that the column is to be thanked for (`isthmus.models.relevance`).
    """

    name: str
    kind: str
    explained: float
    pca_explained: float
    off: str
    pca_off: str
    change: float


@dataclass(frozen=True)
class Cause:
    """A cell that makes a row hard: its column, its share of the row's error, what it is and what came out (as text)."""

    column: str
    share: float
    seen: str
    reconstructed: str


def name_of(data: Data, column: int) -> str:
    """The user's name of a column, or its number (the first is 1)."""
    return data.names[column] if isinstance(data, Table) else f"column {column + 1}"


def shares(measured: Measured) -> tuple[Floats, Floats | None]:
    """Share explained of each column, by the model and by PCA; NaN where these rows do not vary."""
    still = np.isnan(reference_of(measured.model.encoder_, measured.data))
    theirs = None if measured.theirs is None else np.where(still, np.nan, measured.explained(measured.theirs))
    return np.where(still, np.nan, measured.explained(measured.ours)), theirs


def best_first(measured: Measured) -> list[Column]:
    """All columns, the best explained first; those that do not vary last."""
    encoder = measured.model.encoder_
    ours, theirs = shares(measured)
    sample = measured.rows(measured.drawn)
    off = _typically_off(measured.rebuilt(measured.drawn), sample)
    pca_off = (
        [""] * len(off)
        if measured.pca is None
        else _typically_off(measured.rebuilt(measured.drawn, by_pca=True), sample)
    )
    change = change_of(measured.model, measured.data, measured.model.seed_)
    columns = [
        Column(
            name_of(measured.data, j), encoder.kinds[j], float(share), float("nan") if theirs is None else float(theirs[j]),
            off[j], pca_off[j], float(change[j]),
        )
        for j, share in enumerate(ours)
    ]  # fmt: skip
    return sorted(columns, key=lambda c: -c.explained if c.explained == c.explained else np.inf)


def _typically_off(came: Any, sample: Any) -> list[str]:
    """Median distance (numbers, dates) or share of right guesses (flags, categories) of each column, in words."""
    if not isinstance(sample, Table):
        return [number(m, 3) for m in _medians(np.abs(came.astype(np.float64) - sample.astype(np.float64)))]
    back: Table = as_data(came, fitted=sample.kinds)
    return [_off_in(sample, back, name) for name in sample.names]


def _off_in(sample: Table, back: Table, name: str) -> str:
    kind = sample.kinds[name]
    if kind == "category":
        right = _texts(sample, name) == _texts(back, name)
        return f"{percent(_mean(right[_texts(sample, name) != '']))} right"
    seen, came = sample.numbers(name), back.numbers(name)
    if kind == "flag":
        return f"{percent(_mean((seen == came)[~np.isnan(seen)]))} right"
    middle = number(float(_medians(np.abs(seen - came)[:, None])[0]), 3)
    return f"{middle} days" if kind == "date" else f"{middle} s" if is_span(sample.columns[name].type) else middle


def _texts(table: Table, name: str) -> NDArray[Any]:
    """The cells as text; empty where missing."""
    codes, levels = table.texts(name)
    return np.array([*levels, ""], dtype=object)[codes]


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _medians(values: Floats) -> Floats:
    """Median of the observed values of each column; NaN where there are none."""
    out = np.full(values.shape[1], np.nan)
    seen = ~np.isnan(values).all(axis=0)
    out[seen] = np.nanmedian(values[:, seen], axis=0)
    return out


def causes(measured: Measured) -> list[list[Cause]]:
    """For each of the worst rows, the columns that add most to its error, the largest first."""
    rows = measured.rows(measured.worst)
    cells = measured.cells(measured.worst).astype(np.float64)
    came = measured.rebuilt(measured.worst)
    if isinstance(rows, Table):
        came = as_data(came, fitted=rows.kinds)
    found = []
    for i, row in enumerate(np.nan_to_num(cells)):
        first = np.argsort(-row, kind="stable")[:CAUSES]
        whole = row.sum()
        found.append([
            Cause(name_of(rows, int(j)), float(row[j] / whole), *(_value(data, i, int(j)) for data in (rows, came)))
            for j in first
            if row[j] > 0
        ])  # fmt: skip
    return found


def _value(data: Any, row: int, column: int) -> str:
    if isinstance(data, Table):
        return cell(data.columns[data.names[column]][row].as_py())
    return cell(data[row, column].item())
