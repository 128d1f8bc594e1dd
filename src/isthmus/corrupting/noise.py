"""Noise: each pixel or cell is spoilt on its own.

Strengths are fractions of the data range for pictures, and column standard deviations for rows. With the same generator
state, a larger share spoils the same pixels or cells and further ones.

A pair (first, last) as a strength is a ladder: even steps over the rows of a batch. Members of an ensemble see the batch in
equal blocks, one after the other, so each learns a part of the ladder of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from isthmus.corrupting.base import Declared, along_batch, normal, uniform
from isthmus.corrupting.space import ColumnSpace
from isthmus.parameters import parameter

MOST_STD = 10.0
"""Beyond it nothing of the data is left; a larger number was meant in other units, such as 25 of 255."""


@dataclass(frozen=True)
class GaussianNoise(Declared):
    """Add normally distributed noise to every pixel, or to every number of a row.

    Flags and categories of a table stay as they are, and so do missing cells.

    Parameters
    ----------
    std : float from 0 to 10, or pair (first, last) of them, default 0.2
        Standard deviation of the noise: a fraction of the data range for pictures (25 of 255 is ``25 / 255``), standard
        deviations of the column for rows. A pair goes in even steps from the first row of a batch to the last one (a batch
        of one row has the first). Each member of an ensemble (``members=``) sees a block of the batch and so learns
        strengths of its own: of ``(0.05, 1.0)`` the first member the weakest.
    clip : bool, default True
        Keep pictures in their range. Rows are never clipped.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = GaussianNoise(25 / 255).apply(np.full((4, 64, 64), 100, dtype=np.uint8), random_state=0)
    >>> print(noisy.dtype, round(float(noisy.std())))
    uint8 25
    """

    std: float | tuple[float, float] = parameter(
        0.2, "A fraction of the data range for pictures, standard deviations of the column for rows.",
        positional=True, number="float", low=0, high=MOST_STD, ends=True,
    )  # fmt: skip
    clip: bool = parameter(True, "Keep pictures in their range.", positional=True, flag=True)

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to each value of each channel."""
        noisy = normal(x.shape, generator, x).mul_(along_batch(self.std, x)).add_(x)
        return noisy.clamp_(0, 1) if self.clip else noisy

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Add noise to each number, dates' trends included."""
        count = space.layout.n_numbers
        noise = normal((len(x), count), generator, x).mul_(space.deviations.to(x)).mul_(along_batch(self.std, x))
        return torch.cat([x[:, :count] + noise, x[:, count:]], dim=1)


@dataclass(frozen=True)
class MaskingNoise(Declared):
    """Set pixels to the lowest value, or make cells of rows missing (Vincent et al. 2008).

    Parameters
    ----------
    share : float from 0 to 1, or pair (first, last) of them, default 0.25
        Chance of each pixel (all of its channels together) or each cell. A pair goes in even steps from the first row of a
        batch to the last one (a batch of one row has the first). Each member of an ensemble (``members=``) sees a block of
        the batch and so learns shares of its own: of ``(0.1, 0.5)`` the first member the smallest.

    Examples
    --------
    >>> import numpy as np
    >>> MaskingNoise(0.5).apply(np.ones((2, 4)), random_state=0)
    array([[nan,  1., nan, nan],
           [nan,  1., nan,  1.]])
    """

    for_pictures: ClassVar[str] = "MaskingNoise"
    share: float | tuple[float, float] = parameter(
        0.25, "Chance of each pixel or cell to be masked.",
        positional=True, number="float", low=0, high=1, ends=True,
    )  # fmt: skip

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Set pixels to 0."""
        draw = _pixels(x, generator)
        return x.masked_fill(draw < along_batch(self.share, draw), 0.0)

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Make cells missing: NaN at each of their positions."""
        draw = uniform((len(x), space.layout.n_columns), generator, x)
        masked = draw < along_batch(self.share, draw)
        return x.masked_fill(space.of_cells(masked, fill=False), torch.nan)


@dataclass(frozen=True)
class SaltPepper(Declared):
    """Set some pixels, or number cells of rows, to the highest or the lowest value, as often one as the other.

    Missing cells of rows stay missing; flags and categories stay as they are.

    Parameters
    ----------
    share : float from 0 to 1, default 0.05
        Chance of each pixel (all of its channels together) or each cell.

    Examples
    --------
    >>> import numpy as np
    >>> SaltPepper(0.5).apply(np.full((1, 2, 4), 0.5), random_state=0, low=0, high=1)
    array([[[0.5, 1. , 0. , 0. ],
            [0.5, 0.5, 0.5, 1. ]]])
    """

    for_pictures: ClassVar[str] = "SaltPepper"
    share: float = parameter(
        0.05, "Chance of each pixel or cell to be set.", positional=True, number="float", low=0, high=1
    )

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Set pixels to 0 or 1."""
        draw = _pixels(x, generator)
        return x.masked_fill(draw < self.share / 2, 0.0).masked_fill_(draw >= 1 - self.share / 2, 1.0)

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Set numbers to the lowest or the highest value of their column."""
        count = space.layout.n_numbers
        numbers = x[:, :count]
        draw, there = uniform((len(x), count), generator, x), numbers.isnan().logical_not()
        numbers = torch.where((draw < self.share / 2) & there, space.low.to(x), numbers)
        numbers = torch.where((draw >= 1 - self.share / 2) & there, space.high.to(x), numbers)
        return torch.cat([numbers, x[:, count:]], dim=1)


@dataclass(frozen=True)
class Speckle(Declared):
    """Multiply each pixel by noise around 1, as in radar and ultrasound pictures: bright places suffer, black ones do not.

    Parameters
    ----------
    std : float from 0 to 10, default 0.2
        Standard deviation of the factor.
    clip : bool, default True
        Keep pictures in their range.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = Speckle(0.5).apply(np.repeat([[[0, 100]]], 500, axis=0).astype(np.uint8), random_state=0)
    >>> print(noisy[:, 0, 0].max(), round(float(noisy[:, 0, 1].std()), -1))
    0 50.0
    """

    for_columns: ClassVar[str] = "GaussianNoise"
    std: float = parameter(
        0.2, "Standard deviation of the factor of each pixel.",
        positional=True, number="float", low=0, high=MOST_STD,
    )  # fmt: skip
    clip: bool = parameter(True, "Keep pictures in their range.", positional=True, flag=True)

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Multiply each value of each channel."""
        noisy = normal(x.shape, generator, x).mul_(self.std).add_(1.0).mul_(x)
        return noisy.clamp_(0, 1) if self.clip else noisy


@dataclass(frozen=True)
class Swap(Declared):
    """Give cells of rows the value that another row has in the same column (swap noise).

    Every column keeps values that occur, whatever its kind; what is lost is which belong together. A missing cell is
    passed on as missing.

    Parameters
    ----------
    share : float from 0 to 1, default 0.15
        Chance of each cell. The other row is any of the batch, each as likely.

    Examples
    --------
    >>> import numpy as np
    >>> Swap(0.5).apply(np.arange(12).reshape(4, 3), random_state=0)
    array([[3, 1, 8],
           [0, 7, 5],
           [3, 7, 5],
           [9, 7, 8]])
    """

    for_pictures: ClassVar[str] = "SaltPepper"
    share: float = parameter(0.15, "Chance of each cell to be swapped.", positional=True, number="float", low=0, high=1)

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Take all positions of a cell from one other row of the batch; a row alone stays as it is."""
        shape, rows = (len(x), space.layout.n_columns), torch.arange(len(x), device=x.device)[:, None]
        swapped = uniform(shape, generator, x) < self.share
        steps = torch.randint(1, max(len(x), 2), shape, generator=generator, device=generator.device).to(x.device)
        source = torch.where(swapped, (rows + steps) % max(len(x), 1), rows)
        # A position of no column keeps its own row.
        index = torch.where(space.owner.to(x.device) < 0, rows, space.of_cells(source, fill=0))
        return x.gather(0, index)


def _pixels(x: Tensor, generator: torch.Generator) -> Tensor:
    """One uniform number for each pixel, (n, 1, height, width)."""
    return uniform((len(x), 1, *x.shape[2:]), generator, x)
