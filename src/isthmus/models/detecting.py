"""One fit of a detector: which rows train the model, which set the threshold, and what the scores become."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from isthmus.corruptions import GaussianNoise, MaskingNoise
from isthmus.data.table import Table
from isthmus.errors import ParameterError
from isthmus.layout import ColumnLayout
from isthmus.models.base import BaseAutoencoder
from isthmus.models.denoising import DenoisingAutoencoder
from isthmus.models.inputs import Data
from isthmus.nets.blocks import block_rows, in_blocks
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.ordered import NOTE, are_ordered
from isthmus.prep.rows import EncodedRows
from isthmus.scores.gaps import gap_filling
from isthmus.scoring import Scorer, choose_reference, first_of_copies, fit_scorer
from isthmus.sizing import batch_size

MEMBERS, STEPS = 2, 400
"""Four and eight members, 600 and 1,000 steps take up to three times as long and gain nothing that 22 tables could tell."""
NOISE, MASKS = (0.05, 1.0), (0.5, 0.0)
"""From the first member to the last: little noise and many masked cells to much noise and none."""
HIDDEN, MOST_LATENTS = 64, 128
"""Of the default model. Its units are rectified linear: a fifth quicker than GELU and .001 better (AUROC .9235, .9225; average
precision .7522, .7508); 128 of them gain nothing."""
WEIGHTS_OF_PICTURES, FEWEST_HIDDEN, BATCH_OF_PICTURES = 200_000, 32, 64
"""Weights that a layer on pixels may have, as Adam moves them all in every step: 255 units on 28 x 28 pixels, 32 from 80 x 80
on."""
NOISE_OF_PICTURES, LATENTS_OF_PICTURES, LATENTS_OF_SIGNALS = (0.05, 0.5), 16, 8
"""Shares of the range. Neighbouring pixels give each other away, so a picture, or a signal, needs the bottleneck that a table does
without: beats in ECG5000, error alone: .92 with 128 latents, .99 with 8 and less noise."""
MIXED_NOISE, MIXED_TRIM, MIXED_STEPS = (1.0, 2.0), 0.2, 300
MOST_CALIBRATION_ROWS = 4_096
NOTE_ON_SIGNALS = "distances are measured between slopes, as " + NOTE
FEWEST_SET_ASIDE = 20
"""Rows of fit from which on some are set aside for the threshold."""


@dataclass(frozen=True)
class Detection:
    """What a fit of a detector leaves behind."""

    model: BaseAutoencoder
    scorer: Scorer
    scores: NDArray[np.float64]
    training_scores: NDArray[np.float64] | None
    notes: tuple[str, ...]


def default_model(data: Data, *, mixed: bool, ordered: bool = False) -> BaseAutoencoder:
    """The model of a detector that was given none.

    As many latents as columns (pictures: 16): noise and masks, not a bottleneck, keep it from copying. Some 400 steps, however
    many the rows.

    Rows get two denoising autoencoders, trained as one: the first must fill in half of the cells and sees little noise, the
    second sees noise as large as the data. A row that is unlike the normal ones is restored badly at one strength or the other.

    With anomalies among the rows, both see noise larger than the data, and the fifth of the rows that a step restores worst
    does not count in it: what is rare is not learnt. Three quarters as many steps, as what is rare is learnt last.
    """
    n_columns = int(np.prod(data.shape[1:]))
    pictures = len(data.shape) > 2
    batch = batch_size(len(data), "dense", ColumnLayout(n_columns), crop=0)
    batch = min(max(batch, BATCH_OF_PICTURES), len(data)) if pictures else batch
    hidden = max(FEWEST_HIDDEN, min(256, WEIGHTS_OF_PICTURES // n_columns)) if pictures else HIDDEN
    passes = math.ceil((MIXED_STEPS if mixed else STEPS) / math.ceil(len(data) / batch))
    common: dict[str, Any] = {
        "latent_dim": min(n_columns, LATENTS_OF_PICTURES if pictures else LATENTS_OF_SIGNALS if ordered else MOST_LATENTS),
        "hidden_dims": (hidden,), "network": "dense", "batch_size": batch,
        "activation": "relu", "scaling": "common" if pictures or ordered else "column", "max_epochs": passes,
        "validation_fraction": 0.0, "keep": "last",
    }  # fmt: skip
    if mixed:
        return DenoisingAutoencoder(corruption=GaussianNoise(MIXED_NOISE), members=MEMBERS, trim=MIXED_TRIM, **common)
    noise = GaussianNoise(NOISE_OF_PICTURES if pictures or ordered else NOISE)
    corruption = noise if pictures or ordered else noise | MaskingNoise(MASKS)
    return DenoisingAutoencoder(corruption=corruption, members=MEMBERS, **common)


def model_for(
    given: Any, data: Data, seed: int, progress: Any, *, mixed: bool, ordered: bool = False
) -> BaseAutoencoder:
    """A fresh copy of the model that was given, or the default one, with a seed."""
    if given is not None and not isinstance(given, BaseAutoencoder):
        raise ParameterError(
            "model of AnomalyDetector must be an autoencoder of isthmus, such as isthmus.Autoencoder(8), or None; got "
            f"{given!r:.80}."
        )
    model = default_model(data, mixed=mixed, ordered=ordered) if given is None else clone(given)
    if model.random_state is None:
        model.random_state = seed
    if given is None:
        model.progress = progress
    return model


def detect(parameters: Any, data: Data, seed: int) -> Detection:
    """Fit the model and the scorer of a detector to ``data``."""
    training, held_out, notes = split(len(data), parameters.calibration_fraction, seed)
    mixed = parameters.contamination is not None
    seen = take(data, training.numpy())
    ordered = len(data.shape) == 2 and are_ordered(data)
    model = model_for(parameters.model, seen, seed, parameters.progress, mixed=mixed, ordered=ordered).fit(seen)
    # A model that was given may take numbers for categories, which have no slopes.
    ordered = ordered and isinstance(model.encoder_, ColumnEncoder) and model.encoder_.layout.only_numbers
    notes = (*notes, NOTE_ON_SIGNALS) if ordered else notes
    adopted, _ = model.encoder_.adopt(data)
    rows = EncodedRows(adopted, model.encoder_)
    encoded = rows.slice(0, len(rows))
    # A single known row would have no neighbour of its own.
    most = parameters.reference_rows if parameters.reference_rows > 1 else 0
    # In a mixed bag an anomaly that is there several times must not be its own company.
    known = first_of_copies(encoded) if mixed else torch.arange(len(rows))
    reference = known[choose_reference(len(known), most, seed)]
    scorer, scores = fit_scorer(
        model.encoder_, runner(model), encoded, reference, held_out, model.block_rows_, mixed=mixed, ordered=ordered
    )
    every = score_encoded(model, scorer, rows) if parameters.contamination not in (None, "auto") else None
    return Detection(
        model, scorer, scores.double().numpy(), None if every is None else every[:, 0].astype(np.float64), notes
    )


def sets_aside(n_rows: int) -> bool:
    """Whether some of ``n_rows`` rows of a fit set the threshold and train nothing."""
    return n_rows >= FEWEST_SET_ASIDE


def split(n_rows: int, fraction: float, seed: int) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Indices of the rows that train and of those that set the threshold, and what is to be said of them."""
    every = torch.arange(n_rows)
    if not sets_aside(n_rows):
        note = (
            f"{n_rows} rows are too few to set some aside: the threshold is that of the rows the model was trained on, and "
            f"its false-alarm rate is not known; {FEWEST_SET_ASIDE} rows are the fewest for that."
        )
        return every, every, (note,)
    count = min(max(1, round(n_rows * fraction)), MOST_CALIBRATION_ROWS)
    order = torch.from_numpy(np.random.default_rng([seed, 1]).permutation(n_rows))
    return order[count:].sort().values, order[:count].sort().values, ()


def take(data: Any, index: NDArray[np.int64]) -> Data:
    """The rows of ``data``, a table, an array or pictures from files, at ``index``."""
    return data.take(index) if isinstance(data, Table) else np.asarray(getattr(data, "array", data))[index]


def runner(model: BaseAutoencoder) -> Any:
    """The model's network on encoded rows, as the scorer takes it; gaps are filled."""

    def run(rows: Tensor) -> Output:
        made: Output = model.network_(rows)
        return made

    return gap_filling(run, model.encoder_)


def block_of(model: BaseAutoencoder, scorer: Scorer) -> int:
    """Rows in a block of scoring: the model's own, or fewer where there is much to compare with."""
    return min(model.block_rows_, block_rows(scorer.work))


def score_rows(detector: Any, X: Any) -> NDArray[np.float32]:
    """`score_encoded` of the rows of ``X``, by a fitted detector."""
    check_is_fitted(detector)
    return score_encoded(detector.model_, detector.scorer_, detector.model_._rows(X))


def score_encoded(model: BaseAutoencoder, scorer: Scorer, rows: EncodedRows) -> NDArray[np.float32]:
    """(n_samples, 5): the anomaly score, -log p of its three parts, the distance to the nearest known rows."""
    run = runner(model)

    def score(x: Tensor) -> Tensor:
        found = scorer(x, run(x))
        return torch.cat([found.total[:, None], found.parts, found.distance[:, None]], dim=1)

    return in_blocks(score, rows.slice, len(rows), block_of(model, scorer), torch.device("cpu"))
