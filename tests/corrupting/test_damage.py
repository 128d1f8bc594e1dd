"""Tests of `isthmus.corrupting.damage`: size and place of holes, luminance."""

from __future__ import annotations

import pytest
import torch

from isthmus.corruptions import Grayscale, Holes


@pytest.mark.parametrize("size", [0.25, (0.25, 0.5)])
def test_boxes_have_the_size_asked(size, seeded):
    """A box covers whole rows and columns within the bounds, anywhere in the picture."""
    hole = Holes(size=size).on_pictures(torch.ones(500, 2, 40, 20), seeded()) == 0
    for i, side in ((2, 40), (3, 20)):
        lengths = hole.any(dim=5 - i)[:, 0].sum(dim=1) / side
        assert float(lengths.min()) >= 0.25 - 0.5 / side
        assert float(lengths.max()) <= (0.5 if isinstance(size, tuple) else 0.25) + 0.5 / side
    assert torch.equal(hole[:, 0], hole[:, 1])
    assert torch.equal(hole, hole.any(dim=2, keepdim=True) & hole.any(dim=3, keepdim=True))
    assert hole.any(dim=3).any(dim=0).all()
    assert hole.any(dim=2).any(dim=0).all()


def test_stripes_go_through(seeded):
    """Each stripe is a whole row or column of its thickness, as often one as the other."""
    hole = Holes(1, 0.1, "stripes").on_pictures(torch.ones(400, 1, 30, 30), seeded())[:, 0] == 0
    across, down = hole.all(dim=2).sum(dim=1), hole.all(dim=1).sum(dim=1)
    assert ((across == 3) ^ (down == 3)).all()
    assert float((across == 3).float().mean()) == pytest.approx(0.5, abs=0.08)


def test_holes_show_the_mean(pictures, seeded):
    """With "mean" each channel of a hole is the mean of that picture's channel."""
    spoilt = Holes(size=1.0, value="mean").on_pictures(pictures, seeded())
    assert torch.allclose(spoilt, pictures.mean(dim=(2, 3), keepdim=True).expand_as(spoilt))


def test_greying_twice_is_greying_once(pictures, seeded):
    """All channels are the luminance of the first three, and grey pictures stay; a fourth channel is not touched."""
    x = torch.cat([pictures, torch.rand(40, 1, 32, 40)], dim=1)
    once = Grayscale().on_pictures(x, seeded())
    assert torch.allclose(once[:, 0], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])
    assert torch.equal(once[:, 0], once[:, 2])
    assert torch.allclose(Grayscale().on_pictures(once, seeded()), once)
    assert torch.equal(once[:, 3], x[:, 3])
