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

import torch
from scipy import stats
from torch import Tensor, nn

from isthmus.errors import IsthmusWarning
from isthmus.losses import per_row
from isthmus.nets.by_hand import can_take
from isthmus.nets.seeding import seeded
from isthmus.sizing import MOST_VALIDATION_ROWS
from isthmus.train.callbacks import FitState
from isthmus.train.job import Job, both, for_each, generator_for, rows_of_steps
from isthmus.train.optimizers import learning_rate_at
from isthmus.train.steps import RecordedStep, WrittenStep, make_step

MOST_ROLLBACKS = 3
DENSE_ROWS, DENSE_VALUES = 1_024, 2**22
LEVEL = 0.01
"""Chance that trained weights that are no better replace those of epoch 0."""


def split_rows(n_rows: int, n_validation: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of the training and the validation rows, both ascending."""
    order = torch.randperm(n_rows, generator=generator_for(seed, 0))
    training, validation = order[n_validation:].sort().values, order[:n_validation].sort().values
    # Without validation rows the best weights are chosen on a sample of the training rows.
    return training, validation if n_validation else training[:MOST_VALIDATION_ROWS]


def train(job: Job) -> list[dict[str, float]]:
    """Train ``job.network`` in place and leave the best weights in it.

    Returns
    -------
    One dict per epoch from 0: epoch, training_loss (NaN for epoch 0), validation_loss (NaN where nothing depends on it, see
    `_is_measured`), learning_rate, kept.
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
            if entry["kept"] and math.isnan(entry["validation_loss"]):  # a fit that ended early
                entry["validation_loss"] = float(_validate(job, validation).mean())
        for callback in job.callbacks:
            callback.on_fit_end(state)
    return state.history


def _epochs(job: Job, state: FitState, best: _Best, training: Tensor, validation: Tensor) -> None:
    step, rollbacks = make_step(job), 0
    try:
        for epoch in range(1, job.plan.max_epochs + 1):
            state.epoch = epoch
            loss = _one_epoch(job, state, step, training, share=0.5**rollbacks)
            if job.device.type != "cpu":
                state.loss = loss
            errors = _validate(job, validation) if _is_measured(job, state) else None
            if not (math.isfinite(loss) and (errors is None or bool(errors.isfinite().all()))):
                # Back to the last good weights at half the rate; a fit that keeps failing ends with those.
                best.restore(job.network)
                step, rollbacks = _anew(step, job), rollbacks + 1
                if rollbacks > MOST_ROLLBACKS:
                    warnings.warn(
                        f"the loss stopped being finite {rollbacks} times (last in epoch {epoch}); the best weights so "
                        "far are kept. A smaller learning_rate may help.", IsthmusWarning, stacklevel=4,
                    )  # fmt: skip
                    return
                continue
            best.offer(job.network, epoch, errors)
            rate = 0.5**rollbacks * learning_rate_at(state.step - 1, state.total_steps, job.plan)
            error = math.nan if errors is None else float(errors.mean())
            state.history.append(_entry(epoch, loss, error, rate))
            for callback in job.callbacks:
                callback.on_epoch_end(state)
            if state.stop or (job.plan.patience is not None and epoch - best.epoch >= job.plan.patience):
                return
    finally:
        step.close()


def _is_measured(job: Job, state: FitState) -> bool:
    """Every epoch; where no rows were held out and the last weights are kept anyway, only the last."""
    plan, last = job.plan, state.stop or state.epoch == job.plan.max_epochs
    return plan.keep != "last" or plan.validation_rows > 0 or last


def _anew(step: RecordedStep | WrittenStep, job: Job) -> RecordedStep | WrittenStep:
    step.close()
    return make_step(job)


def _one_epoch(job: Job, state: FitState, step: RecordedStep | WrittenStep, training: Tensor, share: float) -> float:
    """One pass over the training rows in a new order; the mean loss of its steps."""
    first, on_cpu = state.step, job.device.type == "cpu"
    job.network.train()
    total = torch.zeros((), device=job.device)
    order = training[torch.randperm(len(training), generator=generator_for(job.seed, 1, state.epoch))]
    for x, seen in rows_of_steps(job, _batches(order, job.plan.batch_size), first):
        rate = share * learning_rate_at(state.step, state.total_steps, job.plan)
        loss = step.take(x, seen, rate)
        total += loss
        state.step += 1
        if on_cpu:  # elsewhere this would make the device wait
            state.loss = float(loss)
        for callback in job.callbacks:
            callback.on_step_end(state)
        if state.stop or (on_cpu and not math.isfinite(state.loss)):
            break
    return float(total) / (state.step - first)


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

    def offer(self, network: nn.Module, epoch: int, errors: Tensor | None) -> None:
        """Take the weights of ``epoch`` if their mean error is smaller, and where careful surely smaller than epoch 0's.

        Where the last weights are wanted, they are taken in any case, even without ``errors``.
        """
        if not self._last and (errors is None or not self._is_better(errors)):
            return
        self.epoch, self.mean = epoch, math.nan if errors is None else float(errors.mean())
        for name, value in network.state_dict().items():
            self._weights[name].copy_(value)

    def _is_better(self, errors: Tensor) -> bool:
        return float(errors.mean()) < self.mean and (not self._careful or _surely_positive(self._first - errors))

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
        for number, index in enumerate(validation.split(_rows_at_once(job))):
            x, seen = (for_each(rows.to(job.device), job.plan.members) for rows in both(job, index))
            seen = seen if job.corrupt is None else job.corrupt(seen, generator_for(job.seed, 4, number))
            errors = job.error_map(job.forward(seen).reconstruction.float(), x)
            # Without gaps a NaN is a network that broke down, which `per_row` would take for a missing cell.
            means = (per_row(errors) if job.gaps else errors.flatten(1).mean(dim=1)).double().cpu()
            parts.append(means.unflatten(0, (job.plan.members, -1)).mean(dim=0))
    return torch.cat(parts)


def _rows_at_once(job: Job) -> int:
    """Rows of a validation pass: two batches; of a dense network, whose small batches would be all calls, as many as have
    4 million values, at most 1,024.
    """
    if job.plan.crop:
        return 1  # windows say how many pixels fit in a step, and whole pictures are larger
    few = 2 * job.plan.batch_size
    if not can_take(job.network):
        return few
    values: int = job.network.bounds.low.numel() * job.plan.members  # type: ignore[union-attr,operator]  # a Network's
    return max(few, min(DENSE_ROWS, DENSE_VALUES // values))


def _entry(epoch: int, training_loss: float, validation_loss: float, rate: float) -> dict[str, float]:
    return {"epoch": epoch, "training_loss": training_loss, "validation_loss": validation_loss, "learning_rate": rate}
