"""Pictures restored by a model beside classical filters, and the pictures that are given to it.

In: a fitted denoising autoencoder and pictures. Out: figures for each way of restoring; pictures spoiled as in training, or
brought to the axes of fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.corruptions import GaussianNoise
from isthmus.errors import DataError, ParameterError
from isthmus.filters import evenly
from isthmus.models.trial import Trial, mean_error, row_errors
from isthmus.prep.pixels import PixelEncoder
from isthmus.restoration import EXACT, Row, compare_filters, psnr

OURS = "this model"
"""What a table of filters calls the model."""
RANGES = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
"""Highest minus lowest value of pixels whose type says so."""
FILTERED_PIXELS, FEWEST, MOST = 2**18, 4, 200
"""Pixels that the filters are run on, some seconds' worth, in this many pictures at least and at most."""
LARGEST = 512
"""Of a picture with a longer side, the filters and the model are measured on so many pixels in the middle of it."""
Part = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Spoiled, clean and restored pictures of one size, with channels where they stood at fit."""


def restoration(model: Any, X: Any, y: Any = None) -> dict[str, float | None]:
    """What `DenoisingAutoencoder.compare` says, and for pictures their mean PSNR in dB, restored and left as they are.

    Parameters
    ----------
    model : a fitted `DenoisingAutoencoder`.
    X, y : as in `DenoisingAutoencoder.compare`.

    Returns
    -------
    ``error``, ``pca_error``, ``ratio``, ``untouched_error``, ``psnr``, ``untouched_psnr``; None where there is none.
    """
    trial = Trial(model, X, y)
    ours = trial.errors()
    error = mean_error(ours)
    pca = None if model.baseline_ is None else mean_error(trial.errors(model.baseline_))
    found = {"error": error, "pca_error": pca, "ratio": error / pca if pca else None}
    if not isinstance(trial.data, np.ndarray) or trial.data.ndim == 2:
        return {**found, "untouched_error": None, "psnr": None, "untouched_psnr": None}
    spoiled, spread = trial.untouched(), data_range(model, trial.data.dtype)
    seen = {"untouched_error": mean_error(spoiled), "psnr": decibels(model, ours, spread)}
    return {**found, **seen, "untouched_psnr": decibels(model, spoiled, spread)}


def decibels(model: Any, errors: NDArray[np.float32], data_range: float) -> float:
    """Mean PSNR in dB over pictures whose error map this is; a picture counts with 100 at most."""
    mse = row_errors(errors) * model.encoder_.scale**2
    pixels = np.sqrt(mse)[:, None, None]  # one pixel a picture, with the picture's error
    return float(np.minimum(psnr(pixels, np.zeros_like(pixels), data_range), EXACT).mean())


def data_range(model: Any, dtype: object) -> float:
    """Highest minus lowest value that a pixel can have: of the type where it says so, else the range seen in training."""
    seen = float(model.encoder_.high - model.encoder_.low)
    return RANGES.get(str(dtype)) or seen or 1.0


def noise_of(model: Any, data_range: float) -> float | None:
    """Standard deviation of the noise that was added, as a share of ``data_range``; None where there is more."""
    noise = model.corruption_
    if type(noise) is not GaussianNoise or isinstance(noise.std, tuple):
        return None
    return noise.std * float(model.encoder_.high - model.encoder_.low) / data_range


def filters_beside(model: Any, parts: Iterable[Part], *, by_model: bool) -> list[Row]:
    """Classical filters and the model, measured on the same pictures.

    Parameters
    ----------
    model : a fitted `DenoisingAutoencoder` of pictures.
    parts : pictures of one size each.
    by_model : whether they were spoiled by the model's corruption; the filters are then told the strength of its noise.

    Returns
    -------
    One row for each way, the model's last, with the name `OURS`; means over at most 200 pictures, fewer of large ones, that
    are taken evenly from those without missing pixels, and of large ones over their middle. Empty where there are none.
    """
    listed = [tuple(_channels_last(model.encoder_, pictures) for pictures in part) for part in parts]
    whole = [(p, i) for p, (spoiled, clean, _) in enumerate(listed) for i in _whole(spoiled, clean)]
    if not whole:
        return []
    values = sum(_middle(listed[p][1])[0].size for p, _ in whole) / len(whole)
    chosen = [whole[i] for i in evenly(len(whole), most_filtered(values)).tolist()]
    tables = []
    for p, (spoiled, clean, restored) in enumerate(listed):
        index = np.array([i for part, i in chosen if part == p], dtype=np.int64)
        if len(index):
            spread = data_range(model, clean.dtype)
            sigma = noise_of(model, spread) if by_model else None
            noisy, truth, made = (_middle(pictures)[index] for pictures in (spoiled, clean, restored))
            tables.append(compare_filters(noisy, truth, {OURS: made}, spread, sigma=sigma))
    return [_mean_row(rows) for rows in zip(*tables, strict=True)]


def most_filtered(values: float) -> int:
    """How many pictures of so many values each the filters are run on.

    >>> most_filtered(28 * 28), most_filtered(64 * 64), most_filtered(512 * 512)
    (200, 64, 4)
    """
    return min(MOST, max(FEWEST, int(FILTERED_PIXELS / max(1.0, values))))


def _middle(pictures: NDArray[Any]) -> NDArray[Any]:
    top, left = (max(0, side - LARGEST) // 2 for side in pictures.shape[1:3])
    return pictures[:, top : top + LARGEST, left : left + LARGEST]


def _whole(spoiled: NDArray[Any], clean: NDArray[Any]) -> list[int]:
    """Pictures without missing pixels."""
    axes = tuple(range(1, clean.ndim))
    gaps = np.isnan(spoiled).any(axis=axes) | np.isnan(clean).any(axis=axes)
    return [int(i) for i in np.flatnonzero(~gaps)]


def _mean_row(rows: tuple[Row, ...]) -> Row:
    """One row for pictures of several sizes: means over the pictures."""
    if len(rows) == 1 or rows[0].note:
        return rows[0]
    count = sum(row.pictures for row in rows)

    def mean(name: str) -> float | None:
        values = [(getattr(row, name), row.pictures) for row in rows]
        return None if values[0][0] is None else sum(value * n for value, n in values) / count

    return Row(rows[0].name, mean("mse"), mean("psnr"), mean("ssim"), mean("seconds"), count)


def spoil_pictures(model: Any, pictures: NDArray[Any]) -> NDArray[Any]:
    """A copy of pictures of any size, spoiled by the model's corruption with its seed, of the same type.

    Raises
    ------
    ParameterError : the model has no corruption.
    """
    encoder = model.encoder_
    if model.corruption_ is None:
        raise ParameterError(
            "the model has no corruption to spoil rows with: it was fitted to pairs of spoiled and clean rows, or its file "
            "could not hold it."
        )
    if not encoder.high > encoder.low:
        raise DataError("the pictures of fit were all of one value, so there is no range for a corruption's strength.")
    channels = "auto" if encoder.channels == "none" else encoder.channels
    spoiled: NDArray[Any] = model.corruption_.apply(
        pictures, random_state=model.seed_ % 2**32, low=encoder.low, high=encoder.high, channels=channels
    )
    return spoiled


def as_at_fit(model: Any, pictures: NDArray[Any]) -> NDArray[Any]:
    """Pictures from files, (n, height, width) or with channels last, with the axes that the model takes.

    Grey ones become coloured for a model of coloured ones. All others stay as they are, and the model says what is wrong.
    """
    encoder: PixelEncoder = model.encoder_
    planes = pictures[..., None] if pictures.ndim == 3 else pictures
    if planes.shape[3] == 1 and len(encoder.center) == 3:
        planes = planes.repeat(3, axis=3)
    if encoder.channels == "first":
        return planes.transpose(0, 3, 1, 2)
    return planes[..., 0] if encoder.channels == "none" and planes.shape[3] == 1 else planes


def _channels_last(encoder: PixelEncoder, pictures: NDArray[Any]) -> NDArray[Any]:
    return pictures.transpose(0, 2, 3, 1) if encoder.channels == "first" else pictures
