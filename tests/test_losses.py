"""Tests of `isthmus.losses`: units of the error map, gaps and gradients."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from isthmus.data.table import table_from
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.losses import ELEMENT_LOSSES, cross_entropy_in, error_map, over_observed, per_row, squared
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder

MIXED = ColumnLayout(2, n_flags=1, levels=(3,), n_extras=1, order=(3, 0, 2, 1), entropies=(0.6, 1.0))
LOSSES = [*ELEMENT_LOSSES.values(), cross_entropy_in(torch.tensor(-2.0), torch.tensor(2.0))]


@pytest.fixture
def generator():
    """A seeded generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def mixed(generator):
    """Encoded rows of two numbers, a flag and a category with a gap in each, and an output for them."""
    x = torch.randn(6, 7, generator=generator)
    x[:, 3:6] = torch.eye(3).repeat(2, 1)
    x[0, 0] = x[1, 1] = x[2, 2] = torch.nan
    x[3, 3:6] = torch.nan
    return x, torch.randn(6, 6, generator=generator)


def table_of(n):
    """A number, a flag and a category, out of the order of the groups."""
    r = np.random.default_rng(0)
    place = r.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    return table_from(pa.table({"place": place, "on": r.random(n) < 0.3, "size": r.normal(5, 3, n)}))


def test_the_best_constant_guess_has_error_one():
    """On the training rows the mean, the flag's share and the category's shares each cost 1."""
    table = table_of(2000)
    encoder = ColumnEncoder.fit(table, "column")
    share = torch.from_numpy(encoder.flags.share)
    logits = (share / (1 - share)).log(), torch.from_numpy(encoder.categories[0].share).log()
    guess = torch.cat([torch.zeros(1), *logits]).float().expand(len(table), -1)
    errors = error_map(guess, torch.from_numpy(encoder.encode(table)), encoder.layout)
    assert errors.mean(dim=0).numpy() == pytest.approx(np.ones(3), abs=0.01)


def test_the_mean_picture_has_error_one(generator):
    """The mean of the training pictures has mean error 1 over all pixels."""
    pictures = (torch.rand(40, 5, 4, 3, generator=generator) * 9).numpy()
    encoder = PixelEncoder.fit(pictures, "last")
    x = torch.from_numpy(encoder.encode(pictures))
    errors = error_map(torch.zeros_like(x), x, encoder.layout)
    assert errors.shape == (40, 5, 4)
    assert float(errors.mean()) == pytest.approx(1.0, abs=1e-4)


def test_columns_come_in_the_order_of_the_data(mixed):
    """The layout's order puts each group's column where the data have it."""
    x, output = mixed
    straight = ColumnLayout(2, n_flags=1, levels=(3,), n_extras=1, entropies=MIXED.entropies)
    grouped, ordered = error_map(output, x, straight), error_map(output, x, MIXED)
    assert torch.equal(ordered.nan_to_num(-1), grouped[:, list(MIXED.order)].nan_to_num(-1))


@pytest.mark.parametrize("element", LOSSES)
def test_a_gap_is_nan_and_nothing_else(mixed, element):
    """Exactly the missing cells are NaN in the map."""
    x, output = mixed
    errors = error_map(output, x, MIXED, element)
    missing = torch.zeros(6, 4, dtype=torch.bool)
    for row, column in ((0, 1), (1, 3), (2, 2), (3, 0)):
        missing[row, column] = True
    assert torch.equal(errors.isnan(), missing)


@pytest.mark.parametrize("element", LOSSES)
def test_a_gap_gives_no_gradient(mixed, element):
    """A missing cell's output gets gradient 0, and no gradient is NaN."""
    x, output = mixed
    output.requires_grad_()
    error_map(output, x, MIXED, element).nanmean().backward()
    assert output.grad.isfinite().all()
    assert not output.grad[x[:, :6].isnan()].any()
    assert output.grad[4, :].any()


@pytest.mark.parametrize("element", LOSSES)
@pytest.mark.parametrize("layout", [ColumnLayout(12), PixelLayout((2, 2, 3))])
def test_searching_for_gaps_changes_nothing_where_there_are_none(generator, layout, element):
    """Without missing cells the map is the same, gaps searched or not."""
    x, y = torch.randn(2, 8, *layout.output_shape, generator=generator)
    assert torch.equal(error_map(y, x, layout, element), error_map(y, x, layout, element, gaps=False))


def test_a_missing_channel_leaves_the_pixel_out(generator):
    """A pixel with a missing channel is NaN, its neighbours are not."""
    x = torch.randn(2, 3, 2, 2, generator=generator)
    x[0, 1, 0, 1] = torch.nan
    errors = error_map(torch.zeros_like(x), x, PixelLayout((3, 2, 2)))
    assert errors.isnan().sum() == 1
    assert errors[0, 0, 1].isnan()


@pytest.mark.parametrize("element", ELEMENT_LOSSES.values())
def test_no_error_without_difference(generator, element):
    """A perfect reconstruction costs nothing, any other something."""
    x = torch.randn(5, 4, generator=generator)
    assert not element(x, x).any()
    assert (element(x + 0.1, x) > 0).all()


def test_binary_cross_entropy_ends_at_the_entropy_of_the_target():
    """At its optimum the loss is the entropy of the target, and everywhere else it is larger."""
    low, high = torch.tensor(-3.0), torch.tensor(5.0)
    share = torch.linspace(0.02, 0.98, 25)
    x = low + (high - low) * share
    entropy = -(share * share.log() + (1 - share) * (1 - share).log())
    loss = cross_entropy_in(low, high)
    assert torch.allclose(loss(x, x), entropy, atol=1e-5)
    assert (loss(x + 0.3, x) > entropy).all()


def test_binary_cross_entropy_stays_finite_outside_of_the_range():
    """Rows beyond the training range, and a range of no width, cost a finite number."""
    x, y = torch.tensor([-9.0, 0.0, 9.0]), torch.tensor([9.0, 0.0, -9.0])
    assert cross_entropy_in(torch.tensor(-1.0), torch.tensor(1.0))(y, x).isfinite().all()
    assert cross_entropy_in(torch.tensor(0.0), torch.tensor(0.0))(y, x).isfinite().all()


def test_a_row_is_the_mean_of_its_observed_cells():
    """Gaps do not count in a row's error; a row without any cell has error 0."""
    errors = torch.tensor([[1.0, 3.0], [torch.nan, 5.0], [torch.nan, torch.nan]])
    assert per_row(errors).tolist() == [2.0, 5.0, 0.0]


def test_huber_lies_between():
    """Within one standard deviation Huber's loss is half the square, beyond it grows as the size."""
    x, y = torch.zeros(2), torch.tensor([0.5, 4.0])
    losses = ELEMENT_LOSSES["huber"](y, x)
    assert float(losses[0]) == pytest.approx(float(squared(y, x)[0]) / 2)
    assert float(losses[1]) == pytest.approx(4.0 - 0.5)


def test_an_output_of_nan_is_no_gap(mixed):
    """A network that gives NaN is infinitely wrong in every observed cell, and its rows too."""
    x, output = mixed
    errors = error_map(torch.full_like(output, torch.nan), x, MIXED)
    gaps = error_map(output, x, MIXED).isnan()
    assert torch.equal(errors.isnan(), gaps)
    assert errors[~gaps].isinf().all()
    assert per_row(errors).isinf().all()


def test_the_mean_over_observed_cells():
    """Gaps do not count, and a map of gaps alone is 0."""
    assert over_observed(torch.tensor([[1.0, torch.nan], [4.0, 1.0]])) == 2.0
    assert over_observed(torch.full((2, 2), torch.nan)) == 0.0
