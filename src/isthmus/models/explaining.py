"""Why rows are anomalous: which columns raise their scores, what stands there, and what was expected.

In: a fitted detector and rows. Out: a frame with a line for each flagged row and column, or a heat map for each picture.

For each column of a row the network is asked what it expects there without seeing it; then the row is scored again with that value
in the column's place. What the score falls by, as a share of all falls, is the column's share (`isthmus.attribution`). A value that
is as good as expected has no part in it. Where no single column makes the score fall (several are odd together), the shares are
those of the squared standardised residuals.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus import conformal
from isthmus.allowed import Allowed
from isthmus.attribution import candidates, shares
from isthmus.data.containers import Origin
from isthmus.data.table import Table
from isthmus.models import detecting
from isthmus.models.inputs import Data
from isthmus.nets.blocks import in_blocks
from isthmus.parameters import check_value
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder

MOST_ROWS = 1_000
"""Rows explained in one call: the most anomalous ones."""
AS_EXPECTED = 1e-3
"""Standard deviations up to which a value is as expected."""
LEAST_FALL = 0.05
"""Share of the score that the falls of single columns come to at least, to be the reason."""


@dataclass(frozen=True)
class Reasons:
    """Columns of rows, the largest share first.

    Attributes
    ----------
    rows : (n,) places of the rows in the data, the most anomalous first.
    scores, p_values, far : (n,) of these rows; ``far``: far from everything seen.
    columns : (n, k) places of the columns in the data.
    shares : (n, k) of the falls of the score.
    expected : k lists of n values in original units; ``expected[j][i]`` belongs to ``columns[i, j]``.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    far: NDArray[np.bool_]
    columns: NDArray[np.int64]
    shares: NDArray[np.float64]
    expected: list[list[Any]]


def explain(detector: Any, X: Any, *, top: int = 3, every: bool = False) -> Any:
    """The reasons as a frame, or heat maps for pictures; see `AnomalyDetector.explain`.

    Parameters
    ----------
    every : explain all rows, not only the flagged ones.
    """
    check_value("top", top, Allowed("", number="int", low=1), "explain")
    data, rows = detector.model_._adopted(X)
    if isinstance(detector.encoder_, PixelEncoder):
        return heat_maps(detector, rows)
    found = reasons(detector, data, rows, top, every=every)
    return _frame(detector, data, found)


def heat_maps(detector: Any, rows: Any) -> NDArray[np.float32]:
    """Squared standardised residual of each pixel, mean of members and channels, (n_samples, height, width)."""
    shape, scorer, run = detector.encoder_.layout.shape, detector.scorer_, detecting.runner(detector.model_)

    def heat(x: Tensor) -> Tensor:
        residual = scorer.residuals(x, run(x))
        return residual.standardised.mean(dim=1).square().unflatten(1, shape).mean(dim=1)  # type: ignore[no-any-return]

    return in_blocks(heat, rows.slice, len(rows), detecting.block_of(detector.model_, scorer), torch.device("cpu"))


def reasons(detector: Any, data: Data, rows: Any, top: int, *, every: bool = False) -> Reasons:
    """The columns that raise the scores of the flagged rows (or of every row), at most `MOST_ROWS` of them."""
    scored = detecting.score_encoded(detector.model_, detector.scorer_, rows)
    scores = scored[:, 0].astype(np.float64)
    chosen = np.arange(len(scores)) if every else np.flatnonzero(scores > detector.threshold_)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:MOST_ROWS]
    p_values = conformal.p_values(detector.calibration_scores_, scores[chosen])
    far = scored[chosen, -1] > detector.scorer_.far_from
    parts = [_of_row(detector, rows.take(torch.tensor([row])), scores[row], top) for row in chosen.tolist()]
    k = min(top, len(detector.encoder_.kinds))
    columns = np.array([p[0] for p in parts], dtype=np.int64).reshape(-1, k)
    expected = _decoded(detector.encoder_, [p[2] for p in parts], columns)
    share = np.array([p[1] for p in parts]).reshape(-1, k)
    return Reasons(chosen, scores[chosen], p_values, far, columns, share, expected)


def _of_row(detector: Any, x: Tensor, score: float, top: int) -> tuple[NDArray[np.int64], NDArray[np.float64], Tensor]:
    """Columns (k,), their shares (k,), and the reconstruction that was expected for each, (k, n_targets)."""
    model, scorer, encoder = detector.model_, detector.scorer_, detector.encoder_
    run = detecting.runner(model)
    with torch.inference_mode():
        residual = scorer.residuals(x, run(x))
        sizes = _per_column(encoder, residual.standardised.mean(dim=1).square())
        tried = candidates(sizes)[0]
        asked = torch.stack([_without(encoder, x[0], column) for column in tried.tolist()])
        made = run(asked)
        answers = made.reconstruction
        replaced = torch.stack([_with(encoder, x[0], column, answers[i]) for i, column in enumerate(tried.tolist())])
        falls = score - scorer(replaced, run(replaced)).total.double().numpy()
    n_targets = encoder.layout.n_targets
    seen = ~np.isnan(_per_column(encoder, x[:, :n_targets])[0][tried])
    moved = (replaced - x)[:, :n_targets].abs().nan_to_num().amax(dim=1).numpy() > AS_EXPECTED
    falls = np.where(seen & moved, falls, 0.0)
    if falls.clip(0).sum() < LEAST_FALL * score:
        falls = np.where(seen & moved, sizes[0][tried], 0.0)
    found = shares(falls[None])[0]
    order = np.argsort(-found, kind="stable")[:top]
    return encoder_order(encoder)[tried[order]], found[order], made.reconstruction[order.tolist()]


def encoder_order(encoder: ColumnEncoder) -> NDArray[np.int64]:
    """The place in the data of each column in the order of the groups."""
    layout = encoder.layout
    order = np.array(layout.order or range(layout.n_columns))
    return np.argsort(order)


def _positions(encoder: ColumnEncoder, column: int) -> Tensor:
    """Encoded positions of a column, in the order of the groups; the mark of its gap is the last where it has one."""
    return torch.from_numpy(np.flatnonzero(encoder.owners() == column))


def _without(encoder: ColumnEncoder, x: Tensor, column: int) -> Tensor:
    """A row in which one column's cell is missing."""
    n_targets, marks = encoder.layout.n_targets, len(encoder.gaps)
    places, row = _positions(encoder, column), x.clone()
    row[places[places < n_targets]] = torch.nan
    row[places[(places >= n_targets) & (places < len(x) - marks)]] = 0.0
    row[places[places >= len(x) - marks]] = 1.0 if marks else row[places[places >= len(x)]]
    return row


def _with(encoder: ColumnEncoder, x: Tensor, column: int, answer: Tensor) -> Tensor:
    """A row in which one column has what the network answers there; of a flag or a category the likeliest known value."""
    layout, row = encoder.layout, x.clone()
    places = _positions(encoder, column)
    targets = places[places < layout.n_targets]
    value, singles = answer[targets], layout.n_numbers + layout.n_flags
    if column >= singles:
        codec = encoder.categories[column - singles]
        value = torch.from_numpy(codec.encode(codec.decode(value[None].numpy()), codec.levels)[0])
    elif column >= layout.n_numbers:
        share = float(encoder.flags.share[column - layout.n_numbers])
        value = ((value > 0).float() - share) / (share * (1 - share)) ** 0.5
    row[targets] = value
    return row


def _per_column(encoder: ColumnEncoder, values: Tensor) -> NDArray[np.float64]:
    """The largest of each column's positions, (n, n_columns) in the order of the groups."""
    owner = encoder.owners()[: encoder.layout.n_targets]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.maximum.reduceat(values.double().numpy(), starts, axis=1)


def _decoded(encoder: ColumnEncoder, made: list[Tensor], columns: NDArray[np.int64]) -> list[list[Any]]:
    """Expected values in original units, one list for each rank."""
    if not made:
        return [[] for _ in range(columns.shape[1])]
    plain = dataclasses.replace(encoder, origin=Origin("arrow"))
    found = []
    for rank in range(columns.shape[1]):
        rows = plain.decode(torch.stack([m[rank] for m in made]).numpy())
        places = columns[:, rank].tolist()
        found.append([_cell(rows, i, column) for i, column in enumerate(places)])
    return found


def _cell(rows: Any, row: int, column: int) -> Any:
    if isinstance(rows, Table):
        return rows.columns.column(column)[row].as_py()
    return rows.column(column)[row].as_py() if isinstance(rows, pa.Table) else rows[row, column].item()


def _frame(detector: Any, data: Data, found: Reasons) -> Any:
    """A line for each row and column whose share is above 0."""
    encoder = detector.encoder_
    names = encoder.names or tuple(f"x{j}" for j in range(len(encoder.kinds)))
    numeric = all(kind == "number" for kind in encoder.kinds)
    lines: dict[str, list[Any]] = {key: [] for key in COLUMNS}
    for i, row in enumerate(found.rows.tolist()):
        for rank, column in enumerate(found.columns[i].tolist()):
            if found.shares[i, rank] <= 0 and rank > 0:
                continue
            seen, expected = _cell(data, row, _place(data, names, column)), found.expected[rank][i]
            values = (
                row,
                found.scores[i],
                found.p_values[i],
                names[column],
                _shown(seen, numeric),
                _shown(expected, numeric),
            )
            for key, value in zip(COLUMNS, (*values, found.shares[i, rank], bool(found.far[i])), strict=True):
                lines[key].append(value)
    cell = pa.float64() if numeric else pa.string()
    types = (pa.int64(), pa.float64(), pa.float64(), pa.string(), cell, cell, pa.float64(), pa.bool_())
    frame = pa.table([pa.array(lines[key], type_) for key, type_ in zip(COLUMNS, types, strict=True)], list(COLUMNS))
    return Origin(_container(data, encoder)).build(frame)


COLUMNS = ("row", "score", "p_value", "column", "seen", "expected", "share", "far")


def _place(data: Data, names: tuple[str, ...], column: int) -> int:
    return list(data.columns.column_names).index(names[column]) if isinstance(data, Table) else column


def _shown(value: Any, numeric: bool) -> Any:
    if value is None or numeric:
        return None if value is None else float(value)
    return str(value)


def _container(data: Data, encoder: ColumnEncoder) -> Any:
    """The container of the data; for arrays and files pandas, where the caller uses it, else Arrow."""
    container = data.container if isinstance(data, Table) else "array"
    if container in ("pandas", "polars", "arrow"):
        return container
    return "pandas" if "pandas" in sys.modules else "arrow"
