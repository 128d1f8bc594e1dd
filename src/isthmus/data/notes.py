"""What is worth saying about a table: columns that only count rows, that never change, or that lose digits.

In: an Arrow table and how its columns are read. Out: notes, one sentence each, and the names of row counters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.cells import as_text, to_numbers
from isthmus.data.kinds import Reading

_EXACT = 2**53  # float64 holds every integer up to here
_INDEX_NAME = re.compile(r"(unnamed: ?\d+|index|row|__index_level_\d+__)", re.IGNORECASE)
_SHOWN = 5  # names in a note or an error


def index_columns(columns: Any, asked: Mapping[str, str]) -> list[str]:
    """Name the columns that only count the rows: an index-like name, and the values 0..n-1 or 1..n."""
    found = []
    for name in columns.column_names:
        if name in asked or not _INDEX_NAME.fullmatch(name) or not pa.types.is_integer(columns[name].type):
            continue
        values = to_numbers(columns[name])
        if len(values) > 1 and values[0] in (0, 1) and bool(np.all(np.diff(values) == 1)):
            found.append(name)
    return found


def notes_on_values(columns: Any, readings: Mapping[str, Reading]) -> list[str]:
    """Say which columns are empty, constant, or hold integers that float64 rounds."""
    counts = {name: _distinct(columns[name], reading) for name, reading in readings.items()}
    empty = [name for name, count in counts.items() if count == 0]
    constant = [name for name, count in counts.items() if count == 1]
    large = [name for name in readings if readings[name].kind == "number" and _is_large(columns[name])]
    return [
        *note_on(empty, "has no values", "have no values"),
        *note_on(constant, "is constant", "are constant"),
        *note_on(
            large, "has integers beyond 2**53, which are rounded", "have integers beyond 2**53, which are rounded"
        ),
    ]


def _distinct(column: Any, reading: Reading) -> int:
    """Count distinct cells, a missing one included, as 0 (all missing), 1 or 2 (two and more)."""
    if reading.kind == "category":
        texts = pc.unique(as_text(column))
        return 0 if texts.null_count == len(texts) else min(len(texts), 2)
    values = to_numbers(column if reading.cells is None else reading.cells)
    gaps = np.isnan(values)
    if gaps.all():
        return 0
    return 2 if gaps.any() or bool((values != values[0]).any()) else 1


def _is_large(cells: Any) -> bool:
    if not pa.types.is_integer(cells.type) or cells.type.bit_width < 64:
        return False
    ends = pc.min_max(cells)
    return max(-(ends["min"].as_py() or 0), ends["max"].as_py() or 0) > _EXACT


def note_on(names: Sequence[object], one: str, many: str, noun: str = "Column") -> list[str]:
    """Make one sentence about all of the names; none without names."""
    if not names:
        return []
    return [f"{noun} {names[0]!r} {one}." if len(names) == 1 else f"{noun}s {some(names)} {many}."]


def some(names: Sequence[object]) -> str:
    """List the first names and count the rest."""
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
