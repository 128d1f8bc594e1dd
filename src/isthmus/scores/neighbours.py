"""How far rows lie from those that a detector knows.

In: features of rows (n, n_features). Out: the mean distance to the nearest reference rows, plain or against the spacing of
these rows themselves. Both are unbounded: they grow with the distance from everything seen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SPARE = 4
"""Candidates beyond those asked for: products of vectors order near rows only up to rounding."""
GROUP = 64
"""Distances in a group, of which the least is found first."""
FLOOR = 0.05
"""Spacing, as a share of the median one, that a neighbourhood has at least: copies of one row would have none."""


class Neighbours(nn.Module):
    """Reference rows and their spacing.

    Parameters
    ----------
    n_rows, n_features : shape of the reference rows.
    count : neighbours whose distances are averaged.
    local : divide by the mean spacing of the neighbours (Breunig et al. 2000, "LOF", in its simplest form).

    Attributes
    ----------
    reference : (n_rows, n_features).
    spacing : (n_rows,) mean distance of each reference row to its own neighbours; 1 where it is not needed.
    """

    reference: Tensor
    spacing: Tensor

    def __init__(self, n_rows: int, n_features: int, count: int, *, local: bool = False) -> None:
        super().__init__()
        self.count, self.local = max(1, min(count, n_rows - 1)), local
        self.register_buffer("reference", torch.zeros(n_rows, n_features))
        self.register_buffer("spacing", torch.ones(n_rows))

    @torch.no_grad()
    def set(self, reference: Tensor, block: int) -> None:
        """Take over the reference rows and find their spacing, ``block`` rows at a time."""
        self.reference.copy_(reference)
        if not self.local:
            return
        own = torch.arange(len(reference))
        parts = [
            self.nearest(reference[i : i + block], self.count, own[i : i + block])[0].mean(dim=1)
            for i in range(0, len(reference), block)
        ]
        spacing = torch.cat(parts)
        self.spacing.copy_(spacing + FLOOR * spacing.median() + 1e-12)

    def forward(self, rows: Tensor, own: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """(n,): the mean distance to the nearest, where ``local`` over the mean spacing of these.

        Parameters
        ----------
        rows : (n, n_features).
        own : (n,) each row's own place among the reference rows, which is not its neighbour; -1: it is none of them.
        seen : (n, n_features) what is known of each row; None: all of it. Distances are measured in that alone, and stretched
            as if the rest were as far.
        """
        distances, places = self.nearest(rows, self.count, own, seen)
        mean = distances.mean(dim=1)
        return mean / self.spacing[places].mean(dim=1) if self.local else mean

    def nearest(
        self, rows: Tensor, count: int, own: Tensor | None = None, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Distances and places of the ``count`` nearest reference rows, (n, count) each, the nearest first."""
        # Rows stand along the second side of the product, where every kernel treats them alike.
        lengths = self.reference.square().sum(dim=1)[:, None]
        if seen is not None:
            rows = torch.where(seen, rows, 0.0)
            # A row without gaps has the bytes that it has where no row has any.
            lengths = torch.where(seen.all(dim=1), lengths, self.reference.square() @ seen.to(rows.dtype).T)
        squares = torch.addmm(lengths, self.reference, rows.T, alpha=-2)
        if own is not None:
            listed = (own >= 0).nonzero()[:, 0]
            squares[own[listed], listed] = torch.inf
        values, places = least(squares, min(count + SPARE, len(squares)))
        apart = (rows[:, None] - self.reference[places]).square()
        if seen is not None:
            stretch = seen.shape[1] / seen.sum(dim=1).clamp_min(1)
            apart = torch.where(seen[:, None], apart, 0.0) * stretch[:, None, None]
        exact = apart.sum(dim=2).sqrt()
        exact = torch.where(values.isinf(), torch.inf, exact)
        order = exact.topk(min(count, exact.shape[1]), dim=1, largest=False)
        return order.values, places.gather(1, order.indices)


def least(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` least of each column of ``values`` (m, n), and their places: (n, count) each, the least first.

    The least values lie in the groups with the least minima, so only these groups are looked through: nine times as fast as
    `torch.topk` of whole columns of 10,000.
    """
    m, n = values.shape
    grouped = m - m % GROUP
    if grouped < 4 * count * GROUP:
        found = values.T.topk(count, dim=1, largest=False)
        return found.values, found.indices
    minima = values[:grouped].view(-1, GROUP, n).amin(dim=1)
    groups = minima.T.contiguous().topk(count, dim=1, largest=False).indices
    places = (groups[:, :, None] * GROUP + torch.arange(GROUP, device=values.device)).flatten(1)
    rest = torch.arange(grouped, m, device=values.device).expand(n, -1)  # what fills no group
    places = torch.cat([places, rest], dim=1)
    candidates = values.take(places * n + torch.arange(n, device=values.device)[:, None])
    found = candidates.topk(count, dim=1, largest=False)
    return found.values, places.gather(1, found.indices)
