"""How large a network is, and how long it trains: sizes, batches, steps and rates for so many rows and columns.

Each rule is a pure function that says its bounds first; `isthmus.plan` asks them for whatever is "auto".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from isthmus.layout import Layout, PixelLayout
from isthmus.nets.layers import Layers
from isthmus.nets.layers import is_wide as layers_are_wide
from isthmus.parameters import AutoencoderParameters

MOST_VALIDATION_ROWS = 4_096
"""Enough that the standard error of the mean is far below what epochs differ by."""
FEWEST_STEPS, FEWEST_STEPS_OF_UNET, MOST_STEPS, HALF_ROWS = 250, 2_000, 3_600, 2_500
"""Steps of a default fit: few for a few hundred rows, half of the most at 2,500 rows, never more than the most."""
MOST_HIDDEN = 256
"""Units of a hidden layer: 512 are 5 % better on MNIST and Fashion-MNIST and take half as much time again."""
WIDE = 256
"""Units of a hidden layer from which on bfloat16 pays, where the processor multiplies it."""
FEW_LATENTS, ROWS_FOR_TWO = 8, 1_000
"""With so few latents a second hidden layer takes 15 % off the error of six sets, for up to 70 % more seconds; with 12, or with
350 rows, it takes nothing."""
UNET_WIDTH, UNET_WIDTH_OF_MANY = 48, 24
"""Channels of the U-shaped network: 24 are 10 % worse on Fashion-MNIST with noise and take less than half of the time."""
UNET_LEVELS, COARSEST = 4, 3
"""Most levels of the U-shaped network, and the pixels across that the coarsest has at least."""
UNET_BATCH, UNET_RATE, PIXELS_OF_STEP = 32, 1e-2, 25_000
"""A pass in batches of 32 ends at .0051 where batches of 256 end at .0069 (Fashion-MNIST with noise), in the same seconds: what
counts is the number of steps, each of some 25,000 pixels."""
CROP, CROPPED_FROM, UNET_WIDTHS_OF_LARGE = 48, 96, (24, 48, 96)
"""Pictures whose sides are at least 96 pixels long are trained on windows of 48 x 48, by a network that starts at their whole
size: on photographs it leaves .1 dB less noise after the same seconds than one at half the size."""
MANY_ROWS = 20_000
"""Training rows from which on batches of 256 cost nothing in error and save a fifth of the time."""


def default_latent_dim(n_targets: int, n_rows: int) -> int:
    """Twice the square root of the columns (56 for 784), at most half of them, a quarter of the rows and 128, at least 1.

    >>> [default_latent_dim(n, 10_000) for n in (1, 3, 10, 64, 784, 12288)], default_latent_dim(12288, 48)
    ([1, 1, 5, 16, 56, 128], 12)
    """
    return max(1, min(round(2 * math.sqrt(n_targets)), n_targets // 2, n_rows // 4, 128))


def hidden_dims(asked: Any, network: str, n_rows: int, layout: Layout, latent_dim: int) -> tuple[int, ...]:
    """One hidden layer of 8 times the fourth root of the cells, a multiple of 32 from 32 to 256.

    Two of them for latents of at most 8 numbers and at least 1,000 rows: the fewer numbers, the more the surface that they
    stand for is bent. Of the U-shaped network: the channels of each level.
    """
    if asked != "auto":
        return tuple(int(n) for n in asked)
    if network in ("custom", "layers"):
        return ()
    if network == "unet":
        return _unet_widths(n_rows, layout)
    width = 32 * round((n_rows * layout.n_targets) ** 0.25 / 4)
    few = latent_dim <= FEW_LATENTS and n_rows >= ROWS_FOR_TWO
    return (int(min(MOST_HIDDEN, max(32, width))),) * (2 if few else 1)


def _unet_widths(n_rows: int, layout: Layout) -> tuple[int, ...]:
    """48 channels, 24 from 20,000 pictures on; as many levels (2 to 4) as halve the picture to 3 pixels or more.

    Large pictures: 24, 48 and 96.

    >>> _unet_widths(1_000, PixelLayout((1, 64, 64))), _unet_widths(60_000, PixelLayout((1, 28, 28)))
    ((48, 48, 48, 48), (24, 24, 24))
    """
    if crop("unet", layout):
        return UNET_WIDTHS_OF_LARGE
    side = min(layout.shape[1:]) if isinstance(layout, PixelLayout) else 0
    levels = next((n for n in range(UNET_LEVELS, 2, -1) if side >= COARSEST * 2**n), 2)
    return (UNET_WIDTH_OF_MANY if n_rows >= MANY_ROWS else UNET_WIDTH,) * levels


def crop(network: str, layout: Layout) -> int:
    """Windows of 48 x 48 for the U-shaped network where both sides are at least 96; 0: whole pictures."""
    large = isinstance(layout, PixelLayout) and min(layout.shape[1:]) >= CROPPED_FROM
    return CROP if network == "unet" and large else 0


def windows(layout: Layout, crop: int) -> float:
    """Windows that a picture holds side by side; 1 for whole pictures."""
    return math.prod(layout.output_shape[1:]) / crop**2 if crop else 1.0


def batch_size(training_rows: int, network: str, layout: Layout, crop: int) -> int:
    """The power of two nearest to a sixteenth of the rows, from 16 to 128; 256 from 20,000 rows on.

    Of the U-shaped network: as many as have 25,000 pixels, a power of two from 4 to 32.
    """
    if network == "unet":
        pixels = crop**2 or math.prod(layout.output_shape[1:])
        return int(min(UNET_BATCH, max(4, 2 ** round(math.log2(PIXELS_OF_STEP / pixels)))))
    if training_rows >= MANY_ROWS:
        return 256
    return int(min(128, max(16, 2 ** round(math.log2(max(16, training_rows) / 16)))))


def epochs(training_rows: int, batch_size: int, network: str, windows: float) -> int:
    """As many passes as make 3,600 n / (n + 2,500) steps for n rows, but at least 250 steps and one pass.

    Of the U-shaped network at least 2,000 steps: its damage is new in each, so a few pictures are not learnt by heart (faces with
    holes: 28 dB after 440 steps, 31 dB after 2,500). Where pictures are trained on windows, n counts those side by side.
    """
    per_epoch = math.ceil(training_rows / batch_size)
    rows = training_rows * windows
    fewest = FEWEST_STEPS_OF_UNET if network == "unet" else FEWEST_STEPS
    steps = max(fewest, MOST_STEPS * rows / (rows + HALF_ROWS))
    return max(1, round(steps / per_epoch))


def validation_rows(n_rows: int, fraction: float) -> int:
    """The given share of the rows, at most 4,096; unless it is 0 at least one, and never all of them."""
    share = max(1, round(n_rows * fraction)) if fraction > 0 else 0
    return min(share, MOST_VALIDATION_ROWS, max(0, n_rows - 1))


def learning_rate(parameters: AutoencoderParameters, network: str, n_targets: int, batch_size: int) -> float:
    """5e-3 under Adam, with the root of batches over 128, less in proportion beyond 1,000 columns; given layers: 1e-3.

    Other optimizers start at their usual rates.
    """
    usual = {"rmsprop": 1e-3, "rmsprop-tf": 1e-3, "adadelta": 1.0, "sgd": 1e-2}
    if parameters.optimizer in usual or network in ("custom", "layers"):
        return usual.get(parameters.optimizer, 1e-3)
    if network == "unet":
        return UNET_RATE * math.sqrt(min(1.0, batch_size / UNET_BATCH))
    return 5e-3 * math.sqrt(max(1.0, batch_size / 128)) * min(1.0, 1_000 / n_targets)


def is_wide(network: str, hidden: Sequence[int], layers: Layers | None = None) -> bool:
    """Whether bfloat16 saves more than its conversions cost: a hidden layer of at least 256 units, or convolutions."""
    if layers is not None:
        return layers_are_wide(layers, WIDE)
    return network in ("conv", "unet") or max(hidden, default=0) >= WIDE
