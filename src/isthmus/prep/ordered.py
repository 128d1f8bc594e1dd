"""Whether the columns of rows are samples in order, as those of a signal are.

In: a table, or an array (n_samples, n_columns). Out: yes or no. The order of a table's columns means nothing; that of a
signal's samples means that what stands side by side is alike. Flattened pictures are not signals: their pixels are as much
like those of the row above as like those beside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.table import Table

FEWEST_COLUMNS, FEWEST_ROWS = 32, 20
"""Fewer tell too little."""
MOST_ROWS, MOST_CELLS, MOST_COLUMNS, ASKED_COLUMNS = 1_000, 2**22, 2**14, 256
"""Rows and cells that are looked at, columns beyond which none are, and columns whose likeness to all others is."""
MOST_UNLIKENESS = 0.5
"""Signals: .01 to .35; tables of ADBench: .70 to 1.22; flattened pictures: .11 to .71."""
BESIDE, FEWEST_BESIDE = 2, 0.85
"""Signals: .94 to 1; tables and flattened pictures: 0 to .73."""
NOTE = (
    f"the columns are samples in order: neighbours differ at most {MOST_UNLIKENESS:g} times as much as any two columns, and at "
    f"least {FEWEST_BESIDE:.0%} of the columns are most like one at most {BESIDE} away."
)

Matrix = NDArray[np.float32]


def are_ordered(data: Table | NDArray[Any]) -> bool:
    """Whether the columns of ``data`` are samples in order: at least 32 numbers, with

    1. an `unlikeness` of neighbours of at most a half, and
    2. at least 85 % of the columns most like one at most two places away, see `share_beside`.

    >>> walks = np.random.default_rng(0).normal(size=(100, 50)).cumsum(axis=1)
    >>> are_ordered(walks), are_ordered(walks[:, np.random.default_rng(1).permutation(50)])
    (True, False)
    """
    rows = _numbers(data)
    if rows is None:
        return False
    standard = _standardised(rows)
    width = standard.shape[1]
    return (
        width >= FEWEST_COLUMNS and unlikeness(standard) <= MOST_UNLIKENESS and share_beside(standard) >= FEWEST_BESIDE
    )


def unlikeness(standard: Matrix) -> float:
    """How much neighbouring columns differ, as a share of how much any two do: (1 - r) / (1 - R).

    r is the mean correlation of neighbours, R that of all pairs. Around 1: the order means nothing. For rows in one order in
    time this is the ratio of von Neumann 1941 ("Distribution of the ratio of the mean square successive difference to the
    variance"), over columns that were standardised first.

    Parameters
    ----------
    standard : (n_samples, n_columns), each column with mean 0 and variance 1.
    """
    n, width = standard.shape
    beside = float((standard[:, 1:] * standard[:, :-1]).mean(dtype=np.float64))
    sums = standard.sum(axis=1, dtype=np.float64)
    pairs = (float(sums @ sums) / n - width) / (width * (width - 1))
    return float((1 - beside) / max(1 - pairs, 1e-9))


def share_beside(standard: Matrix) -> float:
    """Share of the columns (of at most 256, evenly spread) whose highest correlation is with one at most 2 places away."""
    width = standard.shape[1]
    asked = np.unique(np.linspace(0, width - 1, min(width, ASKED_COLUMNS)).astype(np.int64))
    alike = standard[:, asked].T @ standard
    alike[np.arange(len(asked)), asked] = -np.inf
    return float(np.mean(np.abs(alike.argmax(axis=1) - asked) <= BESIDE))


def _numbers(data: Table | NDArray[Any]) -> NDArray[Any] | None:
    """At most 1,000 rows, evenly spread, of data that hold numbers only; None for others, and for too few or too many columns."""
    n, width = data.shape
    if n < FEWEST_ROWS or not FEWEST_COLUMNS <= width <= MOST_COLUMNS:
        return None
    if isinstance(data, Table) and set(data.kinds.values()) != {"number"}:
        return None
    index = np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // width))).astype(np.int64))
    return data.take(index).matrix() if isinstance(data, Table) else data[index]


def _standardised(rows: NDArray[Any]) -> Matrix:
    """The columns that are not constant, with mean 0 and variance 1; a gap is its column's mean."""
    values = rows.astype(np.float64)
    missing = np.isnan(values)
    values[missing] = 0.0
    values /= np.maximum(np.abs(values).max(axis=0), 1e-300)  # squares of large numbers would overflow
    values -= values.sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    values[missing] = 0.0
    deviation = np.sqrt((values**2).mean(axis=0))
    live = deviation > 1e-9
    standard: Matrix = (values[:, live] / deviation[live]).astype(np.float32)
    return standard
