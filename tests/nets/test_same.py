"""Tests of `isthmus.nets.same`: "same" padding as TensorFlow has it, and the transpose of such convolutions."""

from __future__ import annotations

import math

import pytest
import torch

from isthmus.nets.same import SameConv2d, SameConvTranspose2d, same_padding

CASES = [(n, size, step) for n in (1, 2, 5, 7, 8, 28) for size in (1, 2, 3, 4, 7) for step in (1, 2, 3)]


def filled(layer, seed=0):
    """The layer in double precision, with random weights and biases."""
    layer = layer.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(generator=generator)
    return layer


def pictures(*shape, seed=1):
    """Random pictures in double precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_side(x, weights, step):
    """The convolution of a list with weights by the definition: zeros outside, one window every ``step`` values."""
    n_out = math.ceil(len(x) / step)
    first = max((n_out - 1) * step + len(weights) - len(x), 0) // 2
    at = lambda i: x[i] if 0 <= i < len(x) else 0.0  # noqa: E731  (one line of the sum below)
    return [sum(w * at(step * out - first + k) for k, w in enumerate(weights)) for out in range(n_out)]


@pytest.mark.parametrize(("n", "size", "step"), CASES)
def test_padding(n, size, step):
    """Padding gives ceil(n / step) windows, no more than needed, and the smaller half comes first."""
    before, after = same_padding(n, size, step)
    assert (n + before + after - size) // step + 1 == math.ceil(n / step)
    assert 0 <= after - before <= 1
    assert before + after == 0 or (n + before + after - size) % step == 0


@pytest.mark.parametrize(("n", "size", "step"), CASES)
def test_convolution_by_definition(n, size, step):
    """Along either side of a picture, the layer gives what the definition gives."""
    layer = filled(SameConv2d(1, 1, size, step))
    weights = layer.weight[0, 0].tolist()
    line = pictures(n)
    middle = same_padding(1, size, step)[0]  # where a window over a picture of one row or column has that row or column
    down = layer(line[None, None, :, None])[0, 0, :, 0] - layer.bias
    across = layer(line[None, None, None, :])[0, 0, 0] - layer.bias
    assert down.tolist() == pytest.approx(one_side(line.tolist(), [row[middle] for row in weights], step))
    assert across.tolist() == pytest.approx(one_side(line.tolist(), weights[middle], step))


@pytest.mark.parametrize(("n", "size", "step"), CASES)
def test_the_transpose_is_the_transpose(n, size, step):
    """<conv(x), y> = <x, convT(y)> where the pictures x are ``step`` times as high and wide as y."""
    convolve, transpose = filled(SameConv2d(3, 2, size, step)), filled(SameConvTranspose2d(2, 3, size, step))
    with torch.no_grad():
        transpose.weight.copy_(convolve.weight)
        convolve.bias.zero_()
        transpose.bias.zero_()
    x, y = pictures(2, 3, n * step, (n + 1) * step), pictures(2, 2, n, n + 1, seed=2)
    assert convolve(x).shape == y.shape
    assert transpose(y).shape == x.shape
    assert (convolve(x) * y).sum().item() == pytest.approx((x * transpose(y)).sum().item())


@pytest.mark.parametrize(("size", "step"), [(1, 3), (3, 2), (2, 2), (4, 1)])
def test_every_pixel_has_the_bias(size, step):
    """Also pixels that no window reaches."""
    layer = filled(SameConvTranspose2d(2, 3, size, step))
    y = layer(torch.zeros(1, 2, 4, 5, dtype=torch.float64))
    assert torch.equal(y, layer.bias[None, :, None, None].expand(1, 3, 4 * step, 5 * step))


@pytest.mark.parametrize("kind", [SameConv2d, SameConvTranspose2d])
def test_memory_format_makes_no_difference(kind):
    """Channels last gives the same values."""
    layer, x = filled(kind(4, 8, 3, 2)), pictures(2, 4, 7, 6)
    expected = layer(x)
    layer = layer.to(memory_format=torch.channels_last)
    assert torch.allclose(layer(x.to(memory_format=torch.channels_last)), expected)
