"""Memory that is used again in each step: to ask for it anew takes as long as the arithmetic of a small network."""

from __future__ import annotations

import torch
from torch import Tensor


class Memory:
    """Tensors by name and shape, made when they are first asked for; what is in them is what was left there."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, torch.Size], Tensor] = {}

    def like(self, tensor: Tensor, name: str) -> Tensor:
        """The one with the shape, type and device of ``tensor``."""
        place = name, tensor.shape
        if place not in self._made:
            self._made[place] = torch.empty_like(tensor)
        return self._made[place]
