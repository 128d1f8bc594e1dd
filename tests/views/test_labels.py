"""Labels of rows."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.data.readers import as_data
from isthmus.views.labels import MOST_GROUPS, column_labels, group_labels, row_labels, without


def test_few_numbers_are_groups():
    """Up to 20 distinct numbers are groups, in the order of their size."""
    assert group_labels([10, 9, 10, 2], "y").order == ("2", "9", "10")


def test_many_numbers_are_a_scale():
    """More than 20 distinct numbers stay numbers; what is not finite has no place on the scale."""
    found = group_labels([*range(21), None, float("inf")], "y")
    assert found.groups is None
    assert np.isnan(found.numbers[-2:]).all()


def test_many_texts():
    """Of more than 20 distinct texts the most frequent keep their names."""
    found = group_labels(["often", "often", *map(str, range(40))], "y")
    assert len(found.order) == MOST_GROUPS
    assert found.order[-1] == "others"
    assert "often" in found.order


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing(missing):
    """A row without a label stays, in a group of its own."""
    assert group_labels(["a", missing], "y").groups.tolist() == ["a", "no label"]


def test_take():
    """A part of the rows keeps the groups and their order."""
    found = row_labels(["b", "a", "b"], 3).take(np.array([0, 2]))
    assert found.groups.tolist() == ["b", "b"]
    assert found.order == ("a", "b")


def test_column(table):
    """A column of the data gives one label per row, whatever the model knows."""
    data = as_data(table.X)
    found = column_labels(data, "segment")
    assert len(found.groups) == len(data)
    assert set(found.order) == set(table.X["segment"])


def test_without(table):
    """A table without a column keeps the others, in their order."""
    assert without(as_data(table.X), "segment").names == tuple(table.rows.columns)
