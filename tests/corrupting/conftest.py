"""What the tests of corruptions share: generators, pictures and encoded rows."""

from __future__ import annotations

import pytest
import torch

from isthmus.corruptions import ColumnSpace
from isthmus.layout import ColumnLayout


@pytest.fixture(name="seeded")
def make_seeded():
    """Makes a seeded generator."""
    return lambda seed=0: torch.Generator().manual_seed(seed)


@pytest.fixture
def pictures(seeded):
    """Colour pictures with values from 0 to 1."""
    return torch.rand(40, 3, 32, 40, generator=seeded(1))


@pytest.fixture
def mixed(seeded):
    """Encoded rows of two numbers, a flag, a category and a date's cycle that belongs to column 1, with gaps; their space."""
    x = torch.randn(3000, 9, generator=seeded(1))
    x[:, 3:6] = torch.eye(3).repeat(1000, 1)
    x[::10, 0], x[5::10, 3:6] = torch.nan, torch.nan
    layout = ColumnLayout(2, n_flags=1, levels=(3,), n_extras=3)
    owner = torch.tensor([0, 1, 2, 3, 3, 3, 1, 1, -1])
    bounds = torch.tensor([-9.0, -8.0]), torch.tensor([9.0, 8.0])
    return x, ColumnSpace(layout, torch.tensor([1.0, 3.0]), *bounds, owner)
