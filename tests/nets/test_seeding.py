"""Tests of `isthmus.nets.seeding`: torch's own random state is lent and put back."""

from __future__ import annotations

import torch

from isthmus.nets.seeding import seeded


def test_the_same_seed_gives_the_same_draws():
    """What is drawn inside follows from the seed alone."""
    draws = []
    for _ in range(2):
        with seeded(3):
            draws.append(torch.rand(5))
    assert torch.equal(*draws)


def test_the_state_is_put_back():
    """After the block torch draws what it would have drawn."""
    before = torch.get_rng_state()
    with seeded(3):
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)
