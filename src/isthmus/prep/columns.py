"""Tables and 2-D arrays: the codecs of all columns together, and the layout they make.

In: a `Table`, or a 2-D array (its columns are numbers). Out: float32 rows in network units, (n_samples, n_inputs), and back:
reconstructed rows in raw units, of the kind of container that came in. Columns that had gaps at fit get an extra input each
that marks the gap.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.data.cells import restore_column
from isthmus.data.containers import Origin
from isthmus.data.dtypes import Kind
from isthmus.data.table import Table, table_from, with_kinds
from isthmus.errors import DataError
from isthmus.layout import UNBOUNDED, ColumnLayout
from isthmus.prep.codecs import CategoryCodec, DateCodec, FlagCodec, Floats, NumberCodec, room_of

ARROW = Origin("arrow")
ONE_UNIT_SHARE = 0.25
"""A column spans the common range when its own range is at least this share of it."""


def choose_scaling(data: Table | NDArray[Any]) -> str:
    """``"common"`` when the columns of an array share one unit, else ``"column"``.

    They do when the array holds 8-bit integers, or when more than half of its non-constant columns span a quarter of the
    range of all values. A frame's columns never do: they have names because they are different things.

    >>> choose_scaling(np.array([[0.0, 1.0], [1.0, 0.2]])), choose_scaling(np.array([[0.0, 1.0], [1.0, 5000.0]]))
    ('common', 'column')
    """
    if isinstance(data, Table):
        return "column"
    if data.dtype == np.uint8:
        return "common"
    with np.errstate(over="ignore"):  # an infinite range is one that spans them all
        low, high = np.fmin.reduce(data, axis=0), np.fmax.reduce(data, axis=0).astype(np.float64)
        ranges = high - low
    whole = float(np.nanmax(high)) - float(np.nanmin(low)) if not np.isnan(ranges).all() else 0.0
    ranges = ranges[ranges > 0]
    return "common" if len(ranges) and np.mean(ranges >= ONE_UNIT_SHARE * whole) > 0.5 else "column"


@dataclass(frozen=True)
class ColumnEncoder:
    """Encoder and decoder of rows; see `fit`.

    Attributes
    ----------
    names : column names, in the order of the data; empty for an array.
    kinds : kind of each column.
    types : original type of each column, as text; for an array, one entry: its dtype.
    scaling : how numbers were scaled: common, column, range or none.
    gaps : positions of the columns that had missing cells at fit.
    numbers, flags, categories, dates : the codecs; ``numbers`` holds number columns, then the trends of dates.
    origin : how to build the container that was given to fit.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    types: tuple[str, ...]
    scaling: str
    gaps: tuple[int, ...]
    numbers: NumberCodec
    flags: FlagCodec
    categories: tuple[CategoryCodec, ...]
    dates: tuple[DateCodec, ...]
    origin: Origin = ARROW

    @classmethod
    def fit(cls, data: Table | NDArray[Any], scaling: str) -> Self:
        """Learn the codecs of all columns from the rows given to fit.

        Parameters
        ----------
        data : Table, or array (n_samples, n_columns) of numbers; NaN is a missing cell.
        scaling : common, column, range or none, see `codecs`.
        """
        if not isinstance(data, Table):
            return cls._fit_array(data, scaling)
        kinds = tuple(data.kinds[name] for name in data.names)
        columns = _Columns(data, kinds)
        categories = tuple(CategoryCodec.fit(codes, levels) for codes, levels in columns.texts)
        gaps = tuple(j for j, missing in enumerate(columns.missing()) if missing.any())
        return cls(
            data.names, kinds, tuple(data.dtypes.values()), scaling, gaps,
            NumberCodec.fit(columns.numbers, scaling), FlagCodec.fit(columns.flags), categories,
            tuple(DateCodec.fit(days) for days in columns.dates()), dataclasses.replace(data.origin, index=None),
        )  # fmt: skip

    @classmethod
    def _fit_array(cls, data: NDArray[Any], scaling: str) -> Self:
        gaps = np.flatnonzero(np.isnan(data.min(axis=0))) if data.dtype.kind == "f" else ()  # a NaN is the least of all
        kinds = ("number",) * data.shape[1]
        no_flags = FlagCodec(np.empty(0))
        return cls(
            (),
            kinds,
            (str(data.dtype),),
            scaling,
            tuple(map(int, gaps)),
            NumberCodec.fit(data, scaling),
            no_flags,
            (),
            (),
        )

    @property
    def layout(self) -> ColumnLayout:
        """Which encoded positions belong to which column."""
        grouped = self._grouped()
        order = tuple(int(i) for i in np.argsort(grouped))
        extras = 2 * sum(len(d.cycles) for d in self.dates) + len(self.gaps)
        return ColumnLayout(
            n_numbers=len(self.numbers.center),
            n_flags=len(self.flags.share),
            levels=tuple(len(c.share) for c in self.categories),
            n_extras=extras,
            order=order,
            entropies=self.flags.entropies() + tuple(c.entropy() for c in self.categories),
        )

    def _grouped(self) -> list[int]:
        """Columns (positions in the data) in the order of the groups: numbers, dates, flags, categories."""
        return [j for kind in ("number", "date", "flag", "category") for j, k in enumerate(self.kinds) if k == kind]

    def owners(self) -> NDArray[np.int64]:
        """The column, in the order of the groups, that each encoded position belongs to, (n_inputs,)."""
        layout, grouped = self.layout, self._grouped()
        singles = layout.n_numbers + layout.n_flags
        parts = [np.arange(singles), *(np.full(n, singles + i) for i, n in enumerate(layout.levels))]
        first = layout.n_numbers - len(self.dates)
        parts += [np.full(2 * len(codec.cycles), first + i) for i, codec in enumerate(self.dates)]
        return np.concatenate([*parts, [grouped.index(j) for j in self.gaps]]).astype(np.int64)

    def encode(self, data: Table | NDArray[Any]) -> NDArray[np.float32]:
        """Rows in network units, (n_samples, n_inputs); a missing target is NaN."""
        if not isinstance(data, Table):
            encoded = self.numbers.encode(data)
            return _beside(encoded, np.isnan(encoded[:, list(self.gaps)])) if self.gaps else encoded
        columns = _Columns(data, self.kinds)
        parts = [self.numbers.encode(columns.numbers), self.flags.encode(columns.flags)]
        parts += [codec.encode(*texts) for codec, texts in zip(self.categories, columns.texts, strict=True)]
        parts += [codec.encode(days) for codec, days in zip(self.dates, columns.dates(), strict=True)]
        missing = columns.missing()
        return _beside(*parts, *(missing[j][:, None] for j in self.gaps))

    def decode(self, reconstruction: NDArray[np.float32], like: Table | NDArray[Any] | None = None) -> Any:
        """The network's output (n_samples, n_targets) as what went in, in raw units.

        Parameters
        ----------
        like : the data that were reconstructed, whose container, index and types are given back; None: those of fit.
        """
        layout = self.layout
        numbers = self.numbers.decode(reconstruction[:, : layout.n_numbers])
        names = like.names if isinstance(like, Table) else self.names
        if not names:
            return _to_dtype(numbers, self.types[0] if like is None else str(like.dtype))  # type: ignore[union-attr]  # not a Table
        flags = self.flags.decode(reconstruction[:, layout.flag_positions])
        values: list[Any] = [*numbers.T, *flags.T]
        for codec, where in zip(self.categories, layout.level_positions, strict=True):
            values.append((codec.decode(reconstruction[:, where]), codec.levels))
        arrays = [self._restored(j, values[i], like) for j, i in enumerate(layout.order)]
        frame = pa.table(arrays, names=list(names))
        return like.to_container(frame) if isinstance(like, Table) else self.origin.build(frame)

    def _restored(self, column: int, values: Any, like: Any) -> Any:
        if isinstance(like, Table):
            return like.restore(like.names[column], values)
        return restore_column(values, self.kinds[column], self.types[column])

    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest value of each target in training, network units; `UNBOUNDED` for logits."""
        layout, codec = self.layout, self.numbers
        low, high = np.full(layout.n_targets, -UNBOUNDED, np.float32), np.full(layout.n_targets, UNBOUNDED, np.float32)
        for bound, raw in ((low, codec.low), (high, codec.high)):
            bound[: layout.n_numbers] = codec.encode(raw[None])[0]
        return low, high

    def adopt(self, data: Table | NDArray[Any]) -> tuple[Table | NDArray[Any], tuple[str, ...]]:
        """New data in the columns and kinds of fit, and notes on what was left out."""
        if len(data.shape) != 2:
            raise DataError(
                f"pictures of shape {data.shape[1:]} do not fit the model, which was fitted with rows of "
                f"{len(self.kinds)} columns."
            )
        names = self.names or (data.names if isinstance(data, Table) else ())
        if data.shape[1] != len(self.kinds) and not self.names:
            raise DataError(f"the data have {data.shape[1]} columns; the model was fitted with {len(self.kinds)}.")
        if not names:
            return data, ()
        if not isinstance(data, Table):
            columns = [pa.array(column, from_pandas=True) for column in data.T]
            data = table_from(pa.table(columns, names=list(names)), source="the array", origin=Origin("array"))
        table = with_kinds(data, dict(zip(names, self.kinds, strict=True)))
        return table, table.notes


class _Columns:
    """A table's cells, grouped by kind."""

    def __init__(self, table: Table, kinds: tuple[str, ...]) -> None:
        of = {kind: [n for n, k in zip(table.names, kinds, strict=True) if k == kind] for kind in set(kinds)}
        self._names, self._kinds = table.names, kinds
        self.numbers = table.matrix((*of.get("number", ()), *of.get("date", ())))
        self._n_dates = len(of.get("date", ()))
        self.flags = table.matrix(tuple(of.get("flag", ())))
        self.texts = [table.texts(name) for name in of.get("category", ())]

    def dates(self) -> list[Floats]:
        """Days since 1970 of each date column."""
        first = self.numbers.shape[1] - self._n_dates
        return [self.numbers[:, first + i] for i in range(self._n_dates)]

    def missing(self) -> list[NDArray[np.bool_]]:
        """Where each column's cell is missing, in the order of the data."""
        found: dict[str, list[NDArray[np.bool_]]] = {
            "number": [np.isnan(c) for c in self.numbers.T],
            "flag": [np.isnan(c) for c in self.flags.T],
            "category": [codes < 0 for codes, _ in self.texts],
        }
        found["date"] = found["number"][len(found["number"]) - self._n_dates :]
        turn = {kind: iter(columns) for kind, columns in found.items()}
        return [next(turn[kind]) for kind in self._kinds]


def _beside(*parts: NDArray[Any]) -> NDArray[np.float32]:
    """``parts`` side by side in one contiguous float32 array."""
    out = np.empty((len(parts[0]), sum(p.shape[1] for p in parts)), dtype=np.float32)
    start = 0
    for part in parts:
        out[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return out


def _to_dtype(values: Floats, dtype: str) -> NDArray[Any]:
    """``values`` in the dtype that went in: integers rounded, booleans split at one half."""
    wanted = np.dtype(dtype)
    if wanted.kind in "iu":
        return np.clip(np.rint(values), *room_of(wanted)).astype(wanted)
    return values > 0.5 if wanted.kind == "b" else values.astype(wanted if wanted.kind == "f" else np.float64)
