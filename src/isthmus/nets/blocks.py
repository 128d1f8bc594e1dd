"""Running a network over many rows in blocks of one fixed size.

The arithmetic of a matrix product depends on its shape, not on its neighbours: with every block padded to the same number
of rows, a row alone gets the same bytes as within a batch, in any order.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WORK = 3e8
"""Multiply-adds in a block: enough to fill the machine, little enough that a single row is answered at once."""
MOST_ROWS = 2_048
"""A block costs the interpreter's lock some thirty times, so not fewer; a lone row costs a whole block, so not more."""


def block_rows(multiply_adds: float) -> int:
    """Rows in a block, a power of two from 16 to `MOST_ROWS`, from the multiply-adds of one row.

    >>> block_rows(1e3), block_rows(1.7e6), block_rows(1e9)
    (2048, 128, 16)
    """
    rows = WORK / max(1.0, multiply_adds)
    return int(min(MOST_ROWS, max(16, 2 ** int(np.log2(max(1.0, rows))))))


def in_blocks(
    function: Callable[[Tensor], Tensor],
    rows: Callable[[int, int], Tensor],
    n_rows: int,
    block: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> NDArray[Any]:
    """``function`` of all rows, (n_rows, ...), as ``dtype``.

    Parameters
    ----------
    function : (block, ...) to (block, ...), row by row.
    rows : ``rows(start, stop)`` gives the encoded rows from start to stop.
    """
    results = _Results(n_rows, block, device, dtype)
    results.fill(function, rows, range(0, n_rows, block))
    return results.whole()


def in_blocks_at_once(
    functions: Sequence[Callable[[Tensor], Tensor]],
    rows: Callable[[int, int], Tensor],
    n_rows: int,
    block: int,
    dtype: torch.dtype = torch.float32,
) -> NDArray[Any]:
    """As `in_blocks` on the processor, but several blocks at a time: each thread takes a block from raw rows to results.

    Parameters
    ----------
    functions : one for each thread, all giving the same; what they give may lie in memory that their next call writes over.
    rows : is called by several threads at once.
    """
    results = _Results(n_rows, block, torch.device("cpu"), dtype)
    starts, ready = iter(range(0, n_rows, block)), threading.Barrier(len(functions) + 1)

    def work(function: Callable[[Tensor], Tensor]) -> None:
        # One for each block, so that a row gets the same bytes however many threads there are. Asking first makes this thread
        # torch's own; else its first operation would take the number of all.
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()
        results.fill(function, rows, starts)

    with ThreadPoolExecutor(len(functions)) as pool:
        try:
            with _starting:
                threads = torch.get_num_threads()
                try:
                    jobs = [pool.submit(work, function) for function in functions]
                    ready.wait()
                finally:  # what a thread sets for itself is that of threads that are begun later, too
                    torch.set_num_threads(threads)
            for job in wait(jobs, return_when=FIRST_EXCEPTION).done:
                job.result()
        except BaseException:
            ready.abort()  # a thread that could not be begun, or an interrupt, would leave the others waiting
            deque(starts, maxlen=0)  # and what is left is not wanted any more
            raise
    return results.whole()


class _Results:
    """What is made of all rows, (n_rows, ...), in memory that is made when the first block is there and its shape known."""

    def __init__(self, n_rows: int, block: int, device: torch.device, dtype: torch.dtype) -> None:
        self._n_rows, self._block, self._device, self._dtype = n_rows, block, device, dtype
        self._lock = threading.Lock()
        self._made: NDArray[Any] | None = None

    def fill(
        self, function: Callable[[Tensor], Tensor], rows: Callable[[int, int], Tensor], starts: Iterable[int]
    ) -> None:
        """Run the blocks that begin at ``starts``, which several threads may take from."""
        with torch.inference_mode():
            for start in starts:
                part = rows(start, min(start + self._block, self._n_rows))
                made = function(_padded(part, self._block).to(self._device))[: len(part)]
                result = made.to(self._dtype).cpu().numpy()
                self._room_for(result)[start : start + len(part)] = result

    def _room_for(self, result: NDArray[Any]) -> NDArray[Any]:
        with self._lock:
            if self._made is None:
                self._made = np.empty((self._n_rows, *result.shape[1:]), dtype=result.dtype)
            return self._made

    def whole(self) -> NDArray[Any]:
        """All of it, once every block was run."""
        if self._made is None:
            raise ValueError("in_blocks needs at least one row")
        return self._made


_starting = threading.Lock()
"""Held while threads set their number, so that calls that overlap do not take each other's for torch's."""


def _padded(part: Tensor, block: int) -> Tensor:
    """``part`` as it is where it fills a block, else with zeros behind it."""
    if len(part) == block:
        return part
    padded = part.new_zeros((block, *part.shape[1:]))
    padded[: len(part)] = part
    return padded
