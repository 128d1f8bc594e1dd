"""Pairs of spoiled and clean rows: whether a target is one, and whether the two belong together."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Any

import numpy as np

from isthmus.data.images import Pictures
from isthmus.data.readers import as_data
from isthmus.errors import DataError


def is_clean_target(X: Any, y: Any) -> bool:
    """Whether ``y`` is the clean form of ``X``: it has the same shape, of two axes or more; one axis means labels.

    Raises
    ------
    DataError : any other shape.
    """
    if y is None:
        return False
    if isinstance(y, (str, os.PathLike)):
        return True
    shape = _shape(y)
    if len(shape) == 1:
        return False
    if isinstance(X, (str, os.PathLike)) or _shape(X) == shape:
        return True
    raise DataError(
        f"y has the shape {shape}, X {_shape(X)}; the clean rows must have exactly the shape of the spoiled ones (or y is one "
        "label for each row, and ignored)."
    )


def check_pairs(X: Any, y: Any) -> None:
    """Raise `DataError` where two sets of rows are not pairs: other lengths, names or order."""
    ours: Any = getattr(X, "index", None)
    theirs: Any = getattr(y, "index", None)
    if hasattr(ours, "equals") and hasattr(theirs, "equals") and not ours.equals(theirs):
        raise DataError("the index of the clean rows is not that of the spoiled ones; bring both into one order.")
    spoiled, clean = (as_data(rows) if isinstance(rows, (str, os.PathLike, Pictures)) else rows for rows in (X, y))
    if _shape(spoiled) != _shape(clean):
        raise DataError(
            f"the spoiled rows have the shape {_shape(spoiled)}, the clean ones {_shape(clean)}; they must be pairs."
        )
    names = [[PurePath(file).stem for file in getattr(rows, "files", ())] for rows in (spoiled, clean)]
    for place, (one, other) in enumerate(zip(*names, strict=False), 1):
        if one != other:
            raise DataError(
                f"picture {place} is {one!r} among the spoiled and {other!r} among the clean ones; pairs need the same names."
            )


def _shape(rows: Any) -> tuple[int, ...]:
    found = getattr(rows, "shape", None)
    try:
        return tuple(np.asarray(rows).shape if found is None else found)
    except ValueError as error:
        raise DataError("the rows of y (or of X) have different lengths; pairs are arrays of one shape.") from error
