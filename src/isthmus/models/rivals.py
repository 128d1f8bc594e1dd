"""A detector's score beside two classical ones on the same rows: nearest neighbours, and PCA's reconstruction error.

In: a fitted detector and rows. Out: three scores a row, and, where it is known which rows are anomalies, how well each score
ranks them. Where it is not, the rows stand against copies of themselves whose columns are shuffled: every value is one that was
seen in its column, but values of one row do not go together. What finds those finds broken relations between columns; it says
nothing of anomalies of other kinds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from isthmus.data.cells import taken
from isthmus.data.table import Table
from isthmus.models import detecting
from isthmus.models.inputs import Data
from isthmus.nets.blocks import in_blocks
from isthmus.prep.pixels import PixelEncoder
from isthmus.prep.rows import EncodedRows
from isthmus.scores.view import SOFT_LINEAR

Floats = NDArray[np.float64]
NEIGHBOURS = 5
MOST_SHUFFLED, MOST_VALUES = 2_000, 2**25
"""Rows, and values of them, that are shuffled."""
FEWEST_SHUFFLED = 20
SURE = 1.96
"""Standard errors by which two AUROCs must differ, for one to be called better."""
MOSTLY_KNOWN = 0.5
"""Share of known rows from which on scores say nothing of new ones."""
SAME = 1e-4
"""Distance, as a share of the largest of a held-out row, up to which a row stands among the known ones as it is."""
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Way:
    """One score, (n_samples,), by name; higher is more anomalous."""

    name: str
    scores: Floats


OURS, KNN, PCA = "isthmus", "k-NN", "PCA"


@dataclass(frozen=True, eq=False)
class Contest:
    """Scores of the same rows, of which some are known to be anomalies; both kinds occur.

    Attributes
    ----------
    ways : ours first.
    odd : (n_samples,) True for an anomaly.
    """

    ways: tuple[Way, ...]
    odd: NDArray[np.bool_]

    def auroc(self, way: Way) -> float:
        """Share of the pairs of an anomaly and a normal row in which the anomaly scores higher; ties count half."""
        return float(_placements(way.scores, self.odd)[0].mean())

    def average_precision(self, way: Way) -> float:
        """Mean precision over the places of the anomalies in the ranking."""
        return float(average_precision_score(self.odd, way.scores))

    def margin(self, way: Way, other: Way) -> tuple[float, bool]:
        """By how much the AUROC of ``way`` is the higher one, and whether chance hardly explains it (DeLong et al. 1988)."""
        pairs = zip(_placements(way.scores, self.odd), _placements(other.scores, self.odd), strict=True)
        apart = [ours - theirs for ours, theirs in pairs]
        few = min(len(part) for part in apart) < 2
        error = np.inf if few else float(np.sqrt(sum(part.var(ddof=1) / len(part) for part in apart)))
        difference = float(apart[0].mean())
        return difference, abs(difference) > SURE * error

    def found(self, way: Way, n_flagged: int) -> tuple[float, float]:
        """Precision and recall where the ``n_flagged`` rows of the highest scores are flagged; NaN where none are."""
        flagged = np.argsort(-way.scores, kind="stable")[:n_flagged]
        hits = int(self.odd[flagged].sum())
        return hits / n_flagged if n_flagged else float("nan"), hits / int(self.odd.sum())


def _placements(scores: Floats, odd: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """For each anomaly the share of normal rows below it, and for each normal row that of anomalies above it."""
    above, below = np.sort(scores[odd]), np.sort(scores[~odd])

    def rank(among: Floats, values: Floats) -> Floats:
        ends = np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")
        return np.asarray(ends / (2 * len(among)))

    return rank(below, scores[odd]), 1 - rank(above, scores[~odd])


def ways(detector: Any, data: Data) -> tuple[tuple[Way, ...], float]:
    """Our score, that of 5-nearest neighbours, PCA's error; and the share of rows that stand among the known ones as they are.

    Neighbours are sought among the rows that the detector keeps; a detector that keeps none has no such score, and a model
    without PCA beside it not the other.
    """
    model = detector.model_
    rows = EncodedRows(data, model.encoder_)
    listed = [Way(OURS, detecting.score_encoded(model, detector.scorer_, rows)[:, 0].astype(np.float64))]
    near = _distances(detector, rows)
    if near is not None:
        listed.append(Way(KNN, near))
    if model.baseline_ is not None:
        listed.append(Way(PCA, model._row_errors(model.baseline_, rows)))
    return tuple(listed), share_known(detector, rows)


def _distances(detector: Any, rows: EncodedRows) -> Floats | None:
    """(n_samples,) mean distance to the 5 nearest known rows in standardised columns; gaps are filled by the model.

    Of signals the smoothed samples are the columns. None where no rows are kept, or, as of pictures, not as they are.
    """
    scorer, run = detector.scorer_, detecting.runner(detector.model_)
    if not scorer.shape.n_reference or scorer.gradients is not None:
        return None

    def plain(x: Tensor) -> Tensor:
        residual = scorer.residuals(x, run(x))
        if scorer.slopes is not None:
            return _smoothed(scorer, scorer.features(residual)[0])
        return scorer.view(residual.filled)[0]  # type: ignore[no-any-return]  # a torch module

    known, new = _known_rows(scorer).numpy(), _in_blocks(detector, rows, plain)
    center, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known))).fit((known - center) / spread)
    return np.asarray(search.kneighbors((new - center) / spread)[0].mean(axis=1), dtype=np.float64)


def _known_rows(scorer: Any) -> Tensor:
    """The known rows in the plain view, (n_reference, n_targets), from the one in which the detector keeps them."""
    n_targets = len(scorer.view.soft)
    if scorer.slopes is not None:
        return _smoothed(scorer, scorer.neighbours.reference)
    kept: Tensor = scorer.neighbours.reference[:, :n_targets]
    if scorer.shape.mixed:
        return kept
    size = kept.abs()
    straight = torch.where(size <= SOFT_LINEAR, kept, kept.sign() * SOFT_LINEAR * (size / SOFT_LINEAR - 1).exp())
    return torch.where(scorer.view.soft > 0, straight / scorer.view.soft.clamp_min(TINY), kept)


def _smoothed(scorer: Any, features: Tensor) -> Tensor:
    """Of rises, falls and the smoothed signal, the last."""
    return features[:, -(scorer.slopes.n_features // 3) :]


def share_known(detector: Any, rows: EncodedRows) -> float:
    """Share of the rows that stand among the known ones as they are."""
    scorer, run = detector.scorer_, detecting.runner(detector.model_)
    if not scorer.shape.n_reference:
        return 0.0

    def nearest(x: Tensor) -> Tensor:
        return scorer.neighbours.nearest(scorer.features(scorer.residuals(x, run(x)))[0], 1)[0]  # type: ignore[no-any-return]

    return float(np.mean(_in_blocks(detector, rows, nearest) <= SAME * float(scorer.farthest)))


def _in_blocks(detector: Any, rows: EncodedRows, what: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
    block = detecting.block_of(detector.model_, detector.scorer_)
    return in_blocks(what, rows.slice, len(rows), block, torch.device("cpu"))


def against_shuffled(detector: Any, data: Data) -> Contest | None:
    """Rows against copies of them whose columns are shuffled; None for fewer than 20 rows, or where nothing can be shuffled."""
    encoder = detector.encoder_
    if len(data) < FEWEST_SHUFFLED or encoder.layout.n_targets < 2:
        return None
    most = max(FEWEST_SHUFFLED, min(MOST_SHUFFLED, MOST_VALUES // encoder.layout.n_targets))
    some = np.unique(np.linspace(0, len(data) - 1, min(len(data), most)).round().astype(np.int64))
    real = detecting.take(data, some)
    false = shuffled(encoder, real, detector.seed_)
    pairs = zip(ways(detector, real)[0], ways(detector, false)[0], strict=True)
    both = tuple(Way(one.name, np.concatenate([one.scores, other.scores])) for one, other in pairs)
    return Contest(both, np.repeat([False, True], len(some)))


def shuffled(encoder: Any, data: Data, seed: int) -> Data:
    """The rows with the values of each column (of each pixel, all channels together) given to other rows at random."""
    draw = np.random.default_rng([seed, 2])
    if isinstance(data, Table):
        names = data.columns.column_names
        mixed = [taken(data.columns.column(j), pa.array(draw.permutation(len(data)))) for j in range(len(names))]
        return dataclasses.replace(data, columns=pa.table(mixed, schema=data.columns.schema))
    first = isinstance(encoder, PixelEncoder) and encoder.channels == "first"
    planes = np.moveaxis(data, 1, -1) if first else data
    n, places = len(planes), int(np.prod(planes.shape[1 : 3 if planes.ndim > 2 else 2]))
    order = draw.permuted(np.repeat(np.arange(n)[:, None], places, axis=1), axis=0)
    mixed_planes: NDArray[Any] = planes.reshape(n, places, -1)[order, np.arange(places)].reshape(planes.shape)
    return np.moveaxis(mixed_planes, -1, 1) if first else mixed_planes
