"""Functions from a network's output and its encoded input to an error map, never reduced further.

Error maps are in units of the best constant guess on the training rows (design: variance for numbers, entropy for flags
and categories), so 1 means "knows nothing" and columns of any kind add up. The preparation scales numbers and pixels so
that their variance is 1 (each column's, or on average where one factor serves all), which is why squared errors need no
divisor here. A missing cell is NaN in the map and adds nothing to a mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.layout import ColumnLayout, Layout, PixelLayout

ElementLoss = Callable[[Tensor, Tensor], Tensor]


def squared(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Squared error of each element."""
    return (reconstruction - x).square()


def absolute(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Absolute error of each element."""
    return (reconstruction - x).abs()


def huber(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Huber loss of each element, quadratic within one standard deviation (Huber 1964)."""
    return functional.huber_loss(reconstruction, x, reduction="none")


CERTAIN = 1e-6
"""Distance from 0 and 1 that a probability keeps, so that its logarithm is finite."""

ELEMENT_LOSSES: dict[str, ElementLoss] = {"mse": squared, "mae": absolute, "huber": huber}


class _BinaryCrossEntropy(torch.autograd.Function):
    """Cross-entropy of each element, probabilities kept within `CERTAIN` of 0 and 1: vectorised logarithms, two passes back.

    torch's own forward takes its logarithms one by one, five times as long; autograd of the formula takes a pass for each of
    its operations, and as many again.
    """

    @staticmethod
    def forward(ctx: Any, probability: Tensor, target: Tensor) -> Tensor:
        clamped = probability.clamp(CERTAIN, 1 - CERTAIN)
        ctx.save_for_backward(probability, clamped, target)
        return torch.lerp((1 - clamped).log_(), clamped.log(), target).neg_()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        probability, clamped, target = ctx.saved_tensors
        through = torch.ops.aten.binary_cross_entropy_backward(gradient, clamped, target, None, 0)
        # That of a clamp: nothing passes where it bites.
        return torch.ops.aten.hardtanh_backward(through, probability, CERTAIN, 1 - CERTAIN), None


def cross_entropy_in(low: Tensor, high: Tensor) -> ElementLoss:
    """Binary cross-entropy of values that fill the range from ``low`` to ``high`` (network units).

    Both are first mapped to the unit interval. A value below 0 or above 1 there (a row outside of the training range) is
    taken as the bound.
    """
    per_span = 1 / (high - low).clamp_min(1e-12)

    def loss(reconstruction: Tensor, x: Tensor) -> Tensor:
        probability = (reconstruction - low) * per_span
        target = ((x - low) * per_span).clamp(0, 1)
        return _BinaryCrossEntropy.apply(probability, target)  # type: ignore[no-any-return,no-untyped-call]  # torch: untyped

    return loss


def error_map(
    reconstruction: Tensor, x: Tensor, layout: Layout, element: ElementLoss = squared, *, gaps: bool = True
) -> Tensor:
    r"""Error of each cell, before any reduction.

    Parameters
    ----------
    reconstruction : the network's output, (n_samples, \*layout.output_shape).
    x : encoded rows, (n_samples, \*layout.input_shape); NaN in a target position is a missing cell.
    element : the error of a number or pixel.
    gaps : False where no cell of ``x`` is missing, which spares the search for them.

    Returns
    -------
    (n_samples, n_columns) for columns, (n_samples, height, width) for pictures (mean of the channels).
    """
    if gaps:
        element = _skipping_gaps(element)
    if isinstance(layout, PixelLayout):
        return element(reconstruction, x).mean(dim=1)
    if layout.only_numbers:
        grouped = element(reconstruction, x[:, : layout.n_numbers])
    else:
        grouped = _grouped_errors(reconstruction, x, layout, element)
    return grouped if layout.in_order else grouped[:, list(layout.order)]


def _skipping_gaps(element: ElementLoss) -> ElementLoss:
    """NaN where ``x`` is missing, without letting NaN into the gradient of anything."""

    def loss(reconstruction: Tensor, x: Tensor) -> Tensor:
        missing = x.isnan()
        return _marked(element(reconstruction, torch.where(missing, reconstruction.detach(), x)), missing)

    return loss


def _marked(errors: Tensor, missing: Tensor) -> Tensor:
    """NaN where a cell is missing, and only there: an output that is NaN is infinitely wrong, not a gap."""
    return errors.nan_to_num(nan=torch.inf, posinf=torch.inf).masked_fill(missing, torch.nan)


def _grouped_errors(reconstruction: Tensor, x: Tensor, layout: ColumnLayout, element: ElementLoss) -> Tensor:
    flags, entropies = layout.flag_positions, layout.entropies
    parts = [element(reconstruction[:, : layout.n_numbers], x[:, : layout.n_numbers])]
    if layout.n_flags:
        # An encoded flag is positive exactly where it was true.
        truth = (x[:, flags] > 0).to(x.dtype)
        nats = functional.binary_cross_entropy_with_logits(reconstruction[:, flags], truth, reduction="none")
        unit = reconstruction.new_tensor(entropies[: layout.n_flags])
        parts.append(_marked(nats / unit, x[:, flags].isnan()))
    for where, entropy in zip(layout.level_positions, entropies[layout.n_flags :], strict=True):
        target = x[:, where]
        missing = target[:, :1].isnan()
        nats = functional.cross_entropy(reconstruction[:, where], target.nan_to_num().argmax(dim=1), reduction="none")[
            :, None
        ]
        parts.append(_marked(nats / entropy, missing))
    return torch.cat(parts, dim=1)


def per_row(errors: Tensor, *, gaps: bool = True, dtype: torch.dtype | None = None) -> Tensor:
    """Mean error of each row over its observed cells, (n_samples,); 0 where nothing was observed.

    ``gaps=False`` spares the search for cells that are missing; a row without any gets the same bytes either way. ``dtype`` is
    that of the sums, by default that of the errors.
    """
    flat = errors.flatten(1)
    if not gaps:
        return (flat.sum(dim=1, dtype=dtype) / flat.shape[1]).nan_to_num(nan=torch.inf, posinf=torch.inf)
    missing = flat.isnan()
    count = missing.logical_not().sum(dim=1).clamp_min(1)
    return flat.masked_fill(missing, 0.0).sum(dim=1, dtype=dtype) / count


def over_observed(errors: Tensor) -> Tensor:
    """Mean of an error map over its observed cells; 0 where nothing was observed."""
    return errors.nansum() / errors.isnan().logical_not().sum().clamp_min(1)
