"""The anomaly score as one module."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from isthmus.layout import ColumnLayout
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.shape import FEW, FEW_OF_FLAGS, MIXED_RESIDUAL, PARTS, SHARE_OF_MIXED, WEIGHTS, Shape
from isthmus.scoring import Scorer, choose_reference, first_of_copies, fit_scorer

N, BLOCK = 600, 64
SIGMAS = (5, 6.5, 8, 12, 20, 35, 60, 100)


def ring(n=N, seed=0):
    """Rows near a circle in three of five columns, in units of their own, (n, 5)."""
    r = np.random.default_rng(seed)
    t = r.uniform(0, 6.28, n)
    rows = np.stack([np.cos(t), np.sin(t), np.cos(2 * t), 0 * t, 0 * t], axis=1) + 0.05 * r.normal(size=(n, 5))
    return rows * [1, 100, 0.1, 3, 7] + [0, 5, 1, -2, 0]


def flat(axes):
    """A network by hand: rows projected to the plane of the first ``axes`` directions of the unit cube, as two members."""

    def run(x):
        made = torch.nan_to_num(x) * torch.tensor([1.0] * axes + [0.0] * (x.shape[1] - axes))
        members = torch.stack([made, 0.9 * made], dim=1)
        return Output(members.mean(dim=1), made[:, :axes], {"members": members})

    return run


@functools.cache
def fitted(n_reference=N, mixed=False):
    """A scorer of the ring, its preparation, and the scores of its held-out rows."""
    X = ring()
    encoder = ColumnEncoder.fit(X, "column")
    rows = torch.from_numpy(encoder.encode(X))
    reference, held_out = choose_reference(N, n_reference, 0), torch.arange(0, N, 3)
    scorer, scores = fit_scorer(encoder, flat(3), rows, reference, held_out, BLOCK, mixed=mixed)
    return scorer, encoder, scores


def scores_of(X, **how):
    """Scores of raw rows."""
    scorer, encoder, _ = fitted(**how)
    rows = torch.from_numpy(encoder.encode(X))
    with torch.inference_mode():
        return scorer(rows, flat(3)(rows))


WAYS = pytest.mark.parametrize("how", [{}, {"n_reference": 0}, {"n_reference": 50}, {"mixed": True}], ids=str)


@WAYS
def test_the_score_is_the_weighted_sum_of_its_parts(how):
    """What is told of the parts adds up to the score; a part that does not count has no weight."""
    scorer, _, _ = fitted(**how)
    found = scores_of(ring(seed=1), **how)
    assert found.parts.shape == (N, len(PARTS))
    assert torch.allclose(found.total, found.parts @ torch.tensor(scorer.shape.weights))
    assert (found.parts >= 0).all()


@WAYS
def test_new_rows_score_as_those_held_out(how):
    """Held-out rows are not their own neighbours: their scores are distributed as those of new rows."""
    held_out, new = fitted(**how)[2], scores_of(ring(seed=1), **how).total
    for share in (0.25, 0.5, 0.75, 0.9):
        above = (new > held_out.quantile(share)).float().mean()
        assert float(above) == pytest.approx(1 - share, abs=0.12)


@WAYS
def test_rows_far_out_are_told_apart_without_error(how):
    """From 8 to 100 deviations along columns and principal axes rows score above normal ones, and the farther the higher."""
    X, new = ring(), ring(100, seed=1)
    spread, normal = X.std(axis=0), scores_of(new, **how).total
    axes = np.concatenate([np.eye(5), np.linalg.svd((X - X.mean(axis=0)) / spread)[2]])
    for axis in np.concatenate([axes, -axes]):
        far = torch.stack([scores_of(new[:20] + s * axis * spread, **how).total for s in SIGMAS])
        if how.get("n_reference") != 0:  # a residual alone is blind within the plane that the network restores
            labels = np.r_[np.zeros(len(normal)), np.ones(20)]
            assert min(roc_auc_score(labels, torch.cat([normal, scores]).numpy()) for scores in far[2:]) >= 0.999
            assert (far.diff(dim=0) > 0).all()
        else:
            assert (far.diff(dim=0) > -1e-3).all()


def test_a_row_alone_is_a_row_in_a_batch():
    """In blocks of one size a row's score does not depend on its company, to the last byte."""
    X = ring(BLOCK, seed=1)
    whole = scores_of(X).total
    lonely = np.zeros_like(X)
    lonely[0] = X[5]
    assert scores_of(lonely).total[0] == whole[5]


def test_far_from_everything():
    """The distance that counts as far is twice the farthest held-out row's; normal rows stay below it."""
    scorer, _, _ = fitted()
    assert scorer.far_from == 2 * float(scorer.farthest) > 0
    assert (scores_of(ring(seed=1)).distance < scorer.far_from).all()
    assert (scores_of(ring(seed=1) + 30 * ring().std(axis=0)).distance > scorer.far_from).all()


@WAYS
def test_a_scorer_is_its_buffers(how):
    """An empty scorer of the same shape that loads the buffers gives the same bytes."""
    scorer, encoder, _ = fitted(**how)
    copy = Scorer(encoder.layout, scorer.shape).eval()
    copy.load_state_dict(scorer.state_dict())
    rows = torch.from_numpy(encoder.encode(ring(seed=1)))
    with torch.inference_mode():
        assert torch.equal(copy(rows, flat(3)(rows)).total, scorer(rows, flat(3)(rows)).total)


@pytest.mark.parametrize(
    ("rows", "flags", "mixed", "count", "weights"),
    [
        (500, False, False, FEW, WEIGHTS),
        (500, True, False, FEW_OF_FLAGS, (WEIGHTS[0], 0, WEIGHTS[2])),
        (500, False, True, round(500 * SHARE_OF_MIXED), (WEIGHTS[0], 0, MIXED_RESIDUAL)),
        (20, False, True, FEW, (WEIGHTS[0], 0, MIXED_RESIDUAL)),
        (0, False, False, FEW, (0, 0, 1)),
        (0, True, True, FEW_OF_FLAGS, (0, 0, 1)),
    ],
)
def test_rules(rows, flags, mixed, count, weights):
    """Numbers of neighbours and weights follow from what the rows are."""
    shape = Shape.of(1, rows, mostly_flags=flags, mixed=mixed, ordered=False)
    assert (shape.count, shape.weights) == (count, weights)


@pytest.mark.parametrize(("unexplained", "weight"), [(0.3, 0.5), (0.15, 1.0), (10.0, 0.25), (0.0, 4.0)])
def test_the_better_pictures_are_restored_the_more_failures_count(unexplained, weight):
    """The weight of a picture's peak is .15 over what the network leaves unexplained, within its bounds."""
    shape = Shape.of(1, 50, mostly_flags=False, mixed=False, ordered=False, unexplained=unexplained)
    assert shape.weights == (WEIGHTS[0], WEIGHTS[1], pytest.approx(weight))


def test_mixed_bags_are_whitened():
    """A mixed bag of numbers has a second distance, after whitening; it is no ratio, and asks as many neighbours as the first."""
    scorer, _, _ = fitted(mixed=True)
    assert scorer.whitening is not None
    assert not torch.equal(scorer.whitening.matrix, torch.eye(3))
    assert not scorer.local.local
    assert scorer.local.count == scorer.neighbours.count
    shape = Shape.of(1, N, mostly_flags=False, mixed=True, ordered=False, whitened=False)
    assert Scorer(ColumnLayout(3), shape).whitening is None


def test_rows_of_flags_are_seen():
    """Columns of two values make a row of flags, whose local part is left out."""
    X = (np.random.default_rng(0).random((100, 6)) < [0.5, 0.3, 0.1, 0.5, 0.2, 0.4]).astype(float)
    encoder = ColumnEncoder.fit(X, "column")
    rows, every = torch.from_numpy(encoder.encode(X)), torch.arange(100)
    scorer, scores = fit_scorer(encoder, flat(2), rows, every, every, BLOCK)
    assert scorer.shape.count == FEW_OF_FLAGS
    assert scorer.shape.weights[1] == 0
    assert scores.isfinite().all()


def test_pictures():
    """Pictures are scored as rows of pixels; one that is noise scores above all that are smooth."""
    r = np.random.default_rng(0)
    pictures = (100 + 80 * np.sin(r.uniform(0, 6, (60, 1)) + np.linspace(0, 5, 30))).astype(np.uint8).reshape(60, 5, 6)
    encoder = PixelEncoder.fit(pictures, "none")

    def run(x):
        return Output(torch.zeros_like(x), x.flatten(1)[:, :1], {})

    rows, every = torch.from_numpy(encoder.encode(pictures)), torch.arange(60)
    scorer, scores = fit_scorer(encoder, run, rows, every, every, BLOCK)
    noise = torch.from_numpy(encoder.encode(r.integers(0, 256, (3, 5, 6), dtype=np.uint8)))
    with torch.inference_mode():
        assert (scorer(noise, run(noise)).total > scores.max()).all()


@pytest.mark.parametrize(("n", "most", "length"), [(50, 100, 50), (50, 50, 50), (50, 7, 7), (50, 0, 0)])
def test_reference_rows_are_drawn_once_each(n, most, length):
    """At most so many rows are kept, in their order, none twice, the same ones for one seed."""
    found = choose_reference(n, most, 3)
    assert len(found) == length
    assert (found.diff() > 0).all()
    assert torch.equal(found, choose_reference(n, most, 3))
    if length == 7:
        assert not torch.equal(found, choose_reference(n, most, 4))


def test_more_known_rows_are_more_work():
    """What a block of rows costs grows with the rows that are kept, so that blocks become smaller; none cost nothing."""
    work = [fitted(n_reference=n)[0].work for n in (0, 50, N)]
    assert work[0] == 0
    assert work[2] == pytest.approx(work[1] * N / 50)


def test_copies_are_known_once():
    """Of equal rows the first is kept, and no row is lost."""
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [5.0, 6.0]])
    assert first_of_copies(rows).tolist() == [0, 1, 3]
