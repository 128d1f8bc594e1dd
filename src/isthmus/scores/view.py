"""The views of a row in which distances are measured: every column in a unit that is fair to it.

In: encoded rows (n, n_inputs), as a preparation makes them. Out: (n, n_targets) numbers, twice. An encoded column is bent
where it is heavy-tailed and stretched to unit variance; a distance wants neither. The rules, each for all data:

- Plain view: a number is taken back to its raw value, less the median, divided by its standard deviation.
- Soft view: it is divided by the deviation of its middle nine tenths, and grows as the logarithm beyond 3 of these. One finds
  what is extreme in a column, the other what is odd in the bulk of one that has extremes.
- Where the columns share one unit (see `isthmus.prep.columns.choose_scaling`), the divisor is the geometric mean of the column's
  own deviation and the common one. A column that hardly varies then does not count as much as those that do, nor nothing.
- Columns of two values, flags and categories keep their own deviation: a rare value is far from the frequent one.
- Beyond 1,000 deviations the plain view, too, grows as the logarithm, so that float32 holds the squares.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.prep.codecs import NumberCodec
from isthmus.prep.columns import ColumnEncoder, choose_scaling
from isthmus.prep.pixels import PixelEncoder

LINEAR, SOFT_LINEAR = 1_000.0, 3.0
"""Deviations up to which a distance is what it is, in the plain and in the soft view."""
MIDDLE = (0.05, 0.95)
"""Quantiles between which values count as they are when the soft view's deviation is found; those outside count as these."""


def squashed(x: Tensor, linear: float) -> Tensor:
    """``x`` up to ``linear`` in size; beyond, ``linear * (1 + log(size / linear))`` with its sign.

    >>> squashed(torch.tensor([-2.0, 3.0, 8.154845]), 3.0).tolist()
    [-2.0, 3.0, 6.0]
    """
    size = x.abs()
    return torch.where(size <= linear, x, x.sign() * linear * (1 + (size.clamp_min(linear) / linear).log()))


@dataclass(frozen=True)
class Facts:
    """What a view must know of the training rows.

    Attributes
    ----------
    two_valued : (n_targets,) whether a position holds a flag, a level, or a number of at most two values.
    shift, scale : (n_targets,) of the plain view, in raw units for numbers.
    soft : (n_targets,) the plain view's scale over that of the soft one.
    """

    two_valued: NDArray[np.bool_]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    soft: NDArray[np.float64]


class View(nn.Module):
    """Encoded targets (n, n_targets) without gaps to the units of distances: the plain and the soft view.

    Attributes
    ----------
    bent : (n_targets,) 1 where the encoded value is an ``asinh``.
    inner_scale, inner_shift : encoded value to the argument of ``sinh``, or to the view where nothing is bent.
    outer_scale, outer_shift : from ``sinh`` to the view.
    soft : (n_targets,) factor from the plain to the soft view; 0: as plain.
    """

    bent: Tensor
    inner_scale: Tensor
    inner_shift: Tensor
    outer_scale: Tensor
    outer_shift: Tensor
    soft: Tensor

    def __init__(self, n_targets: int) -> None:
        super().__init__()
        self.register_buffer("bent", torch.zeros(n_targets))
        for name in ("inner", "outer"):
            self.register_buffer(f"{name}_scale", torch.ones(n_targets))
            self.register_buffer(f"{name}_shift", torch.zeros(n_targets))
        self.register_buffer("soft", torch.zeros(n_targets))

    @torch.no_grad()
    def set(self, encoder: ColumnEncoder, facts: Facts) -> None:
        """Take over the units of a fitted preparation; pictures are in theirs already."""
        codec, n = encoder.numbers, encoder.layout.n_numbers
        bent = codec.spread > 0
        scale, shift = facts.scale[:n], facts.shift[:n]
        self.bent[:n] = torch.from_numpy(bent.astype(np.float32))
        # Bent: sinh(encoded * scale + center) * spread + middle is raw. Else encoded * scale + center is.
        self.inner_scale[:n] = torch.from_numpy(np.where(bent, codec.scale, codec.scale / scale))
        self.inner_shift[:n] = torch.from_numpy(np.where(bent, codec.center, (codec.center - shift) / scale))
        self.outer_scale[:n] = torch.from_numpy(np.where(bent, codec.spread / scale, 1.0))
        self.outer_shift[:n] = torch.from_numpy(np.where(bent, (codec.middle - shift) / scale, 0.0))
        self.soft.copy_(torch.from_numpy(facts.soft))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, n_targets) to the plain and the soft view, each (n, n_targets)."""
        inner = x * self.inner_scale + self.inner_shift
        # Beyond 80 float32 holds no sinh; the square root of its range is far enough.
        outer = torch.sinh(inner.clamp(-40, 40)) * self.outer_scale + self.outer_shift
        plain = squashed(torch.where(self.bent > 0, outer, inner), LINEAR)
        return plain, torch.where(self.soft > 0, squashed(plain * self.soft, SOFT_LINEAR), plain)


def facts_of(encoder: ColumnEncoder | PixelEncoder, rows: NDArray[np.float32], *, one_unit: bool = False) -> Facts:
    """The units of the view, from encoded training rows (n_samples, n_targets).

    ``one_unit``: the numbers are samples of one signal, less the mean of all and divided by the deviation of all.
    """
    n_targets = rows.shape[1]
    if isinstance(encoder, PixelEncoder):
        return Facts(np.zeros(n_targets, bool), np.zeros(n_targets), np.ones(n_targets), np.zeros(n_targets))
    n = encoder.layout.n_numbers
    two_valued = np.ones(n_targets, bool)
    two_valued[:n] = [len(np.unique(column[~np.isnan(column)])) <= 2 for column in rows[:, :n].T]
    raw = raw_numbers(encoder.numbers, rows[:, :n])
    shift, scale, soft = np.zeros(n_targets), np.ones(n_targets), np.zeros(n_targets)
    if one_unit:
        return Facts(two_valued, np.full(n_targets, np.nanmean(raw)), np.full(n_targets, np.nanstd(raw) or 1.0), soft)
    if n:
        shift[:n], deviation, middle = _spreads(raw)
        constant = deviation <= 1e-9 * np.maximum(np.abs(shift[:n]), 1e-300)
        own = np.where(constant, encoder.numbers.scale, deviation)
        narrow = np.where(constant | (middle <= 0), own, middle)
        if not encoder.names and choose_scaling(raw) == "common":
            common = float(np.sqrt(np.mean(np.where(constant, 0.0, deviation) ** 2))) or 1.0
            mixed, narrow_mixed = np.sqrt(own * common), np.sqrt(narrow * common)
        else:
            mixed, narrow_mixed = own, narrow
        scale[:n] = np.where(two_valued[:n], own, mixed)
        soft[:n] = np.where(two_valued[:n], 0.0, scale[:n] / narrow_mixed)
    return Facts(two_valued, shift, scale, soft)


def _spreads(raw: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Median, deviation, and deviation with the outer tenth moved to `MIDDLE`, of each column."""
    with warnings.catch_warnings():  # of columns without any value
        warnings.simplefilter("ignore", RuntimeWarning)
        low, median, high = np.nanquantile(raw, (MIDDLE[0], 0.5, MIDDLE[1]), axis=0)
        found = median, np.nanstd(raw, axis=0), np.nanstd(np.clip(raw, low, high), axis=0)
    return tuple(np.nan_to_num(values) for values in found)


def raw_numbers(codec: NumberCodec, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
    """Encoded training rows of numbers in raw units, gaps as NaN."""
    return np.where(np.isnan(encoded), np.nan, codec.decode(np.nan_to_num(encoded)))
