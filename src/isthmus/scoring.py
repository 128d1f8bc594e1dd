"""An anomaly score from one forward pass: a torch module over buffers, so that what is run is what is saved and exported.

In: encoded rows and a network's output for them. Out: one number a row; higher is more anomalous. It is the weighted sum of
-log p of its parts, each p found on held-out normal rows:

- ``neighbours``: the mean distance to the 3 nearest known rows in [soft view of the row, half of its mean standardised residual].
  Where the network fails, a row is far from all known ones even if its values are not (weight 1).
- ``local``: the mean distance to 10 neighbours in the plain view against their own spacing: a gap that is small elsewhere is
  large in a dense region (weight .4).
- ``residual``: the mean square of the standardised residuals, the autoencoder's own verdict (weight .15).

Rows of mostly two-valued columns (flags, categories) lie at few different distances: there 20 neighbours are asked, and
``local`` is left out. Where some of the known rows are anomalies themselves, which may lie close together, a twentieth of the
rows are asked, in the plain view alone, and ``local`` is left out. Weights and numbers of neighbours were chosen once, by
leaving out one of 22 tables in turn; see ``docs/decisions.md``.

A missing cell adds nothing: the network is asked what it expects there (`isthmus.scores.gaps`), and distances and residuals are
those of the cells that are there.

Pictures are compared by their edges (`isthmus.scores.gradients`), signals by their slopes (`isthmus.scores.slopes`), in both parts
and without residuals; the third part of a picture is the peak of its blurred heat map (weight .5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.layout import Layout, PixelLayout
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.gradients import Gradients, blurred_to
from isthmus.scores.neighbours import Neighbours
from isthmus.scores.residuals import Residual, Residuals
from isthmus.scores.slopes import Slopes
from isthmus.scores.tail import Tail
from isthmus.scores.view import View, facts_of

PARTS = ("neighbours", "local", "residual")
WEIGHTS = (1.0, 0.4, 0.15)
RESIDUAL_WEIGHT = 0.5
"""Of the residual beside the view of the row, when distances are measured."""
FEW, MANY, FEW_OF_FLAGS = 3, 10, 20
SHARE_OF_MIXED, MIXED_RESIDUAL = 0.05, 0.05
"""Of the known rows that are asked where some of them are anomalies: more than a small cluster of these has; and the weight of the
residual there."""
MOSTLY = 0.5
"""Share of two-valued positions from which on a row is mostly flags."""
PEAK, PEAK_WEIGHT = 14.0, 0.5
"""The shorter side of a picture over the width of the blur before the peak of its heat map is looked for, and the weight of that
part: .15 is better by .001 on handwritten digits, but then something small in one place hardly counts."""
SELECTION = 50
"""Multiply-adds that take as long as to look through one distance for the least ones."""
FAR = 2.0
"""A row is far from everything seen when its neighbours are this many times as far as those of any held-out row."""


class Score(NamedTuple):
    """What the scorer says of rows.

    Attributes
    ----------
    total : (n,) the anomaly score.
    parts : (n, 3) -log p of each of `PARTS`.
    distance : (n,) mean distance to the nearest known rows.
    """

    total: Tensor
    parts: Tensor
    distance: Tensor


@dataclass(frozen=True)
class Shape:
    """What fixes a scorer besides the layout and the buffers.

    Attributes
    ----------
    members : of the network.
    n_reference : known rows; 0: the score is the residual alone.
    count : neighbours that are asked.
    weights : of `PARTS`.
    mixed : some known rows are anomalies: distances are measured in the plain view alone.
    ordered : rows are samples in order: distances are measured between slopes.
    """

    members: int
    n_reference: int
    count: int
    weights: tuple[float, ...]
    mixed: bool
    ordered: bool

    @classmethod
    def of(
        cls, members: int, n_reference: int, *, mostly_flags: bool, mixed: bool, ordered: bool, pictures: bool = False
    ) -> Shape:
        """The rules at the top of this file."""
        local = WEIGHTS[1] * (not mostly_flags and not mixed)
        residual = PEAK_WEIGHT if pictures else MIXED_RESIDUAL if mixed else WEIGHTS[2]
        weights = (WEIGHTS[0], local, residual) if n_reference else (0.0, 0.0, 1.0)
        few = FEW_OF_FLAGS if mostly_flags else FEW
        return cls(
            members,
            n_reference,
            max(few, round(SHARE_OF_MIXED * n_reference)) if mixed else few,
            weights,
            mixed,
            ordered,
        )


class Scorer(nn.Module):
    """The anomaly score of encoded rows.

    Parameters
    ----------
    layout : of the model.
    shape : numbers of members and reference rows, and whether rows are mostly flags.

    Attributes
    ----------
    farthest : () largest distance of a held-out row to its neighbours.
    """

    farthest: Tensor

    def __init__(self, layout: Layout, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.view = View(layout.n_targets)
        self.residuals = Residuals(layout, shape.members)
        self.gradients = Gradients(layout.shape) if isinstance(layout, PixelLayout) else None
        self.slopes = Slopes(layout.n_targets) if shape.ordered else None
        form = self.gradients or self.slopes
        sizes = (2 * layout.n_targets, layout.n_targets) if form is None else (form.n_features,) * 2
        self.neighbours = Neighbours(shape.n_reference, sizes[0], shape.count)
        self.local = Neighbours(shape.n_reference if shape.weights[1] else 0, sizes[1], MANY, local=True)
        self.tails = nn.ModuleList(Tail() for _ in PARTS)
        self.register_buffer("farthest", torch.ones(()))

    def forward(self, x: Tensor, output: Output, own: Tensor | None = None) -> Score:
        """Scores of encoded rows (n, n_inputs...); ``own``: see `Neighbours.forward`."""
        raw = self.raw(x, output, own)
        return self.rated(raw)

    def rated(self, raw: Tensor) -> Score:
        """The score of parts in their own units, (n, 3)."""
        parts = torch.stack([tail(raw[:, i]) for i, tail in enumerate(self.tails)], dim=1)
        return Score(parts @ raw.new_tensor(self.shape.weights), parts, raw[:, 0])

    def raw(self, x: Tensor, output: Output, own: Tensor | None = None) -> Tensor:
        """(n, 3) each part in its own unit."""
        residual = self.residuals(x, output)
        energy = residual.energy() if self.gradients is None else self._peak(residual)
        if not self.shape.n_reference:
            return torch.stack([energy.sqrt(), torch.zeros_like(energy), energy], dim=1)
        both, plain = self.features(residual)
        wide, narrow = self._seen(residual)
        local = self.local(plain, own, narrow) if self.shape.weights[1] else torch.zeros_like(energy)
        return torch.stack([self.neighbours(both, own, wide), local, energy], dim=1)

    def _seen(self, residual: Residual) -> tuple[Tensor | None, Tensor | None]:
        """What is known of each of `features`; None: all of it, as always of edges and slopes, which are of what is expected."""
        if self.gradients is not None or self.slopes is not None or bool(residual.seen.all()):
            return None, None
        return torch.cat([residual.seen, residual.seen], dim=1), residual.seen

    def _peak(self, residual: Residual) -> Tensor:
        """(n,) the largest value of the blurred heat map of each picture: something small that is wrong in one place."""
        _, height, width = shape = tuple(self.gradients.shift.shape)  # type: ignore[union-attr]  # of pictures
        heat = residual.standardised.mean(dim=1).square().unflatten(1, shape).mean(dim=1, keepdim=True)
        return blurred_to(heat, min(height, width) / PEAK, 1).amax(dim=(1, 2, 3))

    def features(self, residual: Residual) -> tuple[Tensor, Tensor]:
        """What distances are measured in, for ``neighbours`` and for ``local``: (n, 2 * n_targets) and (n, n_targets) of rows."""
        if self.gradients is not None:
            edges = self.gradients(residual.filled.unflatten(1, self.gradients.shift.shape))
            return edges, edges
        plain, soft = self.view(residual.filled)
        if self.slopes is not None:
            slopes = self.slopes(plain)
            return slopes, slopes
        if self.shape.mixed:
            return torch.cat([plain, torch.zeros_like(plain)], dim=1), plain
        return torch.cat([soft, RESIDUAL_WEIGHT * residual.mean()], dim=1), plain

    @property
    def far_from(self) -> float:
        """The distance from which on a row is far from everything seen."""
        return FAR * float(self.farthest)

    @property
    def work(self) -> int:
        """Multiply-adds of the comparison of one row with the reference rows, and what it costs to find the least among them."""
        known = (self.neighbours.reference, self.local.reference)
        return sum(reference.numel() + SELECTION * len(reference) for reference in known)


Run = Callable[[Tensor], Output]
Take = Callable[[Tensor], Tensor]


def fit_scorer(
    encoder: ColumnEncoder | PixelEncoder,
    run: Run,
    rows: Tensor,
    reference: Tensor,
    held_out: Tensor,
    block: int,
    *,
    mixed: bool = False,
    ordered: bool = False,
) -> tuple[Scorer, Tensor]:
    """A scorer, and the scores of the held-out rows.

    Parameters
    ----------
    encoder : the model's preparation.
    run : the network on encoded rows.
    rows : encoded rows of fit, (n, n_inputs...).
    reference : (n_reference,) indices of the rows that are kept as neighbours.
    held_out : (n_held_out,) indices of the rows that the network was not trained on; they may be among the reference.
    block : rows in a block.
    mixed : some of the rows are anomalies.
    ordered : the rows are samples in order.

    Returns
    -------
    The scorer and (n_held_out,) scores of the held-out rows, none of which is its own neighbour.
    """
    layout = encoder.layout
    facts = facts_of(encoder, rows.flatten(1)[:, : layout.n_targets].numpy(), one_unit=ordered)
    members = _members(run(rows[:1]))
    flags = bool(facts.two_valued.mean() > MOSTLY)
    scorer = Scorer(
        layout,
        Shape.of(
            members,
            len(reference),
            mostly_flags=flags,
            mixed=mixed,
            ordered=ordered,
            pictures=isinstance(layout, PixelLayout),
        ),
    )
    if isinstance(encoder, ColumnEncoder):
        scorer.view.set(encoder, facts)
    elif scorer.gradients is not None:
        scorer.gradients.set(encoder)
    scorer.residuals.take_shares(encoder)
    with torch.inference_mode():
        scorer.residuals.set(_blocks(held_out, block, lambda i: scorer.residuals.plain(rows[i], run(rows[i]))[2]))
        if len(reference):
            known = [scorer.features(scorer.residuals(rows[i], run(rows[i]))) for i in reference.split(block)]
            scorer.neighbours.set(torch.cat([both for both, _ in known]), block)
            if scorer.shape.weights[1]:
                scorer.local.set(torch.cat([plain for _, plain in known]), block)
        own = _places(reference, held_out, len(rows))
        raw = _blocks(
            torch.arange(len(held_out)), block, lambda i: scorer.raw(rows[held_out[i]], run(rows[held_out[i]]), own[i])
        )
        for i, tail in enumerate(scorer.tails):
            tail.set(raw[:, i])  # type: ignore[operator]  # a ModuleList's items are untyped
        scorer.farthest.copy_(raw[:, 0].max())
        scores = scorer.rated(raw).total
    return scorer.eval(), scores


def _members(output: Output) -> int:
    made = output.stats.get("members")
    return 1 if made is None else made.shape[1]


def _blocks(index: Tensor, block: int, function: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([function(part) for part in index.split(block)])


def _places(reference: Tensor, rows: Tensor, n_rows: int) -> Tensor:
    """Where each of ``rows`` stands in ``reference``; -1 where it does not."""
    places = torch.full((n_rows,), -1)
    places[reference] = torch.arange(len(reference))
    return places[rows]


def first_of_copies(rows: Tensor) -> Tensor:
    """Places of the rows (n, ...) less those that an earlier row equals to the last bit, ascending.

    >>> first_of_copies(torch.tensor([[1.0], [2.0], [1.0]])).tolist()
    [0, 1]
    """
    flat = np.ascontiguousarray(rows.flatten(1).numpy())
    whole = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))[:, 0]
    return torch.from_numpy(np.sort(np.unique(whole, return_index=True)[1]))


def choose_reference(n_rows: int, most: int, seed: int) -> Tensor:
    """At most ``most`` of the rows, drawn without repetition, ascending."""
    if n_rows <= most:
        return torch.arange(n_rows)
    drawn = np.random.default_rng(seed).choice(n_rows, size=most, replace=False)
    return torch.from_numpy(np.sort(drawn))
