"""What every "auto" becomes: a pure function of the data's shape, the parameters and facts about the machine.

One documented line per rule. Nothing is timed or tried: the same shapes, parameters and machine give the same plan, which
`summary()` and ``--dry-run`` show and the model file keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus import sizing
from isthmus.errors import ParameterError
from isthmus.layout import Layout, PixelLayout
from isthmus.nets.layers import Layers, ends_in_sigmoid, latent_size, layers_from
from isthmus.parameters import AutoencoderParameters, DenoisingParameters
from isthmus.prep.ordered import NOTE

ANCHOR_WEIGHTS = 2**24
"""Columns times latent size up to which a network is anchored: beyond, the linear path would be the larger part of it."""


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
    trim: float = 0.0
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
    hidden = sizing.hidden_dims(p.hidden_dims, network, shape.n_rows, layout, latent_dim)
    output = "linear" if p.output == "auto" else p.output
    anchored = (
        network in ("dense", "conv", "conv1d")
        and output == "linear"
        and layout.n_targets * latent_dim <= ANCHOR_WEIGHTS
    )
    crop = sizing.crop(network, layout)
    validation_rows = sizing.validation_rows(shape.n_rows, p.validation_fraction)
    training_rows = shape.n_rows - validation_rows
    batch_size = (
        sizing.batch_size(training_rows, network, layout, crop) if p.batch_size == "auto" else int(p.batch_size)
    )
    passes = sizing.epochs(training_rows, batch_size, network, sizing.windows(layout, crop))
    max_epochs = passes if p.max_epochs == "auto" else int(p.max_epochs)
    bfloat16 = machine.fast_bfloat16 and sizing.is_wide(network, hidden, layers)
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
        learning_rate=sizing.learning_rate(p, network, layout.n_targets, batch_size)
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
        trim=p.trim,
        notes=_notes(shape, network, latent_dim, p.members, output, anchored=anchored),
    )


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
        return sizing.default_latent_dim(shape.layout.n_targets, shape.n_rows) if asked == "auto" else int(asked)
    found = latent_size(layers, shape.layout.input_shape)
    if asked not in ("auto", found):
        raise ParameterError(
            f"latent_dim={asked}, but the encoder's layers end in {found} values; leave latent_dim out."
        )
    return found


def _loss(asked: str, output: str, layers: Layers | None) -> str:
    """Squared error, or what was asked for; cross-entropy needs an output that stays within the range."""
    if asked == "bce" and output != "sigmoid" and not (layers and ends_in_sigmoid(layers)):
        raise ParameterError('loss="bce" needs output="sigmoid", which keeps every value within the range of the data.')
    return "mse" if asked == "auto" else asked


def _notes(
    shape: DataShape, network: str, latent_dim: int, members: int, output: str, *, anchored: bool
) -> tuple[str, ...]:
    notes = [NOTE] if shape.ordered else []
    if latent_dim >= shape.layout.n_targets:
        notes.append(
            f"latent_dim={latent_dim} is not smaller than the {shape.layout.n_targets} encoded columns: nothing is compressed."
        )
    if members > 1 and latent_dim:
        numbers = f"{members * latent_dim:,} numbers"
        notes.append(f"latents of {members} members stand side by side: {numbers}; PCA beside them has {latent_dim:,}.")
    if network == "unet":
        notes.append("the network restores pictures and has no latent: nothing is compressed.")
    elif not anchored and output == "sigmoid":
        notes.append("a sigmoid output cannot start at PCA; whether it is better than PCA is only known after the fit.")
    elif not anchored:
        notes.append("the network does not start at PCA.")
    return tuple(notes)
