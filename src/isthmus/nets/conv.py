"""2-D convolutional networks for pictures of any height, width and channel count (placeholder sizes until measured)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from isthmus.nets.dense import dense_decoder, dense_encoder


def conv_encoder(shape: tuple[int, int, int], hidden_dims: Sequence[int], latent_dim: int, activation: str) -> nn.Module:
    return dense_encoder(shape, hidden_dims, latent_dim, activation)


def conv_decoder(shape: tuple[int, int, int], hidden_dims: Sequence[int], latent_dim: int, activation: str) -> nn.Module:
    return dense_decoder(shape, hidden_dims, latent_dim, activation)
