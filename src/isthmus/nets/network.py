"""What every network is: an encoder and a decoder, beside the linear path they are anchored to, and the output's bounds.

``encode`` adds the non-linear encoder to the linear one, ``decode`` the non-linear decoder to the linear one. The last
layers of both non-linear parts start at zero, so an anchored network starts as PCA and every step improves on it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from isthmus.layout import UNBOUNDED
from isthmus.nets.linear import LinearPath


class Output(NamedTuple):
    """What a forward pass gives: reconstruction (n, *output_shape), latent (n, latent_dim), and per-row statistics."""

    reconstruction: Tensor
    latent: Tensor
    stats: dict[str, Tensor]


class _StraightThroughClamp(torch.autograd.Function):
    generate_vmap_rule = True  # several networks may run as one

    @staticmethod
    def forward(y: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return torch.clamp(y, low, high)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Nothing is kept: the gradient passes as it is."""

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


def _clamp_straight_through(y: Tensor, low: Tensor, high: Tensor) -> Tensor:
    # Not ``y.requires_grad``: within `torch.func.vmap` nothing says so.
    if torch.is_grad_enabled():
        return _StraightThroughClamp.apply(y, low, high)  # type: ignore[no-any-return,no-untyped-call]  # torch: untyped
    return torch.clamp(y, low, high)


class Bounds(nn.Module):
    """Keeps a reconstruction within the range seen in training (network units).

    In training the clamp is straight-through (Bengio, Leonard, Courville 2013): values come out clamped, gradients pass as
    if they had not been. So a pixel that should be black costs nothing however far below black it lands, and one that is
    clamped wrongly still learns; on MNIST this alone takes a quarter off the error of clamping afterwards.
    """

    low: Tensor
    high: Tensor

    def __init__(self, shape: tuple[int, ...], squash: bool) -> None:
        super().__init__()
        self.squash = squash
        self.register_buffer("low", torch.empty(shape))
        self.register_buffer("high", torch.empty(shape))
        self.open()

    def open(self) -> None:
        """Set bounds that nothing reaches."""
        self.low.fill_(-UNBOUNDED)
        self.high.fill_(UNBOUNDED)

    def forward(self, y: Tensor) -> Tensor:
        """Clamp ``y``, or squash it with a sigmoid, into the bounds; logits, which have none, stay as they are."""
        if self.squash:
            return torch.where(self.high < UNBOUNDED, self.low + (self.high - self.low) * torch.sigmoid(y), y)
        return _clamp_straight_through(y, self.low, self.high)


class Network(nn.Module):
    """An encoder and a decoder, with or without a linear path beside them.

    Parameters
    ----------
    encoder : (n, *input_shape) to (n, latent_dim).
    decoder : (n, latent_dim) to (n, *output_shape); it and the linear decoder see the latent divided by ``latent_scale``.
    linear : the path set to PCA, or None.
    refiner : (decoded rows, latent divided by ``latent_scale``) to a correction of the rows, or None.
    output_shape : shape of one reconstructed row.
    squash : end in a sigmoid instead of a clamp.
    """

    latent_scale: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        linear: LinearPath | None,
        output_shape: tuple[int, ...],
        latent_dim: int,
        *,
        refiner: nn.Module | None = None,
        squash: bool = False,
    ) -> None:
        super().__init__()
        self.linear = linear
        self.encoder = encoder
        self.decoder = decoder
        self.refiner = refiner
        self.bounds = Bounds(output_shape, squash)
        # Latent coordinates of PCA differ in size by orders of magnitude; decoders see each at unit variance, so that a
        # step of the optimizer means the same for all (on MNIST this halves the epochs to a given error).
        self.register_buffer("latent_scale", torch.ones(latent_dim))

    def encode(self, x: Tensor) -> Tensor:
        """Encoded rows (n, *input_shape), missing cells NaN, to latents (n, latent_dim)."""
        x = x.nan_to_num()
        z: Tensor = self.encoder(x)
        return z if self.linear is None else self.linear.encode(x) + z

    def decode(self, z: Tensor) -> Tensor:
        """Latents (n, latent_dim) to reconstructions (n, *output_shape) in network units."""
        # Stacked members have a scale each, and rows behind the first axis.
        whitened = z / (self.latent_scale if self.latent_scale.ndim == 1 else self.latent_scale[:, None])
        y: Tensor = self.decoder(whitened)
        y = y if self.linear is None else self.linear.decode(whitened) + y
        y = y if self.refiner is None else y + self.refiner(y, whitened)
        return self.bounds(y)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Output:
        """Encode and decode."""
        latent = self.encode(x)
        return Output(self.decode(latent), latent, {})
