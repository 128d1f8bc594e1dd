"""Tests of `isthmus.nets.network`: the parts of every network, and the bounds of its output."""

from __future__ import annotations

import pytest
import torch

from isthmus.layout import ColumnLayout
from isthmus.nets.network import Bounds

LAYOUT = ColumnLayout(6)


@pytest.fixture
def bounds():
    """Bounds from -1 to 2 of four values."""
    made = Bounds((4,), squash=False)
    made.low.fill_(-1.0)
    made.high.fill_(2.0)
    return made


def test_bounds_clamp(bounds):
    """Values come out within the bounds, those inside as they are."""
    y = torch.tensor([[-9.0, -0.5, 1.5, 9.0]])
    assert bounds(y).tolist() == [[-1.0, -0.5, 1.5, 2.0]]


def test_gradients_pass_the_clamp(bounds):
    """In training a clamped value still learns: its gradient is as if it had not been clamped."""
    y = torch.tensor([[-9.0, -0.5, 1.5, 9.0]], requires_grad=True)
    bounds(y).sum().backward()
    assert y.grad.tolist() == [[1.0, 1.0, 1.0, 1.0]]


def test_a_sigmoid_fills_the_bounds(bounds):
    """Squashed values lie within the bounds, reach both ends, and keep their order."""
    bounds.squash = True
    y = bounds(torch.tensor([[-99.0, -1.0, 1.0, 99.0]]))[0]
    assert y[0] == -1
    assert y[3] == 2
    assert (y.diff() > 0).all()


def test_forward_is_encode_and_decode(form, make):
    """A forward pass gives the latent of encode and the reconstruction of decode."""
    kind, layout = form
    network = make(kind, layout).eval()
    network.linear = None
    x = torch.randn(4, *layout.input_shape)
    with torch.no_grad():
        output = network(x)
        assert torch.equal(output.latent, network.encode(x))
        assert torch.equal(output.reconstruction, network.decode(output.latent))


def test_a_missing_cell_is_zero(make):
    """NaN enters as 0, the centre of its column, so nothing that comes out is NaN."""
    network = make("dense", LAYOUT, anchored=False).eval()
    x = torch.randn(5, 6)
    x[::2, 3] = torch.nan
    with torch.no_grad():
        assert torch.equal(network(x).reconstruction, network(x.nan_to_num()).reconstruction)


def test_the_linear_path_alone_is_linear(make, anchor):
    """At the anchored start the latent of a mean is the mean of the latents."""
    network = make("dense", LAYOUT).eval()
    x = torch.randn(50, 6)
    anchor(network, LAYOUT, x)
    with torch.no_grad():
        assert torch.allclose(network.encode(x.mean(dim=0, keepdim=True)), network.encode(x).mean(dim=0), atol=1e-5)


def test_a_sigmoid_leaves_logits_alone():
    """Positions without bounds are not squashed."""
    bounds = Bounds((2,), squash=True)
    bounds.low[0], bounds.high[0] = -1.0, 2.0
    result = bounds(torch.tensor([[9.0, 5.0], [-9.0, -5.0]]))
    assert torch.equal(result[:, 1], torch.tensor([5.0, -5.0]))
    assert result[:, 0].tolist() == pytest.approx([2.0, -1.0], abs=1e-3)
