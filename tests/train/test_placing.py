"""Tests of `isthmus.train.placing`: which rows are copied to a device, and that they are the same there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.rows import EncodedRows
from isthmus.train import placing
from isthmus.train.job import on
from isthmus.train.placing import PlacedRows, placed

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture(params=[True, False])
def rows(request):
    """Encoded rows, kept or encoded as they are taken."""
    data = np.random.default_rng(0).normal(size=(9_000, 3))
    return EncodedRows(data, ColumnEncoder.fit(data, "column"), keep=request.param)


def test_rows_are_the_same_there(rows):
    """All blocks, in any order."""
    there, index = PlacedRows(rows, CPU), torch.randperm(9_000, generator=torch.Generator().manual_seed(0))
    assert len(there) == 9_000
    assert torch.equal(there.take(index), rows.take(index))


def test_the_processor_needs_no_copy(rows):
    """Rows stay what they are."""
    assert placed(rows, CPU) is rows


@pytest.mark.parametrize(("free", "fits"), [(9_000 * 12 * 2, True), (9_000 * 12 * 2 - 1, False), (0.0, False)])
def test_half_of_what_is_free(rows, monkeypatch, free, fits):
    """Rows are copied where they take at most half of the free memory."""
    monkeypatch.setattr(placing, "free_bytes", lambda device: free)
    there = placed(rows, META)
    assert isinstance(there, PlacedRows if fits else EncodedRows)
    assert not fits or there.take(torch.arange(5)).device == META


def test_what_is_not_known_is_nothing():
    """Of a device that cannot be asked, nothing is taken to be free."""
    assert placing.free_bytes(META) == 0


def test_a_batch_that_is_there_is_not_copied():
    """Nor is anything pinned for another device than a GPU."""
    x = torch.ones(3)
    assert on(CPU, x) is x
    assert on(META, x).device == META
