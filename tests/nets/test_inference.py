"""Tests of `isthmus.nets.inference`: what the modules give, without them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.blocks import in_blocks_at_once
from isthmus.nets.build import outline_layers, start
from isthmus.nets.inference import Inference, can_infer
from isthmus.nets.layers import layers_from
from isthmus.nets.members import Members

PICTURE = {"encoder": ["flatten", "dense 9 relu", "dense 3 tanh"], "decoder": ["dense 30 sigmoid", "reshape 1 5 6"]}


def shaken(network, seed=1):
    """All weights random, those of the linear path and the last layers too; bounds that some values reach."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.5, generator=generator)
        network.latent_scale.uniform_(0.5, 2, generator=generator)
        network.bounds.low.fill_(-0.4)
        network.bounds.high.fill_(0.7)
    return network.eval()


def rows(n, *shape):
    """Rows with a missing cell."""
    x = torch.randn(n, *shape, generator=torch.Generator().manual_seed(2))
    x[n // 2].view(-1)[1] = torch.nan
    return x


def assert_same(network, x, *, bytes_too=True):
    """Latents, reconstructions, both ways in one, and once more on the same memory.

    GELU may differ in the last bit: the library has one for values that lie side by side, and another.
    """
    near = {"rtol": 0, "atol": 0} if bytes_too else {"rtol": 1e-5, "atol": 1e-5}
    assert can_infer(network)
    quick = Inference(network)
    with torch.inference_mode():
        wanted = network(x)
        torch.testing.assert_close(quick.encode(x), network.encode(x), **near)
        torch.testing.assert_close(quick.decode(wanted.latent), network.decode(wanted.latent), **near)
        for _ in range(2):
            found = quick(x)
            torch.testing.assert_close(found.latent, wanted.latent, **near)
            torch.testing.assert_close(found.reconstruction, wanted.reconstruction, **near)
            assert found.stats.keys() == wanted.stats.keys()
            for name in wanted.stats:
                torch.testing.assert_close(found.stats[name], wanted.stats[name], **near)
    assert wanted.reconstruction.std() > 0


def alone(network, x, i, block=32):
    """What is made of row ``i`` alone, and of all rows."""
    quick = Inference(network)
    run = [lambda part: quick(part).reconstruction]
    return in_blocks_at_once(run, lambda a, b: x[i : i + 1], 1, block), in_blocks_at_once(
        run, lambda a, b: x[a:b], len(x), block
    )


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 13, 17, 33, 64, 65, 127, 200])
@pytest.mark.parametrize("activation", ["gelu", "silu", "relu"])
def test_a_row_gets_the_same_bytes_alone(make, width, activation):
    """Wherever it stands in a block, in a network of any width."""
    network = shaken(make("dense", ColumnLayout(width), min(width, 5), (24,), activation=activation))
    x = torch.randn(75, width, generator=torch.Generator().manual_seed(width))
    for i in (0, 31, 32, 74):
        one, whole = alone(network, x, i)
        assert np.array_equal(one, whole[i : i + 1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize("hidden", [(7,), (37, 21)])
def test_what_is_made_is_what_the_modules_make(make, activation, anchored, hidden):
    """For every activation, with and without the linear path, one hidden layer or two, with a gap in the rows."""
    network = make("dense", ColumnLayout(6), hidden=hidden, activation=activation, anchored=anchored, seed=0)
    assert_same(shaken(network), rows(64, 6), bytes_too=activation != "gelu")


def test_members(make):
    """Stacked members: the mean of what they make, their latents side by side, and what each makes."""
    members = Members([make("dense", ColumnLayout(6), hidden=(7,), seed=seed) for seed in range(3)])
    assert_same(shaken(members), rows(32, 6), bytes_too=False)


@pytest.mark.parametrize("squash", [True, False])
def test_listed_layers(squash):
    """Layers that a user listed, over pictures, with an output that is clamped or squashed."""
    outline = outline_layers(layers_from(PICTURE), PixelLayout((1, 5, 6)), 3, squash=squash)
    network = shaken(start(outline, torch.Generator()))
    assert_same(network, rows(16, 1, 5, 6))


def test_what_is_given_does_not_change_the_rows(make):
    """Gaps are filled in a copy."""
    network, x = shaken(make("dense", ColumnLayout(6), hidden=(7,))), rows(8, 6)
    with torch.inference_mode():
        Inference(network)(x)
    assert x.isnan().sum() == 1


def test_networks_that_need_their_modules_keep_them(make):
    """In training, with a user's hook, on another device, with torch's own layers, or with anything but dense layers."""
    network = make("dense", ColumnLayout(6), hidden=(7,))
    assert not can_infer(network.train())
    handle = network.encoder.register_forward_hook(lambda *_: None)
    assert not can_infer(network.eval())
    handle.remove()
    assert can_infer(network)
    picture = make("conv", PixelLayout((1, 16, 16))).eval()
    assert not can_infer(picture)
    plain = make("dense", ColumnLayout(6), hidden=(7,)).eval()
    plain.encoder[1] = nn.Linear(6, 7)
    assert not can_infer(plain)
    outlined = make("dense", ColumnLayout(6), hidden=(7,)).eval().to("meta")
    assert not can_infer(outlined)
