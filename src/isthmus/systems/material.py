"""The rows that a system works on: what it is fitted to, what its curves are drawn on, what it is tested on.

Values go from 0 to 1. Pictures are divided by 255; heartbeats are scaled by the one lowest and highest value of the
training part. "The ECG split" is 80 to 20 with seed 42, and only normal beats are fitted.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from isthmus.corruptions import GaussianNoise
from isthmus.data import datasets
from isthmus.systems.catalogue import Recipe

Floats = NDArray[np.float32]
Folder = str | os.PathLike[str] | None
SPLIT_SEED = 42
NOISE_SEEDS = (1, 2)
"""Seeds of the noise of the training pairs and of the test pictures."""


@dataclass(frozen=True, eq=False)
class Material:
    """Rows and labels.

    Attributes
    ----------
    train : all rows that may be fitted.
    test, labels : rows and labels to test on.
    spoiled, spoiled_test : the same with noise, where the system takes it off.
    side : height and width of a picture, None for series.
    """

    train: Floats
    test: Floats
    labels: NDArray[np.int64]
    spoiled: Floats | None = None
    spoiled_test: Floats | None = None
    side: tuple[int, int] | None = None

    def fitted(self, recipe: Recipe) -> slice:
        """The training rows that "as written" is fitted to."""
        return slice(None, len(self.train) * 4 // 5) if recipe.validation == "last fifth" else slice(None)

    def watched(self, recipe: Recipe) -> tuple[Floats, Floats] | None:
        """What goes in and what should come out for the validation curve; None where none is drawn."""
        if recipe.validation == "nothing":
            return None
        if recipe.validation == "test":
            return self.test, self.test
        rows = slice(len(self.train) * 4 // 5, None)
        return (self.train if self.spoiled is None else self.spoiled)[rows], self.train[rows]


def material(recipe: Recipe, data_dir: Folder = None) -> Material:
    """Load what ``recipe`` needs, from ``data_dir`` or where `isthmus.datasets` looks.

    Raises
    ------
    DataError : the data set is not at hand, or not the right one.
    """
    found = _beats(recipe, data_dir) if recipe.task == "detect" else _pictures(recipe, data_dir)
    if not recipe.noise:
        return found
    noise = GaussianNoise(recipe.noise)
    spoiled = [
        noise.apply(rows, random_state=seed, low=0.0, high=1.0)
        for rows, seed in zip((found.train, found.test), NOISE_SEEDS, strict=True)
    ]
    return dataclasses.replace(found, spoiled=spoiled[0], spoiled_test=spoiled[1])


def _pictures(recipe: Recipe, data_dir: Folder) -> Material:
    train = datasets.load(recipe.dataset, "train", data_dir=data_dir)
    test, labels = datasets.load(recipe.dataset, "test", labels=True, data_dir=data_dir)
    side = (int(train.shape[1]), int(train.shape[2]))
    rows = [_unit(pictures, flat=recipe.flat) for pictures in (train, test)]
    return Material(rows[0], rows[1], labels, side=side)


def _unit(pictures: NDArray[Any], *, flat: bool) -> Floats:
    unit = pictures.astype(np.float32) / np.float32(255)
    return unit.reshape(len(unit), -1) if flat else unit


def _beats(recipe: Recipe, data_dir: Folder) -> Material:
    beats, labels = datasets.load(recipe.dataset, "all", labels=True, data_dir=data_dir)
    train, test, train_labels, test_labels = train_test_split(beats, labels, test_size=0.2, random_state=SPLIT_SEED)
    low, high = train.min(), train.max()
    unit = [((rows - low) / (high - low)).astype(np.float32) for rows in (train, test)]
    return Material(unit[0][train_labels == 1], unit[1], test_labels)
