"""Tests of `isthmus.drift`: silent where nothing changed, and loud in the right words where something did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.drift import FEWEST_ROWS, check
from isthmus.errors import DataError, ParameterError

SCORES = st.lists(st.integers(-9, 9).map(float), min_size=FEWEST_ROWS, max_size=60)
DRAWS = {
    "normal": lambda r, n: r.normal(size=n),
    "few values": lambda r, n: r.choice(6, n, p=[0.5, 0.25, 0.15, 0.06, 0.03, 0.01]),
    "all alike": lambda r, n: np.full(n, 3.0),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("sizes", [(300, 100), (30, 400), (2_000, 20)])
def test_false_drift_is_rare(name, sizes):
    """Where nothing changed, drift is found no more often than the level says, with ties and without."""
    r = np.random.default_rng(0)
    found = [check(DRAWS[name](r, sizes[0]), DRAWS[name](r, sizes[1]), level=0.1).drifted for _ in range(400)]
    assert np.mean(found) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / len(found))


def test_nothing_changed():
    """The words say so, the share above is near one in twenty, and the numbers of rows are told."""
    r = np.random.default_rng(1)
    found = check(r.normal(size=1_000), r.normal(size=400))
    assert not found.drifted
    assert (found.n_calibration, found.n_new) == (1_000, 400)
    assert found.share_above == pytest.approx(0.05, abs=0.03)
    assert "look as at calibration" in found.words


def test_scores_have_risen():
    """Scores that rose are drift; the words say by how much the tail grew and what to do."""
    r = np.random.default_rng(2)
    found = check(r.normal(size=500), r.normal(1, size=200))
    assert found.drifted
    assert found.share_above > 0.15
    assert found.words.startswith("The scores have risen: ")
    assert "recalibrate(X)" in found.words
    assert "p < 0.000001" in found.words


def test_only_the_tail_grew():
    """A few rows far out, which hardly move the distribution function, are found by the check of the tail."""
    r = np.random.default_rng(3)
    new = np.concatenate([r.normal(size=184), r.normal(6, size=16)])
    found = check(r.normal(size=1_000), new)
    assert found.statistic < 0.12  # Kolmogorov-Smirnov alone would need 0.126 for a level of 1 %
    assert found.drifted
    assert "have risen" in found.words


@pytest.mark.parametrize("change", [lambda x: x - 1, lambda x: x / 5, lambda x: np.minimum(x, 0) + 0.1])
def test_scores_have_shifted(change):
    """Scores that fell or drew together are drift too, in other words: the threshold misses more than it should."""
    r = np.random.default_rng(4)
    found = check(r.normal(size=500), change(r.normal(size=300)))
    assert found.drifted
    assert found.share_above < 0.05
    assert found.words.startswith("The scores have shifted: their median was ")
    assert "recalibrate(X)" in found.words


def test_drift_grows_with_the_change():
    """The further the scores move, the smaller the chance and the larger distance and share above."""
    r = np.random.default_rng(5)
    old, new = r.normal(size=300), r.normal(size=100)
    found = [check(old, new + shift) for shift in (0, 0.3, 0.6, 1.2)]
    for name, falls in (("p_value", True), ("statistic", False), ("share_above", False)):
        values = [getattr(f, name) for f in found]
        assert values == sorted(values, reverse=falls)


@given(SCORES, SCORES, st.randoms())
def test_ranks_alone_decide(old, new, random):
    """Neither the order of the rows nor an increasing transform of all scores changes the finding."""
    before = check(old, new)
    after = check(np.exp(random.sample(old, len(old))), np.exp(random.sample(new, len(new))))
    for name in ("drifted", "p_value", "statistic", "share_above"):
        assert getattr(after, name) == getattr(before, name)
    assert 0 <= before.p_value <= 1
    assert before.drifted == (before.p_value <= 0.01) == ("look as at" not in before.words)


@pytest.mark.parametrize("n", [23, 30, 55])
def test_nearly_the_same_scores(n):
    """As many new rows of nearly the same scores are no drift, and raise no warning from inside SciPy."""
    found = check(np.arange(n), np.arange(n) - 0.5)
    assert (found.p_value, found.drifted) == (1, False)


def test_one_calibration_row():
    """One calibration row tells nothing, and says nothing."""
    assert not check([0.0], np.arange(100.0)).drifted


def test_input_that_cannot_be_used():
    """Too few new rows, scores that are not finite and levels out of range are errors."""
    with pytest.raises(DataError, match="drift needs 20 new rows or more to tell; got 19: gather more"):
        check(range(100), range(19))
    with pytest.raises(DataError, match="one finite score for each row"):
        check([], range(50))
    with pytest.raises(DataError, match="one finite score for each row"):
        check(range(50), [np.nan] * 50)
    with pytest.raises(ParameterError, match="level must be a number > 0 and < 1; got 0"):
        check(range(50), range(50), level=0)
