"""From the fall of a score to shares of columns. NumPy only.

A column's part in an anomaly is how far the score falls when that column alone takes the value that is expected of it. Falls do
not add up to the score (two columns may be odd only together), so they are given as shares of their sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_COLUMNS = 64
"""Columns tried for each row; of wider rows those with the largest residuals."""

Floats = NDArray[np.float64]


def candidates(residuals: Floats, most: int = MOST_COLUMNS) -> NDArray[np.int64]:
    """The columns with the largest residuals of each row, (n_samples, at most ``most``), the largest first.

    Parameters
    ----------
    residuals : (n_samples, n_columns) sizes; NaN for a missing cell, which is tried last.
    """
    order = np.argsort(-np.nan_to_num(residuals, nan=-1.0), axis=1, kind="stable")
    return order[:, :most].astype(np.int64)


def shares(falls: Floats) -> Floats:
    """Falls of the score (n_samples, n_candidates) as shares that sum to 1; all 0 where nothing makes it fall.

    >>> shares(np.array([[3.0, -1.0, 1.0], [-1.0, 0.0, 0.0]])).tolist()
    [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0]]
    """
    falls = np.maximum(falls, 0.0)
    whole = falls.sum(axis=1, keepdims=True)
    found: Floats = np.divide(falls, whole, out=np.zeros_like(falls), where=whole > 0)
    return found
