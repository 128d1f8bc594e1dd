"""From scores to a threshold. Higher scores are more anomalous."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isthmus.errors import DataError


def mean_and_deviations(scores: ArrayLike, k: float = 1.0) -> float:
    """Mean plus ``k`` standard deviations of ``scores``.

    The rule of many tutorials. It states no rate of false alarms: under a normal distribution and ``k=1`` about one row in
    six lies above it, and scores are not normally distributed.

    Parameters
    ----------
    scores : (n_samples,) of normal rows, best of rows that the model was not trained on.
    k : float, default 1.0

    Raises
    ------
    DataError : no scores, or scores that are not finite.

    Examples
    --------
    >>> mean_and_deviations([1.0, 3.0], k=2.0)
    4.0
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise DataError(f"a threshold needs one finite score for each row; got an array of shape {found.shape}.")
    return float(found.mean() + k * found.std())
