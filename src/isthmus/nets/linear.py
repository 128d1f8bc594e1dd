"""The linear path: a linear encoder and decoder, set to PCA. Anchor of a network, and the baseline beside it."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class Weights(Protocol):
    """What `LinearPath.set` takes: the fields of `isthmus.baselines.LinearFit`."""

    @property
    def encode(self) -> Tensor: ...  # noqa: D102  (the class says what these are)
    @property
    def encode_bias(self) -> Tensor: ...  # noqa: D102
    @property
    def decode(self) -> Tensor: ...  # noqa: D102
    @property
    def decode_bias(self) -> Tensor: ...  # noqa: D102


class Linear(nn.Linear):
    """A fully connected layer whose result for a row does not depend on the row's place in the block.

    Matrix kernels give the last few columns of their output other rounding than the rest. Out of training, the product is
    taken transposed, so that rows stand along the side that every kernel treats alike (400 random shapes, no difference;
    as torch takes it, 1 shape in 15 differs).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_features) to (n, out_features); with stacked weights (members, n, in_features) to (members, n, out_features)."""
        transposed = not self.training and x.device.type == "cpu"
        if self.weight.ndim == 3:
            if transposed:
                return torch.baddbmm(self.bias[:, :, None], self.weight, x.mT).mT
            return torch.baddbmm(self.bias[:, None], x, self.weight.mT)
        if x.ndim != 2 or not transposed:
            return functional.linear(x, self.weight, self.bias)
        return torch.addmm(self.bias[:, None], self.weight, x.T).T


class LinearPath(nn.Module):
    """``z = A x + a`` and ``y = B z + b`` over flattened rows."""

    def __init__(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.input_axes = len(input_shape)
        self.output_shape = output_shape
        self.encoder = Linear(math.prod(input_shape), latent_dim)
        self.decoder = Linear(latent_dim, math.prod(output_shape))

    def encode(self, x: Tensor) -> Tensor:
        """(n, *input_shape) to (n, latent_dim)."""
        return self.encoder(x.flatten(-self.input_axes))  # type: ignore[no-any-return]  # nn.Module calls are untyped

    def decode(self, z: Tensor) -> Tensor:
        """(n, latent_dim) to (n, *output_shape)."""
        return self.decoder(z).unflatten(-1, self.output_shape)  # type: ignore[no-any-return]

    @torch.no_grad()
    def set(self, weights: Weights, latent_scale: Tensor) -> None:
        """Take over fitted weights; ``decode`` will be given latents divided by ``latent_scale``."""
        self.encoder.weight.copy_(weights.encode)
        self.encoder.bias.copy_(weights.encode_bias)
        self.decoder.weight.copy_(weights.decode * latent_scale)
        self.decoder.bias.copy_(weights.decode_bias)
