"""Encoded rows: what the training loop and the blocks take rows from.

Rows of a fit are encoded once and kept, arrays up to 256 MiB; larger ones are encoded as they are taken, so that a fit needs little
more memory than its data. Rows that are looked at once, block by block, are not kept either.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.data.table import Table
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder

KEPT_BYTES = 2**28
"""Encoded size up to which rows are encoded once and kept."""


class EncodedRows:
    """Rows in network units, by index.

    Parameters
    ----------
    data : rows as `encoder` adopted them.
    encoder : the fitted preparation.
    keep : encode them once; False: as they are taken. Tables are encoded at once in any case.
    """

    def __init__(self, data: Table | NDArray[Any], encoder: ColumnEncoder | PixelEncoder, *, keep: bool = True) -> None:
        self._data, self._encoder = data, encoder
        size = len(data) * 4 * math.prod(encoder.layout.input_shape)
        self._kept: Tensor | None = None
        if isinstance(data, Table) or (keep and size <= KEPT_BYTES):
            self._kept = torch.from_numpy(encoder.encode(data))  # type: ignore[arg-type]  # data are what the encoder adopted

    def __len__(self) -> int:
        return len(self._data)

    def take(self, index: Tensor) -> Tensor:
        """The rows at ``index`` (n,), encoded, (n, *input_shape)."""
        if self._kept is not None:
            return self._kept.index_select(0, index)
        return torch.from_numpy(self._encoder.encode(np.asarray(self._data)[index.numpy()]))

    def slice(self, start: int, stop: int) -> Tensor:
        """The rows from ``start`` to ``stop``, encoded."""
        if self._kept is not None:
            return self._kept[start:stop]
        return torch.from_numpy(self._encoder.encode(np.asarray(self._data)[start:stop]))

    def has_gaps(self) -> bool:
        """Whether any cell is missing."""
        step = 4096
        blocks = (self.slice(i, i + step) for i in range(0, len(self), step))
        # A sum that is no NaN proves in one quick pass that nothing in it is; infinities of both signs make one, too.
        return any(bool(block.sum().isnan()) and bool(block.isnan().any()) for block in blocks)

    def sample(self, most: int, seed: int) -> Tensor:
        """At most ``most`` rows, drawn without repetition and kept in order."""
        if len(self) <= most:
            return self.slice(0, len(self))
        generator = torch.Generator().manual_seed(seed)
        return self.take(torch.randperm(len(self), generator=generator)[:most].sort().values)
