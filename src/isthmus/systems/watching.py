"""The lines that a fit prints, one an epoch, and the curves that are drawn from them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.systems.catalogue import Recipe
from isthmus.systems.material import Floats, Material
from isthmus.train.callbacks import Callback, FitState

MOST_ROWS = 10_000
"""Training rows that accuracy is counted on after an epoch."""

Say = Callable[[str], None]
_TINY = 1e-7


def mean_loss(name: str, reconstruction: Floats, rows: Floats) -> float:
    """Mean of a loss over all values: mse, mae, or bce (binary cross-entropy of values from 0 to 1)."""
    return float(np.mean(_LOSSES[name](reconstruction.astype(np.float64), rows.astype(np.float64))))


def accuracy(reconstruction: Floats, rows: Floats) -> float:
    """Share of values that are exactly 0 or 1 and lie on the right side of one half, as Keras's binary accuracy counts.

    >>> accuracy(np.array([0.9, 0.2, 0.9], np.float32), np.array([1.0, 0.0, 0.8], np.float32))
    0.6666666666666666
    """
    return float(np.mean((reconstruction > 0.5) == rows))


class EpochLines(Callback):
    """After each epoch: the training loss, and what the network makes of the rows that the curves are drawn on.

    Attributes
    ----------
    history : one dict an epoch: epoch, loss, and val_loss, accuracy, val_accuracy where there are such.
    seconds : what measuring took, which is none of the fit's time.
    """

    def __init__(self, recipe: Recipe, material: Material, loss: str, say: Say) -> None:
        self.model: Any = None
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0
        self._recipe, self._loss, self._say = recipe, loss, say
        self._watched = material.watched(recipe)
        self._sample = material.train[material.fitted(recipe)][:MOST_ROWS] if recipe.accuracy else None

    def on_epoch_end(self, state: FitState) -> None:
        """Measure and print."""
        start = time.perf_counter()
        entry = {"epoch": float(state.epoch), "loss": state.history[-1]["training_loss"]}
        state.network.eval()
        if self._sample is not None:
            entry["accuracy"] = accuracy(self.model.reconstruct(self._sample), self._sample)
        if self._watched is not None:
            given, wanted = self._watched
            found: NDArray[np.float32] = self.model.reconstruct(given)
            entry["val_loss"] = mean_loss(self._loss, found, wanted)
            if self._recipe.accuracy:
                entry["val_accuracy"] = accuracy(found, wanted)
        self.history.append(entry)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in entry.items() if name != "epoch")
        self._say(f"epoch {state.epoch}/{state.total_epochs}  {shown}")
        self.seconds += time.perf_counter() - start


def _cross_entropy(p: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, _TINY, 1 - _TINY)
    return -(x * np.log(p) + (1 - x) * np.log1p(-p))


_LOSSES: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "mse": lambda y, x: (y - x) ** 2,
    "mae": lambda y, x: np.abs(y - x),
    "bce": _cross_entropy,
}
