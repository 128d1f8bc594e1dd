"""Tests of `isthmus.nets.linear`: the layer whose rows do not depend on their place, and the path set to PCA."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.nets.linear import Linear


@pytest.fixture
def layer():
    """A small layer."""
    return Linear(7, 5)


def test_it_is_a_fully_connected_layer(layer):
    """Out of training it gives what torch's own layer gives, but for rounding."""
    x = torch.randn(9, 7)
    usual = nn.functional.linear(x, layer.weight, layer.bias)
    assert torch.allclose(layer.eval()(x), usual, atol=1e-6)
    assert torch.equal(layer.train()(x), usual)


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (3, 17), (64, 31), (100, 3), (129, 65)])
def test_a_row_does_not_depend_on_its_place(n_in, n_out):
    """The same row at every place of a block gives the same bytes."""
    layer = Linear(n_in, n_out).eval()
    x = torch.randn(1, n_in).expand(64, -1).contiguous()
    with torch.no_grad():
        y = layer(x)
    assert torch.equal(y, y[:1].expand(64, -1))


def test_gradients_agree(layer):
    """Both ways of taking the product have the same gradient."""
    x, gradients = torch.randn(9, 7), []
    for mode in (True, False):
        layer.train(mode)
        layer.zero_grad()
        layer(x).square().sum().backward()
        gradients.append(layer.weight.grad.clone())
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-5)
