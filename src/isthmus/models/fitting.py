"""One fit, from checked data to a trained network: preparation, plan, PCA, network, training."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from isthmus.baselines import LinearFit, can_stream, fit_linear
from isthmus.data.table import Table
from isthmus.errors import DataError, ParameterError
from isthmus.layout import ColumnLayout, Layout, PixelLayout
from isthmus.losses import ELEMENT_LOSSES, cross_entropy_in, error_map
from isthmus.models.inputs import Data
from isthmus.nets.blocks import block_rows
from isthmus.nets.build import multiply_adds, outline, outline_layers, outline_unet, start, with_memory, wrap
from isthmus.nets.linear import LinearPath
from isthmus.nets.members import Members
from isthmus.nets.network import Network
from isthmus.parameters import AutoencoderParameters
from isthmus.plan import ANCHOR_WEIGHTS, DataShape, Machine, Plan, make_plan
from isthmus.prep.columns import ColumnEncoder, choose_scaling
from isthmus.prep.ordered import are_ordered
from isthmus.prep.pixels import PixelEncoder, find_channels
from isthmus.prep.rows import EncodedRows
from isthmus.train.callbacks import Callback, ProgressBar
from isthmus.train.job import ErrorMap, generator_for
from isthmus.train.loop import split_rows
from isthmus.train.machine import find_device, multiplies_bfloat16
from isthmus.train.optimizers import check_options

Encoder = ColumnEncoder | PixelEncoder
PEAK_OVER_CONSTANT = 10
"""A constant rate is this much below the schedule's peak, which nothing anneals."""
FAIR_ROWS = 10
"""Rows per column from which on a tenth more of them changes PCA by less than the noise of validation."""


@dataclass
class Fitted:
    """What a fit leaves behind."""

    encoder: Encoder
    plan: Plan
    network: Network
    baseline: Network | None
    work: int
    linear: LinearFit | None = None

    @property
    def block(self) -> int:
        """Rows in a block of scoring; one of those pictures that are too large to train on whole."""
        return 1 if self.plan.crop else block_rows(self.work)


def fit_encoder(data: Data, parameters: AutoencoderParameters) -> Encoder:
    """The preparation of ``data``: pixels for pictures, columns for everything else."""
    if not isinstance(data, Table) and data.ndim > 2:
        if parameters.scaling == "column":
            raise ParameterError(
                'scaling="column" is for rows of columns; pictures take "common", "range", "none" or "auto".'
            )
        channels = find_channels(data.shape, parameters.channels)
        return PixelEncoder.fit(data, channels, _picture_scaling(parameters))
    return ColumnEncoder.fit(data, choose_scaling(data) if parameters.scaling == "auto" else parameters.scaling)


def _picture_scaling(parameters: AutoencoderParameters) -> str:
    """Pictures keep one factor, unless another way was asked for."""
    return "common" if parameters.scaling == "auto" else parameters.scaling


def plan_for(encoder: Encoder, data: Data, parameters: AutoencoderParameters) -> Plan:
    """The plan for the rows that ``encoder`` was fitted to, on this machine."""
    check_options(parameters.optimizer, parameters.optimizer_options)
    device = find_device(parameters.device)
    scaling = encoder.scaling if isinstance(encoder, ColumnEncoder) else _picture_scaling(parameters)
    machine = Machine(device.type, multiplies_bfloat16(device.type))
    ordered = isinstance(encoder, ColumnEncoder) and are_ordered(data)
    return make_plan(DataShape(len(data), encoder.layout, scaling, ordered), parameters, machine)


def first_network(
    plan: Plan, encoder: Encoder, linear: LinearFit | None, parameters: AutoencoderParameters, seed: int
) -> Network:
    """The network as training finds it: at PCA where it is anchored."""
    layout, squash = encoder.layout, plan.output == "sigmoid"
    if plan.network == "custom":
        network = wrap(parameters.network, layout, plan.latent_dim, squash=squash, seed=seed)
    else:
        initializer = None if plan.layers is None else plan.layers.initializer
        places = [(3,), *((3, member) for member in range(1, plan.members))]
        started = [start(outline_one(plan, layout), generator_for(seed, *place), initializer) for place in places]
        network = started[0] if plan.members == 1 else Members(started)
    _set_bounds(network, encoder)
    if linear is not None:
        set_anchor(network, linear)
    return network


def set_anchor(network: Network, linear: LinearFit) -> None:
    """Set the linear path of an anchored network, and the scale of its latent, to PCA's."""
    if network.linear is None:
        return
    deviations = linear.variances.sqrt()
    # A coordinate that the data do not use must not be blown up.
    scale = deviations.clamp_min(1e-3 * float(deviations.max().clamp_min(1e-6)))
    network.linear.set(linear, scale)
    network.latent_scale.copy_(scale)


def fair_anchor(
    plan: Plan, encoder: Encoder, rows: EncodedRows, linear: LinearFit | None, seed: int
) -> LinearFit | None:
    """The PCA that training starts from: without the validation rows, where few rows would let it learn them by heart.

    PCA of all rows would then win against any network on validation rows that it has seen. Once epoch 0 has won fairly, the
    PCA of all rows takes its place.
    """
    layout = encoder.layout
    enough = len(rows) >= FAIR_ROWS * layout.n_targets
    if linear is None or enough or plan.validation_rows == 0 or plan.max_epochs == 0:
        return linear
    training, _ = split_rows(len(rows), plan.validation_rows, seed)
    return fit_linear(rows.take(training[: _most_rows(layout)]), layout, plan.latent_dim, seed)


def _most_rows(layout: Layout) -> int:
    """Rows that PCA looks at where it cannot stream them: all of a table's, a gibibyte of pictures."""
    return sys.maxsize if not isinstance(layout, PixelLayout) else max(1, 2**28 // layout.n_targets)


def outline_for(plan: Plan, layout: Layout) -> Network:
    """The plan's network without memory, for its tensors' names and shapes."""
    one = outline_one(plan, layout)
    return one if plan.members == 1 else Members([one] * plan.members)


def outline_one(plan: Plan, layout: Layout) -> Network:
    """One member of the plan's network, without memory."""
    if plan.network == "unet":
        return outline_unet(layout, plan.hidden_dims, halved=plan.crop == 0)
    if plan.layers is not None:
        return outline_layers(plan.layers, layout, plan.latent_dim, squash=plan.output == "sigmoid")
    return outline(
        plan.network, layout, plan.latent_dim, plan.hidden_dims, plan.activation,
        anchored=plan.anchored, squash=plan.output == "sigmoid",
    )  # fmt: skip


def outline_baseline(plan: Plan, layout: Layout) -> Network:
    """The linear path alone, as a network: PCA at the same latent size."""
    with torch.device("meta"):
        path = LinearPath(layout.input_shape, layout.output_shape, plan.latent_dim)
        nothing = _Nothing(plan.latent_dim), _Nothing(*layout.output_shape)
        return Network(*nothing, path, layout.output_shape, plan.latent_dim).float()


def fit_baseline(plan: Plan, encoder: Encoder, rows: EncodedRows, seed: int) -> tuple[LinearFit | None, Network | None]:
    """PCA on all rows given to fit, where the linear path is not larger than a network would be."""
    layout = encoder.layout
    if plan.latent_dim == 0 or layout.n_targets * plan.latent_dim > ANCHOR_WEIGHTS:
        return None, None
    whole = rows if can_stream(layout, len(rows)) else rows.sample(_most_rows(layout), seed)
    linear = fit_linear(whole, layout, plan.latent_dim, seed)
    network = with_memory(outline_baseline(plan, layout))
    network.latent_scale.fill_(1.0)
    _set_bounds(network, encoder)
    if network.linear is not None:
        network.linear.set(linear, torch.ones_like(linear.variances))
    return linear, network.eval()


def fit_all(data: Data, parameters: AutoencoderParameters, seed: int) -> tuple[Fitted, EncodedRows]:
    """Everything up to the first step of training."""
    encoder = fit_encoder(data, parameters)
    plan = plan_for(encoder, data, parameters)
    if plan.network == "unet" and isinstance(encoder, PixelEncoder):
        encoder = encoder.with_one_center()
    rows = EncodedRows(data, encoder)
    linear, baseline = fit_baseline(plan, encoder, rows, seed)
    network = first_network(plan, encoder, fair_anchor(plan, encoder, rows, linear, seed), parameters, seed)
    if linear is None and plan.latent_dim:
        note = "PCA at this size would be larger than the network; the report compares with the mean row instead."
        plan = dataclasses.replace(plan, notes=(*plan.notes, note))
    work = multiply_adds(network.eval(), encoder.layout.input_shape) * plan.members
    return Fitted(encoder, plan, network.to(plan.device), baseline, work, linear), rows


def training_error(plan: Plan, network: Network, layout: Layout, *, gaps: bool) -> ErrorMap:
    """The error map that training minimises."""
    numbers = slice(layout.n_numbers) if isinstance(layout, ColumnLayout) else slice(None)
    within = cross_entropy_in(network.bounds.low[numbers], network.bounds.high[numbers])
    element = within if plan.loss == "bce" else ELEMENT_LOSSES[plan.loss]
    return lambda reconstruction, x: error_map(reconstruction, x, layout, element, gaps=gaps)


def element_loss(plan: Plan, layout: Layout, *, gaps: bool) -> str | None:
    """The name of the loss, where the map that training minimises is that of each target by itself and nothing more.

    A pixel of which one channel is missing counts as missing, so there no channel counts by itself.
    """
    one_by_one = not gaps or layout.shape[0] == 1 if isinstance(layout, PixelLayout) else layout.only_numbers
    return plan.loss if one_by_one else None


def watchers(parameters: AutoencoderParameters) -> Sequence[Callback]:
    """The callbacks of a fit: the caller's, and the progress bar unless it is turned off.

    Raises
    ------
    ParameterError : not a sequence, or something in it lacks a hook.
    """
    hooks = [name for name in vars(Callback) if name.startswith("on_")]
    given = parameters.callbacks
    sequence = isinstance(given, (list, tuple))
    for callback in given if sequence else [given]:
        if not sequence or not all(callable(getattr(callback, hook, None)) for hook in hooks):
            raise ParameterError(
                f"callbacks must be a sequence of objects with the methods {', '.join(hooks)} (see "
                f"isthmus.train.callbacks.Callback); got {callback!r}."
            )
    if parameters.progress is False:
        return tuple(parameters.callbacks)
    return (*parameters.callbacks, ProgressBar(always=parameters.progress is True))


def one_pass(plan: Plan, n_rows: int) -> Plan:
    """The plan of one `partial_fit`: one epoch over all rows at a constant rate, undone where it made their error larger."""
    batch_size = min(plan.batch_size, n_rows)
    rate = plan.learning_rate if plan.schedule == "constant" else plan.learning_rate / PEAK_OVER_CONSTANT
    return dataclasses.replace(
        plan, max_epochs=1, schedule="constant", learning_rate=rate, validation_rows=0, batch_size=batch_size
    )


class _Nothing(torch.nn.Module):
    """Zero of a fixed shape for each row: the missing non-linear half of a linear network."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self._shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.new_zeros(len(x), *self._shape)


def _set_bounds(network: Network, encoder: Encoder) -> None:
    for bound, values in zip((network.bounds.low, network.bounds.high), encoder.bounds(), strict=True):
        # Networks for pictures of any size have one bound for each channel.
        bound.copy_(torch.from_numpy(values if values.shape == bound.shape else values[:, :1, :1]))


def state_of(network: torch.nn.Module) -> dict[str, Any]:
    """A network's tensors as arrays, by name."""
    return {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def take_over(network: Network, before: dict[str, Any]) -> None:
    """Put the weights of the last fit into ``network``."""
    now = network.state_dict()
    if {k: v.shape for k, v in now.items()} != {k: v.shape for k, v in before.items()}:
        raise DataError(
            "warm_start needs the columns and layer sizes of the last fit; set warm_start=False to start anew."
        )
    # Only the bounds are those of the new rows: what was trained belongs together with its latent scale.
    network.load_state_dict({name: now[name] if name.startswith("bounds.") else before[name] for name in now})
