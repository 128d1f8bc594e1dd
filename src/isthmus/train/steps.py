"""One step of training: from rows to new weights. Two ways that give the same numbers to rounding.

`RecordedStep` lets torch record the pass and take its gradient: any network. `WrittenStep` is for fully connected networks: it
writes the gradient out (`isthmus.nets.by_hand`), over weights that lie one behind another in memory (`isthmus.train.flat`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.losses import over_observed, per_row
from isthmus.nets.by_hand import ByHand, can_take
from isthmus.nets.network import Bounds
from isthmus.train.flat import Flat, Halves, flat_optimizer
from isthmus.train.job import Job
from isthmus.train.optimizers import give_back, groups_of, kept_by, make_optimizer, set_rate
from isthmus.train.written_losses import written_loss


def make_step(job: Job) -> RecordedStep | WrittenStep:
    """The quicker of the two ways that can take the job."""
    plan = job.plan
    # A user's own modules may hold frozen or shared weights, hooks, or a forward pass of their own.
    plain = plan.network != "custom" and plan.clip_norm is None and job.penalty is None
    return WrittenStep(job) if plain and can_take(job.network) else RecordedStep(job)


class RecordedStep:
    """A step by autograd."""

    def __init__(self, job: Job) -> None:
        self._job, self._optimizer = job, make_optimizer(groups_of(job.network, job.plan), job.plan)

    def take(self, x: Tensor, seen: Tensor, rate: float) -> Tensor:
        """Move the weights at learning rate ``rate``; the loss before the step, of rows ``x`` that the network sees as ``seen``."""
        job, plan, optimizer = self._job, self._job.plan, self._optimizer
        set_rate(optimizer, rate)
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

    def tensors(self) -> dict[str, Tensor]:
        """What the optimizer keeps from step to step."""
        return kept_by(self._optimizer)

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        give_back(self._optimizer, tensors)

    def close(self) -> None:
        """Nothing to put back."""


class WrittenStep:
    """A step of a fully connected network without a recorded graph."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # A corruption may take cells away, and spoiled rows of a pair may lack some.
        self._gaps = job.gaps or job.corrupt is not None or job.inputs is not None
        self._flats = [Flat(group) for group in groups_of(job.network, job.plan)]
        try:
            self._halves = Halves(job.network, self._flats, job.plan) if job.plan.precision == "bfloat16" else None
            self._optimizer = flat_optimizer(self._flats, job.plan)
        except BaseException:  # settings that are refused, an interrupt: nobody else could close what is open
            self.close()
            raise
        self._pass = ByHand(job.network if self._halves is None else self._halves.network)  # type: ignore[arg-type]  # `can_take` said yes
        self._bounds: Bounds = job.network.bounds  # type: ignore[assignment]  # a Network's
        self._loss = written_loss(job, self._bounds)

    @torch.no_grad()
    def take(self, x: Tensor, seen: Tensor, rate: float) -> Tensor:
        """As `RecordedStep.take`."""
        if self._halves is not None:
            self._halves.take_weights()
        made = self._pass.forward(seen, gaps=self._gaps)
        target = x.flatten(1)[:, : made.shape[1]]
        loss, gradient = self._recorded(made, x) if self._loss is None else self._loss.of(made, target)
        self._pass.backward(gradient)
        if self._halves is not None:
            self._halves.give_gradients()
        self._optimizer.step(rate)
        return loss

    def tensors(self) -> dict[str, Tensor]:
        """What the optimizer keeps from step to step."""
        return self._optimizer.tensors()

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        self._optimizer.put_back(tensors)

    def close(self) -> None:
        """Give the weights memory of their own again."""
        for flat in self._flats:
            flat.close()

    def _recorded(self, made: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same for any loss: autograd from the bounds on."""
        job, leaf = self._job, made.detach().requires_grad_()
        with torch.enable_grad():
            loss = _loss(job, self._bounds(leaf.unflatten(1, self._bounds.low.shape)), x)
            (gradient,) = torch.autograd.grad(loss * job.plan.members, leaf)
        return loss.detach(), gradient.contiguous()  # a mean's is one number, seen everywhere


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
