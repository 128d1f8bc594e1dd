"""The two classifiers of a probe, and what their right answers are worth: an accuracy, a gain, standard errors.

In: features of rows to learn from and of rows to test, with the classes of both. Out: `Score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from isthmus.models.classes import Places, at_most, split

Matrix = NDArray[np.float32]
Hits = NDArray[np.bool_]
STRENGTHS = (1.0, 0.1, 0.01, 0.001)
"""Inverse penalties of the linear classifier among which held-back training rows choose, the first of equals."""
TUNING_ROWS, TUNING_DRAWS, TUNING_SHARE = 2_000, 3, 0.25


@dataclass(frozen=True)
class Score:
    """A share of the test rows, or the difference of two shares, and its standard error over these rows."""

    value: float
    standard_error: float

    def text(self, sign: str = "") -> str:
        """In percent, or percentage points.

        >>> Score(0.9233, 0.0027).text()
        '92.33 ± 0.27 %'
        """
        return f"{100 * self.value:{sign}.2f} ± {100 * self.standard_error:.2f} %"


def linear_hits(features: Matrix, codes: Places, asked: Matrix, truth: Places, draw: np.random.Generator) -> Hits:
    """Which test rows a linear classifier gets right, (n_test,); its penalty is chosen on training rows held back."""
    scaler = StandardScaler().fit(features.astype(np.float64))
    scaled = scaler.transform(features.astype(np.float64))
    some_rows = at_most(np.arange(len(codes)), codes, TUNING_ROWS, draw)
    right = np.zeros(len(STRENGTHS))
    for _ in range(TUNING_DRAWS):
        fit, held_back = (some_rows[part] for part in split(codes[some_rows], TUNING_SHARE, draw))
        for place, strength in enumerate(STRENGTHS if len(held_back) else ()):
            fitted = _logistic(strength).fit(scaled[fit], codes[fit])
            right[place] += (fitted.predict(scaled[held_back]) == codes[held_back]).sum()
    best = _logistic(STRENGTHS[int(right.argmax())]).fit(scaled, codes)
    found: Hits = best.predict(scaler.transform(asked.astype(np.float64))) == truth
    return found


def neighbour_hits(features: Matrix, codes: Places, asked: Matrix, truth: Places, neighbours: int) -> Hits:
    """Which test rows most of their nearest training rows get right, (n_test,); Euclidean, features as they are."""
    found: Hits = KNeighborsClassifier(neighbours).fit(features, codes).predict(asked) == truth
    return found


def accuracy(hits: Hits) -> Score:
    """Share of hits; its standard error after two hits and two misses are added, so that it is never 0 (Agresti, Coull)."""
    n, share = len(hits) + 4, (hits.sum() + 2) / (len(hits) + 4)
    return Score(float(hits.mean()), math.sqrt(share * (1 - share) / n))


def gain(ours: Hits, theirs: Hits) -> Score:
    """Difference of two accuracies on the same rows; half a row is added to each of the four outcomes (Agresti, Min)."""
    n, only_ours, only_theirs = len(ours) + 2, (ours & ~theirs).sum() + 0.5, (theirs & ~ours).sum() + 0.5
    squares = only_ours + only_theirs - (only_ours - only_theirs) ** 2 / n
    return Score(float(ours.mean() - theirs.mean()), math.sqrt(squares) / n)


def _logistic(strength: float) -> LogisticRegression:
    # The penalty makes the optimum a single point that is always reached; a finer tolerance changes no digit that is shown.
    return LogisticRegression(C=strength, tol=1e-3, max_iter=100_000)
