"""Where a fit stands between two steps: weights, the best so far, the optimizer's tensors; the way to a checkpoint and back.

Epoch 0, the network as it starts, competes for the best weights. Where it is anchored, that is PCA. On few validation rows a
smaller mean can be luck, so trained weights replace PCA only where a paired t-test (Student 1908), one-sided at
1 %, finds their errors smaller: the simpler model has the benefit of the doubt.
"""

from __future__ import annotations

import copy
import math

import torch
from scipy import stats
from torch import Tensor, nn

from isthmus.errors import ModelFileError
from isthmus.train.callbacks import FitState
from isthmus.train.checkpoint import Position, as_history, put_weights, without_nan
from isthmus.train.job import Job
from isthmus.train.steps import RecordedStep, WrittenStep, make_step

LEVEL = 0.01
"""Chance that trained weights that are no better replace those of epoch 0."""


class Course:
    """A fit on its way.

    Attributes
    ----------
    state : what callbacks see, the history among it.
    best : the best weights so far.
    first : the number of the epoch's first step; ``total`` is the sum of the losses of its steps.
    rollbacks : how often the loss stopped being finite.
    """

    def __init__(self, job: Job, state: FitState, best: Best) -> None:
        self.job, self.state, self.best = job, state, best
        self.first, self.rollbacks = 0, 0
        self.total = torch.zeros((), device=job.device)
        self._step: RecordedStep | WrittenStep | None = None
        self._left: dict[str, Tensor] = {}
        self._in_epoch = False
        self._random: Tensor | None = None

    @property
    def share(self) -> float:
        """Of the planned learning rate: half after each time that the loss stopped being finite."""
        return float(0.5**self.rollbacks)

    def open(self) -> None:
        """Make the optimizer, unless it is there; give it what it had where the fit goes on."""
        if self._step is not None:
            return
        self._step = make_step(self.job)
        if self._left:
            self._step.put_back({name: value for name, value in self._left.items() if name != "random"})
            torch.set_rng_state(self._left["random"])

    def close(self) -> None:
        """Give the weights memory of their own again."""
        if self._step is not None:
            self._step.close()
            self._step = None

    def begin(self, epoch: int) -> None:
        """Start an epoch, or take up the one that a checkpoint was in."""
        self._random = None
        if self._in_epoch:
            self._in_epoch = False
            return
        self.state.epoch, self.first = epoch, self.state.step
        self.total = torch.zeros((), device=self.job.device)

    def take(self, x: Tensor, seen: Tensor, rate: float) -> Tensor:
        """Make a step; its loss."""
        assert self._step is not None  # `open` made it
        loss = self._step.take(x, seen, rate)
        self.total += loss
        return loss

    def steps_are_done(self) -> None:
        """Note where torch's generator stands before a validation pass: one that is stopped is made again from its start."""
        if self.job.checkpoints is not None:
            self._random = torch.get_rng_state()

    def step_is_done(self) -> None:
        """Save where it is time to; raise `Halt` where a signal came."""
        checkpoints = self.job.checkpoints
        if checkpoints is not None:
            checkpoints.look()
            if checkpoints.is_due():
                self.save()

    def roll_back(self) -> None:
        """Go back to the best weights, with a new optimizer at half the rate."""
        self.best.restore(self.job.network)
        self.close()
        self._step, self.rollbacks = make_step(self.job), self.rollbacks + 1

    def go_on(self) -> bool:
        """Take up the newest checkpoint, if there is one; whether nothing is left to do."""
        found = None if self.job.checkpoints is None else self.job.checkpoints.latest()
        if found is None:
            return False
        position, tensors = found
        network, state, best = self.job.network, self.state, self.best
        put_weights(network, tensors["best"])
        best.take_over(network, position.best_epoch, position.best_mean)
        if not position.finished:
            put_weights(network, tensors.get("model"))
            left = tensors.get("optim")
            if not isinstance(left, dict) or "random" not in left:
                raise ModelFileError(
                    "The checkpoint lacks the optimizer's state; start over with fresh=True (--fresh)."
                )
            self._left, self._in_epoch = left, True
        state.history[:] = as_history(position)
        state.epoch, state.step = position.epoch, position.step
        self.first, self.rollbacks = position.first, position.rollbacks
        total = math.nan if position.total is None else position.total
        self.total = torch.tensor(total, dtype=torch.float32, device=self.job.device)
        return position.finished

    def save(self) -> None:
        """Write a checkpoint, if the first step was made."""
        if self.job.checkpoints is not None and self._step is not None and self.state.step:
            random = torch.get_rng_state() if self._random is None else self._random
            kept = {**self._step.tensors(), "random": random}
            self.job.checkpoints.save(self._position(), self.job.network, self.best.weights, kept)

    def pause(self) -> None:
        """Save; the epoch is taken up again where the fit is not over."""
        self.save()
        self._in_epoch = self.state.epoch > 0
        if self._random is not None:
            torch.set_rng_state(self._random)

    def finish(self) -> None:
        """Write the last checkpoint: nothing is left to do."""
        if self.job.checkpoints is not None:
            self.job.checkpoints.finish(self._position(finished=True), self.job.network, self.best.weights)

    def _position(self, *, finished: bool = False) -> Position:
        mean = self.best.mean if math.isfinite(self.best.mean) else None
        total = float(self.total)
        return Position(
            self.state.epoch, self.state.step, self.first, total if math.isfinite(total) else None, self.rollbacks,
            without_nan(self.state.history), self.best.epoch, mean, finished,
        )  # fmt: skip


class Best:
    """The best weights so far, and the validation errors of epoch 0 that they have to beat: surely, where that is PCA."""

    def __init__(self, network: nn.Module, errors: Tensor, job: Job) -> None:
        # PCA has no claim on spoiled rows: it never learnt to restore them, and a few that it gets very wrong hide the gain.
        restores = job.corrupt is not None or job.inputs is not None
        self._careful = job.plan.anchored and job.plan.schedule == "anneal" and not restores
        self._last = job.plan.keep == "last"
        # A user's network may start with NaN, which nothing would be smaller than.
        self.epoch, self.mean, self._first = 0, float(errors.mean().nan_to_num(nan=math.inf, posinf=math.inf)), errors
        self.weights = copy.deepcopy(network.state_dict())

    def offer(self, network: nn.Module, epoch: int, errors: Tensor | None) -> None:
        """Take the weights of ``epoch`` if their mean error is smaller, and where careful surely smaller than epoch 0's.

        Where the last weights are wanted, they are taken in any case, even without ``errors``.
        """
        if not self._last and (errors is None or not self._is_better(errors)):
            return
        self.epoch, self.mean = epoch, math.nan if errors is None else float(errors.mean())
        for name, value in network.state_dict().items():
            self.weights[name].copy_(value)

    def _is_better(self, errors: Tensor) -> bool:
        return float(errors.mean()) < self.mean and (not self._careful or _surely_positive(self._first - errors))

    def restore(self, network: nn.Module) -> None:
        """Put the best weights into ``network``."""
        network.load_state_dict(self.weights)

    def take_over(self, network: nn.Module, epoch: int, mean: float | None) -> None:
        """Take the weights of ``network`` as those of ``epoch``; ``mean`` is None where it was not measured."""
        unknown = math.nan if self._last else math.inf
        self.epoch, self.mean = epoch, unknown if mean is None else mean
        for name, value in network.state_dict().items():
            self.weights[name].copy_(value)


def _surely_positive(gain: Tensor) -> bool:
    """Whether the mean of ``gain`` (n,) is above zero by a one-sided t-test; never for a single row."""
    if len(gain) < 2:
        return False
    quantile = float(stats.t.ppf(1 - LEVEL, len(gain) - 1))
    return float(gain.mean()) > quantile * float(gain.std()) / math.sqrt(len(gain))
