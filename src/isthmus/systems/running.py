"""Running a system: as written, improved, and its classical baseline, on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import restoration
from isthmus.corruptions import GaussianNoise
from isthmus.errors import ParameterError
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.base import BaseAutoencoder
from isthmus.models.denoising import DenoisingAutoencoder
from isthmus.systems.catalogue import Recipe
from isthmus.systems.detection import detection_figures
from isthmus.systems.material import Floats, Material
from isthmus.systems.watching import MOST_ROWS, EpochLines, Say, mean_loss
from isthmus.thresholds import conformal, mean_and_deviations

AS_WRITTEN, IMPROVED = "as written", "improved"
FILTERED = 200
"""Pictures that classical filters are run on; non-local means takes some hundredths of a second for each."""


@dataclass(frozen=True, eq=False)
class Side:
    """One way of doing it.

    Attributes
    ----------
    name : as written, improved, or the name of the baseline.
    figures : name to value, in the order of print.
    model : the fitted estimator; None for a filter.
    history : one dict an epoch; empty where no lines were printed.
    scores, threshold : of the test rows, where anomalies are looked for.
    """

    name: str
    figures: dict[str, float]
    model: BaseAutoencoder | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    scores: NDArray[np.float64] | None = None
    threshold: float | None = None


def run_as_written(recipe: Recipe, rows: Material, parameters: Mapping[str, Any], seed: int, say: Say) -> Side:
    """Fit what the tutorial says, printing a line an epoch."""
    lines = EpochLines(recipe, rows, parameters.get("loss", "mse"), say)
    made = _estimator(recipe, parameters, seed, callbacks=(lines,), progress=False)
    lines.model = made
    where = rows.fitted(recipe)
    start = time.perf_counter()
    made.fit(rows.train[where]) if rows.spoiled is None else made.fit(rows.spoiled[where], rows.train[where])
    seconds = time.perf_counter() - start - lines.seconds
    made.callbacks = ()  # what was watched is not part of the model
    figures = {"seconds of the fit": seconds, "training loss, last epoch": lines.history[-1]["loss"]}
    return _side(AS_WRITTEN, recipe, rows, made, figures, lines.history)


def run_improved(recipe: Recipe, rows: Material, seed: int) -> Side:
    """Fit isthmus's own defaults at the same latent size."""
    noise: dict[str, Any] = {"corruption": GaussianNoise(recipe.noise)} if recipe.noise else {}
    made = _estimator(recipe, {**recipe.improved, **noise}, seed)
    start = time.perf_counter()
    made.fit(_to_fit(recipe, rows))
    return _side(IMPROVED, recipe, rows, made, {"seconds of the fit": time.perf_counter() - start})


def run_baselines(recipe: Recipe, rows: Material, seed: int) -> list[Side]:
    """PCA at the same latent size; for noise, classical filters."""
    if recipe.task == "denoise":
        return _filters(recipe, rows)
    made = _estimator(recipe, {**recipe.improved, "network": "dense", "max_epochs": 0}, seed)
    start = time.perf_counter()
    made.fit(_to_fit(recipe, rows))
    return [_side("PCA", recipe, rows, made, {"seconds of the fit": time.perf_counter() - start})]


def _estimator(recipe: Recipe, parameters: Mapping[str, Any], seed: int, **more: Any) -> BaseAutoencoder:
    given: dict[str, Any] = {**parameters, "random_state": seed, **more}
    if recipe.task == "denoise":
        return DenoisingAutoencoder(**given)
    return Autoencoder(**given)


def _side(
    name: str,
    recipe: Recipe,
    rows: Material,
    model: BaseAutoencoder,
    figures: dict[str, float],
    history: list[dict[str, float]] | None = None,
) -> Side:
    measured = _MEASURES[recipe.task](model, rows)
    scores, threshold = measured.pop("scores", None), measured.pop("threshold", None)
    return Side(name, {**measured, **figures}, model, history or [], scores, threshold)


def _reconstruction(model: Any, rows: Material) -> dict[str, Any]:
    sample = rows.train[:MOST_ROWS]
    return {
        "test error": mean_loss("mse", model.reconstruct(rows.test), rows.test),
        "training error": mean_loss("mse", model.reconstruct(sample), sample),
    }


def _restoration(model: Any, rows: Material) -> dict[str, Any]:
    restored = model.denoise(_spoiled(rows))
    return {
        "test error": mean_loss("mse", restored, rows.test),
        "PSNR (dB)": float(restoration.psnr(restored, rows.test, 1.0).mean()),
        "SSIM": float(restoration.ssim(restored[:MOST_ROWS], rows.test[:MOST_ROWS], 1.0).mean()),
    }


def _detection(model: Any, rows: Material) -> dict[str, Any]:
    """Scores are mean absolute errors, as the tutorial has them.

    "As written", which holds out nothing, has the tutorial's rule over the training rows; our own network and PCA have a stated
    rate of false alarms over rows that were set aside before either was fitted.
    """
    if model.validation_fraction:
        threshold = conformal(_scores(model, rows.train[_calibration(rows)]))
    else:
        threshold = mean_and_deviations(_scores(model, rows.train))
    scores = _scores(model, rows.test)
    figures = detection_figures(scores, rows.labels == 1, threshold)
    return {**figures, "threshold": threshold, "scores": scores}


def _calibration(rows: Material) -> slice:
    """The last tenth of the training rows, whose order is drawn."""
    return slice(len(rows.train) * 9 // 10, None)


def _to_fit(recipe: Recipe, rows: Material) -> Floats:
    """The training rows, less those that a threshold is set by."""
    return rows.train[: _calibration(rows).start] if recipe.task == "detect" else rows.train


def _scores(model: Any, rows: Floats) -> NDArray[np.float64]:
    return np.abs(model.reconstruct(rows).astype(np.float64) - rows).mean(axis=1)  # type: ignore[no-any-return]


def _spoiled(rows: Material) -> Floats:
    if rows.spoiled_test is None:
        raise ParameterError("a recipe that restores needs noise.")
    return rows.spoiled_test


_MEASURES = {"reconstruct": _reconstruction, "denoise": _restoration, "detect": _detection}


def _filters(recipe: Recipe, rows: Material) -> list[Side]:
    """Classical filters, on `FILTERED` test pictures; their figures for all of them would take minutes."""
    index = np.linspace(0, len(rows.test) - 1, FILTERED).astype(np.int64)
    spoiled, clean = _spoiled(rows)[index], rows.test[index]
    compared = restoration.compare_filters(spoiled, clean, {}, 1.0, sigma=recipe.noise, most=FILTERED)
    sides = []
    for row in compared:
        found = {"test error": row.mse, "PSNR (dB)": row.psnr, "SSIM": row.ssim, "seconds a picture": row.seconds}
        sides.append(Side(row.name, {name: value for name, value in found.items() if value is not None}))
    return sides
