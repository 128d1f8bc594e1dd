"""One step of training: from rows to new weights. Two ways that give the same numbers to rounding.

`RecordedStep` lets torch record the pass and take its gradient: any network, any optimizer. `WrittenStep` is for fully
connected networks under Adam: it writes the gradient out (`isthmus.nets.by_hand`) over weights that lie one behind another
in memory, so that Adam too is one call. On 784-36-784 a step of 32 rows takes half of the time, one of four small members a
sixth.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from isthmus.errors import ParameterError
from isthmus.losses import over_observed, per_row
from isthmus.nets.by_hand import ByHand, can_take
from isthmus.train.job import Job
from isthmus.train.optimizers import is_linear, make_optimizer


def make_step(job: Job) -> RecordedStep | WrittenStep:
    """The quicker of the two ways that can take the job."""
    plan = job.plan
    plain = plan.clip_norm is None and plan.precision == "float32" and job.penalty is None
    written = plain and plan.optimizer in ("adam", "adamw") and can_take(job.network)
    return WrittenStep(job) if written else RecordedStep(job)


class RecordedStep:
    """A step by autograd."""

    def __init__(self, job: Job) -> None:
        self._job, self._optimizer = job, make_optimizer(job.network, job.plan)

    def take(self, x: Tensor, seen: Tensor, rate: float) -> Tensor:
        """Move the weights at learning rate ``rate``; the loss before the step, of rows ``x`` that the network sees as ``seen``."""
        job, plan, optimizer = self._job, self._job.plan, self._optimizer
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * rate
        with torch.autocast(job.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
            output = job.forward(seen)
        loss = _loss(job, output.reconstruction.float(), x)
        penalty = None if job.penalty is None else job.penalty(output)
        loss = loss if penalty is None else loss + penalty.mean()
        optimizer.zero_grad(set_to_none=True)
        # The mean is over all members' rows, but each member's step is that of its own.
        (loss * plan.members).backward()
        if plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(job.network.parameters(), plan.clip_norm)
        optimizer.step()
        return loss.detach()

    def close(self) -> None:
        """Nothing to put back."""


class WrittenStep:
    """A step of a fully connected network under Adam, without a recorded graph."""

    def __init__(self, job: Job) -> None:
        self._job, self._pass = job, ByHand(job.network)  # type: ignore[arg-type]  # `can_take` said yes
        self._groups = _groups(job)
        bounds = job.network.bounds
        self._low, self._high = bounds.low.flatten(), bounds.high.flatten()  # type: ignore[union-attr,operator]  # a Network's
        self._quick = job.squared and not job.plan.trim and not bounds.squash  # type: ignore[union-attr]

    @torch.no_grad()
    def take(self, x: Tensor, seen: Tensor, rate: float) -> Tensor:
        """As `RecordedStep.take`."""
        made = self._pass.forward(seen)
        loss, gradient = self._squared(made, x) if self._quick else self._recorded(made, x)
        self._pass.backward(gradient)
        for group in self._groups:
            group.step(rate)
        return loss

    def close(self) -> None:
        """Give the weights memory of their own again."""
        for group in self._groups:
            group.close()

    def _squared(self, made: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean squared error of the observed cells and its gradient, which passes the bounds as if they were not there."""
        target = x.flatten(1)[:, : made.shape[1]]
        miss = torch.clamp(made, self._low, self._high).sub_(target)
        count: Any = miss.numel()
        if self._job.gaps:
            missing = target.isnan()
            miss.masked_fill_(missing, 0.0)
            count = missing.logical_not().sum().clamp_min(1)
        flat = miss.flatten()
        return torch.dot(flat, flat) / count, miss.mul_(2 * self._job.plan.members / count)

    def _recorded(self, made: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same for any loss: autograd from the bounds on."""
        job, leaf = self._job, made.requires_grad_()
        with torch.enable_grad():
            bounded = job.network.bounds(leaf.unflatten(1, self._job.network.bounds.low.shape))  # type: ignore[operator,union-attr]
            loss = _loss(job, bounded, x)
            (gradient,) = torch.autograd.grad(loss * job.plan.members, leaf)
        return loss.detach(), gradient


class _FlatAdam:
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019) over weights moved into one piece of memory."""

    def __init__(self, weights: list[nn.Parameter], share: float, decay: float, options: dict[str, Any]) -> None:
        self._weights, self._share, self._decay, self._options = weights, share, decay, options
        self._flat = torch.cat([weight.detach().flatten() for weight in weights])
        self._gradient, self._mean, self._square = (torch.zeros_like(self._flat) for _ in range(3))
        self._steps = torch.zeros((), dtype=torch.float32, device=self._flat.device)
        sizes = [weight.numel() for weight in weights]
        for weight, value, gradient in zip(weights, self._flat.split(sizes), self._gradient.split(sizes), strict=True):
            weight.data, weight.grad = value.view_as(weight), gradient.view_as(weight)

    def step(self, rate: float) -> None:
        betas = self._options["betas"]
        adamw(
            [self._flat], [self._gradient], [self._mean], [self._square], [], [self._steps], fused=True, amsgrad=False,
            beta1=betas[0], beta2=betas[1], lr=self._share * rate, weight_decay=self._decay, eps=self._options["eps"],
            maximize=False,
        )  # fmt: skip

    def close(self) -> None:
        for weight in self._weights:
            weight.data, weight.grad = weight.detach().clone(), None


def _groups(job: Job) -> list[_FlatAdam]:
    """The linear path at its share of the rate, and everything else, as `make_optimizer` has them."""
    plan = job.plan
    options: dict[str, Any] = {"betas": plan.betas, "eps": 1e-8} | plan.optimizer_options
    beyond = [beta for beta in options["betas"] if not 0 <= beta < 1]
    if beyond or options["eps"] < 0:
        raise ParameterError(
            f"optimizer_options={plan.optimizer_options!r} of {plan.optimizer}: betas lie from 0 to below 1, and eps is at least 0."
        )
    linear = is_linear(job.network)
    parts = [[w for w in job.network.parameters() if linear(w) is of] for of in (True, False)]
    settings = ((plan.linear_share, 0.0), (1.0, plan.weight_decay))
    return [_FlatAdam(part, *setting, options) for part, setting in zip(parts, settings, strict=True) if part]


def _loss(job: Job, reconstruction: Tensor, x: Tensor) -> Tensor:
    """Mean error over the cells that are there, of the rows that are not trimmed."""
    plan = job.plan
    errors = job.error_map(reconstruction, x)
    errors = errors if not plan.trim else _trimmed(errors, plan.trim, plan.members)
    return over_observed(errors) if job.gaps or plan.trim else errors.mean()


def _trimmed(errors: Tensor, share: float, members: int) -> Tensor:
    """The error map without the rows that each member restores worst; these become missing."""
    rows = per_row(errors.detach()).unflatten(0, (members, -1))
    kept = max(1, round(rows.shape[1] * (1 - share)))
    worst = (rows > rows.kthvalue(kept, dim=1, keepdim=True).values).flatten()
    return errors.masked_fill(worst.view(-1, *[1] * (errors.ndim - 1)), torch.nan)
