"""What a network restores of rows with gaps, as if there were none.

In: how a network is run. Out: the same for rows without gaps; for others, gaps are filled with what the network expects there, and
it is run again. A network that saw no gap in training takes one for a value in the middle of its column, and restores the other
cells accordingly: of a table of six columns that follow one factor, 84 % of the normal rows with one gap were flagged at 5 %
asked, of those with two 95 %. After eight passes it is 8 and 13 %; 6 % of the rows without gaps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.residuals import Residuals

PASSES = 8
"""Of rows with gaps. After two, 38 % with one gap were flagged; after four 7 %, but 26 % with two."""

Run = Callable[[Tensor], Output]


def gap_filling(run: Run, encoder: ColumnEncoder | PixelEncoder) -> Run:
    """``run`` for rows (n, n_inputs) that may have gaps; rows without keep the bytes that ``run`` gives."""
    if isinstance(encoder, PixelEncoder):
        return run
    residuals = Residuals(encoder.layout, 1)
    residuals.take_shares(encoder)
    n_targets, marks = encoder.layout.n_targets, len(encoder.gaps)

    def filled(x: Tensor, made: Output) -> Tensor:
        rows = torch.cat([residuals.plain(x, made)[0], x[:, n_targets:]], dim=1)
        if marks:
            rows[:, -marks:] = 0.0  # a filled cell is none that is missing
        return rows

    def repeated(x: Tensor) -> Output:
        made = run(x)
        gaps = x[:, :n_targets].isnan().any(dim=1)
        if gaps.any():
            for _ in range(PASSES - 1):
                made = _where(gaps, run(filled(x, made)), made)
        return made

    return repeated


def _where(rows: Tensor, new: Output, old: Output) -> Output:
    """``new`` in some rows, ``old`` in the others."""

    def pick(there: Tensor, here: Tensor) -> Tensor:
        return torch.where(rows.view(-1, *[1] * (here.ndim - 1)), there, here)

    stats = {name: pick(new.stats[name], values) for name, values in old.stats.items()}
    return Output(pick(new.reconstruction, old.reconstruction), pick(new.latent, old.latent), stats)
