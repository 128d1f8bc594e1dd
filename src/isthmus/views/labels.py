"""Labels: one value per row, by which the latent map is coloured.

In: a sequence of as many values as there are rows, or the name of a column of the data. Out: `Labels`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.table import Table
from isthmus.errors import DataError
from isthmus.models.classes import one_per_row
from isthmus.views.words import cell

MOST_GROUPS = 20
"""Distinct labels up to which each gets a colour of its own."""
NO_LABEL = "no label"
OTHERS = "others"


@dataclass(frozen=True, eq=False)
class Labels:
    """One label per row, as groups or as numbers.

    Attributes
    ----------
    name : the column that they come from, or what else to call them.
    groups : (n_samples,) text of each row's group; None where the labels are numbers on a scale.
    order : the groups in the order of the legend.
    numbers : (n_samples,) float64, NaN where there is no label; None where the labels are groups.
    """

    name: str
    groups: NDArray[Any] | None
    order: tuple[str, ...]
    numbers: NDArray[np.float64] | None

    def take(self, index: NDArray[np.int64]) -> Labels:
        """The labels of these rows, in the same groups and order."""
        groups, numbers = (None if part is None else part[index] for part in (self.groups, self.numbers))
        return dataclasses.replace(self, groups=groups, numbers=numbers)


def column_labels(data: Any, name: str) -> Labels:
    """The labels in a column of the data.

    Parameters
    ----------
    data : Table, pictures or array, as read.
    name : the column.

    Raises
    ------
    DataError : there is no such column.
    """
    if not isinstance(data, Table):
        raise DataError(f"labels={name!r} names a column, but these data have no column names; give one value per row.")
    names = data.columns.column_names
    if name not in names:
        raise DataError(f"labels={name!r}: the data have no such column; they have {', '.join(names[:20])}.")
    return group_labels(data.columns[name].to_pylist(), name)


def without(table: Table, name: str) -> Table:
    """The table without a column."""
    readings = {used: reading for used, reading in table.readings.items() if used != name}
    return dataclasses.replace(table, columns=table.columns.drop_columns([name]), readings=readings)


def row_labels(labels: Any, n_rows: int) -> Labels:
    """One label per row, from any sequence.

    Raises
    ------
    DataError : not one value per row.
    """
    return group_labels(one_per_row(labels, n_rows), "the labels given")


def group_labels(values: list[Any], name: str) -> Labels:
    """Labels as groups up to 20 distinct values; beyond, numbers stay numbers and the 19 most frequent texts stay groups.

    >>> group_labels([3, 1, 3, None], "digit").order
    ('1', '3', 'no label')
    """
    seen = [v for v in values if not _missing(v)]
    numeric = all(isinstance(v, (int, float)) for v in seen) and bool(seen)
    if numeric and len(set(seen)) > MOST_GROUPS:
        return Labels(name, None, (), np.array([math.nan if _missing(v) else float(v) for v in values]))
    texts = np.array([NO_LABEL if _missing(v) else cell(v) for v in values], dtype=object)
    order = list(dict.fromkeys(cell(v) for v in sorted(seen, key=(float if numeric else str))))
    if len(order) > MOST_GROUPS:
        tally = dict.fromkeys(order, 0)
        for value in seen:
            tally[cell(value)] += 1
        kept = set(sorted(order, key=lambda text: -tally[text])[: MOST_GROUPS - 1])
        texts = np.array([t if t in kept or t == NO_LABEL else OTHERS for t in texts], dtype=object)
        order = [t for t in order if t in kept] + [OTHERS]
    return Labels(name, texts, (*order, *([NO_LABEL] if len(seen) < len(values) else [])), None)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
