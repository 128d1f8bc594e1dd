"""What a network could not restore of a row: seen less expected, in units of what is usual for each position.

In: encoded rows and a network's output for them. Out: rows whose gaps are filled with what is expected, and standardised
residuals of each member. The unit of a residual is its own deviation on held-out rows: a column that nobody can restore must
not drown one that is always restored to the last digit.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.layout import ColumnLayout, Layout
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.view import squashed

CLIP = 0.99
"""Share of the held-out residuals of a position that set its unit as they are; larger ones count as this quantile."""
LEAST_SIGMA = 1e-3
"""Of a position's deviation: a residual of rounding errors must not become a unit."""
LINEAR = 3.0
"""Deviations up to which a mean residual counts as it is."""


class Residual(NamedTuple):
    """Parts of one pass.

    Attributes
    ----------
    filled : (n, n_targets) encoded targets, gaps filled with what is expected.
    expected : (n, n_targets) mean of the members' reconstructions, in the units of ``filled``.
    standardised : (n, members, n_targets) residuals in held-out deviations; 0 in gaps.
    seen : (n, n_targets) where there are no gaps.
    """

    filled: Tensor
    expected: Tensor
    standardised: Tensor
    seen: Tensor

    def mean(self) -> Tensor:
        """(n, n_targets): the members' mean residual, squashed beyond 3 deviations."""
        return squashed(self.standardised.mean(dim=1), LINEAR)

    def errors(self) -> Tensor:
        """(n, n_targets): squared error of the members' mean, in network units."""
        return (self.filled - self.expected).square()

    def energy(self) -> Tensor:
        """(n,): mean square of the standardised residuals of what was seen."""
        stretch = self.seen.shape[1] / self.seen.sum(dim=1).clamp_min(1)
        return self.standardised.square().flatten(1).mean(dim=1) * stretch


class Residuals(nn.Module):
    """Residuals of encoded rows.

    Parameters
    ----------
    layout : which positions are numbers, flags and levels.
    members : of the network.

    Attributes
    ----------
    sigma : (members, n_targets) deviation of each residual on held-out rows.
    share, unit : (n_targets,) of flags and levels: ``(probability - share) / unit`` is their encoded value.
    """

    sigma: Tensor
    share: Tensor
    unit: Tensor

    def __init__(self, layout: Layout, members: int) -> None:
        super().__init__()
        self.layout = layout
        self.register_buffer("sigma", torch.ones(members, layout.n_targets))
        self.register_buffer("share", torch.zeros(layout.n_targets))
        self.register_buffer("unit", torch.ones(layout.n_targets))

    @torch.no_grad()
    def take_shares(self, encoder: ColumnEncoder | PixelEncoder) -> None:
        """Take over what flags and levels are measured in."""
        if not isinstance(self.layout, ColumnLayout) or not isinstance(encoder, ColumnEncoder):
            return
        flags = torch.from_numpy(encoder.flags.share)
        self.share[self.layout.flag_positions] = flags.float()
        self.unit[self.layout.flag_positions] = (flags * (1 - flags)).sqrt().float()
        for codec, where in zip(encoder.categories, self.layout.level_positions, strict=True):
            shares = torch.from_numpy(codec.share)
            self.share[where] = shares.float()
            self.unit[where] = float((shares * (1 - shares)).sum().sqrt()) or 1.0

    @torch.no_grad()
    def set(self, residuals: Tensor) -> None:
        """Find the units from the plain residuals of held-out rows, (n, members, n_targets), as `plain` gives them."""
        most = residuals.abs().quantile(CLIP, dim=0) if residuals.numel() < 2**24 else _quantile(residuals)
        self.sigma.copy_(residuals.clamp(-most, most).square().mean(dim=0).sqrt().clamp_min(LEAST_SIGMA))

    def forward(self, x: Tensor, output: Output) -> Residual:
        """Encoded rows (n, n_inputs...) and the network's output for them to what is left of them."""
        filled, expected, residuals = self.plain(x, output)
        return Residual(filled, expected, residuals / self.sigma, ~x.flatten(1)[:, : self.layout.n_targets].isnan())

    def plain(self, x: Tensor, output: Output) -> tuple[Tensor, Tensor, Tensor]:
        """``filled``, ``expected`` and the residuals in network units, (n, members, n_targets)."""
        made = output.stats.get("members")
        made = output.reconstruction[:, None] if made is None else made
        made = self.as_encoded(made.flatten(2))
        expected = made.mean(dim=1)
        seen = x.flatten(1)[:, : self.layout.n_targets]
        missing = seen.isnan()
        filled = torch.where(missing, expected, seen)
        residuals = (filled[:, None] - made).masked_fill(missing[:, None], 0.0)
        return filled, expected, residuals

    def as_encoded(self, made: Tensor) -> Tensor:
        """Reconstructions with the logits of flags and levels as encoded values, (n, members, n_targets)."""
        if not isinstance(self.layout, ColumnLayout) or self.layout.only_numbers:
            return made
        flags = self.layout.flag_positions
        parts = [made[..., : self.layout.n_numbers], made[..., flags].sigmoid()]
        parts += [functional.softmax(made[..., where], dim=-1) for where in self.layout.level_positions]
        return (torch.cat(parts, dim=-1) - self.share) / self.unit


def _quantile(residuals: Tensor) -> Tensor:
    """The `CLIP` quantile of the sizes, member by member, for more values than `torch.quantile` takes at once."""
    rows = residuals.abs().sort(dim=0).values
    return rows[min(len(rows) - 1, round(CLIP * (len(rows) - 1)))]
