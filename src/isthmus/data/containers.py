"""Frames of other libraries to Arrow and back.

In: anything with the Arrow PyCapsule interface (a pandas or polars frame, an Arrow table or record batch). Out: an
Arrow table with unique text names, and an `Origin` that turns another Arrow table into the same kind of frame.
Unusual: pandas and polars are used only where the caller has imported them already (``sys.modules``).
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from isthmus.errors import DataError, DataTypeError

MAX_NAME = 1_000  # characters

Container = Literal["pandas", "polars", "arrow", "file", "array"]


@dataclass(frozen=True, eq=False)
class Origin:
    """What is needed to give back a frame like the one that came in; never stored in a model file.

    Attributes
    ----------
    container : what came in.
    index : the pandas index, or None.
    labels : from column name to the caller's own label, which need not be text in pandas.
    dtypes : from column name to the pandas or polars dtype.
    """

    container: Container
    index: Any = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    dtypes: Mapping[str, Any] = field(default_factory=dict)

    def take(self, rows: Any) -> Origin:
        """Give the origin of the frame that holds only these rows."""
        return self if self.index is None else dataclasses.replace(self, index=self.index.take(rows))

    def build(self, columns: Any) -> Any:
        """Turn an Arrow table into the container that came in (an array: its columns, unnamed); an Arrow table stays one."""
        if self.container == "pandas":
            return self._build_pandas(columns)
        if self.container == "polars":
            return self._build_polars(columns)
        if self.container == "array":
            return np.column_stack([column.to_numpy() for column in columns.columns])
        return columns

    def _build_pandas(self, columns: Any) -> Any:
        frame = columns.to_pandas()
        for name in set(columns.column_names) & set(self.dtypes):
            try:
                frame[name] = frame[name].astype(self.dtypes[name])
            except (TypeError, ValueError):  # a dtype without room for a missing cell: pandas' own choice stays
                continue
        frame.columns = [self.labels.get(name, name) for name in columns.column_names]
        if self.index is not None and len(self.index) == len(frame):
            frame.index = self.index
        return frame

    def _build_polars(self, columns: Any) -> Any:
        frame = sys.modules["polars"].from_arrow(columns)
        wanted = {name: self.dtypes[name] for name in columns.column_names if name in self.dtypes}
        return frame.cast(wanted, strict=False)


def is_frame(data: object) -> bool:
    """Whether ``data`` has the Arrow PyCapsule interface of a frame.

    >>> is_frame(pa.table({"a": [1]})), is_frame([[1.0]])
    (True, False)
    """
    return hasattr(data, "__arrow_c_stream__") or isinstance(data, pa.RecordBatch)


def to_arrow(frame: Any, source: str) -> tuple[Any, Origin]:
    """Turn a frame into an Arrow table and what is needed to come back.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch
        Or another with ``__arrow_c_stream__``.
    source : str
        What to call the frame in an error.

    Returns
    -------
    (pyarrow.Table, Origin)

    Raises
    ------
    DataError
        If two columns have the same name.
    DataTypeError
        If a column mixes types, or ``frame`` is one column instead of a frame.
    """
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        return _from_pandas(frame, source)
    if polars is not None and isinstance(frame, polars.DataFrame):
        return pa.table(frame), Origin("polars", dtypes=dict(frame.schema))
    try:
        table = frame if isinstance(frame, pa.Table) else pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise DataTypeError(
            f"{source} is a {type(frame).__name__}, not a frame with named columns; use .to_frame() first."
        ) from error
    check_names(table.column_names, source)
    return table, Origin("arrow")


def check_names(names: Sequence[str], source: str) -> None:
    """Raise `DataError` unless every name is there, none twice, and none longer than a model file holds."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        raise DataError(f"{source} has duplicate column names: {shown}; rename or drop them.")
    if "" in names:
        raise DataError(f"{source} has a column without a name (column {names.index('') + 1}); name it.")
    place = next((place for place, name in enumerate(names, 1) if len(name) > MAX_NAME), None)
    if place is not None:
        raise DataError(
            f"The name of column {place} of {source} has {len(names[place - 1]):,} characters, at most {MAX_NAME:,} are "
            "allowed; shorten it, or say whether the first row is a header (header=, --header or --no-header)."
        )


def check_size(columns: Any, source: str) -> None:
    """Raise `DataError`, in the words that scikit-learn's checks look for, if there are no rows or no columns."""
    if columns.num_columns == 0:
        raise DataError(
            f"{source} has no columns: 0 feature(s) (shape=({columns.num_rows}, 0)) while a minimum of 1 is required."
        )
    if columns.num_rows == 0:
        raise DataError(
            f"{source} has columns but no rows: 0 sample(s) (shape=(0, {columns.num_columns})) "
            "while a minimum of 1 is required."
        )


def _from_pandas(frame: Any, source: str) -> tuple[Any, Origin]:
    labels = [str(label) for label in frame.columns]
    check_names(labels, source)
    columns = [_from_series(frame.iloc[:, place], name) for place, name in enumerate(labels)]
    origin = Origin(
        "pandas",
        frame.index,
        dict(zip(labels, frame.columns, strict=True)),
        dict(zip(labels, frame.dtypes, strict=True)),
    )
    return pa.table(columns, names=labels), origin


def _from_series(series: Any, name: str) -> Any:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        if series.dtype != object:
            raise DataTypeError(
                f"Column {name!r} holds {series.dtype}, which cannot be used; drop the column, or turn it into "
                "numbers, text, dates or booleans first."
            ) from error
    return _from_mixed(series.to_numpy(), name)


def _from_mixed(cells: Any, name: str) -> Any:
    """Read object cells that Arrow does not take together as numbers, or say which cell is the odd one."""
    try:
        return pa.array(cells.astype(np.float64), from_pandas=True)
    except (TypeError, ValueError, OverflowError):
        first = next(type(cell) for cell in cells if cell is not None and cell == cell)
        row = next((r for r, cell in enumerate(cells) if cell is not None and type(cell) is not first), 0)
    raise DataTypeError(
        f"Column {name!r} mixes {first.__name__} and {type(cells[row]).__name__} (row {row + 1}: {cells[row]!r}); "
        f"give it one type, for instance with frame[{name!r}].astype(str), or drop it."
    ) from None
