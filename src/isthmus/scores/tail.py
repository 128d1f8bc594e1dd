"""From a score in its own unit to a common one: minus the logarithm of the chance that a normal row scores as high.

In: scores of held-out normal rows, once; then any scores. Out: -log p. Within the held-out scores p is their share above;
beyond their 90 % quantile it falls like a power of the score (Hill 1975), so that no two far scores are the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

KNOTS = 512
"""Points of the curve that are kept; between them it is straight."""
TAIL_SHARE, FEWEST_IN_TAIL = 0.1, 5
LEAST_FALL = 1e-3
"""Smallest mean excess of the logarithms in the tail: scores that are all one would make p fall at once."""
TINY = 1e-12


class Tail(nn.Module):
    """A curve from scores to -log p; rises strictly from the lowest held-out score on.

    Attributes
    ----------
    knots, heights : (KNOTS,) the curve up to the start of the tail.
    fall : () mean excess of the logarithms of the scores beyond it.
    """

    knots: Tensor
    heights: Tensor
    fall: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("knots", torch.linspace(0, 1, KNOTS))
        self.register_buffer("heights", torch.linspace(0, 1, KNOTS))
        self.register_buffer("fall", torch.ones(()))

    @torch.no_grad()
    def set(self, scores: Tensor) -> None:
        """Fit to the scores of held-out rows, (n,)."""
        ordered = scores.double().sort().values
        n = len(ordered)
        in_tail = min(max(FEWEST_IN_TAIL, round(TAIL_SHARE * n)), max(1, n // 2))
        start = n - in_tail
        excess = (ordered[start:].clamp_min(TINY) / ordered[start].clamp_min(TINY)).log().mean()
        places = torch.linspace(0, start, KNOTS, dtype=torch.float64)
        low = places.floor().long()
        high = (low + 1).clamp_max(n - 1)
        self.knots.copy_(torch.lerp(ordered[low], ordered[high], places - low))
        self.heights.copy_(math.log(n + 1) - (n - places + 1).log())
        self.fall.copy_(excess.clamp_min(LEAST_FALL))

    def forward(self, scores: Tensor) -> Tensor:
        """-log p of each score, of the same shape."""
        right = torch.searchsorted(self.knots, scores.contiguous()).clamp(1, len(self.knots) - 1)
        low, high = self.knots[right - 1], self.knots[right]
        share = ((scores - low) / (high - low).clamp_min(TINY)).clamp(0, 1)
        within = torch.lerp(self.heights[right - 1], self.heights[right], share)
        start = self.knots[-1].clamp_min(TINY)
        return within + (scores.clamp_min(TINY) / start).log().clamp_min(0) / self.fall
