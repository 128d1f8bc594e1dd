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


def test_a_pair_is_a_ladder_over_the_rows(pictures, mixed, seeded):
    """Noise goes evenly from the first row's to the last row's deviation, up or down, in pictures and in numbers."""
    one, pair = GaussianNoise(1.0, clip=False), GaussianNoise((0.8, 0.2), clip=False)
    steps = torch.linspace(0.8, 0.2, len(pictures))[:, None, None, None]
    expected = (one.on_pictures(pictures, seeded()) - pictures) * steps
    assert torch.allclose(pair.on_pictures(pictures, seeded()) - pictures, expected, atol=1e-6)
    x, space = mixed[0].nan_to_num(), mixed[1]
    expected = (one.on_columns(x, seeded(), space) - x) * torch.linspace(0.8, 0.2, len(x))[:, None]
    assert torch.allclose(pair.on_columns(x, seeded(), space) - x, expected, atol=1e-5)


def test_the_share_that_is_masked_climbs(pictures, mixed, seeded):
    """The first rows keep nearly all of their pixels or cells, the last ones lose nearly all, the middle ones half."""
    masked = (MaskingNoise((0, 1)).on_pictures(pictures + 0.01, seeded()) == 0).all(dim=1).float()
    assert float(masked[0].mean()) == 0
    assert float(masked[-1].mean()) == 1
    x, space = mixed[0].nan_to_num(), mixed[1]
    gone = MaskingNoise((0, 1)).on_columns(x, seeded(), space)[:, :4].isnan().float()
    assert [float(part.mean()) for part in gone.chunk(3)] == pytest.approx([1 / 6, 1 / 2, 5 / 6], abs=0.03)


@pytest.mark.parametrize("make", [GaussianNoise, MaskingNoise])
def test_equal_ends_are_the_single_strength(make, pictures, mixed, seeded):
    """A ladder without a climb is no ladder, to the bit; so is that of a batch of one row."""
    x, space = mixed
    alike = [make(0.3), make((0.3, 0.3))]
    one, two = (kind.on_pictures(pictures, seeded()) for kind in alike)
    assert torch.equal(one, two)
    one, two = (kind.on_columns(x, seeded(), space) for kind in alike)
    assert same(one, two)
    one, two = (kind.on_columns(x[:1], seeded(), space) for kind in (make(0.3), make((0.3, 0.9))))
    assert same(one, two)


def test_a_larger_ladder_spoils_further_cells(pictures, mixed, seeded):
    """From one generator state, a ladder above another masks all that the other masks, in every row."""
    x, space = mixed[0].nan_to_num(), mixed[1]
    small, large = MaskingNoise((0.5, 0.1)), MaskingNoise((0.6, 0.5))
    less, more = (kind.on_columns(x, seeded(), space).isnan() for kind in (small, large))
    assert bool((less <= more).all())
    assert int(more.sum()) > int(less.sum())
    less, more = (kind.on_pictures(pictures + 0.01, seeded()) == 0 for kind in (small, large))
    assert bool((less <= more).all())


def test_no_rows_have_no_ladder(mixed, seeded):
    """An empty batch stays empty."""
    x, space = mixed
    assert GaussianNoise((0.1, 0.2)).on_columns(x[:0], seeded(), space).shape == (0, 9)
    assert MaskingNoise((0.1, 0.2)).on_columns(x[:0], seeded(), space).shape == (0, 9)
