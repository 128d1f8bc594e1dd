"""Rows on a GPU: all of them before training where they fit, else each batch as it is needed."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.prep.rows import EncodedRows
from isthmus.train.job import Rows

SHARE, BLOCK = 0.5, 4_096
"""Of the memory that is free on the device, what rows may take; rows that are copied at a time."""


class PlacedRows:
    """Encoded rows on a device, by index.

    Parameters
    ----------
    rows : rows that are encoded once or as they are taken.
    device : where they are copied to.
    """

    def __init__(self, rows: EncodedRows, device: torch.device) -> None:
        first = rows.slice(0, 1)
        self._rows = torch.empty((len(rows), *first.shape[1:]), dtype=first.dtype, device=device)
        for start in range(0, len(rows), BLOCK):
            self._rows[start : start + BLOCK] = rows.slice(start, start + BLOCK).to(device)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, index: Tensor) -> Tensor:
        """The rows at ``index`` (n,), (n, *input_shape), on the device."""
        return self._rows.index_select(0, index.to(self._rows.device))


def placed(rows: EncodedRows, device: torch.device) -> Rows:
    """``rows`` on ``device`` where they fit there; themselves where they do not, or where the device is the processor."""
    if device.type == "cpu":
        return rows
    size = len(rows) * rows.slice(0, 1).nbytes
    return PlacedRows(rows, device) if size <= SHARE * free_bytes(device) else rows


def free_bytes(device: torch.device) -> float:
    """Memory that is free on ``device``; 0 where there is no way to know."""
    return float(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0.0
