"""2-D convolutional networks for pictures of any height, width and channel count.

A picture is compressed to a vector, so something has to look at all of it at once: a fully connected layer, which costs no
more than a few convolutions at the sizes that autoencoders are used for. What convolutions are best at is repairing the
decoded picture, where the same edges and strokes recur at every place. So the encoder and the decoder are fully connected
(behind a convolution over patches where the picture is large), and a convolutional refiner corrects what they decode.
Purely convolutional networks were slower to every error that was tried; `docs/decisions.md` has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.dense import dense_decoder, dense_encoder
from isthmus.nets.linear import Linear

MOST_VALUES = 2**15
"""Values of a picture up to which a fully connected layer sees each; larger pictures are first cut into patches."""
PATCH_CHANNELS = 32
REFINER_CHANNELS = 16
FEATURES = 2


def patch_side(shape: tuple[int, int, int]) -> int:
    """Side of the patches: the smallest power of two that brings the values below `MOST_VALUES`; 1 means none.

    >>> patch_side((1, 28, 28)), patch_side((3, 256, 256))
    (1, 16)
    """
    channels, height, width = shape
    if channels * height * width <= MOST_VALUES:
        return 1
    side = 2
    while PATCH_CHANNELS * math.ceil(height / side) * math.ceil(width / side) > MOST_VALUES // 4:
        side *= 2
    return side


def conv_encoder(
    shape: tuple[int, int, int], hidden_dims: Sequence[int], latent_dim: int, activation: str
) -> nn.Module:
    """(n, channels, height, width) to (n, latent_dim)."""
    side = patch_side(shape)
    if side == 1:
        return dense_encoder(shape, hidden_dims, latent_dim, activation)
    grid = _grid(shape, side)
    return nn.Sequential(
        _PadTo(side),
        nn.Conv2d(shape[0], PATCH_CHANNELS, side, stride=side),
        ACTIVATIONS[activation](),
        dense_encoder((PATCH_CHANNELS, *grid), hidden_dims, latent_dim, activation),
    )


def conv_decoder(
    shape: tuple[int, int, int], hidden_dims: Sequence[int], latent_dim: int, activation: str
) -> nn.Module:
    """(n, latent_dim) to (n, channels, height, width)."""
    side = patch_side(shape)
    if side == 1:
        return dense_decoder(shape, hidden_dims, latent_dim, activation)
    return nn.Sequential(
        dense_decoder((PATCH_CHANNELS, *_grid(shape, side)), hidden_dims, latent_dim, activation),
        ACTIVATIONS[activation](),
        nn.Conv2d(PATCH_CHANNELS, shape[0] * side * side, 1),
        nn.PixelShuffle(side),
        _CropTo(shape[1:]),
    )


class Refiner(nn.Module):
    """Correction of a decoded picture by two 3 x 3 convolutions at half its size.

    Each 2 x 2 square of pixels becomes channels of one place (no rule about even sizes: the last row and column are
    repeated), beside a few maps that the latent draws directly.
    """

    def __init__(self, shape: tuple[int, int, int], latent_dim: int) -> None:
        super().__init__()
        channels = 4 * shape[0]
        self.size = shape[1:]
        self.grid = _grid(shape, 2)
        self.pad = _PadTo(2)
        self.features = Linear(latent_dim, FEATURES * self.grid[0] * self.grid[1])
        self.first = nn.Conv2d(channels + FEATURES, REFINER_CHANNELS, 3, padding=1)
        self.last = nn.Conv2d(REFINER_CHANNELS, channels, 3, padding=1)

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        """Decoded pictures (n, channels, height, width) and latents (n, latent_dim) to corrections of the pictures."""
        features = self.features(z).unflatten(1, (FEATURES, *self.grid))
        squares = functional.pixel_unshuffle(self.pad(y), 2)
        hidden = functional.relu(self.first(torch.cat([squares, features], dim=1)))
        refined = functional.pixel_shuffle(self.last(hidden), 2)
        return refined[:, :, : self.size[0], : self.size[1]]


class _PadTo(nn.Module):
    """Repeat the last row and column until height and width are multiples of ``side``."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        bottom, right = (-x.shape[2]) % self.side, (-x.shape[3]) % self.side
        return functional.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


class _CropTo(nn.Module):
    """Keep the first rows and columns."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : self.size[0], : self.size[1]]


def _grid(shape: tuple[int, int, int], side: int) -> tuple[int, int]:
    return math.ceil(shape[1] / side), math.ceil(shape[2] / side)
