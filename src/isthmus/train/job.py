"""What a training run is given, and the rows that each of its steps sees.

Data order and noise are functions of (seed, epoch, step), so the same seed gives the same bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from isthmus.nets.members import Members
from isthmus.plan import Plan
from isthmus.train.callbacks import Callback
from isthmus.train.checkpoint import Checkpoints

Corrupt = Callable[[Tensor, torch.Generator], Tensor]
Penalty = Callable[[object], Tensor | None]
ErrorMap = Callable[[Tensor, Tensor], Tensor]

FETCHED = 2**20
"""Values of the rows that are fetched in one go."""


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
    element : the loss by name (see `isthmus.plan.Plan`) where ``error_map`` is that of each target by itself and nothing more;
        None where it is not.
    checkpoints : where the state is saved now and then, and taken up; None: nowhere.
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
    element: str | None = None
    checkpoints: Checkpoints | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return torch.device(self.plan.device)

    @functools.cached_property
    def batches_at_once(self) -> int:
        """How many batches are fetched in one go: as many as have a million values."""
        values = self.rows.take(torch.zeros(1, dtype=torch.long)).numel()
        return max(1, int(FETCHED // (values * self.plan.batch_size)))

    @property
    def forward(self) -> Callable[[Tensor], Any]:
        """What gives the network's output; several members get a block of rows each."""
        return self.network.each if isinstance(self.network, Members) else self.network


def rows_of_steps(job: Job, batches: Sequence[Tensor], first: int, *, done: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each batch of indices the rows, or a window of each picture, and what the network sees of them.

    Rows are scattered over memory, and it takes half the time to fetch a few small batches at once.

    Parameters
    ----------
    first : the number of the first batch's step.
    done : batches to leave out. The others are fetched in the same company as without it, for where rows lie in memory may
        decide how sums are rounded.
    """
    at_once = job.batches_at_once
    for start in range(done - done % at_once, len(batches), at_once):
        part = batches[start : start + at_once]
        sizes = [len(index) for index in part]
        x, given = (rows.split(sizes) for rows in both(job, torch.cat(tuple(part))))
        for place, (one, other) in enumerate(zip(x, given, strict=True), start=start):
            if place >= done:
                yield _for_step(job, one, other, first + place)


def _for_step(job: Job, x: Tensor, given: Tensor, step: int) -> tuple[Tensor, Tensor]:
    x, given = (for_each(on(job.device, rows), job.plan.members) for rows in (x, given))
    # Whole pictures are spoiled, so that a hole has the same share of a picture in training and afterwards.
    given = given if job.corrupt is None else job.corrupt(given, generator_for(job.seed, 2, step))
    if job.plan.crop:
        windows = _windows(x, job.plan.crop, generator_for(job.seed, 6, step))
        x, given = _cut(x, windows), _cut(given, windows)
    return x, given


def both(job: Job, index: Tensor) -> tuple[Tensor, Tensor]:
    """The rows at ``index``, and what stands in their place at the network's input."""
    x = job.rows.take(index)
    return x, x if job.inputs is None else job.inputs.take(index)


def on(device: torch.device, x: Tensor) -> Tensor:
    """``x`` on ``device``; a copy to a GPU does not keep the processor waiting, which prepares the next batch meanwhile."""
    if device.type == "cuda" and x.device.type == "cpu":
        return x.pin_memory().to(device, non_blocking=True)
    return x.to(device)


def for_each(x: Tensor, members: int) -> Tensor:
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
