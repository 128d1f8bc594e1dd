"""The features in which distances between pictures are measured: how strong edges of each direction are, place by place.

In: encoded pictures (n, channels, height, width). Out: (n, n_features): edges, of unit length together, beside the blurred
picture at a small weight, without which one that is only brighter, or far from all others, would look the same. A distance
between pixels is large when a stroke is moved by a pixel and small when a faint stroke is missing; between histograms of
oriented gradients (Dalal, Triggs 2005) it is the other way round. One-class MNIST and Fashion-MNIST, three neighbours: AUROC
.955 and .924 with pixels, .994 and .952 with edges.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from isthmus.prep.pixels import PixelEncoder

DIRECTIONS = 8
CELLS = 28 / 3
"""Cells along the shorter side: what a stroke may be moved by costs little within one."""
BLUR = 0.7 / 28
"""Width of the blur before edges are taken, as a share of the shorter side; at least half a pixel."""
FLAT = 1e-3
"""Added to each strength: where nothing is all are alike, and the root has a slope."""
LEVEL = 0.5
"""Weight of the blurred picture, as a mean over its cells, beside edges of unit length."""


class Gradients(nn.Module):
    """Root of the strength of edges in eight directions, in cells that overlap by two thirds.

    Parameters
    ----------
    shape : (channels, height, width) of a picture.

    Attributes
    ----------
    scale, shift : encoded pixel to the unit interval of the range seen in training; ``shift`` is (channels, height, width).
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        side = min(shape[1:])
        self.step = max(1, round(side / CELLS))
        self.blur = max(0.5, BLUR * side)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shift", torch.zeros(shape))
        cells = [len(range(self.step // 2 if self.step > 1 else 0, length, self.step)) for length in shape[1:]]
        self.n_features = (DIRECTIONS + shape[0]) * cells[0] * cells[1]

    @torch.no_grad()
    def set(self, encoder: PixelEncoder) -> None:
        """Take over the units of a fitted preparation."""
        span = float(encoder.high - encoder.low) or 1.0
        self.scale.fill_(encoder.scale / span)
        self.shift.copy_(torch.from_numpy((encoder.center - encoder.low) / span))

    def forward(self, x: Tensor) -> Tensor:
        """Encoded pictures without gaps, (n, channels, height, width), to (n, n_features)."""
        unit = x * self.scale + self.shift
        blurred = blurred_to(unit, self.blur, 1)
        across, down = torch.zeros_like(blurred), torch.zeros_like(blurred)
        across[..., 1:-1] = (blurred[..., 2:] - blurred[..., :-2]) / 2
        down[..., 1:-1, :] = (blurred[..., 2:, :] - blurred[..., :-2, :]) / 2
        strength, angle = torch.hypot(across, down), torch.atan2(down, across)
        turn = 2 * math.pi / DIRECTIONS
        directions = torch.arange(DIRECTIONS, device=x.device) * turn
        # Shared between the two nearest directions, in proportion to how near they are; channels add up.
        away = torch.acos((directions.view(-1, 1, 1) - angle[:, :, None]).cos().clamp(-1, 1)) / turn
        edges = (strength[:, :, None] * (1 - away).clamp_min(0)).mean(dim=1)
        root = (blurred_to(edges, self.step * 2 / 3, self.step).clamp_min(0) + FLAT).sqrt().flatten(1)
        shape: Tensor = root / torch.linalg.vector_norm(root, dim=1, keepdim=True)
        level = blurred_to(unit, self.step * 2 / 3, self.step).flatten(1)
        return torch.cat([shape, LEVEL / math.sqrt(level.shape[1]) * level], dim=1)


def blurred_to(x: Tensor, width: float, step: int) -> Tensor:
    """Gaussian blur of the last two axes, of ``width`` pixels, at every ``step``-th pixel."""
    return _along_rows(_along_rows(x, width, step).mT, width, step).mT


def _along_rows(x: Tensor, width: float, step: int) -> Tensor:
    """The blur of the last axis but one."""
    length = x.shape[-2]
    centers = torch.arange(step // 2 if step > 1 else 0, length, step, device=x.device, dtype=x.dtype)
    places = torch.arange(length, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-((centers[:, None] - places) ** 2) / (2 * width**2)) / (width * math.sqrt(2 * math.pi))
    flat = x.reshape(-1, *x.shape[-2:])
    # One product for each plane: a picture alone has the bytes that it has in a block.
    return torch.bmm(kernel.expand(len(flat), -1, -1), flat).reshape(*x.shape[:-2], len(centers), x.shape[-1])
