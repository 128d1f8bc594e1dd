"""Tests of `isthmus.prep.rows`: encoded rows by index, kept or encoded as they are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.prep import rows as module
from isthmus.prep.pixels import PixelEncoder
from isthmus.prep.rows import EncodedRows

PICTURES = np.random.default_rng(0).random((40, 3, 4)).astype(np.float32)


@pytest.fixture(params=["kept", "too large to keep", "not to be kept"])
def rows(request, monkeypatch):
    """The same pictures, kept or encoded as they are taken."""
    if request.param == "too large to keep":
        monkeypatch.setattr(module, "KEPT_BYTES", 0)
    return EncodedRows(PICTURES, PixelEncoder.fit(PICTURES, "none"), keep=request.param != "not to be kept")


def test_both_ways_give_the_encoded_rows(rows):
    """Slices and single rows are what the encoder makes of the pictures."""
    expected = torch.from_numpy(PixelEncoder.fit(PICTURES, "none").encode(PICTURES))
    assert len(rows) == len(PICTURES)
    assert torch.equal(rows.slice(5, 12), expected[5:12])
    assert torch.equal(rows.take(torch.tensor([7, 0, 7])), expected[[7, 0, 7]])


def test_a_sample_keeps_the_order(rows):
    """A sample has as many rows as asked for, each once, in order, and the same for the same seed."""
    everything = rows.slice(0, 40).flatten(1)
    sample = rows.sample(9, seed=1).flatten(1)
    places = [int(torch.nonzero((everything == row).all(dim=1))) for row in sample]
    assert places == sorted(set(places))
    assert len(places) == 9
    assert torch.equal(sample, rows.sample(9, seed=1).flatten(1))


def test_a_sample_of_more_is_all(rows):
    """Asking for more rows than there are gives all."""
    assert torch.equal(rows.sample(99, seed=0), rows.slice(0, 40))


def test_gaps_are_found(rows):
    """A single missing pixel is noticed."""
    assert not rows.has_gaps()
    holed = PICTURES.copy()
    holed[39, 2, 3] = np.nan
    assert EncodedRows(holed, PixelEncoder.fit(holed, "none")).has_gaps()
