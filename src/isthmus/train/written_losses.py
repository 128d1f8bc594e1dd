"""Losses of single numbers, and their gradients, written out over flat rows.

For rows without structure (each target counts by itself, nothing is missing but under squared error) a loss is a few passes over
the targets. They are written to the same memory in each step. The same numbers come out of `isthmus.losses` and autograd to
rounding; `tests/train/test_steps.py` holds the two against each other.

All see the reconstruction clamped to the bounds, and give the gradient as if it had not been (`isthmus.nets.network.Bounds`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from isthmus.losses import CERTAIN
from isthmus.nets.memory import Memory
from isthmus.nets.network import Bounds
from isthmus.train.job import Job


class WrittenLoss(ABC):
    """Mean loss of the targets.

    Parameters
    ----------
    bounds : of the reconstruction.
    times : what gradients are multiplied with, the number of members: the mean is over all members' rows, but each member's step is
        that of its own.
    """

    def __init__(self, bounds: Bounds, times: int) -> None:
        self._low, self._high, self._times = bounds.low.flatten(), bounds.high.flatten(), times
        self._memory = Memory()

    @abstractmethod
    def of(self, made: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, and its gradient with respect to ``made``, which the next call writes over.

        Parameters
        ----------
        made : reconstructions that are not bounded yet, (n, n_targets).
        target : what they should be, (n, n_targets).
        """

    def _miss(self, made: Tensor, target: Tensor) -> Tensor:
        miss = torch.clamp(made, self._low, self._high, out=self._memory.like(made, "miss"))
        return miss.sub_(target)


class SquaredError(WrittenLoss):
    """Of the targets that are there, where ``gaps`` says that some may be missing (NaN)."""

    def __init__(self, bounds: Bounds, times: int, *, gaps: bool) -> None:
        super().__init__(bounds, times)
        self._gaps = gaps

    def of(self, made: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """As `WrittenLoss.of`."""
        miss = self._miss(made, target)
        count: Any = made.numel()
        if self._gaps:
            missing = target.isnan()
            miss.masked_fill_(missing, 0.0)
            count = missing.logical_not().sum().clamp_min(1)
        flat = miss.flatten()
        return torch.dot(flat, flat) / count, miss.mul_(2 * self._times / count)


class AbsoluteError(WrittenLoss):
    """No target may be missing."""

    def of(self, made: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """As `WrittenLoss.of`."""
        miss, count = self._miss(made, target), made.numel()
        loss = torch.linalg.vector_norm(miss, 1) / count
        return loss, miss.sign_().mul_(self._times / count)


class CrossEntropy(WrittenLoss):
    """Of values that fill the range of the bounds, as `isthmus.losses.cross_entropy_in` has it. No target may be missing."""

    def __init__(self, bounds: Bounds, times: int) -> None:
        super().__init__(bounds, times)
        self._per_span = 1 / (self._high - self._low).clamp_min(1e-12)
        self._unit = bool((self._low == 0).all() and (self._high == 1).all())

    def of(self, made: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """As `WrittenLoss.of`."""
        p, t, rest, g = (self._memory.like(made, name) for name in ("probability", "target", "rest", "gradient"))
        self._to_unit(torch.clamp(made, self._low, self._high, out=p)).clamp_(CERTAIN, 1 - CERTAIN)
        self._to_unit(t.copy_(target)).clamp_(0, 1)
        # (p - t) / (p (1 - p)), and nothing where the clamp bites.
        torch.sub(1, p, out=rest)
        torch.mul(p, rest, out=g)
        torch.div(torch.sub(p, t, out=self._memory.like(made, "miss")), g, out=g)
        torch.ops.aten.hardtanh_backward.grad_input(g, p, CERTAIN, 1 - CERTAIN, grad_input=g)
        g.mul_(self._per_span * (self._times / made.numel()))
        return torch.lerp(rest.log_(), p.log_(), t, out=rest).mean().neg_(), g

    def _to_unit(self, values: Tensor) -> Tensor:
        """The bounds of ``values`` moved to 0 and 1, in place."""
        return values if self._unit else values.sub_(self._low).mul_(self._per_span)


def written_loss(job: Job, bounds: Bounds) -> WrittenLoss | None:
    """What writes out the job's loss; None where that takes more than these can."""
    plan = job.plan
    if plan.trim or bounds.squash:
        return None
    if job.element == "mse":
        return SquaredError(bounds, plan.members, gaps=job.gaps)
    kinds = {"mae": AbsoluteError, "bce": CrossEntropy}
    return None if job.gaps or job.element not in kinds else kinds[job.element](bounds, plan.members)
