"""Tests of `isthmus.nets.conv1d`: corrections of rows of samples, the same at every place and near what they correct."""

from __future__ import annotations

import pytest
import torch

from isthmus.layout import ColumnLayout
from isthmus.nets.build import multiply_adds
from isthmus.nets.conv1d import CHANNELS, FEATURES, SIZE, STEP, SampleRefiner

REACH = (2 * (SIZE // 2) + 1) * STEP
"""Samples beyond which nothing changes: two convolutions, and the samples of the place itself."""


@pytest.fixture
def refine():
    """A function that corrects rows (n, samples) without curves from the latent."""

    def corrected(y):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            refiner = SampleRefiner(y.shape[1], 2).eval()
        with torch.no_grad():
            refiner.features.bias.zero_()
            return refiner(y, torch.zeros(len(y), 2)) - refiner(torch.zeros_like(y), torch.zeros(len(y), 2))

    return corrected


def rows(n, samples, seed=0):
    """Random rows of samples."""
    return torch.randn(n, samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("samples", [1, 2, 3, 5, 32, 33, 34, 35, 140])
def test_any_length(samples, refine):
    """Every length is taken and given back, with a correction of every sample."""
    y = rows(3, samples)
    corrections = refine(y)
    assert corrections.shape == y.shape
    assert corrections.any(dim=0).all()


def test_the_same_bend_has_the_same_correction_elsewhere(refine):
    """Rows that are moved along by whole places have their corrections moved along with them."""
    y = torch.zeros(4, 120)
    y[:, 40:60] = rows(4, 20)
    moved = torch.roll(y, 3 * STEP, dims=1)
    assert torch.allclose(refine(moved), torch.roll(refine(y), 3 * STEP, dims=1), atol=1e-6)


def test_corrections_are_local(refine):
    """A sample has no effect on corrections farther away than the two convolutions reach."""
    y = rows(2, 150)
    changed = y.clone()
    changed[:, 75] += 1
    touched = (refine(changed) - refine(y)).abs().amax(dim=0).nonzero().flatten()
    assert len(touched) > 0
    assert (touched - 75).abs().max() <= REACH


def test_the_latent_draws_curves():
    """What the latent says changes the correction of the same row."""
    refiner, y = SampleRefiner(40, 2), rows(1, 40)
    with torch.no_grad():
        assert not torch.equal(refiner(y, torch.zeros(1, 2)), refiner(y, torch.ones(1, 2)))


@pytest.mark.parametrize("samples", [33, 96, 140, 187])
def test_a_row_does_not_depend_on_its_place(samples, make):
    """The same row at every place of a block, and among others, gives the same bytes."""
    network = make("conv1d", ColumnLayout(samples), anchored=False).eval()
    x = rows(1, samples)
    others = rows(64, samples, seed=1)
    others[17] = x[0]
    with torch.no_grad():
        same = network(x.expand(64, -1).contiguous()).reconstruction
        among = network(others).reconstruction
    assert torch.equal(same, same[:1].expand(64, -1))
    assert torch.equal(among[17], same[0])


def test_convolutions_are_counted(make):
    """Each weight of the convolutions is used once at each place."""
    layout = ColumnLayout(40)
    places = -(-40 // STEP)
    convolutions = SIZE * CHANNELS * (2 * STEP + FEATURES) * places + 2 * FEATURES * places
    difference = multiply_adds(make("conv1d", layout), (40,)) - multiply_adds(make("dense", layout), (40,))
    assert difference == convolutions
