"""Tests of `isthmus.nets.by_hand`: the gradient that is written out is that of autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.build import outline_layers, start
from isthmus.nets.by_hand import SLOPES, ByHand, can_take
from isthmus.nets.layers import layers_from
from isthmus.nets.linear import Linear
from isthmus.nets.members import Members
from isthmus.nets.network import Network

PICTURE = {"encoder": ["flatten", "dense 9 relu", "dense 3 tanh"], "decoder": ["dense 30 sigmoid", "reshape 1 5 6"]}


def shaken(network, seed):
    """All weights random, those of the linear path and the last layers too, with gradients to write to."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.5, generator=generator)
            weight.grad = torch.full_like(weight, torch.nan)
        network.latent_scale.uniform_(0.5, 2, generator=generator)
    return network.train()


def both_ways(network, run, x):
    """What the network gives and the gradients of a loss, by hand and by autograd."""
    hand = ByHand(network)
    with torch.no_grad():
        made = hand.forward(x)
        pull = torch.randn(made.shape, generator=torch.Generator().manual_seed(9))
        hand.backward(pull.clone())  # it writes over what it is given
    written = [weight.grad.clone() for weight in network.parameters()]
    recorded = run(x).flatten(1)
    wanted = torch.autograd.grad((recorded * pull).sum(), list(network.parameters()))
    return (made, written), (recorded, wanted)


def assert_same(hand, autograd):
    """Outputs and gradients agree to rounding."""
    torch.testing.assert_close(hand[0], autograd[0])
    assert len(hand[1]) == len(autograd[1]) > 0
    for written, wanted in zip(hand[1], autograd[1], strict=True):
        torch.testing.assert_close(written, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize("hidden", [(7,), (7, 5)])
def test_gradients_are_those_of_autograd(make, activation, anchored, hidden):
    """For every activation, with and without the linear path, one hidden layer or two, with a gap in the rows."""
    network = shaken(
        make("dense", ColumnLayout(6), hidden=hidden, activation=activation, anchored=anchored, seed=0), seed=1
    )
    x = torch.randn(11, 6, generator=torch.Generator().manual_seed(2))
    x[3, 4] = torch.nan
    assert can_take(network)
    assert_same(*both_ways(network, lambda rows: network(rows).reconstruction, x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("anchored", [True, False])
def test_gradients_in_bfloat16(make, activation, members, anchored):
    """Near those in float32 of the same rounded weights, from float32 rows to float32 reconstructions."""
    nets = [
        make("dense", ColumnLayout(6), hidden=(7,), activation=activation, anchored=anchored, seed=seed)
        for seed in range(members)
    ]
    network = shaken(nets[0] if members == 1 else Members(nets), seed=1)
    for weight in network.parameters():
        weight.data = weight.data.bfloat16().float()
    x = torch.randn(60, 6, generator=torch.Generator().manual_seed(2))
    run = network if members == 1 else network.each
    _, (recorded, wanted) = both_ways(network, lambda rows: run(rows).reconstruction, x)
    for weight in network.parameters():
        weight.grad, weight.data = None, weight.data.bfloat16()
        weight.grad = torch.full_like(weight, torch.nan)
    hand = ByHand(network)
    with torch.no_grad():
        made = hand.forward(x)
        hand.backward(torch.randn(made.shape, generator=torch.Generator().manual_seed(9)))
    assert made.dtype == torch.float32
    for written, gradient in zip(
        [made, *(weight.grad.float() for weight in network.parameters())], [recorded.detach(), *wanted], strict=True
    ):
        assert float((written - gradient).norm()) < 0.1 * float(gradient.norm())


def test_gradients_of_members(make):
    """Stacked members, each with its own block of rows."""
    members = Members([make("dense", ColumnLayout(6), hidden=(7,), seed=seed) for seed in range(3)])
    members = shaken(members, seed=1)
    x = torch.randn(12, 6, generator=torch.Generator().manual_seed(2))
    assert can_take(members)
    assert_same(*both_ways(members, lambda rows: members.each(rows).reconstruction, x))


def test_gradients_of_listed_layers():
    """Layers that a user listed, over pictures that are flattened on the way in and folded on the way out."""
    network = start(outline_layers(layers_from(PICTURE), PixelLayout((1, 5, 6)), 3, squash=False), torch.Generator())
    network = shaken(network, seed=1)
    x = torch.randn(8, 1, 5, 6, generator=torch.Generator().manual_seed(2))
    assert can_take(network)
    assert_same(*both_ways(network, lambda rows: network(rows).reconstruction, x))


def test_every_activation_has_a_slope():
    """Whatever a user can ask for by name can be written out."""
    assert set(SLOPES) == set(ACTIVATIONS.values())


@pytest.mark.parametrize(
    "encoder",
    [
        nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.5)),
        nn.Sequential(nn.ReLU(), nn.Linear(6, 3)),
        nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Tanh()),
        nn.Sequential(nn.Linear(6, 3, bias=False)),
        nn.Sequential(nn.Sequential(nn.Linear(6, 3))),
        nn.Linear(6, 3),
        nn.Sequential(nn.Flatten()),
    ],
)
def test_anything_else_is_refused(encoder):
    """A network with other modules, or in another order, is left to autograd."""
    decoder = nn.Sequential(Linear(3, 6))
    good = Network(nn.Sequential(Linear(6, 3)), decoder, None, (6,), 3)
    assert can_take(good)
    assert not can_take(Network(encoder, decoder, None, (6,), 3))


@pytest.mark.parametrize("kind", ["conv", "conv1d"])
def test_convolutions_are_refused(make, kind):
    """Networks with a refiner go the usual way."""
    layout = PixelLayout((1, 8, 8)) if kind == "conv" else ColumnLayout(33)
    assert not can_take(make(kind, layout, hidden=(8,), seed=0))
