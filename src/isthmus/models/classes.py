"""Labels as classes: which rows have one, which class each is of, and draws of rows that keep the classes' shares.

In: one label per row, from any sequence. Out: whole numbers from 0, and places of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError

Places = NDArray[np.int64]
MOST_FRACTIONS = 20
"""Distinct labels up to which numbers that are not whole count as classes; beyond, they are a scale."""


@dataclass(frozen=True, eq=False)
class Classes:
    """The class of each row that has one.

    Attributes
    ----------
    rows : (n_labelled,) places of the rows that have a label.
    codes : (n_labelled,) number of each of these rows' class, from 0.
    names : text of each class.
    """

    rows: Places
    codes: Places
    names: tuple[str, ...]


def as_classes(labels: Any, n_rows: int) -> Classes:
    """Labels as classes; a missing label (None, NaN) leaves its row out.

    Parameters
    ----------
    labels : sequence of n_rows texts, numbers, flags or dates.
    n_rows : rows that there are.

    Raises
    ------
    DataError : not one label per row, numbers on a scale, fewer than two classes, or a class of a single row.

    Examples
    --------
    >>> as_classes(["cat", "dog", None, "cat", "dog"], 5).codes
    array([0, 1, 0, 1])
    """
    values = one_per_row(labels, n_rows)
    rows = np.array([place for place, value in enumerate(values) if not _missing(value)], dtype=np.int64)
    seen = [values[place] for place in rows]
    _check_scale(seen)
    texts = [_text(value) for value in seen]
    names = tuple(sorted(set(texts)))
    of = {name: code for code, name in enumerate(names)}
    codes = np.array([of[text] for text in texts], dtype=np.int64)
    _check_counts(names, codes)
    return Classes(rows, codes, names)


def split(codes: Places, share: float, draw: np.random.Generator) -> tuple[Places, Places]:
    """Places of the rows that stay, and of about ``share`` of each class that is taken from them, both in order.

    A class of two rows or more has at least one row on either side; a single row stays.

    Parameters
    ----------
    codes : (n,) class of each row.
    share : of each class, in [0, 1].
    draw : where chance comes from.

    Examples
    --------
    >>> stay, taken = split(np.array([0, 0, 0, 0, 1, 1]), 0.25, np.random.default_rng(0))
    >>> len(stay), len(taken)
    (4, 2)
    """
    counts = np.bincount(codes)
    wanted = np.clip(np.rint(share * counts).astype(np.int64), np.minimum(1, counts - 1), counts - 1)
    shuffled = draw.permutation(len(codes))
    grouped = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    # In its group, each row knows how many of its class stand before it.
    taken = np.arange(len(codes)) - starts[codes[grouped]] < wanted[codes[grouped]]
    return np.sort(grouped[~taken]), np.sort(grouped[taken])


def at_most(places: Places, codes: Places, most: int, draw: np.random.Generator) -> Places:
    """About ``most`` of the rows at ``places``, each class in its share."""
    if len(places) <= most:
        return places
    return places[split(codes[places], 1 - most / len(places), draw)[0]]


def one_per_row(labels: Any, n_rows: int) -> list[Any]:
    """``labels`` as a list; a `DataError` unless they are one value for each row."""
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise DataError(f"labels must hold one value per row; got values of different lengths ({error}).") from error
    if array.ndim != 1 or len(array) != n_rows:
        raise DataError(
            f"labels must hold one value for each of the {n_rows:,} rows; got an array of shape {array.shape}."
        )
    return array.tolist()  # type: ignore[no-any-return]  # a list, as the array has one axis


def _missing(value: Any) -> bool:
    # pandas has gaps of its own, which are neither true nor false.
    gap = value is None or type(value).__name__ in ("NAType", "NaTType")
    return gap or (isinstance(value, float) and not math.isfinite(value))


def _text(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _check_scale(seen: list[Any]) -> None:
    fractions = any(isinstance(value, float) and not value.is_integer() for value in seen)
    if fractions and len(set(seen)) > MOST_FRACTIONS:
        raise DataError(
            f"the labels are {len(set(seen)):,} different numbers with decimals, such as {seen[0]:g}, which is a scale and no "
            "set of classes; probe needs classes: cut the numbers into a few ranges first."
        )


def _check_counts(names: tuple[str, ...], codes: Places) -> None:
    if len(names) < 2:
        found = f"all {len(codes):,} have {names[0]!r:.60}" if names else "no row has one"
        raise DataError(f"the labels must name at least two classes to tell apart; {found}.")
    single = np.flatnonzero(np.bincount(codes) < 2)
    if len(single):
        which = f"class {names[single[0]]!r:.60} has"
        which = which if len(single) == 1 else f"{len(single):,} classes, {names[single[0]]!r:.60} among them, have"
        raise DataError(
            f"{which} a single row; a class needs two or more, to learn from and to test with. Give such rows the label None, "
            "or join them into a class; numbers on a scale are cut into ranges first."
        )
