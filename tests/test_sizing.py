"""Tests of `isthmus.sizing`: sizes stay within their bounds; what a plan makes of them is tested in `test_plan`."""

from __future__ import annotations

import pytest

from isthmus.sizing import default_latent_dim

COLUMNS = (1, 2, 3, 10, 64, 784, 20_000)


@pytest.mark.parametrize("n", COLUMNS)
def test_default_latent_dim_stays_within_its_bounds(n):
    """The default latent size is at least 1, at most half of the columns and 128."""
    assert 1 <= default_latent_dim(n, 100_000) <= max(1, min(n // 2, 128))


def test_default_latent_dim_grows_with_the_columns():
    """More columns never get a smaller latent."""
    sizes = [default_latent_dim(n, 100_000) for n in COLUMNS]
    assert sizes == sorted(sizes)
