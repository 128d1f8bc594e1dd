"""Tests of `isthmus.scores.whitening`: the bulk of the rows loses its correlations, whatever else is among them."""

from __future__ import annotations

import pytest
import torch

from isthmus.scores.whitening import SHRINKAGE, Whitening


def bulk(n=2_000, seed=0):
    """Rows of three columns, two of which nearly say the same."""
    drawn = torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))
    return torch.stack([drawn[:, 0], drawn[:, 0] + 0.1 * drawn[:, 1], 5 * drawn[:, 2]], dim=1)


def whitened(rows):
    """The map fitted to rows."""
    made = Whitening(rows.shape[1])
    made.set(rows)
    return made


def test_what_breaks_a_relation_is_farther_than_what_keeps_it():
    """Of two rows as far from the centre, the one against the correlation is much farther afterwards."""
    made = whitened(bulk())
    along, against = made(torch.tensor([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])).norm(dim=1)
    assert against > 2 * along


def test_anomalies_do_not_move_it():
    """With a fifth of the rows far away in one place, the map is nearly the one without them, up to a common factor."""
    rows, odd = bulk(), torch.tensor([30.0, -30.0, 0.0]) + 0.1 * bulk(500, seed=1)
    clean, spoiled = whitened(rows).matrix, whitened(torch.cat([rows, odd])).matrix
    torch.testing.assert_close(spoiled / spoiled.norm(), clean / clean.norm(), atol=0.1, rtol=0)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter(factor):
    """The same rows in another unit are whitened to the same."""
    rows = bulk()
    torch.testing.assert_close(whitened(rows)(rows), whitened(rows * factor)(rows * factor), rtol=1e-3, atol=1e-3)


def test_variances_become_alike():
    """Columns without correlation come out with the same spread."""
    rows = torch.randn(2_000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10.0, 100.0])
    spread = whitened(rows)(rows).std(dim=0)
    assert float(spread.max() / spread.min()) < 1.1
    assert 0 < SHRINKAGE < 1


@pytest.mark.parametrize("rows", [torch.zeros(5, 3), torch.ones(2, 3), torch.randn(3, 8)])
def test_few_and_constant_rows(rows):
    """Neither copies of one row nor fewer rows than columns are an error."""
    assert whitened(rows)(rows).isfinite().all()


def test_a_row_alone_is_a_row_in_a_batch():
    """The same bytes, whatever stands beside."""
    rows = bulk(64)
    made = whitened(rows)
    padded = torch.zeros(64, 3)
    padded[0] = rows[17]
    assert torch.equal(made(rows)[17], made(padded)[0])
