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
rows are asked: in the plain view alone, and (in the place of ``local``, weight .7) after its bulk was whitened
(`isthmus.scores.whitening`). Weights and numbers of neighbours were chosen once, by leaving out one of 22 tables in turn; see
``docs/decisions.md``.

A missing cell adds nothing: the network is asked what it expects there (`isthmus.scores.gaps`), and distances and residuals are
those of the cells that are there.

Pictures are compared by their edges (`isthmus.scores.gradients`), signals by their slopes (`isthmus.scores.slopes`), in both parts
and without residuals. The third part of a picture is the peak of its heat map (`isthmus.scores.peaks`). Its weight is .15 over the
share of the variance that the network leaves unexplained in held-out pictures, from .25 to 4: the better it restores what is
normal, the more its failures say (handwritten digits .6, a camera that stands still 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.layout import Layout, PixelLayout
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.gradients import Gradients
from isthmus.scores.neighbours import Neighbours
from isthmus.scores.peaks import Peaks
from isthmus.scores.residuals import Residual, Residuals
from isthmus.scores.shape import MANY, MOSTLY, PARTS, RESIDUAL_WEIGHT, Shape
from isthmus.scores.slopes import Slopes
from isthmus.scores.tail import Tail
from isthmus.scores.view import View, facts_of
from isthmus.scores.whitening import MOST_COLUMNS, Whitening

SELECTION = 10
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
        self.peaks = Peaks(layout.shape) if isinstance(layout, PixelLayout) else None
        self.slopes = Slopes(layout.n_targets) if shape.ordered else None
        form = self.gradients or self.slopes
        sizes = (2 * layout.n_targets, layout.n_targets) if form is None else (form.n_features,) * 2
        self.neighbours = Neighbours(shape.n_reference, sizes[0], shape.count)
        whitened = shape.mixed and form is None and shape.weights[1] > 0
        self.whitening = Whitening(layout.n_targets) if whitened else None
        self.local = Neighbours(
            shape.n_reference if shape.weights[1] else 0,
            sizes[1],
            shape.count if whitened else MANY,
            local=not whitened,
        )
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
        energy = residual.energy() if self.peaks is None else self.peaks(residual.errors())
        if not self.shape.n_reference:
            return torch.stack([energy.clamp_min(0).sqrt(), torch.zeros_like(energy), energy], dim=1)
        both, plain = self.features(residual)
        wide, narrow = self._seen(residual)
        local = self.local(plain, own, narrow) if self.shape.weights[1] else torch.zeros_like(energy)
        return torch.stack([self.neighbours(both, own, wide), local, energy], dim=1)

    def _seen(self, residual: Residual) -> tuple[Tensor | None, Tensor | None]:
        """What is known of each of `features`; None: all of it, as always of edges and slopes, which are of what is expected."""
        if self.gradients is not None or self.slopes is not None or bool(residual.seen.all()):
            return None, None
        # A whitened coordinate is made of all columns; those that are missing are what is expected.
        return torch.cat([residual.seen, residual.seen], dim=1), None if self.whitening is not None else residual.seen

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
            white = plain if self.whitening is None else self.whitening(plain)
            return torch.cat([plain, torch.zeros_like(plain)], dim=1), white
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
    layout, pictures = encoder.layout, isinstance(encoder, PixelEncoder)
    facts = facts_of(encoder, rows.flatten(1)[:, : layout.n_targets].numpy(), one_unit=ordered)
    shape = Shape.of(
        _members(run(rows[:1])), len(reference), mostly_flags=bool(facts.two_valued.mean() > MOSTLY), mixed=mixed, ordered=ordered,
        whitened=not pictures and not ordered and layout.n_targets <= MOST_COLUMNS,
        unexplained=_unexplained(rows, held_out, block, run) if pictures else None,
    )  # fmt: skip
    scorer = Scorer(layout, shape)
    if isinstance(encoder, ColumnEncoder):
        scorer.view.set(encoder, facts)
    elif scorer.gradients is not None:
        scorer.gradients.set(encoder)
    scorer.residuals.take_shares(encoder)
    with torch.inference_mode():
        scorer.residuals.set(_blocks(held_out, block, lambda i: scorer.residuals.plain(rows[i], run(rows[i]))[2]))
        if len(reference):
            _know(scorer, [scorer.residuals(rows[i], run(rows[i])) for i in reference.split(block)], block)
        own = _places(reference, held_out, len(rows))
        raw = _blocks(
            torch.arange(len(held_out)), block, lambda i: scorer.raw(rows[held_out[i]], run(rows[held_out[i]]), own[i])
        )
        if scorer.peaks is not None:
            peaks, residuals = scorer.peaks, scorer.residuals
            heat = _blocks(held_out, block, lambda i: peaks.heat(residuals(rows[i], run(rows[i])).errors()))
            raw[:, 2] = peaks.set(heat)
            raw[:, 0] = raw[:, 0] if len(reference) else raw[:, 2].clamp_min(0).sqrt()
        for i, tail in enumerate(scorer.tails):
            tail.set(raw[:, i])  # type: ignore[operator]  # a ModuleList's items are untyped
        scorer.farthest.copy_(raw[:, 0].max())
        scores = scorer.rated(raw).total
    return scorer.eval(), scores


def _know(scorer: Scorer, residuals: list[Residual], block: int) -> None:
    """Take over the features of the reference rows."""
    if scorer.whitening is not None:
        scorer.whitening.set(torch.cat([scorer.view(residual.filled)[0] for residual in residuals]))
    features = [scorer.features(residual) for residual in residuals]
    scorer.neighbours.set(torch.cat([both for both, _ in features]), block)
    if scorer.shape.weights[1]:
        scorer.local.set(torch.cat([plain for _, plain in features]), block)


def _unexplained(rows: Tensor, held_out: Tensor, block: int, run: Run) -> float:
    """Mean squared error of held-out pictures, whose mean variance is about 1 on the rows of fit."""
    with torch.inference_mode():
        errors = _blocks(
            held_out, block, lambda i: (run(rows[i]).reconstruction - rows[i]).square().flatten(1).nanmean(dim=1)
        )
    return float(errors.nanmean().nan_to_num(nan=1.0))


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
