"""Colours of points by their label, which people who see few colours can tell apart too.

Groups: ten colours that a search placed as far apart as it could for usual sight and, simulated after Machado and others 2009,
for protanopia, deuteranopia and tritanopia. The two most alike are 16.7 apart (CIEDE2000); of ten colours of Petroff 2021 two are
11.9 apart, of the report's first ten two are 1.8 apart. From the eleventh group on the colours come again with another mark.
Numbers: nine steps of viridis, which gets lighter all the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.views.charts import LIGHT
from isthmus.views.labels import NO_LABEL, OTHERS, Labels
from isthmus.views.words import number

GROUPS = (
    "#0c07ea", "#b6d242", "#94454a", "#e9a6ff", "#f37688", "#1b9804", "#7c70f1", "#551e54", "#23dec0", "#1e3f00",
)  # fmt: skip
SCALE = ("#440154", "#482979", "#3e4c8a", "#2f6b8e", "#24868e", "#1fa287", "#3fbc73", "#7fd34e", "#cae11f")
REST = "#c9ced4"
"""Of points without a label, and of those beyond the most groups."""
MARKS = ("o", "^")
"""Of the first ten groups, and of those after them."""


@dataclass(frozen=True)
class Group:
    """Points drawn alike.

    Attributes
    ----------
    name : as in the legend; empty where there are no labels.
    colour : ``#rrggbb``.
    mark : as Matplotlib names it.
    rows : (n,) which points.
    named : whether its name belongs on the map, as that of a group that somebody made does.
    """

    name: str
    colour: str
    mark: str
    rows: NDArray[np.int64]
    named: bool = False


def groups_of(labels: Labels | None, n_rows: int) -> list[Group]:
    """The groups of ``n_rows`` points, in the order of the legend; labels that are numbers make nine steps.

    >>> from isthmus.views.labels import group_labels
    >>> [(group.name, group.rows.tolist()) for group in groups_of(group_labels(["b", "a", "b"], "kind"), 3)]
    [('a', [1]), ('b', [0, 2])]
    """
    if labels is None:
        return [Group("", LIGHT["ours"], MARKS[0], np.arange(n_rows))]
    if labels.groups is not None:
        places = {name: np.flatnonzero(labels.groups == name) for name in labels.order}
        return [_group(i, name, rows) for i, (name, rows) in enumerate(places.items()) if len(rows)]
    values = labels.numbers if labels.numbers is not None else np.full(n_rows, np.nan)
    return _steps(values)


def _group(place: int, name: str, rows: NDArray[np.int64]) -> Group:
    if name in (NO_LABEL, OTHERS):
        return Group(name, REST, MARKS[0], rows)
    return Group(name, GROUPS[place % len(GROUPS)], MARKS[place // len(GROUPS) % len(MARKS)], rows, named=True)


def _steps(values: NDArray[np.float64]) -> list[Group]:
    """Nine groups of equal width from the smallest to the largest value, and one of rows without."""
    known = np.flatnonzero(~np.isnan(values))
    edges = np.linspace(values[known].min(), values[known].max(), len(SCALE) + 1)
    step = np.searchsorted(edges[1:-1], values[known], side="right")
    found = [
        Group(f"{number(edges[i], 3)} – {number(edges[i + 1], 3)}", colour, MARKS[0], known[step == i])
        for i, colour in enumerate(SCALE)
    ]
    missing = np.flatnonzero(np.isnan(values))
    return [*found, Group(NO_LABEL, REST, MARKS[0], missing)] if len(missing) else found
