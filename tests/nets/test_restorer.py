"""Tests of `isthmus.nets.restorer`: a picture plus a correction."""

from __future__ import annotations

import pytest
import torch

from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.build import multiply_adds, outline_unet, start
from isthmus.nets.restorer import Restorer


@pytest.fixture(params=[True, False], ids=["halved", "whole"])
def started(request):
    """A function that gives a network as training finds it; its finest level has half the size of a picture, or the whole."""

    def made(channels=2, widths=(4, 6), seed=0):
        network = outline_unet(PixelLayout((channels, 12, 10)), widths, halved=request.param)
        return start(network, torch.Generator().manual_seed(seed)).eval()

    return made


def moved(network, seed=1):
    """The same with a last layer that is not zero, as after training."""
    with torch.no_grad():
        network.encoder.last.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(seed))
    return network


@pytest.mark.parametrize("size", [(12, 10), (7, 31), (1, 1), (2, 3)])
def test_it_starts_at_the_identity(size, started):
    """Before training a picture of any size comes back to the bit."""
    x = torch.randn(3, 2, *size, generator=torch.Generator().manual_seed(2))
    assert torch.equal(started()(x).reconstruction, x)


@pytest.mark.parametrize("size", [(12, 10), (7, 31), (1, 1)])
def test_any_size(size, started):
    """A trained network takes any height and width."""
    x = torch.randn(3, 2, *size, generator=torch.Generator().manual_seed(2))
    y = moved(started())(x).reconstruction
    assert y.shape == x.shape
    assert not torch.equal(y, x)


def test_the_same_generator_gives_the_same_weights(started):
    """First weights are a function of the generator alone."""
    first, again, other = (started(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["encoder.first.weight"], other["encoder.first.weight"])


def test_missing_pixels_stand_at_the_average(started):
    """A missing pixel is seen as 0, the mean in network units, and comes back as a number."""
    x = torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(2))
    gaps = x.clone()
    gaps[:, :, 3, 3], x[:, :, 3, 3] = torch.nan, 0.0
    network = moved(started())
    assert torch.equal(network(gaps).reconstruction, network(x).reconstruction)


def test_bounds_are_those_of_each_channel(started):
    """The result is clamped to the range of its channel, in pictures of any size; gradients pass all the same."""
    network = moved(started())
    network.bounds.low.copy_(torch.tensor([-0.5, 0.0]).reshape(2, 1, 1))
    network.bounds.high.copy_(torch.tensor([0.5, 0.1]).reshape(2, 1, 1))
    y = network(3 * torch.randn(2, 2, 9, 5, generator=torch.Generator().manual_seed(2))).reconstruction
    assert y[:, 0].detach().aminmax() == pytest.approx((-0.5, 0.5))
    assert y[:, 1].detach().aminmax() == pytest.approx((0.0, 0.1))
    y.sum().backward()
    assert network.encoder.last.weight.grad.abs().sum() > 0


def test_there_is_no_latent():
    """The latent of its output is empty, and encoding or decoding is a mistake of ours."""
    network = Restorer(1, (4,))
    output = network(torch.zeros(5, 1, 4, 4))
    assert output.latent.shape == (5, 0)
    assert network.latent_scale.shape == (0,)
    for method in (network.encode, network.decode):
        with pytest.raises(TypeError, match="has no latent"):
            method(torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("halved", [True, False])
def test_the_outline_takes_no_memory(halved):
    """Names and shapes are known before there is any weight, and do not depend on the pictures' size."""
    outlines = [outline_unet(PixelLayout((3, *size)), (8, 16), halved=halved) for size in ((16, 16), (40, 50))]
    assert all(value.is_meta for value in outlines[0].state_dict().values())
    shapes = [{name: value.shape for name, value in outline.state_dict().items()} for outline in outlines]
    assert shapes[0] == shapes[1]


def test_work_grows_with_the_pixels(started):
    """Multiply-adds are counted through it, in proportion to the pixels."""
    network = started(1)
    small, large = (multiply_adds(network, (1, *size)) for size in ((8, 8), (16, 24)))
    assert 0 < large == 6 * small


def test_rows_have_none():
    """Rows of columns have no U-shaped network; the plan says so to users before."""
    with pytest.raises(ValueError, match="is for pictures"):
        outline_unet(ColumnLayout(5), (4,), halved=True)
