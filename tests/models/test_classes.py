"""Tests of `isthmus.models.classes`: labels as classes, and draws that keep their shares."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import DataError
from isthmus.models.classes import as_classes, at_most, split

CODES = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(np.array)


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "a", "b"],
        np.array([7, 3, 7, 3]),
        [True, False, True, False],
        [0.5, 1.5, 0.5, 1.5],
        pd.Series(["x", "y"] * 2, dtype="category"),
        [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)] * 2,
    ],
)
def test_labels_of_every_kind(labels):
    """Texts, numbers, flags, categories and dates are classes."""
    found = as_classes(labels, 4)
    assert len(found.names) == 2
    assert found.codes[0] == found.codes[2] != found.codes[1] == found.codes[3]


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT])
def test_rows_without_a_label_are_left_out(gap):
    """A missing label, in any form, leaves its row out and is no class."""
    found = as_classes([1, gap, 2, 1, 2], 5)
    assert found.rows.tolist() == [0, 2, 3, 4]
    assert found.names == ("1", "2")


def test_whole_numbers_may_be_floats():
    """A gap turns whole numbers into floats; their names stay those of whole numbers."""
    assert as_classes([1.0, 2.0, np.nan, 2.0, 1.0], 5).names == ("1", "2")


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (["a", "b"], r"one value for each of the 4 rows; got an array of shape \(2,\)"),
        (np.zeros((4, 1)), r"shape \(4, 1\)"),
        ([[1], [1, 2], [1], [1]], "values of different lengths"),
        (["a"] * 4, "at least two classes to tell apart; all 4 have 'a'"),
        ([None] * 4, "no row has one"),
        (["a", "a", "a", "b"], "class 'b' has a single row"),
        (["a", "b", "c", "d"], "4 classes, 'a' among them, have a single row"),
    ],
)
def test_labels_that_are_no_classes(labels, match):
    """What is wrong with labels is said in one line."""
    with pytest.raises(DataError, match=match):
        as_classes(labels, 4)


def test_a_scale_is_no_set_of_classes():
    """Many different numbers with decimals are refused, with what to do."""
    with pytest.raises(DataError, match=r"40 different numbers with decimals, such as 0\.5, which is a scale"):
        as_classes(np.arange(40) + 0.5, 40)


@given(CODES, st.floats(0, 1), st.integers(0, 9))
def test_a_split_keeps_every_row_once_and_every_class_on_both_sides(codes, share, seed):
    """No row is lost or doubled; a class of two rows or more is on both sides, a single row stays."""
    stay, taken = split(codes, share, np.random.default_rng(seed))
    assert sorted([*stay, *taken]) == list(range(len(codes)))
    for code in np.unique(codes):
        assert (codes[stay] == code).any()
        assert (codes[taken] == code).any() == ((codes == code).sum() > 1)


def test_a_split_keeps_the_shares():
    """Each class loses the same share of its rows."""
    codes = np.repeat([0, 1], [400, 100])
    _, taken = split(codes, 0.25, np.random.default_rng(0))
    assert np.bincount(codes[taken]).tolist() == [100, 25]


def test_at_most():
    """About as many rows as asked for are drawn from the places given, and all where there are fewer."""
    codes, places = np.repeat([0, 1], 500), np.arange(0, 1000, 2)
    drawn = at_most(places, codes, 100, np.random.default_rng(0))
    assert np.bincount(codes[drawn]).tolist() == [50, 50]
    assert set(drawn) < set(places)
    assert at_most(places, codes, 500, np.random.default_rng(0)) is places
