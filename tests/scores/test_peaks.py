"""Tests of `isthmus.scores.peaks`: the largest error, by what is usual at its place."""

from __future__ import annotations

import pytest
import torch

from isthmus.scores.peaks import Peaks

SHAPE = (3, 20, 24)


def errors(n, seed=0):
    """Squared errors that are ten times as large on the left half, (n, 3 * 20 * 24)."""
    drawn = torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(seed)).square()
    drawn[..., :12] *= 10
    return drawn.flatten(1)


@pytest.fixture
def peaks():
    """Peaks that know 200 pictures."""
    made = Peaks(SHAPE)
    made.set(made.heat(errors(200)))
    return made


def test_a_spot_is_found_wherever_it_is(peaks):
    """A patch with five times its usual error stands out on the left and on the right, though the errors differ tenfold."""
    usual = peaks(errors(100, seed=1))
    for column in (4, 18):
        odd = errors(100, seed=2).unflatten(1, SHAPE)
        odd[:, :, 8:12, column : column + 4] *= 5
        assert (peaks(odd.flatten(1)) > usual.quantile(0.95)).float().mean() > 0.9


def test_it_grows_with_the_error(peaks):
    """The larger the error in one place the larger the peak, without end."""
    base = errors(1, seed=3).unflatten(1, SHAPE)
    found = []
    for factor in (10.0, 100.0, 1e4, 1e8):
        odd = base.clone()
        odd[:, :, 10, 12] = factor
        found.append(float(peaks(odd.flatten(1))))
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_held_out_pictures_score_as_new_ones():
    """What `set` says of the pictures that it learns from is what new ones get, not less."""
    made = Peaks(SHAPE)
    own = made.set(made.heat(errors(60)))
    new = made(errors(2_000, seed=5))
    inside = made(errors(60))
    assert float(own.mean()) == pytest.approx(float(new.mean()), rel=0.1)
    assert float(inside.mean()) < float(own.mean())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_pictures(n):
    """Too few for halves: scores are finite."""
    made = Peaks(SHAPE)
    assert made.set(made.heat(errors(n))).isfinite().all()
    assert made(errors(5, seed=1)).isfinite().all()


def test_pictures_all_alike():
    """Where nothing differs, a picture with an error is still above the others."""
    made = Peaks(SHAPE)
    same = torch.zeros(10, 3 * 20 * 24)
    own = made.set(made.heat(same))
    odd = same[:1].clone()
    odd[0, 700] = 1.0
    assert float(made(odd)) > float(own.max())
