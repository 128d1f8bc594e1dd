"""Callbacks: what a fit tells whoever watches it, and the progress bar that is one of them."""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass
class FitState:
    """What a callback sees; setting ``stop`` ends the fit after the current step.

    Attributes
    ----------
    network : the network in training.
    total_epochs, total_steps : what was planned.
    epoch, step : where training stands, counted from 1; 0 before the first.
    loss : training loss of the last step; on devices other than the CPU, mean of the last epoch.
    history : one dict per epoch: epoch, training_loss, validation_loss (NaN where it was not measured), learning_rate.
    """

    network: nn.Module
    total_epochs: int
    total_steps: int
    epoch: int = 0
    step: int = 0
    loss: float = float("nan")
    history: list[dict[str, float]] = field(default_factory=list)
    stop: bool = False


class Callback:
    """Base of callbacks: override any of the four hooks."""

    def on_fit_start(self, state: FitState) -> None:
        """Before the first step."""

    def on_step_end(self, state: FitState) -> None:
        """After each step of the optimizer."""

    def on_epoch_end(self, state: FitState) -> None:
        """After each pass over the training rows, and its validation where there is one."""

    def on_fit_end(self, state: FitState) -> None:
        """After the best weights are back in place."""


class ProgressBar(Callback):
    """A bar on standard error with the epoch, the loss and the time left.

    It appears once a fit is seen to take over ``patience`` seconds, and only on a terminal unless ``always``.
    """

    def __init__(self, *, always: bool = False, patience: float = 2.0) -> None:
        self._shown = always or _on_a_terminal()
        self._patience = 0.0 if always else patience
        self._bar: Any = None
        self._task: Any = None
        self._start = 0.0

    def on_fit_start(self, state: FitState) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_step_end(self, state: FitState) -> None:
        """Draw the bar once the whole fit is expected to outlast the patience."""
        if not self._shown:
            return
        elapsed = time.monotonic() - self._start
        if self._bar is None:
            if elapsed < 0.5 or elapsed * state.total_steps / state.step < self._patience:
                return
            self._open(state)
        self._bar.update(self._task, completed=state.step, description=_words(state))

    def on_fit_end(self, state: FitState) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open(self, state: FitState) -> None:
        # rich takes a tenth of a second to import, which short fits do not need to pay.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("left"))
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(_words(state), total=state.total_steps)
        self._bar.start()


def _on_a_terminal() -> bool:
    """Whether somebody sees standard error: not in a program without one, nor once for each worker process."""
    worker = multiprocessing.current_process().name != "MainProcess"
    return sys.stderr is not None and sys.stderr.isatty() and not worker


def _words(state: FitState) -> str:
    loss = "" if math.isnan(state.loss) else f"  loss {state.loss:.4f}"
    return f"epoch {max(1, state.epoch)}/{state.total_epochs}{loss}"
