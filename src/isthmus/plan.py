"""What every "auto" becomes: a pure function of the data's shape, the parameters and facts about the machine.

One documented line per rule. Nothing is timed or tried: the same shapes, parameters and machine give the same plan, which
`summary()` and ``--dry-run`` show and the model file keeps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isthmus.errors import ParameterError
from isthmus.layout import Layout, PixelLayout
from isthmus.nets.layers import Layers, ends_in_sigmoid, latent_size, layers_from
from isthmus.parameters import AutoencoderParameters, DenoisingParameters
from isthmus.prep.ordered import NOTE

MOST_VALIDATION_ROWS = 4_096
"""Enough that the standard error of the mean is far below what epochs differ by."""
ANCHOR_WEIGHTS = 2**24
"""Columns times latent size up to which a network is anchored: beyond, the linear path would be the larger part of it."""
FEWEST_STEPS, FEWEST_STEPS_OF_UNET, MOST_STEPS, HALF_ROWS = 250, 2_000, 3_600, 2_500
"""Steps of a default fit: few for a few hundred rows, half of the most at 2,500 rows, never more than the most."""
MOST_HIDDEN = 256
"""Units of a hidden layer: 512 are 5 % better on MNIST and Fashion-MNIST and take half as much time again."""
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


@dataclass(frozen=True)
class DataShape:
    """What the rules may look at.

    Attributes
    ----------
    n_rows : rows given to fit.
    layout : encoded positions.
    scaling : how the numbers were scaled.
    ordered : whether the columns were found to be samples in order (`isthmus.prep.ordered`).
    """

    n_rows: int
    layout: Layout
    scaling: str
    ordered: bool = False


@dataclass(frozen=True)
class Machine:
    """Facts about where training runs: the device's name and whether bfloat16 pays there."""

    device: str = "cpu"
    fast_bfloat16: bool = False


@dataclass(frozen=True)
class Plan:
    """Every choice of a fit, resolved. ``notes`` says what a user may want to know about them."""

    network: str
    latent_dim: int
    hidden_dims: tuple[int, ...]
    activation: str
    output: str
    scaling: str
    loss: str
    anchored: bool
    optimizer: str
    learning_rate: float
    linear_share: float
    betas: tuple[float, float]
    weight_decay: float
    clip_norm: float | None
    warmup: float
    batch_size: int
    max_epochs: int
    patience: int | None
    validation_rows: int
    precision: str
    device: str
    schedule: str = "anneal"
    keep: str = "best"
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    layers: Layers | None = None
    crop: int = 0
    members: int = 1
    notes: tuple[str, ...] = field(default=())


def make_plan(shape: DataShape, parameters: AutoencoderParameters, machine: Machine) -> Plan:
    """Resolve every "auto" of ``parameters`` for data of ``shape`` on ``machine``.

    >>> from isthmus.layout import ColumnLayout
    >>> plan = make_plan(DataShape(1000, ColumnLayout(64), "common"), AutoencoderParameters(8), Machine())
    >>> plan.network, plan.latent_dim, plan.anchored
    ('dense', 8, True)
    """
    p, layout = parameters, shape.layout
    network = _network(p, layout, shape.n_rows)
    layers = layers_from(p.network) if network == "layers" else None
    latent_dim = _latent_dim(p.latent_dim, network, layers, shape)
    hidden = _hidden_dims(p.hidden_dims, network, shape.n_rows, layout, latent_dim)
    output = "linear" if p.output == "auto" else p.output
    anchored = (
        network in ("dense", "conv", "conv1d")
        and output == "linear"
        and layout.n_targets * latent_dim <= ANCHOR_WEIGHTS
    )
    crop = _crop(network, layout)
    validation_rows = _validation_rows(shape.n_rows, p.validation_fraction)
    training_rows = shape.n_rows - validation_rows
    batch_size = _batch_size(training_rows, network, layout, crop) if p.batch_size == "auto" else int(p.batch_size)
    passes = _epochs(training_rows, batch_size, network, _windows(layout, crop))
    max_epochs = passes if p.max_epochs == "auto" else int(p.max_epochs)
    bfloat16 = machine.fast_bfloat16 and _is_wide(network, hidden)
    return Plan(
        network=network,
        latent_dim=latent_dim,
        hidden_dims=hidden,
        activation=p.activation,
        output=output,
        scaling=shape.scaling,
        loss=_loss(p.loss, output, layers),
        anchored=anchored,
        optimizer=p.optimizer,
        learning_rate=_learning_rate(p, network, layout.n_targets, batch_size)
        if p.learning_rate == "auto"
        else float(p.learning_rate),
        linear_share=0.3,
        betas=(0.9, 0.99),
        weight_decay=0.1 if p.optimizer == "adamw" else 0.0,
        clip_norm=None,
        warmup=0.1,
        batch_size=min(batch_size, max(1, training_rows)),
        max_epochs=max_epochs,
        patience=(max(10, max_epochs // 2) if p.patience == "auto" else p.patience),  # type: ignore[arg-type]  # checked
        validation_rows=validation_rows,
        precision=("bfloat16" if bfloat16 else "float32") if p.precision == "auto" else p.precision,
        device=machine.device,
        schedule=p.schedule,
        keep=p.keep,
        optimizer_options=dict(p.optimizer_options or {}),
        layers=layers,
        crop=crop,
        members=_members(p.members, network),
        notes=_notes(shape, network, latent_dim, output, anchored=anchored),
    )


def default_latent_dim(n_targets: int, n_rows: int) -> int:
    """Twice the square root of the columns (56 for 784), at most half of them, a quarter of the rows and 128, at least 1.

    >>> [default_latent_dim(n, 10_000) for n in (1, 3, 10, 64, 784, 12288)], default_latent_dim(12288, 48)
    ([1, 1, 5, 16, 56, 128], 12)
    """
    return max(1, min(round(2 * math.sqrt(n_targets)), n_targets // 2, n_rows // 4, 128))


def _network(parameters: AutoencoderParameters, layout: Layout, n_rows: int) -> str:
    """Convolutions for pictures of at least 16 x 16 of which there are 1,000 or more; else dense.

    To restore pictures of at least 16 x 16: the U-shaped network, unless a latent size is asked for, which it has not.
    """
    asked = parameters.network
    if isinstance(asked, (Mapping, Layers)):
        return "layers"
    if not isinstance(asked, str):
        return "custom"
    if asked in ("conv", "unet") and not isinstance(layout, PixelLayout):
        raise ParameterError(
            f'network="{asked}" needs pictures, an array (n, height, width) or (n, height, width, channels); got rows of '
            f'{layout.n_targets} columns. Reshape them, or say network="dense".'
        )
    if asked == "conv1d" and (isinstance(layout, PixelLayout) or not layout.only_numbers):
        got, say = ("pictures", "conv") if isinstance(layout, PixelLayout) else ("columns that are no numbers", "dense")
        raise ParameterError(
            f'network="conv1d" needs rows of ordered samples, an array (n, samples); got {got}: say network="{say}".'
        )
    if asked != "auto":
        return asked
    large = isinstance(layout, PixelLayout) and min(layout.shape[1:]) >= 16
    if large and isinstance(parameters, DenoisingParameters) and parameters.latent_dim == "auto":
        return "unet"
    return "conv" if large and n_rows >= 1_000 else "dense"


def _members(asked: int, network: str) -> int:
    """What was asked for; a user's own modules may do in a forward pass what cannot be done for several at once."""
    if asked > 1 and network == "custom":
        raise ParameterError(
            f"members={asked} needs a network of isthmus's own or a dict of layers; leave members out for modules of yours."
        )
    return asked


def _latent_dim(asked: int | str, network: str, layers: Layers | None, shape: DataShape) -> int:
    """What was asked for; that of the given layers; 0 for the U-shaped network, which has none."""
    if network == "unet":
        if asked != "auto":
            raise ParameterError(f'network="unet" has no latent; leave latent_dim={asked} out, or say network="conv".')
        return 0
    if layers is None:
        return default_latent_dim(shape.layout.n_targets, shape.n_rows) if asked == "auto" else int(asked)
    found = latent_size(layers, shape.layout.input_shape)
    if asked not in ("auto", found):
        raise ParameterError(
            f"latent_dim={asked}, but the encoder's layers end in {found} values; leave latent_dim out."
        )
    return found


def _hidden_dims(asked: Any, network: str, n_rows: int, layout: Layout, latent_dim: int) -> tuple[int, ...]:
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
    if _crop("unet", layout):
        return UNET_WIDTHS_OF_LARGE
    side = min(layout.shape[1:]) if isinstance(layout, PixelLayout) else 0
    levels = next((n for n in range(UNET_LEVELS, 2, -1) if side >= COARSEST * 2**n), 2)
    return (UNET_WIDTH_OF_MANY if n_rows >= MANY_ROWS else UNET_WIDTH,) * levels


def _crop(network: str, layout: Layout) -> int:
    """Windows of 48 x 48 for the U-shaped network where both sides are at least 96; 0: whole pictures."""
    large = isinstance(layout, PixelLayout) and min(layout.shape[1:]) >= CROPPED_FROM
    return CROP if network == "unet" and large else 0


def _windows(layout: Layout, crop: int) -> float:
    """Windows that a picture holds side by side; 1 for whole pictures."""
    return math.prod(layout.output_shape[1:]) / crop**2 if crop else 1.0


def _batch_size(training_rows: int, network: str, layout: Layout, crop: int) -> int:
    """The power of two nearest to a sixteenth of the rows, from 16 to 128; 256 from 20,000 rows on.

    Of the U-shaped network: as many as have 25,000 pixels, a power of two from 4 to 32.
    """
    if network == "unet":
        pixels = crop**2 or math.prod(layout.output_shape[1:])
        return int(min(UNET_BATCH, max(4, 2 ** round(math.log2(PIXELS_OF_STEP / pixels)))))
    if training_rows >= MANY_ROWS:
        return 256
    return int(min(128, max(16, 2 ** round(math.log2(max(16, training_rows) / 16)))))


def _epochs(training_rows: int, batch_size: int, network: str, windows: float) -> int:
    """As many passes as make 3,600 n / (n + 2,500) steps for n rows, but at least 250 steps and one pass.

    Of the U-shaped network at least 2,000 steps: its damage is new in each, so a few pictures are not learnt by heart (faces with
    holes: 28 dB after 440 steps, 31 dB after 2,500). Where pictures are trained on windows, n counts those side by side.
    """
    per_epoch = math.ceil(training_rows / batch_size)
    rows = training_rows * windows
    fewest = FEWEST_STEPS_OF_UNET if network == "unet" else FEWEST_STEPS
    steps = max(fewest, MOST_STEPS * rows / (rows + HALF_ROWS))
    return max(1, round(steps / per_epoch))


def _validation_rows(n_rows: int, fraction: float) -> int:
    """The given share of the rows, at most 4,096; unless it is 0 at least one, and never all of them."""
    share = max(1, round(n_rows * fraction)) if fraction > 0 else 0
    return min(share, MOST_VALIDATION_ROWS, max(0, n_rows - 1))


def _learning_rate(parameters: AutoencoderParameters, network: str, n_targets: int, batch_size: int) -> float:
    """5e-3 under Adam, with the root of batches over 128, less in proportion beyond 1,000 columns; given layers: 1e-3.

    Other optimizers start at their usual rates.
    """
    usual = {"rmsprop": 1e-3, "rmsprop-tf": 1e-3, "adadelta": 1.0, "sgd": 1e-2}
    if parameters.optimizer in usual or network in ("custom", "layers"):
        return usual.get(parameters.optimizer, 1e-3)
    if network == "unet":
        return UNET_RATE * math.sqrt(min(1.0, batch_size / UNET_BATCH))
    return 5e-3 * math.sqrt(max(1.0, batch_size / 128)) * min(1.0, 1_000 / n_targets)


def _is_wide(network: str, hidden: Sequence[int]) -> bool:
    """Whether bfloat16 saves more than its conversions cost: a layer of at least 256 units, or convolutions."""
    return network in ("conv", "unet") or max(hidden, default=0) >= 256


def _loss(asked: str, output: str, layers: Layers | None) -> str:
    """Squared error, or what was asked for; cross-entropy needs an output that stays within the range."""
    if asked == "bce" and output != "sigmoid" and not (layers and ends_in_sigmoid(layers)):
        raise ParameterError('loss="bce" needs output="sigmoid", which keeps every value within the range of the data.')
    return "mse" if asked == "auto" else asked


def _notes(shape: DataShape, network: str, latent_dim: int, output: str, *, anchored: bool) -> tuple[str, ...]:
    notes = [NOTE] if shape.ordered else []
    if latent_dim >= shape.layout.n_targets:
        notes.append(
            f"latent_dim={latent_dim} is not smaller than the {shape.layout.n_targets} encoded columns: nothing is compressed."
        )
    if network == "unet":
        notes.append("the network restores pictures and has no latent: nothing is compressed.")
    elif not anchored and output == "sigmoid":
        notes.append("a sigmoid output cannot start at PCA; whether it is better than PCA is only known after the fit.")
    elif not anchored:
        notes.append("the network does not start at PCA.")
    return tuple(notes)
