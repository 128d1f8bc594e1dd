"""Checkpoints of a fit: what its state is, when it is written, and how a fit goes on from it.

The state after a step is integers, a few numbers and tensors: data order and noise are functions of (seed, epoch, step) and need
none. So a fit that was killed at any instant and is run again ends with the same bytes as one that was not (same machine and
versions).

Signals: while a fit has a run directory, SIGINT and SIGTERM only set a flag. The fit looks at it after each step and between blocks
of validation rows, where its state is whole; it saves, and then lets the signal do what it does without us. A second signal does so
at once. What is not finite is never saved.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from isthmus.errors import IsthmusWarning, ModelFileError
from isthmus.files.run_folder import Arrays, RunFolder

SHARE = 33
"""A checkpoint is followed by at least so many times its own seconds without one: it takes at most 3 % of the time."""

HELD = (torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8, torch.bool)
ENTRY = ("epoch", "training_loss", "validation_loss", "learning_rate")


class Halt(BaseException):
    """A signal asked the fit to stop, and its state is whole."""


@dataclass
class Position:
    """Where a fit stands between two steps.

    Attributes
    ----------
    epoch, step : of the last step that was made; ``first`` is the first step of its epoch, ``total`` the sum of the losses
        since (None where it is not finite).
    rollbacks : how often the loss stopped being finite.
    history : the entries of finished epochs, NaN written as None.
    best_epoch, best_mean : of the best weights.
    finished : whether nothing is left to do.
    """

    epoch: int = 0
    step: int = 0
    first: int = 0
    total: float | None = 0.0
    rollbacks: int = 0
    history: list[dict[str, float | None]] = field(default_factory=list)
    best_epoch: int = 0
    best_mean: float | None = None
    finished: bool = False


class Checkpoints:
    """The checkpoints of one fit.

    Parameters
    ----------
    folder : where they are.
    seconds : from one to the next, at least; 0: after every step.

    Attributes
    ----------
    resumed_from : the step that the fit went on from; 0 where it began.
    saved : the step of the last checkpoint; None before the first.
    """

    def __init__(self, folder: RunFolder, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        self.resumed_from, self.saved = 0, None  # type: int, int | None
        self._next = time.monotonic() + seconds
        self._signal: int | None = None

    def latest(self) -> tuple[Position, dict[str, list[Tensor] | dict[str, Tensor]]] | None:
        """The newest whole one: position and tensors; None where there is none."""
        found = self._folder.latest()
        if found is None:
            return None
        state, arrays = found
        try:
            position = Position(**state)
        except TypeError as error:
            raise ModelFileError(f"The checkpoint in '{self._folder.path}' is of another version ({error}).") from error
        self.resumed_from = self.saved = position.step
        return position, {name: _tensors(name, group) for name, group in arrays.items()}

    def is_due(self) -> bool:
        """Whether it is time for the next."""
        return time.monotonic() >= self._next

    def save(
        self, position: Position, network: Any, best: dict[str, Tensor], kept: dict[str, Tensor] | None = None
    ) -> None:
        """Write one; nothing where the weights are not finite.

        ``kept`` has what outlasts a step beside the weights: the optimizer's tensors, and the state of torch's generator.
        Without it there is nothing to go on with, and the best weights are all that is written.
        """
        start = time.monotonic()
        groups: dict[str, Arrays] = {"best": _arrays(best.values())}
        if kept is not None:
            groups["model"] = _arrays(network.state_dict().values())
            groups["optim"] = {name: _array(value) for name, value in kept.items()}
        # A user's module may hold a mask of infinities among its buffers: they are no weights.
        if all(bool(value.isfinite().all()) for value in (*network.parameters(), *(kept or {}).values())):
            # The end has a place of its own, so that it never takes that of the last step.
            self._folder.save(position.step + position.finished, vars(position), groups)
            self.saved = position.step
        now = time.monotonic()
        self._next = now + max(self._seconds, SHARE * (now - start) if self._seconds else 0.0)

    def finish(self, position: Position, network: Any, best: dict[str, Tensor]) -> None:
        """Write the last, which holds the best weights alone, and remove the others."""
        self.save(position, network, best)
        self._folder.keep_only(position.step + 1)

    def look(self) -> None:
        """Raise `Halt` where a signal has come."""
        if self._signal is not None:
            raise Halt

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Hold back SIGINT and SIGTERM until the state is whole; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        # One that is ignored stays so (nohup); one that Python did not set cannot be put back.
        before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}

        def put_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def note(number: int, frame: FrameType | None) -> None:
            if self._signal is not None:
                self._signal = None
                put_back()
                signal.raise_signal(number)
                return
            self._signal = number

        for number in before:
            signal.signal(number, note)
        try:
            yield
        finally:
            put_back()

    def pass_on(self) -> None:
        """Let the signal that was held back do what it would have done; call it outside of `signals`.

        Returns where its handler does: the fit is then to go on.
        """
        if self._signal is None:
            return
        number, self._signal = self._signal, None
        where = "nothing was saved yet" if self.saved is None else f"the state after step {self.saved:,} is kept"
        warnings.warn(
            f"a signal stops the fit; {where}, and the same fit with the run directory '{self._folder.path}' goes on from there.",
            IsthmusWarning, stacklevel=2,
        )  # fmt: skip
        signal.raise_signal(number)

    def drop_signal(self) -> None:
        """Forget a signal that was held back, where the fit ends for another reason."""
        self._signal = None


def put_weights(network: Any, values: Any) -> None:
    """Copy the tensors of a checkpoint into ``network``, in the order of its state."""
    state = network.state_dict()
    if not isinstance(values, list) or len(values) != len(state):
        raise _other_layers()
    found = {name: _like(value, now) for (name, now), value in zip(state.items(), values, strict=True)}
    network.load_state_dict(found)


def _like(value: Tensor, now: Tensor) -> Tensor:
    """A tensor of a checkpoint in the type of the one that it goes to; see `_array`."""
    if value.dtype == torch.uint8 != now.dtype and value.numel() == now.numel() * now.element_size():
        value = value.view(now.dtype).reshape(now.shape)
    if value.shape != now.shape or value.dtype != now.dtype:
        raise _other_layers()
    return value


def _other_layers() -> ModelFileError:
    return ModelFileError(
        "The checkpoint is of a network of other layers (other columns, or other settings); start over with fresh=True (--fresh)."
    )


def as_history(position: Position) -> list[dict[str, float]]:
    """The history of a position, None turned back to NaN, its entries in their order."""
    return [
        {name: math.nan if (value := entry.get(name)) is None else value for name in ENTRY}
        for entry in position.history
    ]


def without_nan(history: list[dict[str, float]]) -> list[dict[str, float | None]]:
    """A history as JSON can hold it."""
    return [{name: value if math.isfinite(value) else None for name, value in entry.items()} for entry in history]


def _array(value: Tensor) -> Any:
    """A tensor as a file holds it: as bytes, where that holds no numbers of its type, or not such as infinity."""
    value = value.detach().cpu().contiguous()
    if value.dtype not in HELD or not bool(value.isfinite().all()):
        return value.reshape(-1).view(torch.uint8).numpy()
    return value.numpy()


def _arrays(values: Any) -> Arrays:
    """Tensors under their number: names of a user's modules may be anything."""
    return {f"{place:05d}": _array(value) for place, value in enumerate(values)}


def _tensors(name: str, group: Arrays) -> list[Tensor] | dict[str, Tensor]:
    made = {key: torch.from_numpy(array) for key, array in group.items()}
    return made if name == "optim" else [made[key] for key in sorted(made)]
