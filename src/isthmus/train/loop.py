"""The one training loop, in the open.

In: a network, encoded rows, a plan, a seed. Out: the history; the network holds the best weights. Data order and noise are
functions of (seed, epoch, step), so the same seed gives the same bytes. Nothing global is touched: torch's own generator,
threads and precision stay as they were.

Where it stands between two steps is `isthmus.train.course`.
"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from isthmus.errors import IsthmusWarning
from isthmus.losses import per_row
from isthmus.nets.by_hand import can_take
from isthmus.nets.seeding import seeded
from isthmus.sizing import MOST_VALIDATION_ROWS
from isthmus.train.callbacks import FitState
from isthmus.train.checkpoint import Halt
from isthmus.train.course import Best, Course
from isthmus.train.job import Job, both, for_each, generator_for, on, rows_of_steps
from isthmus.train.optimizers import learning_rate_at

MOST_ROLLBACKS = 3
DENSE_ROWS, DENSE_VALUES = 1_024, 2**22
"""Rows of a validation block of a dense network, and its values, at most."""


def split_rows(n_rows: int, n_validation: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of the training and the validation rows, both ascending."""
    order = torch.randperm(n_rows, generator=generator_for(seed, 0))
    training, validation = order[n_validation:].sort().values, order[:n_validation].sort().values
    # Without validation rows the best weights are chosen on a sample of the training rows.
    return training, validation if n_validation else training[:MOST_VALIDATION_ROWS]


def train(job: Job) -> list[dict[str, float]]:
    """Train ``job.network`` in place and leave the best weights in it; go on from the last checkpoint, where there is one.

    Returns
    -------
    One dict per epoch from 0: epoch, training_loss (NaN for epoch 0), validation_loss (NaN where nothing depends on it, see
    `_is_measured`), learning_rate, kept.
    """
    plan, network = job.plan, job.network
    training, validation = split_rows(len(job.rows), plan.validation_rows, job.seed)
    steps = len(_batches(training, plan.batch_size)) * plan.max_epochs
    state = FitState(network, plan.max_epochs, steps)
    best = Best(network, _validate(job, validation), job)
    state.history.append(_entry(0, math.nan, best.mean, 0.0))
    course = Course(job, state, best)
    for callback in job.callbacks:
        callback.on_fit_start(state)
    try:
        # A user's dropout draws from torch's own generator, and their program may have turned gradients off.
        with seeded(job.seed, job.device), torch.enable_grad():
            _held(course, training, validation)
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


def _held(course: Course, training: Tensor, validation: Tensor) -> None:
    """All epochs; with checkpoints, a signal is let through only when one was written."""
    checkpoints = course.job.checkpoints
    try:
        if checkpoints is None:
            return _epochs(course, training, validation)
        with checkpoints.signals():
            done = course.go_on()
        checkpoints.pass_on()
        while not done:
            with checkpoints.signals():
                try:
                    _epochs(course, training, validation)
                    course.finish()
                    done = True
                except Halt:
                    course.pause()
            checkpoints.pass_on()
    except BaseException:
        if checkpoints is not None:
            checkpoints.drop_signal()
        raise
    finally:
        course.close()


def _epochs(course: Course, training: Tensor, validation: Tensor) -> None:
    job, state, best = course.job, course.state, course.best
    course.open()
    for epoch in range(max(1, state.epoch), job.plan.max_epochs + 1):
        course.begin(epoch)
        loss = _one_epoch(course, training)
        if job.device.type != "cpu":
            state.loss = loss
        course.steps_are_done()
        errors = _validate(job, validation) if _is_measured(job, state) else None
        if not (math.isfinite(loss) and (errors is None or bool(errors.isfinite().all()))):
            # Back to the last good weights at half the rate; a fit that keeps failing ends with those.
            course.roll_back()
            if course.rollbacks > MOST_ROLLBACKS:
                warnings.warn(
                    f"the loss stopped being finite {course.rollbacks} times (last in epoch {epoch}); the best weights so "
                    "far are kept. A smaller learning_rate may help.", IsthmusWarning, stacklevel=5,
                )  # fmt: skip
                return
            continue
        best.offer(job.network, epoch, errors)
        rate = course.share * learning_rate_at(state.step - 1, state.total_steps, job.plan)
        error = math.nan if errors is None else float(errors.mean())
        state.history.append(_entry(epoch, loss, error, rate))
        for callback in job.callbacks:
            callback.on_epoch_end(state)
        if state.stop or (job.plan.patience is not None and epoch - best.epoch >= job.plan.patience):
            return


def _is_measured(job: Job, state: FitState) -> bool:
    """Every epoch; where no rows were held out and the last weights are kept anyway, only the last."""
    plan, last = job.plan, state.stop or state.epoch == job.plan.max_epochs
    return plan.keep != "last" or plan.validation_rows > 0 or last


def _one_epoch(course: Course, training: Tensor) -> float:
    """One pass over the training rows in a new order, or what is left of one; the mean loss of its steps."""
    job, state, on_cpu = course.job, course.state, course.job.device.type == "cpu"
    job.network.train()
    order = training[torch.randperm(len(training), generator=generator_for(job.seed, 1, state.epoch))]
    batches = _batches(order, job.plan.batch_size)
    for x, seen in rows_of_steps(job, batches, course.first, done=state.step - course.first):
        rate = course.share * learning_rate_at(state.step, state.total_steps, job.plan)
        loss = course.take(x, seen, rate)
        state.step += 1
        if on_cpu:  # elsewhere this would make the device wait
            state.loss = float(loss)
        for callback in job.callbacks:
            callback.on_step_end(state)
        if state.stop or (on_cpu and not math.isfinite(state.loss)):
            break
        course.step_is_done()
    return float(course.total) / (state.step - course.first)


def _batches(rows: Tensor, size: int) -> list[Tensor]:
    """``rows`` in batches; a last row alone joins the batch before it, as batch normalisation cannot train on one row."""
    batches = list(rows.split(size))
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _validate(job: Job, validation: Tensor) -> Tensor:
    """Mean error of each validation row, (n_validation,), float64."""
    job.network.eval()
    parts = []
    with (
        torch.inference_mode(),
        torch.autocast(job.device.type, torch.bfloat16, enabled=job.plan.precision == "bfloat16"),
    ):
        for number, index in enumerate(validation.split(_rows_at_once(job))):
            if job.checkpoints is not None:
                job.checkpoints.look()
            x, seen = (for_each(on(job.device, rows), job.plan.members) for rows in both(job, index))
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
