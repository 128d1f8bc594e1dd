"""The baseline line: honest words for every ratio."""

from __future__ import annotations

import pytest

from isthmus.views.baseline import Comparison, caution, in_own_unit
from isthmus.views.measured import measure


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (0.12, 0.19, "37\xa0% less error than PCA"),
        (0.19, 0.19, "As good as PCA"),
        (0.1885, 0.19, "As good as PCA"),
        (0.3, 0.2, "50\xa0% more error than PCA"),
        (0.25, None, "75\xa0% explained"),
    ],
)
def test_verdict(ours, theirs, verdict):
    """The headline says how the errors stand to each other."""
    assert Comparison("", ours, theirs, raw=False).verdict == verdict


def test_sentence():
    """The sentence holds both errors and their difference."""
    sentence = Comparison("", 0.12, 0.19, raw=False).sentence
    expected = "leaves 12\xa0% of the variance unexplained, PCA at the same latent size 19\xa0%: 37\xa0% less error."
    assert sentence.endswith(expected)


@pytest.mark.parametrize("ours", [0.18811, 0.19, 0.5])
def test_honest(ours):
    """From a ratio of 0.99 on, the advice is to use PCA."""
    assert "use PCA" in Comparison("", ours, 0.19, raw=False).sentence


def test_perfect():
    """Errors of zero have no ratio, and still words."""
    assert Comparison("", 0.0, 0.0, raw=False).ratio is None
    assert "leaves 0\xa0%" in Comparison("", 0.0, 0.0, raw=False).sentence


def test_caution():
    """Rows that are much easier than those held out are named so."""
    held_out = Comparison("", 0.2, 0.4, raw=False)
    assert "The held-out line is the fairer one" in caution(Comparison("", 0.1, 0.4, raw=False), held_out)
    assert caution(Comparison("", 0.19, 0.4, raw=False), held_out) == ""


def test_own_unit(pictures):
    """The mean squared error in the data's unit is that of the reconstructed pixels."""
    measured = measure(pictures.model, pictures.X)
    truth = ((pictures.model.reconstruct(pictures.X) - pictures.X) ** 2).mean()
    assert f"mean squared error {truth:.3f}"[:-1] in in_own_unit(measured)
