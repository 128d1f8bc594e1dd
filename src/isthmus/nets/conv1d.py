"""1-D convolutions for rows of ordered samples: signals, heart beats, load curves.

As for pictures (`isthmus.nets.conv`), something has to look at a whole row at once, so the encoder and the decoder are fully
connected; a convolutional refiner then corrects what they decode, because the same bends and edges recur at every place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.linear import Linear

STEP = 4
"""Neighbouring samples that become channels of one place."""
SIZE = 3
"""Places that a convolution looks at."""
CHANNELS = 8
FEATURES = 2
"""Curves that the latent draws directly, beside the decoded row."""


class SampleRefiner(nn.Module):
    """Correction of a decoded row by two convolutions along it, at a quarter of its resolution.

    Four samples become the channels of one place (no rule about lengths: the last sample is repeated), beside a few curves
    that the latent draws directly, so each convolution sees twelve samples. The convolutions are two-dimensional with one
    row: in channels last, which is how a row of samples lies in memory, they take half of the time of torch's
    one-dimensional ones.

    Parameters
    ----------
    samples : length of a row.
    latent_dim : size of the latent.
    """

    def __init__(self, samples: int, latent_dim: int) -> None:
        super().__init__()
        self.samples = samples
        self.places = math.ceil(samples / STEP)
        self.features = Linear(latent_dim, FEATURES * self.places)
        self.first = nn.Conv2d(STEP + FEATURES, CHANNELS, (1, SIZE), padding=(0, SIZE // 2))
        self.last = nn.Conv2d(CHANNELS, STEP, (1, SIZE), padding=(0, SIZE // 2))

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        """Decoded rows (n, samples) and latents (n, latent_dim) to corrections of the rows."""
        beyond = STEP * self.places - self.samples
        rows = torch.cat([y, y[:, -1:].expand(-1, beyond)], dim=1) if beyond else y
        channels = torch.cat(
            [rows.unflatten(1, (self.places, STEP)), self.features(z).unflatten(1, (self.places, FEATURES))], 2
        )
        hidden = functional.gelu(self.first(channels.unsqueeze(1).permute(0, 3, 1, 2)))
        refined = self.last(hidden).permute(0, 2, 3, 1).reshape(len(y), STEP * self.places)
        return refined[:, : self.samples]  # type: ignore[no-any-return]  # nn.Module calls are untyped
