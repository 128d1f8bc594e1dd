"""Running a network over many rows in blocks of one fixed size.

The arithmetic of a matrix product depends on its shape, not on its neighbours: with every block padded to the same number
of rows, a row alone gets the same bytes as within a batch, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WORK = 3e8
"""Multiply-adds in a block: enough to fill the machine, little enough that a single row is answered at once."""


def block_rows(multiply_adds: float) -> int:
    """Rows in a block, a power of two from 16 to 4,096, from the multiply-adds of one row.

    >>> block_rows(1e3), block_rows(1.7e6), block_rows(1e9)
    (4096, 128, 16)
    """
    rows = WORK / max(1.0, multiply_adds)
    return int(min(4096, max(16, 2 ** int(np.log2(max(1.0, rows))))))


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


def _padded(part: Tensor, block: int) -> Tensor:
    """``part`` as it is where it fills a block, else with zeros behind it."""
    if len(part) == block:
        return part
    padded = part.new_zeros((block, *part.shape[1:]))
    padded[: len(part)] = part
    return padded
