"""The largest error in a picture, by what is usual at its place: something small that is wrong would be lost in a mean.

In: squared errors of pictures. Out: one number a picture. The error is blurred by a pixel, so that noise counts less than a patch,
and taken as its logarithm, as errors differ by factors. Each place is then standardised by the mean and the deviation that it
has on held-out pictures (edges are hard to restore, sky is not), and the largest place counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.scores.gradients import blurred_to

BLUR = 1 / 64
"""Width of the blur as a share of the shorter side; at least one pixel."""
FLAT = 0.1
"""Added to each blurred error, whose mean is at most about 1, before the logarithm: what is far below it is all alike."""
COMMON = 0.25
"""Share of the mean deviation that is added to that of each place: few pictures do not tell it well."""


class Peaks(nn.Module):
    """The largest standardised error of each picture.

    Parameters
    ----------
    shape : (channels, height, width) of a picture.

    Attributes
    ----------
    mean, spread : (height, width) of the logarithm of the blurred error on held-out pictures.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.width = max(1.0, BLUR * min(shape[1:]))
        self.register_buffer("mean", torch.zeros(shape[1:]))
        self.register_buffer("spread", torch.ones(shape[1:]))

    def heat(self, errors: Tensor) -> Tensor:
        """Squared errors (n, channels * height * width) to the logarithm of the blurred error, (n, height, width)."""
        over_channels = errors.unflatten(1, self.shape).mean(dim=1)
        return (blurred_to(over_channels, self.width, 1) + FLAT).log()

    def of(self, heat: Tensor) -> Tensor:
        """(n,) the largest place of each, standardised."""
        return ((heat - self.mean) / self.spread).amax(dim=(1, 2))

    def forward(self, errors: Tensor) -> Tensor:
        """Squared errors (n, channels * height * width) to (n,)."""
        return self.of(self.heat(errors))

    @torch.no_grad()
    def set(self, heat: Tensor) -> Tensor:
        """Learn what is usual from held-out pictures, (n, height, width); what `of` would give new pictures like them, (n,).

        A picture must not be judged by a mean that it was part of, so each half is judged by what the other one says.
        """
        found = torch.empty(len(heat))
        if len(heat) >= 4:  # two pictures have a deviation
            for one, other in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
                self._learn(heat[other])
                found[one] = self.of(heat[one])
        self._learn(heat)
        return found if len(heat) >= 4 else self.of(heat)

    def _learn(self, heat: Tensor) -> None:
        spread = heat.std(dim=0, correction=0)
        self.mean.copy_(heat.mean(dim=0))
        self.spread.copy_(spread + COMMON * spread.mean() + 1e-6)
