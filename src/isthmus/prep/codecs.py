"""One small codec per column kind: raw units to network units and back.

Each codec is fitted once, encodes ``float64`` columns (missing = NaN) to ``float32`` positions with NaN where a cell is
missing, and decodes the network's output to raw units. ``spec()`` and ``arrays()`` hold all that a model file needs.

Rules for numbers:

- A column whose farthest value lies over 10 standard deviations from its median is heavy-tailed: it goes through
  ``asinh((x - median) / s)``, s being the median size of its non-zero deviations.
- Then the mean is taken off and the standard deviation divided out, so the best constant guess has error 1.
- With one common factor, no column is bent, and all are divided by the root of their mean variance.
- With one range, no column is bent, and the lowest and the highest value of all become 0 and 1.
- A constant column has no unit of its own: it is divided by its size (or by 1 where that is smaller).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
HEAVY_TAIL = 10.0
"""Standard deviations from the median beyond which the farthest value makes a column heavy-tailed."""
BLOCK = 2**17
"""Cells that are encoded at a time: they stay in the cache, and calls take little beside them."""
CELLS = 2**18
"""Cells that are summed at a time."""
CONSTANT, CONSTANT_FLOAT32 = 1e-10, 1e-7
"""Standard deviation, as a share of the largest size, below which rounding makes a constant column look as if it varied."""
LARGEST = 1e18
"""Size in network units beyond which values are cut off, so that float32 holds their squares and a network's sums."""
DAYS = {"day": 1.0, "week": 7.0, "year": 365.2425}
"""Lengths in days of the cycles that a date is placed in."""


@dataclass(frozen=True)
class NumberCodec:
    """All number columns (and the trends of dates) at once.

    Attributes
    ----------
    center, scale : (n_numbers,) taken off and divided by, after bending.
    middle, spread : (n_numbers,) of the bend ``asinh((x - middle) / spread)``; spread 0 means no bend.
    low, high : (n_numbers,) range seen in training, raw units; decoded values are clamped to it.
    """

    center: Floats
    scale: Floats
    middle: Floats
    spread: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, values: Floats, scaling: str) -> Self:
        """Find centres and factors of ``values`` (n_samples, n_numbers); ``scaling`` is common, column, range or none."""
        with np.errstate(all="ignore"):
            low, high = _range(values)
            middle, spread = np.zeros_like(low), np.zeros_like(low)
            center, deviation = _moments(values, middle, spread)
            if scaling == "column":
                middle, spread = _bends(values, low, high, deviation)
            if spread.any():
                center, deviation = _moments(values, middle, spread)
        size = np.maximum(np.abs(_bend(low, middle, spread)), np.abs(_bend(high, middle, spread)))
        rounded = values.dtype.kind == "f" and values.dtype.itemsize <= 4
        constant = ~(deviation > (CONSTANT_FLOAT32 if rounded else CONSTANT) * size) | (low == high)
        if scaling == "common" and len(low):
            most = float(deviation.max()) or 1.0  # divided out, because squares overflow beyond 1e154
            root = most * float(np.sqrt(np.mean(np.where(constant, 0.0, deviation / most) ** 2)))
            scale = np.full_like(deviation, root if root > 0 else max(1.0, float(size.max(initial=0.0))))
            low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
        elif scaling == "range" and len(low):
            low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
            center, scale = low, np.where(high > low, high - low, 1.0)
        elif scaling == "none":
            center, scale = np.zeros_like(center), np.ones_like(deviation)
        else:
            scale = np.where(constant, np.maximum(size, 1.0), deviation)
        return cls(center, scale, middle, spread, low, high)

    def encode(self, values: Floats) -> NDArray[np.float32]:
        """Raw (n_samples, n_numbers) to network units, at most `LARGEST` in size."""
        small = (values.dtype.kind in "iuf" and values.dtype.itemsize <= 2) or values.dtype == np.float32
        tiny = bool((self.scale < np.finfo(np.float32).tiny).any())
        wide = np.float32 if small and not self.spread.any() and not tiny else np.float64
        center, factor = self.center.astype(wide), (1 / self.scale).astype(wide)
        encoded = np.empty(values.shape, np.float32)
        with np.errstate(over="ignore"):  # what overflows is clipped
            step = max(1, BLOCK // max(1, values.shape[1]))
            for start in range(0, len(values), step):
                block = _bend(values[start : start + step].astype(wide, copy=False), self.middle, self.spread)
                block = np.subtract(block, center)
                block *= factor
                np.clip(block, -LARGEST, LARGEST, out=block)
                encoded[start : start + step] = block
        return encoded

    def decode(self, encoded: NDArray[np.float32]) -> NDArray[np.float64]:
        """Network units (n_samples, n_numbers) to raw units, clamped to the range seen in training."""
        straight = encoded.astype(np.float64) * self.scale + self.center
        bent = self.spread > 0
        if bent.any():
            with np.errstate(over="ignore"):
                straight[:, bent] = np.sinh(straight[:, bent]) * self.spread[bent] + self.middle[bent]
        return np.clip(straight, self.low, self.high, out=straight)

    def arrays(self) -> dict[str, Floats]:
        """The state, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def room_of(dtype: np.dtype[Any], floats: type[np.floating[Any]] = np.float64) -> tuple[Any, Any]:
    """Lowest and highest number of type ``floats`` that the integer ``dtype`` holds.

    >>> [float(bound) for bound in room_of(np.dtype("int8"))]
    [-128.0, 127.0]
    """
    limits = np.iinfo(dtype)
    low, high = floats(limits.min), floats(limits.max)
    return low, np.nextafter(high, floats(0)) if int(high) > limits.max else high


def _range(values: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest observed value of each column, float64; 0 where nothing was observed."""
    if not len(values):
        return np.zeros(values.shape[1]), np.zeros(values.shape[1])
    low, high = np.fmin.reduce(values, axis=0).astype(np.float64), np.fmax.reduce(values, axis=0).astype(np.float64)
    return np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), 0.0, high)


def _moments(values: Floats, middle: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the observed cells of each column, once bent, float64."""
    mean, deviation = _moments_of(lambda: _blocks(values, middle, spread))
    if np.isfinite(deviation).all():
        return mean, deviation
    size = np.zeros(values.shape[1])  # squares overflow beyond 1e154
    for block in _blocks(values, middle, spread):
        size = np.fmax(size, np.fmax.reduce(np.abs(block), axis=0))
    size[size == 0] = 1.0
    mean, deviation = _moments_of(lambda: (block / size for block in _blocks(values, middle, spread)))
    return mean * size, deviation * size


def _blocks(values: Floats, middle: Floats, spread: Floats) -> Iterator[Floats]:
    """The rows, bent, some at a time: data may be larger than memory, and what is made of them is."""
    step = max(1, CELLS // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        yield _bend(values[start : start + step], middle, spread)


def _moments_of(blocks: Callable[[], Iterator[Floats]]) -> tuple[Floats, Floats]:
    """Mean and standard deviation over all blocks, which are gone through twice."""
    count, mean = _sums(blocks())
    mean = mean / np.maximum(count, 1)
    _, squares = _sums((block - mean) ** 2 for block in blocks())
    return mean, np.sqrt(squares / np.maximum(count, 1))


def _sums(blocks: Iterator[Floats]) -> tuple[Floats, Floats]:
    """Of each column the number of its observed cells and their sum."""
    count, total = 0.0, 0.0
    for block in blocks:
        sums = block.sum(axis=0, dtype=np.float64)
        if np.isnan(sums).any():  # sums that are no NaN prove in one quick pass that nothing in them is
            missing = np.isnan(block)
            sums = np.sum(block, axis=0, dtype=np.float64, where=~missing)
            count = count - missing.sum(axis=0)
        count, total = count + len(block), total + sums
    return np.asarray(count), np.asarray(total)


def _bends(values: Floats, low: Floats, high: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Median and spread of the heavy-tailed columns, from the range and deviation of all; spread 0 for the others."""
    middle, spread = np.zeros_like(low), np.zeros_like(low)
    # Nothing lies farther from the median than the range, which spares most columns the sorting.
    for j in np.flatnonzero(high - low > HEAVY_TAIL * deviation):
        column = values[:, j][~np.isnan(values[:, j])]
        center = np.median(column)
        away = np.abs(column - center)
        if len(column) and away.max() > HEAVY_TAIL * deviation[j]:
            # The floor keeps the quotient of the bend finite.
            middle[j], spread[j] = center, max(np.median(away[away > 0]), 1e-30 * away.max())
    return middle, spread


def _bend(values: Floats, middle: Floats, spread: Floats) -> Floats:
    """Apply ``asinh((x - middle) / spread)`` to the columns whose spread is not 0."""
    bent = spread > 0
    if not bent.any():
        return values
    out = values.astype(np.float64)
    out[..., bent] = np.arcsinh((out[..., bent] - middle[bent]) / spread[bent])
    return out


@dataclass(frozen=True)
class FlagCodec:
    """All flag columns at once: encoded as (v - share) / standard deviation, decoded from a logit.

    Attributes
    ----------
    share : (n_flags,) share of true among the observed cells, half a row added to each side.
    """

    share: Floats

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """``values`` (n_samples, n_flags) of 0, 1 and NaN."""
        seen = (~np.isnan(values)).sum(axis=0)
        return cls((np.nansum(values, axis=0) + 0.5) / (seen + 1.0))

    def encode(self, values: Floats) -> NDArray[np.float32]:
        """Network units, positive exactly where the flag is true."""
        return ((values - self.share) / np.sqrt(self.share * (1 - self.share))).astype(np.float32)

    def decode(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """1.0 where true is more likely, else 0.0."""
        return (logits > 0).astype(np.float64)

    def entropies(self) -> tuple[float, ...]:
        """Entropy of each flag, in nats: the error of always guessing its share."""
        return tuple(float(-(p * np.log(p) + (1 - p) * np.log(1 - p))) for p in self.share)

    def arrays(self) -> dict[str, Floats]:
        """The state, by name."""
        return {"share": self.share}


@dataclass(frozen=True)
class CategoryCodec:
    """One category column: a position per level, and a last one for values that training never saw.

    Attributes
    ----------
    levels : the texts seen in training.
    share : (n_levels + 1,) share of each level among the observed cells, half a row added to each.
    """

    levels: tuple[str, ...]
    share: Floats

    @classmethod
    def fit(cls, codes: NDArray[np.int32], levels: tuple[str, ...]) -> Self:
        """``codes`` (n_samples,) into ``levels``; -1 is missing. Levels that no row has are left out."""
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        kept = np.flatnonzero(counts)
        share = np.append(counts[kept], 0) + 0.5
        return cls(tuple(levels[i] for i in kept), share / share.sum())

    def encode(self, codes: NDArray[np.int32], levels: tuple[str, ...]) -> NDArray[np.float32]:
        """Positions (n_samples, n_levels + 1): 1 at the level less the shares, divided so that all their variances sum to 1."""
        known = {level: i for i, level in enumerate(self.levels)}
        to_position = np.array([known.get(level, len(self.levels)) for level in levels] + [0], dtype=np.int64)
        encoded = np.tile((-self.share / self._unit()).astype(np.float32), (len(codes), 1))
        encoded[np.arange(len(codes)), to_position[codes]] += np.float32(1 / self._unit())
        encoded[codes < 0] = np.nan
        return encoded

    def decode(self, logits: NDArray[np.float32]) -> NDArray[np.int32]:
        """The most likely level's code; the bucket of unseen values is never the answer."""
        return (
            logits[:, : len(self.levels)].argmax(axis=1).astype(np.int32)
            if self.levels
            else np.full(len(logits), -1, np.int32)
        )

    def entropy(self) -> float:
        """Entropy of the column, in nats: the error of always guessing the shares."""
        return max(1e-12, float(-(self.share * np.log(self.share)).sum()))

    def _unit(self) -> float:
        # Without any level the bucket's share is 1 and nothing varies.
        return float(np.sqrt((self.share * (1 - self.share)).sum())) or 1.0


@dataclass(frozen=True)
class DateCodec:
    """Cyclic inputs of one date column; its trend (days since 1970) is a number.

    Attributes
    ----------
    cycles : those of day, week, year in which the training rows do not all stand at the same place.
    """

    cycles: tuple[str, ...]

    @classmethod
    def fit(cls, days: Floats) -> Self:
        """``days`` (n_samples,) since 1970-01-01, NaN where missing."""
        seen = days[~np.isnan(days)]
        return cls(tuple(c for c, length in DAYS.items() if len(seen) and np.ptp(np.mod(seen, length)) > 1e-9))

    def encode(self, days: Floats) -> NDArray[np.float32]:
        """Sine and cosine of each cycle, (n_samples, 2 * n_cycles); 0 where the date is missing."""
        turns = [2 * np.pi * days / DAYS[c] for c in self.cycles]
        parts = [wave(turn) for turn in turns for wave in (np.sin, np.cos)]
        return np.nan_to_num(np.stack(parts, axis=1) if parts else np.empty((len(days), 0))).astype(np.float32)
