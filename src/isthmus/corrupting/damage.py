"""Damage to pictures: parts that are gone, and colour that is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from isthmus.allowed import Allowed
from isthmus.corrupting.base import Declared, uniform
from isthmus.errors import DataError, ParameterError
from isthmus.parameters import parameter

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance (ITU-R BT.601)."""
MOST_HOLES = 1000
_SHARE = Allowed(help="", number="float", low=0, open_low=True, high=1)


@dataclass(frozen=True)
class Holes(Declared):
    """Cover boxes or stripes of pictures with one value, each picture in other places.

    Parameters
    ----------
    count : int from 1 to 1,000, default 1
        Holes in each picture; they may overlap.
    size : number, or pair (smallest, largest), above 0 up to 1, default (0.2, 0.4)
        Side of a hole as a share of the picture's side, at least one pixel: of a box its height and its width, drawn
        apart; of a stripe its thickness.
    shape : "boxes" or "stripes", default "boxes"
        A stripe goes through the whole picture, across or down, one as likely as the other.
    value : float from 0 to 1, or "mean", default 0.0
        What a hole shows: 0 the lowest and 1 the highest value, "mean" the mean of each picture (of each channel).

    Examples
    --------
    >>> import numpy as np
    >>> Holes(size=0.5).apply(np.full((1, 4, 8), 9), random_state=1, low=0, high=9)
    array([[[9, 9, 9, 0, 0, 0, 0, 9],
            [9, 9, 9, 0, 0, 0, 0, 9],
            [9, 9, 9, 9, 9, 9, 9, 9],
            [9, 9, 9, 9, 9, 9, 9, 9]]])
    """

    count: int = parameter(1, "Holes in each picture.", positional=True, number="int", low=1, high=MOST_HOLES)
    size: Any = (0.2, 0.4)
    shape: str = parameter("boxes", "What a hole looks like.", positional=True, choices=("boxes", "stripes"))
    value: float | str = parameter(
        0.0, "What a hole shows: 0 is the lowest value, 1 the highest.",
        positional=True, choices=("mean",), number="float", low=0, high=1,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the parameters, and keep the size as a pair."""
        super().__post_init__()
        pair = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(pair) != 2 or not all(_SHARE.admits_number(share) for share in pair) or pair[0] > pair[1]:
            raise ParameterError(
                "size of Holes must be a share of the side, above 0 and at most 1, or a pair (smallest, largest) such as "
                f"(0.2, 0.4); got {self.size!r}."
            )
        object.__setattr__(self, "size", (float(pair[0]), float(pair[1])))

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Cover the holes of each picture."""
        draw = uniform((len(x), self.count, 5), generator, x)
        top, bottom = self._span(draw[..., 0], draw[..., 1], x.shape[2])
        left, right = self._span(draw[..., 2], draw[..., 3], x.shape[3])
        if self.shape == "stripes":
            across = draw[..., 4] < 0.5
            left, right = left.masked_fill(across, 0), right.masked_fill(across, x.shape[3])
            top, bottom = top.masked_fill(~across, 0), bottom.masked_fill(~across, x.shape[2])
        hole = torch.zeros((len(x), *x.shape[2:]), dtype=torch.bool, device=x.device)
        for i in range(self.count):
            rows = _inside(top[:, i], bottom[:, i], x.shape[2])
            hole |= rows[:, :, None] & _inside(left[:, i], right[:, i], x.shape[3])[:, None, :]
        if isinstance(self.value, str):
            return torch.where(hole[:, None], x.nanmean(dim=(2, 3), keepdim=True), x)
        return x.masked_fill(hole[:, None], self.value)

    def _span(self, extent: Tensor, place: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """First pixel, and the one behind the last, of each hole along a side: drawn from all places within it."""
        low, high = self.size
        length = ((low + (high - low) * extent) * side).round().clamp_(1, side).long()
        room = side - length
        start = torch.minimum((place * (room + 1)).long(), room)
        return start, start + length


@dataclass(frozen=True)
class Grayscale(Declared):
    """Take the colour out of pictures: every colour channel becomes the luminance (ITU-R BT.601).

    The number of channels stays; the fourth, which tells how opaque a pixel is, stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> Grayscale().apply(np.array([[[[255, 0, 0], [10, 10, 10]]]], dtype=np.uint8), channels="last")
    array([[[[76, 76, 76],
             [10, 10, 10]]]], dtype=uint8)
    """

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Replace colours by their luminance; nothing is drawn."""
        if x.shape[1] not in (3, 4):
            grey = "; these are grey already" if x.shape[1] == 1 else ""
            raise DataError(
                f"Grayscale needs pictures of 3 (red, green, blue) or 4 channels, got {x.shape[1]}{grey}. Give it "
                "colour pictures, or leave it out."
            )
        return torch.cat([luminance(x).expand(-1, 3, -1, -1), x[:, 3:]], dim=1)


def luminance(x: Tensor) -> Tensor:
    """Luminance of red, green and blue (n, 3 or more, height, width), as (n, 1, height, width)."""
    red, green, blue = LUMA
    return x[:, :1] * red + x[:, 1:2] * green + x[:, 2:3] * blue


def _inside(start: Tensor, stop: Tensor, side: int) -> Tensor:
    """Which of the ``side`` pixels lie in each span, (n, side)."""
    pixel = torch.arange(side, device=start.device)
    return (pixel >= start[:, None]) & (pixel < stop[:, None])
