"""What a corruption must know of a table's columns: which positions are whose, and what is a lot for each number.

In: raw rows of numbers, or what an estimator knows of its encoded rows. Out: a `ColumnSpace`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.layout import ColumnLayout


@dataclass(frozen=True, eq=False)
class ColumnSpace:
    """The columns of encoded rows, as corruptions see them.

    Attributes
    ----------
    layout : which encoded positions belong to which group of columns; numbers come first.
    deviations : (n_numbers,) standard deviation of each number, in the units of the rows.
    low, high : (n_numbers,) range of each number, in the units of the rows.
    owner : (n_inputs,) int64, the column (in the order of the groups) that a position belongs to; -1 for no column.
    """

    layout: ColumnLayout
    deviations: Tensor
    low: Tensor
    high: Tensor
    owner: Tensor

    def of_cells(self, cells: Tensor, fill: bool | int) -> Tensor:
        """What was drawn for each cell (n, n_columns), at each position (n, n_inputs); ``fill`` where no column is."""
        owner = self.owner.to(cells.device)
        return cells[:, owner.clamp_min(0)].masked_fill(owner < 0, fill)


def space_of_rows(rows: NDArray[np.float64], low: float | None = None, high: float | None = None) -> ColumnSpace:
    """The space of raw rows (n, n_columns) of numbers, NaN where a cell is missing.

    ``low`` and ``high`` are the range of all columns; None: each column's own. A column without any number has deviation
    0 and the range 0 to 0.

    >>> space_of_rows(np.array([[1.0, np.nan], [3.0, np.nan]])).deviations.tolist()
    [1.0, 0.0]
    """
    seen = ~np.isnan(rows)
    count = np.maximum(seen.sum(axis=0), 1)
    center = np.where(seen, rows, 0.0).sum(axis=0) / count
    deviations = np.sqrt((np.where(seen, rows - center, 0.0) ** 2).sum(axis=0) / count)
    lowest, highest = (torch.from_numpy(_bound(*ask)) for ask in ((np.fmin, rows, low), (np.fmax, rows, high)))
    columns = rows.shape[1]
    return ColumnSpace(ColumnLayout(columns), torch.from_numpy(deviations), lowest, highest, torch.arange(columns))


def _bound(extreme: np.ufunc, rows: NDArray[np.float64], given: float | None) -> NDArray[np.float64]:
    if given is not None or not len(rows):
        return np.full(rows.shape[1], given or 0.0)
    bound: NDArray[np.float64] = extreme.reduce(rows, axis=0)
    return np.nan_to_num(bound)
