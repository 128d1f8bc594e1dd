"""Rows in coordinates in which the bulk of them has no correlations, found although some of them are anomalies.

In: the plain view of rows. Out: the same rows, turned and stretched. Columns that belong together, such as two measures of one
thing, then count once, and a row that breaks their relation is far away. The covariance is that of the three quarters of the rows
nearest to the centre, found anew a few times (the concentration steps of Rousseeuw, Van Driessen 1999, "A fast algorithm for
the minimum covariance determinant estimator"), and moved towards its diagonal (Ledoit, Wolf 2004).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

KEPT, STEPS = 0.75, 4
SHRINKAGE, FLOOR = 0.3, 1e-6
"""Share of the diagonal in the covariance, and what is added to it, as a share of the mean variance."""
MOST_COLUMNS = 256
"""Beyond, the covariance of a few thousand rows says little and takes long."""


class Whitening(nn.Module):
    """A linear map of rows.

    Parameters
    ----------
    n_features : columns of a row.

    Attributes
    ----------
    matrix : (n_features, n_features); a row ``x`` becomes ``matrix @ x``.
    """

    matrix: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(n_features))

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_features) to (n, n_features); distances are then those of Mahalanobis."""
        # Rows stand along the second side of the product, where every kernel treats them alike.
        return (self.matrix @ x.T).T.contiguous()

    @torch.no_grad()
    def set(self, rows: Tensor) -> None:
        """Find the map from known rows, (n, n_features)."""
        double, kept = rows.double(), max(2, int(KEPT * len(rows)))
        nearest = torch.arange(len(rows))
        for _ in range(STEPS):
            bulk = double[nearest]
            center = bulk.median(dim=0).values
            inverse = _inverse_root(_shrunk(bulk))
            nearest = ((double - center) @ inverse.T).square().sum(dim=1).argsort(stable=True)[:kept]
        self.matrix.copy_(inverse)


def _shrunk(rows: Tensor) -> Tensor:
    """Covariance, moved towards its diagonal; never singular."""
    away = rows - rows.mean(dim=0)
    covariance = away.T @ away / len(rows)
    diagonal = covariance.diagonal()
    least = FLOOR * float(diagonal.mean()) or FLOOR
    return (1 - SHRINKAGE) * covariance + torch.diag(SHRINKAGE * diagonal + least)


def _inverse_root(covariance: Tensor) -> Tensor:
    """The inverse of its Cholesky factor."""
    factor = torch.linalg.cholesky(covariance)
    unit = torch.eye(len(factor), dtype=factor.dtype)
    inverse: Tensor = torch.linalg.solve_triangular(factor, unit, upper=False)
    return inverse
