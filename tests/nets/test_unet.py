"""Tests of `isthmus.nets.unet`: corrections of pictures of any size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from isthmus.nets.blocks import in_blocks
from isthmus.nets.unet import UNet, from_squares, to_squares

SHAPES = [(1, 1, 1), (1, 1, 7), (3, 9, 12), (1, 28, 28), (2, 17, 30), (4, 33, 64)]


def started(channels, widths=(8, 12, 12), blocks=1):
    """A network whose every layer does something."""
    with torch.device("meta"):
        network = UNet(channels, widths, blocks)
    network = network.to_empty(device="cpu").to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for layer in (m for m in network.modules() if isinstance(m, nn.Conv2d)):
            layer.weight.normal_(0, 1 / math.sqrt(layer.weight[0].numel()), generator=generator)
            layer.bias.normal_(0, 0.1, generator=generator)
    return network.eval().requires_grad_(requires_grad=False)


def silent(channels):
    """A network whose last layer is still zero, as all start."""
    network = started(channels)
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return network


def pictures(*shape):
    """Random pictures between 0 and 1."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("widths", [(8,), (8, 12), (8, 12, 12, 16)])
def test_a_correction_has_the_shape_of_its_picture(shape, widths):
    """Any height, width and number of channels goes in and comes out, however many levels there are."""
    y = started(shape[0], widths)(pictures(2, *shape))
    assert y.shape == (2, *shape)
    assert y.isfinite().all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_gets_the_same_bytes_in_any_batch(shape):
    """In blocks of one size, a picture's correction depends on nothing but the picture."""
    network, x = started(shape[0]), pictures(37, *shape)

    def run(rows):
        return in_blocks(network, lambda i, j: rows[i:j], len(rows), 16, torch.device("cpu"))

    whole = run(x)
    assert np.array_equal(run(x.flip(0)), whole[::-1])
    for i in (0, 15, 16, 36):
        assert np.array_equal(run(x[i : i + 1]), whole[i : i + 1])


def test_training_mixes_no_rows():
    """Also in training a row's correction has no gradient from another row: there are no batch statistics."""
    x = pictures(3, 1, 12, 12).requires_grad_()
    started(1).train()(x)[0].sum().backward()
    assert x.grad[0].any()
    assert not x.grad[1:].any()


def test_nothing_but_parameters_is_kept():
    """There are no running statistics or other buffers that a file would have to hold."""
    assert not list(started(1).buffers())


def test_the_last_layer_is_the_output():
    """With the last convolution at zero nothing is corrected, so training starts at the identity."""
    assert not silent(1)(pictures(2, 1, 20, 20)).any()


def test_the_bottom_sees_the_whole_picture():
    """With enough levels, each pixel bears on each: a hole can be filled from any part of the picture."""
    network, x = started(1, (8, 8, 8, 8)), pictures(1, 1, 64, 64).requires_grad_()
    network(x)[0, 0, 32, 32].backward()
    assert x.grad[0, 0, ::8, ::8].ne(0).all()


def test_shifted_pictures_get_shifted_corrections():
    """Away from the edges the network does the same at every place, by steps of its coarsest level."""
    network, x = started(1, (8, 8)), pictures(1, 1, 64, 68)
    left, right = network(x[..., :64]), network(x[..., 4:])
    assert torch.allclose(left[..., 24:44, 28:44], right[..., 24:44, 24:40], atol=1e-5)


def test_squares_are_pixels_in_another_order():
    """Squares turn back into the picture, and hold what torch's own unshuffling holds."""
    x = pictures(2, 3, 6, 10)
    assert torch.equal(from_squares(to_squares(x)), x)
    for channels in (1, 3):
        ours, theirs = to_squares(x[:, :channels]), functional.pixel_unshuffle(x[:, :channels], 2)
        assert torch.equal(ours.sort(dim=1).values, theirs.sort(dim=1).values)
    assert to_squares(x).is_contiguous(memory_format=torch.channels_last)


def test_more_blocks_and_levels_are_more_weights():
    """Both dials, and the width, make the network larger."""

    def size(*arguments):
        return sum(p.numel() for p in UNet(1, *arguments).parameters())

    assert size((8, 8)) < size((8, 8), 2) < size((16, 16), 2) < size((16, 16, 16), 2)


def test_a_few_steps_remove_noise():
    """Trained on noisy discs, it leaves less than half of the noise."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(16.0)
    centre, radius = (
        5 + 6 * torch.rand(32, 2, 1, 1, generator=generator),
        3 + 3 * torch.rand(32, 1, 1, generator=generator),
    )
    distance = (rows[:, None] - centre[:, 0]) ** 2 + (rows[None] - centre[:, 1]) ** 2
    clean = (distance < radius**2).float()[:, None]
    network = silent(1).train().requires_grad_()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        noisy = clean + 0.3 * torch.randn(clean.shape, generator=generator)
        loss = (noisy + network(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5 * 0.3**2
