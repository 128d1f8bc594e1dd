"""Tests of `isthmus.models.accuracy`: the two classifiers of a probe, accuracies and their standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from isthmus.models.accuracy import STRENGTHS, accuracy, gain, linear_hits, neighbour_hits


def clouds(n, seed=0, columns=3, apart=4):
    """Two classes, some standard deviations apart in the first column."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    rows = rng.normal(size=(n, columns)).astype(np.float32)
    rows[:, 0] += apart * codes
    return rows, codes


@pytest.mark.parametrize("hits_of", [neighbour_hits, linear_hits])
def test_classes_that_lie_apart_are_told_apart(hits_of):
    """Both classifiers are about as good as can be (97.7 %) on two clouds, whatever a column's unit."""
    (rows, codes), (asked, truth) = clouds(400), clouds(400, seed=1)
    last = 5 if hits_of is neighbour_hits else np.random.default_rng(0)
    assert hits_of(rows * 1000, codes, asked * 1000, truth, last).mean() > 0.95


def test_the_penalty_is_chosen(monkeypatch):
    """The chosen penalty is about as good as the best of all, and surely better than the worst."""
    (rows, codes), (asked, truth) = (clouds(n, seed, columns=200, apart=2) for n, seed in ((400, 0), (4000, 1)))

    def share():
        return linear_hits(rows, codes, asked, truth, np.random.default_rng(0)).mean()

    chosen, fixed = share(), []
    for strength in STRENGTHS:
        monkeypatch.setattr("isthmus.models.accuracy.STRENGTHS", (strength,))
        fixed.append(share())
    assert chosen > max(fixed) - 0.03
    assert chosen > min(fixed) + 0.05


def test_a_constant_column_and_two_rows_a_class():
    """Neither a column without variance nor too few rows to hold any back is an obstacle."""
    rows = np.array([[0, 1], [0.1, 1], [5, 1], [5.1, 1]], dtype=np.float32)
    codes = np.array([0, 0, 1, 1])
    assert linear_hits(rows[[0, 2]], codes[[0, 2]], rows, codes, np.random.default_rng(0)).all()


def test_real_digits_without_a_warning():
    """The linear classifier converges on real data, which the tests' rule for warnings proves."""
    rows, codes = load_digits(return_X_y=True)
    rows = rows.astype(np.float32)
    hits = linear_hits(rows[:1000], codes[:1000], rows[1000:], codes[1000:], np.random.default_rng(0))
    assert hits.mean() > 0.88


def test_standard_errors_are_those_of_repeated_draws():
    """The standard errors are near the spread of the estimates over many draws of test rows."""
    rng = np.random.default_rng(0)
    ours = rng.random((2000, 300)) < 0.9
    theirs = np.where(rng.random((2000, 300)) < 0.05, ~ours, ours)
    spread = ours.mean(axis=1).std(), (ours.mean(axis=1) - theirs.mean(axis=1)).std()
    assert accuracy(ours[0]).standard_error == pytest.approx(spread[0], rel=0.25)
    assert gain(ours[0], theirs[0]).standard_error == pytest.approx(spread[1], rel=0.25)


def test_few_rows_are_never_certain():
    """Five hits of five have a standard error, and so has a gain of nothing."""
    hits = np.ones(5, dtype=bool)
    assert accuracy(hits).value == 1
    assert accuracy(hits).standard_error > 0.1
    assert gain(hits, hits).standard_error > 0.1


def test_the_paired_error_is_smaller():
    """Two features that err on the same rows are compared more sharply than two that err apart."""
    ours = np.arange(100) < 90
    assert gain(ours, ours).standard_error < gain(ours, ours[::-1]).standard_error
