"""The views of rows in which distances are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus.data.table import table_from
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.view import LINEAR, SOFT_LINEAR, View, facts_of, squashed

N = 400


def draw(seed=0, n=N):
    """Columns of very different shape and unit: normal, heavy-tailed, integers, two values."""
    r = np.random.default_rng(seed)
    return np.stack(
        [r.normal(3, 2, n), np.exp(3 * r.normal(size=n)), r.integers(0, 9, n) * 100.0, (r.random(n) < 0.1) * 5.0],
        axis=1,
    )


def frame(values):
    """Values as a table with names, whose columns never share a unit."""
    return table_from(pd.DataFrame(values, columns=[f"c{j}" for j in range(values.shape[1])]))


def fitted(data):
    """A preparation and a view fitted to data."""
    encoder = ColumnEncoder.fit(data, "column")
    encoded = encoder.encode(data)[:, : encoder.layout.n_targets]
    view = View(encoder.layout.n_targets)
    view.set(encoder, facts_of(encoder, encoded))
    return encoder, view


def seen(encoder, view, data):
    """Both views of data."""
    return [v.numpy() for v in view(torch.from_numpy(encoder.encode(data)[:, : encoder.layout.n_targets]))]


def test_plain_is_the_standardised_raw_value():
    """The plain view undoes what encoding bent and stretched: raw value less median, over the standard deviation."""
    X = draw()
    encoder, view = fitted(frame(X))
    assert (view.bent > 0).any()  # the heavy-tailed column was
    expected = (X - np.median(X, axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(seen(encoder, view, frame(X))[0], expected, rtol=1e-3, atol=1e-4)


def test_soft_uses_the_middle_of_a_column():
    """The soft view divides by the deviation of the middle nine tenths, and as a logarithm beyond three of these."""
    X = draw()
    encoder, view = fitted(frame(X))
    low, high = np.quantile(X, [0.05, 0.95], axis=0)
    expected = squashed(torch.from_numpy((X - np.median(X, axis=0)) / np.clip(X, low, high).std(axis=0)), SOFT_LINEAR)
    np.testing.assert_allclose(seen(encoder, view, frame(X))[1][:, :3], expected[:, :3], rtol=1e-3, atol=1e-4)


def test_two_valued_columns_are_alike_in_both():
    """A column of two values keeps its own deviation: its rare value is as far in the soft view as in the plain one."""
    encoder, view = fitted(frame(draw()))
    plain, soft = seen(encoder, view, frame(draw(1)))
    assert np.array_equal(plain[:, 3], soft[:, 3])
    assert np.ptp(plain[:, 3]) > 3


def test_units_of_a_frame_do_not_matter():
    """An affine change of each column of a frame leaves both views as they are."""
    X, new = draw(), draw(1)
    change = lambda values: values * [1e3, 1e-3, 7, 2] + [5, -2, 1e4, 3]  # noqa: E731
    before = seen(*fitted(frame(X)), frame(new))
    after = seen(*fitted(frame(change(X))), frame(change(new)))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)


def test_columns_of_one_unit_keep_part_of_their_spread():
    """In an array of one unit a column of a ninth of the spread counts a third as much, not as much and not a ninth."""
    r = np.random.default_rng(0)
    X = r.uniform(size=(N, 8))
    X[:, 0] = 0.5 + (X[:, 0] - 0.5) / 9
    encoder, view = fitted(X)
    spread = seen(encoder, view, X)[0].std(axis=0)
    assert spread[0] / spread[1:].mean() == pytest.approx(1 / 3, rel=0.1)


def test_far_values_keep_their_order():
    """Values up to 1e30 deviations away are finite and in order, in both views."""
    X = draw()
    encoder, view = fitted(frame(X))
    far = np.repeat(X[:1], 12, axis=0)
    far[:, 0] = X[0, 0] + X[:, 0].std() * np.logspace(0, 6, 12)
    far[:, 1] = X[:, 1].max() * np.logspace(0, 6, 12)
    for found in seen(encoder, view, frame(far)):
        assert np.isfinite(found).all()
        assert (np.diff(found[:, :2], axis=0) > 0).all()


def test_constant_and_empty_columns():
    """A column of one value is 0 for that value and not 0 for another; a view is finite for it."""
    X = np.column_stack([draw()[:, 0], np.full(N, 7.0)])
    encoder, view = fitted(frame(X))
    new = X[:2].copy()
    new[1, 1] = 8.0
    for found in seen(encoder, view, frame(new)):
        assert found[0, 1] == 0
        assert found[1, 1] > 0
        assert np.isfinite(found).all()


def test_categories_are_as_encoded():
    """Flags and levels are measured in what they are encoded to, where a rare one lies far from the frequent one."""
    r = np.random.default_rng(0)
    data = table_from(pd.DataFrame({"a": r.normal(size=N), "b": r.random(N) < 0.02, "c": r.choice(["x", "y", "z"], N)}))
    encoder, view = fitted(data)
    encoded = encoder.encode(data)[:, : encoder.layout.n_targets]
    plain, soft = seen(encoder, view, data)
    assert np.array_equal(plain[:, 1:], encoded[:, 1:])
    assert np.array_equal(soft[:, 1:], encoded[:, 1:])
    two_valued = facts_of(encoder, encoded).two_valued
    assert not two_valued[0]
    assert two_valued[1:].all()


def test_pictures_are_as_encoded():
    """Pixels share a unit already: both views are what goes in."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 4, 5), dtype=np.uint8)
    encoder = PixelEncoder.fit(pictures, "none")
    rows = torch.from_numpy(encoder.encode(pictures)).flatten(1)
    assert not facts_of(encoder, rows.numpy()).two_valued.any()
    assert all(torch.equal(found, rows) for found in View(rows.shape[1])(rows))


@pytest.mark.parametrize("linear", [LINEAR, SOFT_LINEAR])
def test_squashing_is_smooth_odd_and_endless(linear):
    """What is squashed keeps order and sign, and its slope does not jump where squashing begins."""
    x = torch.linspace(-5 * linear, 5 * linear, 10_001, dtype=torch.float64)
    y = squashed(x, linear)
    assert torch.allclose(y, -y.flip(0))
    slope = y.diff() / x.diff()
    assert (slope > 0).all()
    assert slope.diff().abs().max() < 0.01
