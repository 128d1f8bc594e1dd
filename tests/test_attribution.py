"""From falls of a score to shares of columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.attribution import MOST_COLUMNS, candidates, shares

FALLS = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.floats(-100, 100, width=32))


@given(FALLS)
def test_shares_are_parts_of_one(falls):
    """Shares lie from 0 to 1 and sum to 1, or to 0 where no column lets the score fall."""
    found = shares(falls)
    assert ((found >= 0) & (found <= 1)).all()
    sums = found.sum(axis=1)
    assert np.allclose(sums, (falls > 0).any(axis=1))


@given(FALLS)
def test_shares_keep_the_order_of_falls(falls):
    """A column that lets the score fall further never has the smaller share."""
    for row, found in zip(falls, shares(falls), strict=True):
        assert (np.diff(found[np.argsort(row)]) >= 0).all()


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_shares_have_no_unit(factor):
    """Falls in another unit give the same shares."""
    falls = np.random.default_rng(0).normal(size=(5, 4))
    assert np.allclose(shares(falls), shares(falls * factor))


def test_candidates_come_by_size():
    """The largest residuals are tried first, missing cells last, equal ones in the order of the columns."""
    found = candidates(np.array([[0.1, 5.0, np.nan, 2.0], [1.0, 1.0, 1.0, 1.0]]))
    assert found.tolist() == [[1, 3, 0, 2], [0, 1, 2, 3]]


def test_wide_rows_are_cut():
    """Of more columns than are tried only those with the largest residuals are."""
    sizes = np.random.default_rng(0).permutation(500)[None].astype(float)
    found = candidates(sizes)
    assert found.shape == (1, MOST_COLUMNS)
    assert set(found[0]) == set(np.argsort(-sizes[0])[:MOST_COLUMNS])
    assert candidates(sizes, 2).shape == (1, 2)
