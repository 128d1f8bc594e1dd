"""Which encoded positions belong to which column (or pixel): what the preparation, the network and the losses agree on.

A table's encoded row starts with its targets, one group after the other: numbers (and dates' trends), flags, categories
(one position per level); inputs that are never reconstructed (cyclic parts of dates, gap marks) follow. NaN in a target
position means that the cell is missing. The network's output has one position per target: a value for a number, a logit
for a flag, a logit per level for a category.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

UNBOUNDED = 1e30
"""Bound of an output without a range, such as a logit: beyond any value, and finite, as all numbers in a model file are."""


@dataclass(frozen=True)
class ColumnLayout:
    """The positions of a table's or a 2-D array's columns.

    Attributes
    ----------
    n_numbers, n_flags : numbers of columns with one position each.
    levels : positions of each category column.
    n_extras : inputs behind the targets.
    order : the error map's column ``j`` (order of the data) is number ``order[j]`` in the order of the groups.
    entropies : error of the best constant guess of each flag and category column, in nats.
    """

    n_numbers: int
    n_flags: int = 0
    levels: tuple[int, ...] = ()
    n_extras: int = 0
    order: tuple[int, ...] = ()
    entropies: tuple[float, ...] = ()

    @property
    def n_columns(self) -> int:
        """Columns of the error map."""
        return self.n_numbers + self.n_flags + len(self.levels)

    @cached_property
    def n_targets(self) -> int:
        """Positions of the network's output."""
        return self.n_numbers + self.n_flags + sum(self.levels)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one encoded row."""
        return (self.n_targets + self.n_extras,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one row of the network's output."""
        return (self.n_targets,)

    @property
    def flag_positions(self) -> slice:
        """Where the flags stand in the output."""
        return slice(self.n_numbers, self.n_numbers + self.n_flags)

    @cached_property
    def level_positions(self) -> tuple[slice, ...]:
        """Where each category's levels stand in the output."""
        ends, start = [], self.n_numbers + self.n_flags
        for width in self.levels:
            ends.append(slice(start, start + width))
            start += width
        return tuple(ends)

    @property
    def only_numbers(self) -> bool:
        """Whether each target is a number, so that the linear path is exactly PCA."""
        return self.n_flags == 0 and not self.levels

    @property
    def in_order(self) -> bool:
        """Whether the groups already stand in the order of the data."""
        return self.order in ((), tuple(range(self.n_columns)))


@dataclass(frozen=True)
class PixelLayout:
    """The positions of a picture's pixels: ``shape`` is (channels, height, width)."""

    shape: tuple[int, int, int]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one encoded picture."""
        return self.shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one picture in the network's output."""
        return self.shape

    @property
    def n_targets(self) -> int:
        """Values in one picture."""
        channels, height, width = self.shape
        return channels * height * width

    @property
    def only_numbers(self) -> bool:
        """Pixels are numbers, so the linear path is exactly PCA."""
        return True


Layout = ColumnLayout | PixelLayout
