"""Tests of `isthmus.nets.up_conv`: what enlarging and convolving give, and where it takes their place."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.nets.layers import Layers, build_pair
from isthmus.nets.same import SameConv2d
from isthmus.nets.up_conv import UpConv2d

CASES = [(size, scale) for size in (2, 3, 4, 5, 7) for scale in (2, 3, 5)]
LAYERS = Layers(("conv 2 3",), ("reshape 2 5 4", "up 2", "conv 3 3 relu", "up 2", "max-pool 2", "conv 1 3", "up 2"))


def pair(size, scale):
    """The layer, and the two that it stands for, with the same random weights in double precision."""
    layer, plain = UpConv2d(3, 2, size, scale).double(), SameConv2d(3, 2, size).double()
    generator = torch.Generator().manual_seed(size)
    with torch.no_grad():
        for one, other in zip(layer.parameters(), plain.parameters(), strict=True):
            other.copy_(one.normal_(generator=generator))
    return layer, nn.Sequential(nn.Upsample(scale_factor=scale, mode="nearest"), plain)


@pytest.mark.parametrize(("size", "scale"), CASES)
@pytest.mark.parametrize("sides", [(1, 1), (4, 7)])
def test_it_gives_what_the_two_give(size, scale, sides):
    """Pictures, and the gradients of pictures, weights and biases, also where the window is larger than the picture."""
    layer, plain = pair(size, scale)
    x = torch.randn(5, 3, *sides, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    made, wanted = layer(x), plain(x)
    torch.testing.assert_close(made, wanted)
    pull = torch.randn(made.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = torch.autograd.grad((made * pull).sum(), [x, *layer.parameters()])
    torch.testing.assert_close(found, torch.autograd.grad((wanted * pull).sum(), [x, *plain.parameters()]))


def test_pictures_come_out_channels_last():
    """As the next convolution wants them."""
    layer = UpConv2d(3, 2, 3, 2)
    x = torch.zeros(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    assert layer(x).is_contiguous(memory_format=torch.channels_last)


def test_an_up_before_a_convolution_is_left_to_it():
    """One behind which another layer stands, or none, is not; layers keep their places, and so their names in files."""
    _, decoder = build_pair(LAYERS, (1, 5, 4), (1, 20, 16))
    kinds = [type(module) for module in decoder if type(module) is not nn.Unflatten]
    assert kinds == [nn.Identity, UpConv2d, nn.ReLU, nn.Upsample, nn.MaxPool2d, SameConv2d, nn.Upsample]
    single = Layers(("conv 2 1",), ("reshape 2 5 4", "up 2", "conv 1 1"))
    assert [type(m) for m in build_pair(single, (1, 5, 4), (1, 10, 8))[1]][1:] == [nn.Upsample, SameConv2d]
    strided = Layers(("conv 2 1",), ("reshape 2 5 4", "up 2", "conv 1 3 stride 2"))
    assert [type(m) for m in build_pair(strided, (1, 5, 4), (1, 5, 4))[1]][1:] == [nn.Upsample, SameConv2d]
