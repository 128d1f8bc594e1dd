"""Memory that is used again in each step or block: to ask for it anew takes as long as the arithmetic of a small network."""

from __future__ import annotations

from torch import Tensor


class Memory:
    """Tensors by name, shape, type and device, made when they are first asked for; what is in them is what was left there."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Tensor] = {}

    def like(self, tensor: Tensor, name: str) -> Tensor:
        """The one with the shape, type and device of ``tensor``."""
        return self.of(tensor.shape, tensor, name)

    def of(self, shape: tuple[int, ...], tensor: Tensor, name: str) -> Tensor:
        """The one with ``shape``, and the type and device of ``tensor``."""
        place = name, tuple(shape), tensor.dtype, tensor.device
        if place not in self._made:
            self._made[place] = tensor.new_empty(shape)
        return self._made[place]
