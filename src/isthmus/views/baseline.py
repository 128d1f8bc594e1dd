"""The baseline line: our error beside that of PCA at the same latent size, in words.

In: what was measured. Out: a `Comparison` for the rows given and one for the validation rows of the fit, each with the
sentence that says what it means. The sentence is honest: where PCA is as good, it says to use PCA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from isthmus.models.summary import best_epoch, size_of_pca
from isthmus.prep.columns import ColumnEncoder
from isthmus.views.measured import Measured
from isthmus.views.words import count, number, percent

WORTH_IT = 0.99
"""Ratio of the errors from which on PCA is called as good."""
EASIER = 0.9
"""Ratio of the error of the rows given to the validation error below which they are called easier."""


@dataclass(frozen=True)
class Comparison:
    """Two errors on the same rows.

    Attributes
    ----------
    where : on which rows, as a heading.
    error, pca_error : mean errors; ``pca_error`` is None where there is no PCA.
    raw : whether they are in the square of the data's unit, not shares of what the mean leaves.
    size : of PCA, in words.
    """

    where: str
    error: float
    pca_error: float | None
    raw: bool
    size: str = "the same latent size"

    @property
    def ratio(self) -> float | None:
        """Our error over PCA's."""
        return self.error / self.pca_error if self.pca_error else None

    @property
    def verdict(self) -> str:
        """A few words, for a headline."""
        if self.ratio is None:
            return (
                f"{self.words(1 - self.error)} explained"
                if not self.raw
                else f"mean squared error {number(self.error)}"
            )
        if self.ratio < WORTH_IT:
            return f"{percent(1 - self.ratio)} less error than PCA"
        return f"{percent(self.ratio - 1)} more error than PCA" if self.ratio > 2 - WORTH_IT else "As good as PCA"

    @property
    def sentence(self) -> str:
        """What the two errors mean."""
        if self.pca_error is None:
            return (
                f"The autoencoder leaves {self.words(self.error)} unexplained; guessing the mean row leaves all of it."
            )
        ours, theirs = self.words(self.error), self.words(self.pca_error)
        if self.raw:
            facts = f"The autoencoder's mean squared error is {ours}, that of PCA at {self.size} {theirs}"
        else:
            facts = f"The autoencoder leaves {ours} of the variance unexplained, PCA at {self.size} {theirs}"
        if self.ratio is None:
            return f"{facts}."
        if self.ratio < WORTH_IT:
            return f"{facts}: {percent(1 - self.ratio)} less error."
        return f"{facts}: the autoencoder is not better than PCA here, so use PCA, which is simpler and faster."

    def words(self, error: float) -> str:
        """An error in its unit."""
        return number(error) if self.raw else percent(error)


def on_rows(measured: Measured) -> Comparison:
    """The comparison on the rows given; the numbers of `compare`."""
    theirs = None if measured.theirs is None else measured.theirs.mean
    where, size = f"The {count(len(measured.data), 'row')} of this report", size_of_pca(measured.model.plan_)
    return Comparison(where, measured.ours.mean, theirs, measured.raw_errors, size)


def at_validation(model: Any, raw: bool) -> Comparison | None:
    """The comparison on the rows that the fit held out; None where it held none out, or where epoch 0 was not PCA."""
    plan, history = model.plan_, model.history_
    shares = plan.loss == "mse" and plan.validation_rows > 0
    if not (shares and starts_at_pca(model)):
        return None
    where = f"The {count(plan.validation_rows, 'row')} held out in the fit"
    errors = best_epoch(history)["validation_loss"], history[0]["validation_loss"]
    return Comparison(where, *errors, raw, size_of_pca(plan))


def starts_at_pca(model: Any) -> bool:
    """Whether epoch 0 of the history is PCA."""
    history = model.history_
    return bool(
        history and history[0]["epoch"] == 0 and model.plan_.anchored and not getattr(model, "warm_start", False)
    )


def caution(given: Comparison, held_out: Comparison | None) -> str:
    """What to keep in mind about the rows given, or nothing."""
    if held_out is None or given.error > EASIER * held_out.error:
        return ""
    return (
        "The rows of this report are easier for the model than the rows held out in the fit, most likely because the model "
        "was trained on them. The held-out line is the fairer one."
    )


def in_own_unit(measured: Measured) -> str:
    """The errors in the unit of the data where all columns or pixels share one, as a sentence; else nothing."""
    encoder = measured.model.encoder_
    if isinstance(encoder, ColumnEncoder):
        if encoder.scaling != "common" or encoder.names:
            return ""
        scale, low, high = (float(a[0]) for a in (encoder.numbers.scale, encoder.numbers.low, encoder.numbers.high))
        noun = "value"
    else:
        scale, low, high, noun = encoder.scale, encoder.low, encoder.high, "pixel"
    ours, theirs = measured.ours, measured.theirs
    beside = "" if theirs is None else f" (PCA: {number(scale * math.sqrt(theirs.mean))})"
    return (
        f"In the data's own unit ({number(low)} to {number(high)}), a {noun} is off by "
        f"{number(scale * math.sqrt(ours.mean))}{beside}, root mean square; mean squared error "
        f"{number(scale**2 * ours.mean)}{'' if theirs is None else f' (PCA: {number(scale**2 * theirs.mean)})'}."
    )
