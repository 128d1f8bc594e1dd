"""Tests of `isthmus.corrupting.noise`: strengths in their units."""

from __future__ import annotations

import pytest
import torch

from isthmus.corruptions import GaussianNoise, MaskingNoise, SaltPepper, Speckle, Swap


def same(a, b):
    """Whether two tensors are equal, NaN being equal to NaN."""
    return torch.equal(a.nan_to_num(-99.0), b.nan_to_num(-99.0))


@pytest.mark.parametrize("std", [0.05, 0.5])
def test_noise_is_as_strong_as_asked(std, pictures, mixed, seeded):
    """The deviation of the noise is a share of the range, and on rows of each column's own; the rest stays."""
    noise = GaussianNoise(std, clip=False).on_pictures(pictures, seeded()) - pictures
    assert float(noise.std()) == pytest.approx(std, rel=0.02)
    x, space = mixed
    spoilt = GaussianNoise(std).on_columns(x, seeded(), space)
    found = [float((spoilt - x)[:, i][~x[:, i].isnan()].std()) for i in (0, 1)]
    assert found == pytest.approx([std, 3 * std], rel=0.05)
    assert same(spoilt[:, 2:], x[:, 2:])
    assert torch.equal(spoilt.isnan(), x.isnan())


def test_speckle_grows_with_brightness(seeded):
    """The deviation is the share asked of the pixel's own value."""
    x = torch.tensor([0.0, 0.2, 0.4])[None, None, :, None].expand(1, 1, 3, 20_000)
    deviations = Speckle(0.1).on_pictures(x, seeded()).std(dim=3).flatten()
    assert deviations.tolist() == pytest.approx([0, 0.02, 0.04], rel=0.03)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_masked_pixels_are_as_many_as_asked(share, pictures, seeded):
    """All channels of the masked share of the pixels are 0, the others as they were."""
    x = pictures + 0.01
    spoilt = MaskingNoise(share).on_pictures(x, seeded())
    masked = (spoilt == 0).all(dim=1)
    assert float(masked.float().mean()) == pytest.approx(share, abs=0.01)
    assert torch.equal(spoilt, x * ~masked[:, None])


def test_masked_cells_are_missing_at_all_their_positions(mixed, seeded):
    """The asked share of each column's cells is NaN, each wholly or not at all; positions of no column stay."""
    x, space = mixed
    new = MaskingNoise(0.3).on_columns(x.nan_to_num(), seeded(), space).isnan()
    assert new[:, [0, 1, 2, 3]].float().mean(dim=0).tolist() == pytest.approx([0.3] * 4, abs=0.03)
    assert torch.equal(new[:, 3:4].expand(-1, 3), new[:, 3:6])
    assert torch.equal(new[:, 1:2].expand(-1, 2), new[:, 6:8])
    assert not new[:, 8].any()


def test_salt_and_pepper_are_alike(pictures, mixed, seeded):
    """Half of the set pixels are highest and half lowest; number cells take their column's bounds, gaps stay."""
    spoilt = SaltPepper(0.2).on_pictures(pictures, seeded())
    shares = [float((spoilt == v).all(dim=1).float().mean()) for v in (0.0, 1.0)]
    assert shares == pytest.approx([0.1, 0.1], abs=0.01)
    x, space = mixed
    cells = SaltPepper(1.0).on_columns(x, seeded(), space)
    assert set(cells[:, 1].tolist()) == {-8.0, 8.0}
    assert torch.equal(cells.isnan(), x.isnan())
    assert same(cells[:, 2:], x[:, 2:])


def test_swapped_cells_come_whole_from_another_row(mixed, seeded):
    """A swapped cell holds what the same column holds elsewhere, at all its positions, and at the share asked."""
    x, space = mixed
    x[:, 1], x[:, 6], x[:, 7] = torch.arange(3000.0), torch.arange(3000.0), torch.arange(3000.0)
    spoilt = Swap(0.3).on_columns(x, seeded(), space)
    assert float((spoilt[:, 1] != x[:, 1]).float().mean()) == pytest.approx(0.3, abs=0.03)
    assert torch.equal(spoilt[:, 1:2].expand(-1, 2), spoilt[:, 6:8])
    assert torch.isin(spoilt[:, 0].nan_to_num(), x[:, 0].nan_to_num()).all()
    assert ((spoilt[:, 3:6].sum(dim=1) == 1) | spoilt[:, 3:6].isnan().all(dim=1)).all()
    assert torch.equal(spoilt[:, 8], x[:, 8])
    moved = spoilt[:, 1] != x[:, 1]
    assert float(spoilt[moved, 1].mean()) == pytest.approx(1500, rel=0.1)


def test_a_row_alone_cannot_be_swapped(mixed, seeded):
    """A batch of one row stays as it is."""
    x, space = mixed
    assert same(Swap(1.0).on_columns(x[1:2], seeded(), space), x[1:2])
