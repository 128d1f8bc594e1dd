"""Arrays as people have them, to what a corruption works on, and back.

In: pictures or rows of numbers of any dtype, a seed. Out: tensors for `on_pictures` and `on_columns`, and a corrupted copy
in the shape and the dtype that came. Values that a corruption left alone come back to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.allowed import Allowed
from isthmus.errors import DataError, DataTypeError, ParameterError
from isthmus.nets.seeding import draw_seed
from isthmus.parameters import check_value
from isthmus.prep.codecs import LARGEST, room_of
from isthmus.prep.pixels import find_channels

_BOUND = Allowed(help="", number="float", none=True)
_CHANNELS = Allowed(help="", choices=("auto", "first", "last"))
_AXES = {"none": (0, 3, 1, 2), "last": (0, 3, 1, 2), "first": (0, 1, 2, 3)}


def checked_array(X: Any) -> NDArray[Any]:
    """``X`` as an array of numbers with 2 to 4 axes and no infinities."""
    array = np.asarray(X)
    if array.dtype.kind not in "biuf":
        raise DataTypeError(f"X holds {array.dtype}; corruptions work on arrays of numbers.")
    if not 2 <= array.ndim <= 4 or 0 in array.shape[1:]:
        raise DataError(
            f"X has shape {array.shape}; expected rows (n, n_columns), or pictures (n, h, w), (n, h, w, c) or (n, c, h, w)."
        )
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise DataError("X holds infinite values, which have no place in a range; replace them by NaN or a number.")
    return array


def check_range(low: object, high: object) -> None:
    """Refuse bounds that are neither numbers nor None."""
    check_value("low", low, _BOUND, "apply")
    check_value("high", high, _BOUND, "apply")


def generator_from(random_state: Any) -> torch.Generator:
    """A new generator; None draws its seed, a numpy RandomState gives it (and moves on).

    >>> a, b = (torch.rand(2, generator=generator_from(3)) for _ in range(2))
    >>> bool((a == b).all())
    True
    """
    try:
        seed = draw_seed(random_state)
    except ParameterError:
        seed = -1
    if not 0 <= seed < 2**32:
        raise ParameterError(
            f"random_state must be an integer from 0 to 4,294,967,295, None or a numpy RandomState; got {random_state!r}."
        )
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class PictureRange:
    """The data range of pictures, and where their channels stand.

    Attributes
    ----------
    low, high : what 0 and 1 stand for.
    channels : none, first or last.
    """

    low: float
    high: float
    channels: str

    @classmethod
    def of(cls, X: NDArray[Any], low: float | None, high: float | None, channels: str) -> Self:
        """The range that was asked for; else 0 to 255 for uint8, 0 to 1 for booleans, the lowest to the highest of others."""
        check_value("channels", channels, _CHANNELS, "apply")
        usual = {"uint8": (0.0, 255.0), "bool": (0.0, 1.0)}.get(str(X.dtype)) or _extremes(X)
        bottom, top = (given if given is not None else found for given, found in zip((low, high), usual, strict=True))
        if not bottom < top and (low is not None or high is not None):
            raise ParameterError(
                f"low must be less than high; the range of the pictures would be {bottom:g} to {top:g}."
            )
        if top - bottom > LARGEST:
            raise DataError(f"the pictures range from {bottom:g} to {top:g}; a range may be at most {LARGEST:g} wide.")
        return cls(float(bottom), float(top), find_channels(X.shape, channels))

    def to_unit(self, X: NDArray[Any]) -> Tensor:
        """Pictures as (n, channels, height, width) float32, 0 for ``low`` and 1 for ``high``."""
        planes = (X[..., None] if self.channels == "none" else X).transpose(_AXES[self.channels])
        span = self.high - self.low or 1.0  # of pictures that are all alike
        unit = (planes.astype(_wide(X), copy=False) - self.low) / span
        return torch.from_numpy(np.ascontiguousarray(unit, dtype=np.float32))

    def from_unit(self, corrupted: Tensor, unit: Tensor, X: NDArray[Any]) -> NDArray[Any]:
        """``corrupted`` in the range, shape and dtype of ``X``; where it equals ``unit``, the value in ``X``."""
        changed = corrupted.numpy() != unit.numpy()
        values = corrupted.numpy() * np.asarray(self.high - self.low, _wide(X)) + np.asarray(self.low, _wide(X))
        axes = np.argsort(_AXES[self.channels])
        values, changed = values.transpose(axes).reshape(X.shape), changed.transpose(axes).reshape(X.shape)
        return np.where(changed, as_dtype(values, X.dtype), X)


def as_dtype(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """``values`` in ``dtype``: integers rounded and kept within the room that the type has, booleans split at one half.

    >>> as_dtype(np.array([-3.0, 7.6, 300.0]), np.dtype("uint8")).tolist()
    [0, 8, 255]
    """
    if dtype.kind == "b":
        values = values > 0.5
    elif dtype.kind in "iu":
        values = np.nan_to_num(np.rint(values)).clip(*room_of(dtype))
    return values.astype(dtype)


def _wide(X: NDArray[Any]) -> type[np.floating[Any]]:
    """float32 holds values of up to 16 bits; others need float64."""
    return np.float32 if X.dtype.itemsize <= 2 or X.dtype == np.float32 else np.float64


def _extremes(X: NDArray[Any]) -> tuple[float, float]:
    seen = X[~np.isnan(X)] if X.dtype.kind == "f" else X
    return (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
