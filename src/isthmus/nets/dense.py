"""Dense networks: fully connected layers with an activation between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.linear import Linear


def dense_encoder(
    input_shape: tuple[int, ...], hidden_dims: Sequence[int], latent_dim: int, activation: str
) -> nn.Sequential:
    """(n, *input_shape) to (n, latent_dim) through layers of ``hidden_dims`` units."""
    return nn.Sequential(
        nn.Flatten(-len(input_shape)), *_layers([math.prod(input_shape), *hidden_dims, latent_dim], activation)
    )


def dense_decoder(
    output_shape: tuple[int, ...], hidden_dims: Sequence[int], latent_dim: int, activation: str
) -> nn.Sequential:
    """(n, latent_dim) to (n, *output_shape) through the encoder's layers in reverse."""
    layers = _layers([latent_dim, *reversed(hidden_dims), math.prod(output_shape)], activation)
    return nn.Sequential(*layers, nn.Unflatten(-1, output_shape))


def _layers(sizes: Sequence[int], activation: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out), ACTIVATIONS[activation]()]
    return layers[:-1]
