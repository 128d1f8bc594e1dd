"""A table of named columns, each with a kind: what every frame and every tabular file becomes.

In: a frame of any library that speaks Arrow, or a file that `isthmus.data.readers` has read. Out: a `Table`, whose
accessors give float64 or category codes per column, and which turns reconstructed columns back into the container
that came. Unusual: columns of free text stay in the table but have no kind, so they are not among its ``names``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from isthmus.data.cells import Codes, Floats, restore_column, taken, to_codes, to_numbers
from isthmus.data.containers import Container, Origin, check_names, check_size, to_arrow
from isthmus.data.dtypes import Kind
from isthmus.data.kinds import Reading, impose_reading, infer_reading
from isthmus.data.notes import index_columns, note_on, notes_on_values, some
from isthmus.errors import DataError, DataTypeError
from isthmus.parameters import check_kinds


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns with a kind each; made by `table_from` and `isthmus.read`.

    Attributes
    ----------
    columns : pyarrow.Table
        All columns as they came, with unique names.
    readings : dict
        From the name of a used column to how it is read, in column order.
    notes : tuple of str
        What was noticed: columns left out, constant columns, integers too large for float64.
    source : str
        What to call the data in a message: ``the frame``, or a file name.
    origin : Origin
        How to get back to the container that came in.

    Examples
    --------
    >>> table = table_from(pa.table({"age": [37, None], "paid": [True, False]}))
    >>> table.kinds
    {'age': 'number', 'paid': 'flag'}
    >>> table.numbers("age")
    array([37., nan])
    """

    columns: Any
    readings: dict[str, Reading]
    notes: tuple[str, ...]
    source: str
    origin: Origin

    def __len__(self) -> int:
        """Count the rows."""
        return int(self.columns.num_rows)

    def __repr__(self) -> str:
        """Name the source, the size and the kinds."""
        kinds = ", ".join(f"{name}: {kind}" for name, kind in self.kinds.items())
        return f"Table({self.source}, {len(self)} rows, {kinds or 'no usable columns'})"

    @property
    def container(self) -> Container:
        """What came in: pandas, polars, arrow or file."""
        return self.origin.container

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in use."""
        return tuple(self.readings)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, and columns in use."""
        return len(self), len(self.readings)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each column in use."""
        return {name: reading.kind for name, reading in self.readings.items()}

    @property
    def dtypes(self) -> dict[str, str]:
        """The type of each column in use as a text that `restore_column` reads, for a model file."""
        return {name: reading.type.text() for name, reading in self.readings.items()}

    def numbers(self, name: str) -> Floats:
        """Give a number, flag or date column as float64.

        Parameters
        ----------
        name : str
            A column in use that is not a category.

        Returns
        -------
        ndarray of shape (n_rows,)
            NaN where a cell is missing; flags as 0 and 1; dates as days since 1970-01-01 (UTC); lengths of time and
            times of day in seconds.

        Raises
        ------
        DataError
            If a cell is infinite.
        DataTypeError
            If the column is a category.
        """
        reading = self._reading(name)
        if reading.kind == "category":
            raise DataTypeError(f"Column {name!r} is a category and has no numbers; its texts are in texts({name!r}).")
        values = to_numbers(self.columns[name] if reading.cells is None else reading.cells)
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0]) + 1
            raise DataError(
                f"Column {name!r} of {self.source} contains infinity in row {row}; "
                "replace it by a number, or leave the cell empty."
            )
        return values

    def matrix(self, names: Iterable[str] | None = None) -> Floats:
        """Give several columns (all in use by default) as float64 of shape (n_rows, n_names); see `numbers`."""
        chosen = self.names if names is None else tuple(names)
        values = np.empty((len(self), len(chosen)))
        for place, name in enumerate(chosen):
            values[:, place] = self.numbers(name)
        return values

    def texts(self, name: str) -> tuple[Codes, tuple[str, ...]]:
        """Give a category column as codes and levels.

        Returns
        -------
        codes : ndarray of int32, shape (n_rows,)
            Place of each cell's text in ``levels``; -1 where the cell is missing.
        levels : tuple of str
            The distinct texts in these rows, sorted.
        """
        self._reading(name)
        return to_codes(self.columns[name])

    def restore(self, name: str, values: Any) -> Any:
        """Turn values in the form of `numbers` or `texts` into an Arrow array of the column's own type.

        Parameters
        ----------
        name : str
            A column in use.
        values : ndarray of shape (n,), or texts
            See `isthmus.data.cells.restore_column`; n need not be the number of rows of this table.

        Returns
        -------
        pyarrow.Array
            Integers rounded, flags true from 0.5 up, categories and dates in the type they came in.

        Examples
        --------
        >>> table = table_from(pa.table({"age": pa.array([37, 40], pa.int8())}))
        >>> table.restore("age", np.array([36.7])).type
        DataType(int8)
        """
        reading = self._reading(name)
        stored = self.columns[name].type
        levels = self.columns[name].unify_dictionaries() if pa.types.is_dictionary(stored) else None
        dictionary = levels.chunk(0).dictionary if levels is not None and levels.num_chunks else None
        return restore_column(values, reading.kind, reading.type, dictionary)

    def to_container(self, columns: Any) -> Any:
        """Turn an Arrow table into what came in.

        Parameters
        ----------
        columns : pyarrow.Table
            For instance reconstructed columns; those with the names of this table get its dtypes.

        Returns
        -------
        pandas.DataFrame, polars.DataFrame, pyarrow.Table or Table
            A pandas frame has the original index where the number of rows is the same; data that came from a file
            give a `Table`.
        """
        if self.container != "file":
            return self.origin.build(columns)
        kinds = {name: kind for name, kind in self.kinds.items() if name in columns.column_names}
        return table_from(columns, kinds, self.source, self.origin)

    def take(self, rows: ArrayLike) -> Table:
        """Give the table of these rows, in this order; ``rows`` are places (n,) or a boolean mask (n_rows,)."""
        places = np.asarray(rows)
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.int64)
        chosen = pa.array(places)
        readings = {
            name: r if r.cells is None else dataclasses.replace(r, cells=r.cells.take(chosen))
            for name, r in self.readings.items()
        }
        columns = pa.table([taken(column, chosen) for column in self.columns.columns], self.columns.column_names)
        return dataclasses.replace(self, columns=columns, readings=readings, origin=self.origin.take(places))

    def select(self, names: Iterable[str]) -> Table:
        """Give the table of these columns in use, in this order."""
        readings = {name: self._reading(name) for name in names}
        return dataclasses.replace(self, columns=self.columns.select(list(readings)), readings=readings)

    def with_notes(self, notes: Iterable[str]) -> Table:
        """Give the same table with these notes."""
        return dataclasses.replace(self, notes=tuple(notes))

    def check_fit(self) -> None:
        """Raise `DataError` if there is no column that a model could be fitted to."""
        if not self.readings:
            raise DataError(
                f"{self.source} holds only free text (columns {some(self.columns.column_names)}), which cannot be "
                'used; to use a text column as categories pass kinds={"name": "category"} (--kinds name=category).'
            )

    def _reading(self, name: str) -> Reading:
        try:
            return self.readings[name]
        except KeyError:
            raise DataError(f"{self.source} has no column {name!r} in use; it has {some(self.names)}.") from None


def table_from(
    frame: Any,
    kinds: Mapping[str, str] | None = None,
    source: str = "the frame",
    origin: Origin | None = None,
) -> Table:
    """Make a `Table` from a frame.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch
        Or anything else with the Arrow PyCapsule interface (``__arrow_c_stream__``). Names become text.
    kinds : mapping, default None
        Kinds to use in place of those found out by the rules of `isthmus.data.kinds.infer_kinds`.
    source : str, default "the frame"
        What to call the data in messages.
    origin : Origin, default None
        Where ``frame`` is an Arrow table that stands for something else: what that was.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If there are no rows or no columns, or two columns have one name.
    DataTypeError
        If a column holds lists, bytes or a mixture of types.
    ParameterError
        If ``kinds`` names a column or a kind that does not exist.
    """
    columns, found = to_arrow(frame, source)
    origin = found if origin is None else origin
    check_names(columns.column_names, source)
    check_size(columns, source)
    asked = check_kinds(kinds, tuple(columns.column_names))
    notes: list[str] = []
    left_out = index_columns(columns, asked) if origin.container == "file" else []
    readings = {}
    for name in columns.column_names:
        if name in left_out:
            continue
        if name in asked:
            readings[name] = impose_reading(name, columns[name], asked[name])  # type: ignore[arg-type]  # checked above
        elif (reading := infer_reading(name, columns[name])) is not None:
            readings[name] = reading
    free = [name for name in columns.column_names if name not in readings and name not in left_out]
    notes += note_on(left_out, "counts the rows and is left out", "count the rows and are left out")
    notes += note_on(free, "is free text and is left out", "are free text and are left out")
    notes += notes_on_values(columns, readings) if columns.num_rows > 1 else []
    return Table(columns, readings, tuple(notes), source, origin)


def with_kinds(table: Table, kinds: Mapping[str, Kind]) -> Table:
    """Read a table the way a fitted model was: its columns, in its order, with its kinds.

    Parameters
    ----------
    table : Table
    kinds : mapping
        The kind of each column at fit, in the order of fit.

    Returns
    -------
    Table
        Its notes name the columns that the model does not use, because fit had none of that name or left it out.

    Raises
    ------
    DataError
        If a column of fit is missing.
    DataTypeError
        If a cell cannot be what its column was at fit; names column, row (the first is 1) and cell.

    Examples
    --------
    >>> table = table_from(pa.table({"b": ["x"], "a": [1], "c": [2]}))
    >>> with_kinds(table, {"a": "number", "b": "category"}).notes
    ("Column 'c' is not one of the model's and is ignored.",)
    """
    present = table.columns.column_names
    missing = [name for name in kinds if name not in present]
    if missing:
        which = f"Column {missing[0]!r} is" if len(missing) == 1 else f"Columns {some(missing)} are"
        raise DataError(f"{which} missing from {table.source}; the model was fitted with columns {', '.join(kinds)}.")
    readings = {}
    for name, kind in kinds.items():
        known = table.readings.get(name)
        readings[name] = known if known and known.kind == kind else impose_reading(name, table.columns[name], kind)
    extra = [name for name in present if name not in kinds]
    notes = note_on(extra, "is not one of the model's and is ignored", "are not among the model's and are ignored")
    columns = table.columns.select(list(kinds))
    return dataclasses.replace(table, columns=columns, readings=readings, notes=tuple(notes))
