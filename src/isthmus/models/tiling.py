"""Restoring pictures of another size than those of fit, in overlapping tiles."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.nets.blocks import in_blocks
from isthmus.tiles import restore_in_tiles

LARGEST_TILE = 256
"""Side of the tiles of a network that takes pictures of any size: large enough that few pixels lie at a border."""


def restore_any_size(model: Any, pictures: NDArray[Any]) -> NDArray[Any] | None:
    """Restored pictures; None where they have the size of fit, or axes that do not fit the model's.

    Parameters
    ----------
    model : a fitted `DenoisingAutoencoder` of pictures.
    pictures : (n, height, width), or with channels where they stood at fit.
    """
    encoder = model.encoder_
    axes = {"none": 3, "first": 4, "last": 4}[encoder.channels]
    if pictures.ndim != axes:
        return None
    planes = encoder.planes(pictures)
    channels, height, width = encoder.center.shape
    if planes.shape[1] != channels or planes.shape[2:] == (height, width):
        return None
    tile, overlap = _tile(model, planes.shape[2:])
    sized = dataclasses.replace(encoder, channels="first", center=_center(encoder, tile))
    block = max(1, model.block_rows_ * height * width // (tile[0] * tile[1]))

    def restore(part: NDArray[np.float32]) -> NDArray[np.float32]:
        encoded = torch.from_numpy(sized.encode(part))
        restored = in_blocks(
            lambda x: model.network_(x).reconstruction, lambda i, j: encoded[i:j], len(part), block, model._device
        )
        raw: NDArray[np.float32] = restored * np.float32(sized.scale) + sized.center
        return raw

    raw = restore_in_tiles(planes.astype(np.float32), tile, overlap, restore, block)
    flat = np.zeros((channels, *planes.shape[2:]), np.float32)
    return dataclasses.replace(encoder, center=flat, scale=1.0).decode(raw, pictures)  # type: ignore[no-any-return]


def _tile(model: Any, size: tuple[int, ...]) -> tuple[tuple[int, int], int]:
    """Height and width of the tiles, and their overlap: of fit, unless the network takes any size."""
    height, width = model.encoder_.center.shape[1:]
    if model.plan_.network != "unet":
        return (height, width), min(height, width) // 2
    sides = [min(side, max(own, LARGEST_TILE)) for side, own in zip(size, (height, width), strict=True)]
    return (sides[0], sides[1]), min(sides) // 4


def _center(encoder: Any, tile: tuple[int, int]) -> NDArray[np.float32]:
    if encoder.center.shape[1:] == tile:
        return encoder.center  # type: ignore[no-any-return]
    return np.ascontiguousarray(np.broadcast_to(encoder.center[:, :1, :1], (len(encoder.center), *tile)))
