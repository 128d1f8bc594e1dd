"""Residuals in units of what is usual for each position."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus.data.table import table_from
from isthmus.layout import ColumnLayout
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.scores.residuals import LEAST_SIGMA, Residuals

N = 200


def numbers(columns):
    """The layout of an array of so many numbers."""
    return ColumnEncoder.fit(np.random.default_rng(0).normal(size=(20, columns)), "column").layout


def output(made):
    """An output of several members, (n, members, n_targets)."""
    return Output(made.mean(dim=1), made[..., :1].flatten(1), {"members": made})


def draw(*shape, seed=0):
    """Normal numbers in a tensor."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def fitted(x, made):
    """Residuals with the units of these rows."""
    residuals = Residuals(numbers(x.shape[1]), made.shape[1])
    residuals.set(residuals.plain(x, output(made))[2])
    return residuals


def test_the_unit_is_the_deviation_of_each_position_and_member():
    """Held-out residuals have a mean square of about 1 in every position of every member, large or small."""
    x = draw(N, 3)
    made = x[:, None] + draw(N, 2, 3, seed=1) * torch.tensor([[0.01, 1.0, 5.0], [2.0, 0.1, 0.03]])
    standardised = fitted(x, made)(x, output(made)).standardised
    squares = standardised.square().mean(dim=0)
    assert squares.shape == (2, 3)
    assert ((squares > 0.95) & (squares < 1.3)).all()


def test_one_outlier_does_not_set_the_unit():
    """A held-out row that nobody could restore leaves the unit nearly what it was."""
    x, made = draw(N, 3), draw(N, 1, 3, seed=1)
    spoiled = made.clone()
    spoiled[0] = 1e4
    before, after = fitted(x, made).sigma, fitted(x, spoiled).sigma
    assert (after < 1.3 * before).all()


def test_a_perfect_column_has_a_least_unit():
    """Residuals of nothing are 0, not NaN, and a small one there is not infinite."""
    x = draw(N, 2)
    residuals = fitted(x, x[:, None].clone())
    assert torch.allclose(residuals.sigma, torch.full((1, 2), LEAST_SIGMA))
    assert residuals(x, output(x[:, None].clone())).energy().max() == 0


def test_a_missing_cell_adds_nothing():
    """A gap has no residual, takes the value that is expected, and does not dilute or raise what the others say."""
    x, made = draw(N, 4), draw(N, 2, 4, seed=1)
    residuals, holes = fitted(x, made), x.clone()
    holes[:, 2] = torch.nan
    whole, found = residuals(x, output(made)), residuals(holes, output(made))
    assert not found.standardised[..., 2].any()
    assert torch.equal(found.filled[:, 2], found.expected[:, 2])
    others = whole.standardised[..., [0, 1, 3]]
    assert torch.equal(found.standardised[..., [0, 1, 3]], others)
    assert torch.allclose(found.energy(), others.square().flatten(1).mean(dim=1))


def test_a_row_of_gaps_has_no_energy():
    """Where nothing is known of a row, nothing speaks against it."""
    x, made = draw(N, 2), draw(N, 1, 2, seed=1)
    energy = fitted(x, made)(torch.full((1, 2), torch.nan), output(made[:1])).energy()
    assert energy.tolist() == [0.0]


def test_one_network_is_a_group_of_one():
    """A network that gives no members is read as one member."""
    x, made = draw(N, 3), draw(N, 1, 3, seed=1)
    residuals = fitted(x, made)
    alone = Output(made[:, 0], made[:, 0, :1], {})
    assert torch.equal(residuals(x, alone).standardised, residuals(x, output(made)).standardised)


def test_mean_is_squashed_and_energy_is_not():
    """What the members agree on grows as a logarithm beyond 3 deviations; the energy grows as the square."""
    x, made = draw(N, 1), draw(N, 2, 1, seed=1)
    residuals = fitted(x, made)
    far = [residuals(torch.full((1, 1), size), output(torch.zeros(1, 2, 1))) for size in (1e2, 1e3, 1e4)]
    means = torch.tensor([float(f.mean()) for f in far])
    assert means.diff().max() < 8
    assert float(far[1].energy() / far[0].energy()) == pytest.approx(100, rel=1e-3)


def test_flags_and_levels_are_measured_as_encoded():
    """Logits that are sure of what stands there leave no residual; sure of another, one of the size of the encoded gap."""
    r = np.random.default_rng(0)
    data = table_from(pd.DataFrame({"b": r.random(N) < 0.3, "c": r.choice(["x", "y", "z"], N)}))
    encoder = ColumnEncoder.fit(data, "column")
    assert isinstance(encoder.layout, ColumnLayout)
    x = torch.from_numpy(encoder.encode(data)[:, : encoder.layout.n_targets])
    residuals = Residuals(encoder.layout, 1)
    residuals.take_shares(encoder)
    sure = torch.where(x > 0, 50.0, -50.0)[:, None]
    assert residuals.plain(x, output(sure))[2].abs().max() < 1e-5
    wrong = residuals.plain(x, output(-sure))[2][:, 0, 0]
    low, high = x[:, 0].min(), x[:, 0].max()
    assert torch.allclose(wrong.abs(), high - low)
