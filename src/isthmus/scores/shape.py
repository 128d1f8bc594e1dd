"""What a score is made of: which parts count how much, and how many neighbours are asked.

The rules are told in `isthmus.scoring`; here they are numbers. They were chosen once, see ``docs/decisions.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("neighbours", "local", "residual")
WEIGHTS = (1.0, 0.4, 0.15)
RESIDUAL_WEIGHT = 0.5
"""Of the residual beside the view of the row, when distances are measured."""
FEW, MANY, FEW_OF_FLAGS = 3, 10, 20
SHARE_OF_MIXED, MIXED_LOCAL, MIXED_RESIDUAL = 0.05, 0.7, 0.02
"""Of the known rows that are asked where some of them are anomalies: more than a small cluster of these has; and the weights of the
other two parts there."""
MOSTLY = 0.5
"""Share of two-valued positions from which on a row is mostly flags."""
PEAK, PEAK_WEIGHTS = 0.15, (0.25, 4.0)
"""Weight of a picture's peak times the share that is unexplained, and its bounds."""


@dataclass(frozen=True)
class Shape:
    """What fixes a scorer besides the layout and the buffers.

    Attributes
    ----------
    members : of the network.
    n_reference : known rows; 0: the score is the residual alone.
    count : neighbours that are asked.
    weights : of `PARTS`.
    mixed : some known rows are anomalies: distances are measured in the plain view alone, and ``local`` is the distance after
        `isthmus.scores.whitening`.
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
        cls,
        members: int,
        n_reference: int,
        *,
        mostly_flags: bool,
        mixed: bool,
        ordered: bool,
        whitened: bool = False,
        unexplained: float | None = None,
    ) -> Shape:
        """The rules.

        Parameters
        ----------
        whitened : of a mixed bag, whether its rows can be whitened.
        unexplained : of pictures, what the network leaves of held-out ones.
        """
        local = MIXED_LOCAL * whitened if mixed else WEIGHTS[1] * (not mostly_flags)
        residual = MIXED_RESIDUAL if mixed else WEIGHTS[2]
        if unexplained is not None:
            residual = min(max(PEAK / max(unexplained, 1e-6), PEAK_WEIGHTS[0]), PEAK_WEIGHTS[1])
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
