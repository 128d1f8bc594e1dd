"""Everything that the report of a detector shows, found once.

In: a fitted detector, rows as its preparation adopted them, and, where it is known, which of them are anomalies. Out: `Judged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus import conformal, drift
from isthmus.errors import DataError
from isthmus.models import detecting, explaining, rivals
from isthmus.models.inputs import Data
from isthmus.prep.pixels import PixelEncoder

Floats = NDArray[np.float64]
WORST = 10
"""Rows whose reasons are told."""
NAMES = {"0": False, "false": False, "normal": False, "1": True, "true": True, "anomaly": True}
"""What a label may be, as text."""


@dataclass(frozen=True)
class Cause:
    """A column that raises the score of a row: what stands there, what was expected, its share of the fall of the score."""

    column: str
    seen: Any
    expected: Any
    share: float


@dataclass(frozen=True)
class Reason:
    """Why one row has its score.

    Attributes
    ----------
    row : its place in the data.
    far : far from everything seen.
    causes : the largest share first.
    """

    row: int
    far: bool
    causes: tuple[Cause, ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """A detector and rows, with all that is known of them.

    Attributes
    ----------
    detector : the fitted detector.
    data : the rows as its preparation adopted them.
    ways : our score of each row, and the classical ones.
    among_known : share of the rows that stand exactly so among those the detector keeps.
    odd : (n_samples,) which rows are anomalies; None where that is not known.
    """

    detector: Any
    data: Data
    ways: tuple[rivals.Way, ...]
    among_known: float
    odd: NDArray[np.bool_] | None

    @property
    def pictures(self) -> bool:
        """Whether the rows are pictures."""
        return isinstance(self.detector.encoder_, PixelEncoder)

    @property
    def ordered(self) -> bool:
        """Whether the columns are samples in order, such as those of a signal."""
        return bool(self.detector.scorer_.shape.ordered)

    @property
    def scores(self) -> Floats:
        """(n_samples,) anomaly scores."""
        return self.ways[0].scores

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """(n_samples,) which rows are above the threshold."""
        return np.asarray(self.scores > self.detector.threshold_)

    @cached_property
    def alarms(self) -> conformal.ExpectedAlarms:
        """The false alarms to expect at the threshold."""
        return conformal.expected_false_alarms(self.detector.calibration_scores_, self.detector.threshold_)

    @property
    def set_aside(self) -> bool:
        """Whether the threshold stands on rows that the model was not trained on."""
        return bool(len(self.detector.calibration_scores_) >= 2 and detecting.sets_aside(self.detector.n_rows_))

    @cached_property
    def worst(self) -> NDArray[np.int64]:
        """The rows with the highest scores, the highest first."""
        return np.argsort(-self.scores, kind="stable")[:WORST]

    @cached_property
    def drift(self) -> drift.Drift | None:
        """Whether the scores (of the normal rows, where they are known) have moved.

        None for fewer than 20 of them, and for rows of the fit, which score lower than new ones do.
        """
        scores = self.scores if self.odd is None else self.scores[~self.odd]
        if len(scores) < drift.FEWEST_ROWS or self.among_known > rivals.MOSTLY_KNOWN:
            return None
        return drift.check(self.detector.calibration_scores_, scores)

    @cached_property
    def contest(self) -> rivals.Contest | None:
        """The scores against the labels; None without labels of both kinds."""
        if self.odd is None or self.odd.all() or not self.odd.any():
            return None
        return rivals.Contest(self.ways, self.odd)

    @cached_property
    def against_shuffled(self) -> rivals.Contest | None:
        """The scores of rows against those of copies whose columns are shuffled."""
        return rivals.against_shuffled(self.detector, self.data)

    @cached_property
    def reasons(self) -> list[Reason]:
        """The columns behind the scores of the worst rows; none for pictures."""
        if self.pictures:
            return []
        found = explaining.explain(self.detector, self.rows(self.worst), top=3, every=True)
        lines: list[dict[str, Any]] = found.to_pylist() if isinstance(found, pa.Table) else found.to_dict("records")
        of: dict[int, list[dict[str, Any]]] = {}
        for line in lines:
            of.setdefault(int(line["row"]), []).append(line)
        return [
            Reason(
                int(self.worst[row]), any(line["far"] for line in listed), tuple(self._cause(line) for line in listed)
            )
            for row, listed in of.items()
        ]

    def _cause(self, line: dict[str, Any]) -> Cause:
        encoder = self.detector.encoder_
        kind = dict(zip(encoder.names, encoder.kinds, strict=False)).get(line["column"])
        seen, expected = line["seen"], line["expected"]
        if kind == "number":  # a frame of several kinds holds them as text
            seen, expected = (None if cell is None else float(cell) for cell in (seen, expected))
        if kind == "date":  # as finely as the cell itself
            day = str(seen).endswith(" 00:00:00")
            seen, expected = (None if cell is None else str(cell)[: 10 if day else 16] for cell in (seen, expected))
        return Cause(str(line["column"]), seen, expected, float(line["share"]))

    def rows(self, index: NDArray[np.int64]) -> Data:
        """The rows at ``index``."""
        return detecting.take(self.data, index)

    def heat_maps(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of the pictures at ``index``: where they are odd, (n, height, width)."""
        return np.asarray(self.detector.explain(self.rows(index)))

    def expected(self, index: NDArray[np.int64]) -> Any:
        """What the model makes of the rows at ``index``."""
        return self.detector.model_.reconstruct(self.rows(index))


def judge(detector: Any, data: Data, odd: NDArray[np.bool_] | None = None) -> Judged:
    """Score the rows, by the detector and by the classical ways.

    Parameters
    ----------
    detector : fitted.
    data : rows as its preparation adopted them.
    odd : (n_samples,) which of them are anomalies; None: not known.
    """
    found, among_known = rivals.ways(detector, data)
    return Judged(detector, data, found, among_known, odd)


def anomalies(labels: Sequence[Any]) -> NDArray[np.bool_]:
    """Labels as text, 0 or 1, false or true, normal or anomaly, as bool; another is a `DataError`.

    >>> anomalies(["0", "1", "false"])
    array([False,  True, False])
    """
    odd = next((label for label in labels if str(label).lower() not in NAMES), None)
    if odd is not None:
        hint = " Of scikit-learn's +1 and -1 make them with labels == -1." if str(odd) == "-1" else ""
        raise DataError(
            f"labels of a detector's rows must be 0 for a normal row or 1 for an anomaly; got {odd!r}.{hint}"
        )
    return np.array([NAMES[str(label).lower()] for label in labels], dtype=bool)
