"""The one training loop, in the open.

In: a network, encoded rows, a plan, a seed. Out: the history; the network holds the best weights. Data order and noise are
functions of (seed, epoch, step), so the same seed gives the same bytes. Nothing global is touched: torch's own generator,
threads and precision stay as they were.

Epoch 0, the network as it starts, competes for the best weights. Where it is anchored, that is PCA. On few validation rows a
smaller mean can be luck, so trained weights replace PCA only where a paired t-test (Student 1908), one-sided at
1 %, finds their errors smaller: the simpler model has the benefit of the doubt.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from scipy import stats
from torch import Tensor, nn

from isthmus.errors import IsthmusWarning
from isthmus.losses import over_observed, per_row
from isthmus.nets.members import Members
from isthmus.nets.seeding import seeded
from isthmus.plan import Plan
from isthmus.sizing import MOST_VALIDATION_ROWS
from isthmus.train.callbacks import Callback, FitState
from isthmus.train.optimizers import learning_rate_at, make_optimizer

Corrupt = Callable[[Tensor, torch.Generator], Tensor]
Penalty = Callable[[object], Tensor | None]
ErrorMap = Callable[[Tensor, Tensor], Tensor]
MOST_ROLLBACKS = 3
LEVEL = 0.01
"""Chance that trained weights that are no better replace those of epoch 0."""


class Rows(Protocol):
    """Encoded rows by index."""

    def __len__(self) -> int: ...
    def take(self, index: Tensor) -> Tensor:
        """The rows at ``index``, (n, *input_shape)."""


def generator_for(seed: int, *place: int) -> torch.Generator:
    """A generator that is a function of the seed and a place such as (epoch, step)."""
    mixed = seed
    for number in place:
        # One step of SplitMix64 (Steele, Lea, Flood 2014) keeps neighbouring places independent.
        mixed = (mixed + 0x9E3779B97F4A7C15 * (number + 1)) & 0xFFFFFFFFFFFFFFFF
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
    return torch.Generator().manual_seed(mixed & 0x7FFFFFFFFFFFFFFF)


def split_rows(n_rows: int, n_validation: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of the training and the validation rows, both ascending."""
    order = torch.randperm(n_rows, generator=generator_for(seed, 0))
    training, validation = order[n_validation:].sort().values, order[:n_validation].sort().values
    # Without validation rows the best weights are chosen on a sample of the training rows.
    return training, validation if n_validation else training[:MOST_VALIDATION_ROWS]


@dataclass(frozen=True)
class Job:
    """All that stays the same during a fit.

    Attributes
    ----------
    network : gives an `Output` for encoded rows; on the plan's device.
    rows : encoded rows of fit; the validation rows are drawn from them by ``seed``.
    plan : schedule, batch size and all other choices.
    error_map : (reconstruction, x) to the error of each cell, NaN where it is missing.
    corrupt : (x, generator) to the input that the network sees, in training (drawn anew at each step) and in validation
        (drawn once); None: it sees ``x``.
    penalty : output to one number per row, added to the loss, or to None.
    gaps : whether any cell is missing.
    inputs : what the network sees in place of ``rows``, one for each; None: those themselves.
    """

    network: nn.Module
    rows: Rows
    plan: Plan
    error_map: ErrorMap
    seed: int
    corrupt: Corrupt | None = None
    penalty: Penalty | None = None
    callbacks: Sequence[Callback] = ()
    gaps: bool = True
    inputs: Rows | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return torch.device(self.plan.device)

    @property
    def forward(self) -> Callable[[Tensor], Any]:
        """What gives the network's output; several members get a block of rows each."""
        return self.network.each if isinstance(self.network, Members) else self.network


def train(job: Job) -> list[dict[str, float]]:
    """Train ``job.network`` in place and leave the best weights in it.

    Returns
    -------
    One dict per epoch from 0: epoch, training_loss (NaN for epoch 0), validation_loss, learning_rate, kept.
    """
    plan, network = job.plan, job.network
    training, validation = split_rows(len(job.rows), plan.validation_rows, job.seed)
    steps = len(_batches(training, plan.batch_size)) * plan.max_epochs
    state = FitState(network, plan.max_epochs, steps)
    best = _Best(network, _validate(job, validation), job)
    state.history.append(_entry(0, math.nan, best.mean, 0.0))
    for callback in job.callbacks:
        callback.on_fit_start(state)
    try:
        # A user's dropout draws from torch's own generator, and their program may have turned gradients off.
        with seeded(job.seed, job.device), torch.enable_grad():
            _epochs(job, state, best, training, validation)
    except KeyboardInterrupt:
        warnings.warn("the fit was interrupted; the best weights so far are kept.", IsthmusWarning, stacklevel=2)
    finally:
        best.restore(network)
        network.eval()
        for entry in state.history:
            entry["kept"] = float(entry["epoch"] == best.epoch)
        for callback in job.callbacks:
            callback.on_fit_end(state)
    return state.history


def _epochs(job: Job, state: FitState, best: _Best, training: Tensor, validation: Tensor) -> None:
    optimizer, rollbacks = make_optimizer(job.network, job.plan), 0
    for epoch in range(1, job.plan.max_epochs + 1):
        state.epoch = epoch
        loss = _one_epoch(job, state, optimizer, training, share=0.5**rollbacks)
        if job.device.type != "cpu":
            state.loss = loss
        errors = _validate(job, validation)
        if not (math.isfinite(loss) and bool(errors.isfinite().all())):
            # Back to the last good weights at half the rate; a fit that keeps failing ends with those.
            best.restore(job.network)
            optimizer, rollbacks = make_optimizer(job.network, job.plan), rollbacks + 1
            if rollbacks > MOST_ROLLBACKS:
                warnings.warn(
                    f"the loss stopped being finite {rollbacks} times (last in epoch {epoch}); the best weights so far "
                    "are kept. A smaller learning_rate may help.", IsthmusWarning, stacklevel=4,
                )  # fmt: skip
                return
            continue
        best.offer(job.network, epoch, errors)
        state.history.append(_entry(epoch, loss, float(errors.mean()), optimizer.param_groups[0]["lr"]))
        for callback in job.callbacks:
            callback.on_epoch_end(state)
        if state.stop or (job.plan.patience is not None and epoch - best.epoch >= job.plan.patience):
            return


def _one_epoch(job: Job, state: FitState, optimizer: torch.optim.Optimizer, training: Tensor, share: float) -> float:
    """One pass over the training rows in a new order; the mean loss of its steps."""
    plan, network, first = job.plan, job.network, state.step
    network.train()
    run = job.forward
    total = torch.zeros((), device=job.device)
    order = training[torch.randperm(len(training), generator=generator_for(job.seed, 1, state.epoch))]
    for index in _batches(order, plan.batch_size):
        for group in optimizer.param_groups:
            group["lr"] = share * group["share"] * learning_rate_at(state.step, state.total_steps, plan)
        x, seen = _rows_of_step(job, index, state.step)
        with torch.autocast(job.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
            output = run(seen)
        errors = job.error_map(output.reconstruction.float(), x)
        errors = errors if not plan.trim else _trimmed(errors, plan.trim, plan.members)
        loss = over_observed(errors) if job.gaps or plan.trim else errors.mean()
        penalty = None if job.penalty is None else job.penalty(output)
        loss = loss if penalty is None else loss + penalty.mean()
        optimizer.zero_grad(set_to_none=True)
        # The mean is over all members' rows, but each member's step is that of its own.
        (loss * plan.members).backward()
        if plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), plan.clip_norm)
        optimizer.step()
        total += loss.detach()
        state.step += 1
        if job.device.type == "cpu":  # elsewhere this would make the device wait
            state.loss = float(loss.detach())
        for callback in job.callbacks:
            callback.on_step_end(state)
        if state.stop or (job.device.type == "cpu" and not math.isfinite(state.loss)):
            break
    return float(total) / (state.step - first)


def _trimmed(errors: Tensor, share: float, members: int) -> Tensor:
    """The error map without the rows that each member restores worst; these become missing."""
    rows = per_row(errors.detach()).unflatten(0, (members, -1))
    kept = max(1, round(rows.shape[1] * (1 - share)))
    worst = (rows > rows.kthvalue(kept, dim=1, keepdim=True).values).flatten()
    return errors.masked_fill(worst.view(-1, *[1] * (errors.ndim - 1)), torch.nan)


def _rows_of_step(job: Job, index: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The rows at ``index``, or a window of each picture, and what the network sees of them."""
    x, given = (_for_each(rows.to(job.device), job.plan.members) for rows in _both(job, index))
    # Whole pictures are spoiled, so that a hole has the same share of a picture in training and afterwards.
    given = given if job.corrupt is None else job.corrupt(given, generator_for(job.seed, 2, step))
    if job.plan.crop:
        windows = _windows(x, job.plan.crop, generator_for(job.seed, 6, step))
        x, given = _cut(x, windows), _cut(given, windows)
    return x, given


def _both(job: Job, index: Tensor) -> tuple[Tensor, Tensor]:
    """The rows at ``index``, and what stands in their place at the network's input."""
    x = job.rows.take(index)
    return x, x if job.inputs is None else job.inputs.take(index)


def _for_each(x: Tensor, members: int) -> Tensor:
    """The same rows once more for each further member."""
    return x if members == 1 else torch.cat([x] * members)


def _windows(x: Tensor, side: int, generator: torch.Generator) -> list[tuple[slice, slice]]:
    """A square at a place of its own in each picture."""
    places = [
        torch.randint(max(1, length - side + 1), (len(x),), generator=generator).tolist() for length in x.shape[2:]
    ]
    return [(slice(top, top + side), slice(left, left + side)) for top, left in zip(*places, strict=True)]


def _cut(x: Tensor, windows: list[tuple[slice, slice]]) -> Tensor:
    return torch.stack([picture[:, rows, columns] for picture, (rows, columns) in zip(x, windows, strict=True)])


def _batches(rows: Tensor, size: int) -> list[Tensor]:
    """``rows`` in batches; a last row alone joins the batch before it, as batch normalisation cannot train on one row."""
    batches = list(rows.split(size))
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


class _Best:
    """The best weights so far, and the validation errors of epoch 0 that they have to beat: surely, where that is PCA."""

    def __init__(self, network: nn.Module, errors: Tensor, job: Job) -> None:
        # PCA has no claim on spoiled rows: it never learnt to restore them, and a few that it gets very wrong hide the gain.
        restores = job.corrupt is not None or job.inputs is not None
        self._careful = job.plan.anchored and job.plan.schedule == "anneal" and not restores
        self._last = job.plan.keep == "last"
        # A user's network may start with NaN, which nothing would be smaller than.
        self.epoch, self.mean, self._first = 0, float(errors.mean().nan_to_num(nan=math.inf, posinf=math.inf)), errors
        self._weights = copy.deepcopy(network.state_dict())

    def offer(self, network: nn.Module, epoch: int, errors: Tensor) -> None:
        """Take the weights of ``epoch`` if their mean error is smaller, and where careful surely smaller than epoch 0's.

        Where the last weights are wanted, they are taken in any case.
        """
        gain = self._first - errors
        if self._last or (float(errors.mean()) < self.mean and (_surely_positive(gain) or not self._careful)):
            self.epoch, self.mean = epoch, float(errors.mean())
            for name, value in network.state_dict().items():
                self._weights[name].copy_(value)

    def restore(self, network: nn.Module) -> None:
        """Put the best weights into ``network``."""
        network.load_state_dict(self._weights)


def _surely_positive(gain: Tensor) -> bool:
    """Whether the mean of ``gain`` (n,) is above zero by a one-sided t-test; never for a single row."""
    if len(gain) < 2:
        return False
    quantile = float(stats.t.ppf(1 - LEVEL, len(gain) - 1))
    return float(gain.mean()) > quantile * float(gain.std()) / math.sqrt(len(gain))


def _validate(job: Job, validation: Tensor) -> Tensor:
    """Mean error of each validation row, (n_validation,), float64."""
    job.network.eval()
    parts = []
    with (
        torch.inference_mode(),
        torch.autocast(job.device.type, torch.bfloat16, enabled=job.plan.precision == "bfloat16"),
    ):
        # Windows say how many pixels fit in a step; whole pictures go one by one then.
        at_once = 1 if job.plan.crop else job.plan.batch_size * 2
        for number, index in enumerate(validation.split(at_once)):
            x, seen = (_for_each(rows.to(job.device), job.plan.members) for rows in _both(job, index))
            seen = seen if job.corrupt is None else job.corrupt(seen, generator_for(job.seed, 4, number))
            errors = job.error_map(job.forward(seen).reconstruction.float(), x)
            # Without gaps a NaN is a network that broke down, which `per_row` would take for a missing cell.
            means = (per_row(errors) if job.gaps else errors.flatten(1).mean(dim=1)).double().cpu()
            parts.append(means.unflatten(0, (job.plan.members, -1)).mean(dim=0))
    return torch.cat(parts)


def _entry(epoch: int, training_loss: float, validation_loss: float, rate: float) -> dict[str, float]:
    return {"epoch": epoch, "training_loss": training_loss, "validation_loss": validation_loss, "learning_rate": rate}
