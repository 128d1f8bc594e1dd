"""Tests of `isthmus.systems.detection`: figures for both choices of the positive class."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.systems.detection import detection_figures

R = np.random.default_rng(0)
NORMAL = R.random(200) < 0.7
SCORES = R.normal(size=200) + 2 * ~NORMAL


def test_figures_by_counting():
    """Each figure is what counting the four kinds of rows gives."""
    found = detection_figures(SCORES, NORMAL, 1.0)
    called = SCORES <= 1.0
    right_normal, right_odd = np.sum(called & NORMAL), np.sum(~called & ~NORMAL)
    assert found["accuracy"] == pytest.approx((right_normal + right_odd) / 200)
    assert found["precision, normal positive"] == pytest.approx(right_normal / called.sum())
    assert found["recall, normal positive"] == pytest.approx(right_normal / NORMAL.sum())
    assert found["precision, anomalous positive"] == pytest.approx(right_odd / (~called).sum())
    assert found["recall, anomalous positive"] == pytest.approx(right_odd / (~NORMAL).sum())


@pytest.mark.parametrize("name", ["normal", "anomalous"])
def test_f1_is_the_harmonic_mean(name):
    """Of precision and recall, for either class."""
    found = detection_figures(SCORES, NORMAL, 0.5)
    precision, recall = found[f"precision, {name} positive"], found[f"recall, {name} positive"]
    assert found[f"F1, {name} positive"] == pytest.approx(2 / (1 / precision + 1 / recall))


def test_auroc_needs_no_threshold():
    """It is the share of pairs in the right order, whatever the threshold."""
    pairs = np.mean(SCORES[~NORMAL][:, None] > SCORES[NORMAL])
    assert [detection_figures(SCORES, NORMAL, t)["AUROC"] for t in (-9.0, 0.0, 9.0)] == pytest.approx([pairs] * 3)


def test_a_threshold_above_and_below_all():
    """Calling all rows normal, or none, divides nothing by zero."""
    all_normal, all_odd = (detection_figures(SCORES, NORMAL, t) for t in (99.0, -99.0))
    assert all_normal["recall, normal positive"] == 1.0
    assert all_normal["precision, anomalous positive"] == all_normal["F1, anomalous positive"] == 0.0
    assert all_odd["recall, anomalous positive"] == 1.0
    assert all_normal["accuracy"] + all_odd["accuracy"] == pytest.approx(1.0)


def test_a_score_at_the_threshold_is_normal():
    """Only scores above it are called anomalous."""
    assert detection_figures(np.array([0.0, 1.0, 2.0]), np.array([True, True, False]), 1.0)["accuracy"] == 1.0
