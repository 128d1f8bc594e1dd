"""Running a network over many rows in blocks of one fixed size.

The arithmetic of a matrix product depends on its shape, not on its neighbours: with every block padded to the same number
of rows, a row alone gets the same bytes as within a batch, in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    out: NDArray[Any] | None = None
    with torch.inference_mode():
        for start in range(0, n_rows, block):
            part = rows(start, min(start + block, n_rows))
            result = function(_padded(part, block).to(device))[: len(part)].to(dtype).cpu().numpy()
            if out is None:
                out = np.empty((n_rows, *result.shape[1:]), dtype=result.dtype)
            out[start : start + len(part)] = result
    if out is None:
        raise ValueError("in_blocks needs at least one row")
    return out


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
    rows : is called by several threads at once.
    functions : one for each thread, all giving the same; what they give may lie in memory that their next call writes over.
    """
    if n_rows < 1:
        raise ValueError("in_blocks_at_once needs at least one row")
    workers = min(len(functions), -(-n_rows // block))
    starts, stop = iter(range(0, n_rows, block)), threading.Event()
    out: list[NDArray[Any]] = []
    lock, ready = threading.Lock(), threading.Barrier(workers + 1)

    def work(function: Callable[[Tensor], Tensor]) -> None:
        # One for each block, so that a row gets the same bytes however many threads there are. Asking first makes this thread
        # torch's own; else its first operation would take the number of all.
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()
        try:
            with torch.inference_mode():
                for start in starts:
                    if stop.is_set():
                        return
                    part = rows(start, min(start + block, n_rows))
                    result = function(_padded(part, block))[: len(part)].to(dtype).numpy()
                    with lock:
                        if not out:
                            out.append(np.empty((n_rows, *result.shape[1:]), dtype=result.dtype))
                    out[0][start : start + len(part)] = result
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(workers) as pool:
        with _starting:
            threads = torch.get_num_threads()
            jobs = [pool.submit(work, function) for function in functions[:workers]]
            ready.wait()
            torch.set_num_threads(threads)  # what a thread sets for itself is that of threads that are begun later, too
        try:
            for job in jobs:
                job.result()
        finally:
            stop.set()
    return out[0]


_starting = threading.Lock()
"""Held while threads set their number, so that calls that overlap do not take each other's for torch's."""


def _padded(part: Tensor, block: int) -> Tensor:
    """``part`` as it is where it fills a block, else with zeros behind it."""
    if len(part) == block:
        return part
    padded = part.new_zeros((block, *part.shape[1:]))
    padded[: len(part)] = part
    return padded
