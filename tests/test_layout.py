"""Tests of `isthmus.layout`: positions of columns and pixels."""

from __future__ import annotations

import math

import pytest

from isthmus.layout import ColumnLayout, PixelLayout

MIXED = ColumnLayout(n_numbers=2, n_flags=1, levels=(3, 2), n_extras=4, order=(0, 3, 1, 4, 2))


def test_every_target_belongs_to_one_column():
    """Numbers, flags and levels cover the output once, without overlap."""
    taken = list(range(MIXED.n_numbers))
    for where in (MIXED.flag_positions, *MIXED.level_positions):
        taken += range(where.start, where.stop)
    assert taken == list(range(MIXED.n_targets))


def test_extras_are_inputs_only():
    """An encoded row is the targets and the extras behind them."""
    assert MIXED.output_shape == (MIXED.n_targets,)
    assert MIXED.input_shape == (MIXED.n_targets + MIXED.n_extras,)


def test_one_error_per_column():
    """The error map has a column per flag and category, however many positions they take."""
    assert MIXED.n_columns == 5


@pytest.mark.parametrize(("order", "expected"), [((), True), ((0, 1, 2, 3, 4), True), ((1, 0, 2, 3, 4), False)])
def test_in_order(order, expected):
    """Groups stand in the order of the data if nothing is moved."""
    layout = ColumnLayout(n_numbers=2, n_flags=1, levels=(3, 2), order=order)
    assert layout.in_order is expected


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (ColumnLayout(3), True),
        (ColumnLayout(3, n_extras=2), True),
        (ColumnLayout(3, n_flags=1), False),
        (ColumnLayout(0, levels=(2,)), False),
        (PixelLayout((1, 2, 3)), True),
    ],
)
def test_only_numbers(layout, expected):
    """The linear path is exactly PCA where each target is a number or a pixel."""
    assert layout.only_numbers is expected


@pytest.mark.parametrize("shape", [(1, 1, 7), (3, 9, 12), (4, 1, 1)])
def test_pictures_count_every_value(shape):
    """A picture's targets are its values, and what goes in has the shape of what comes out."""
    layout = PixelLayout(shape)
    assert layout.n_targets == math.prod(shape)
    assert layout.input_shape == layout.output_shape == shape
