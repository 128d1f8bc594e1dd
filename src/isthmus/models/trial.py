"""Spoiled rows, what a denoising autoencoder makes of them, and the clean rows they should become.

In: a fitted model, and clean rows, which are spoiled as in training, or pairs. Out: error maps, restored rows, spoiled
pictures. The same rows are always spoiled in the same way, block by block, so that nothing has to be kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.errors import ParameterError
from isthmus.losses import error_map, per_row
from isthmus.models.inputs import Data
from isthmus.models.pairs import check_pairs, is_clean_target
from isthmus.nets.blocks import in_blocks
from isthmus.nets.network import Network
from isthmus.prep.rows import EncodedRows
from isthmus.train.job import Corrupt, generator_for

Floats = NDArray[np.float32]


class Trial:
    """Spoiled rows and their clean form.

    Parameters
    ----------
    model : a fitted `DenoisingAutoencoder`.
    X : clean rows, or spoiled ones with ``y`` their clean form.
    y : as in `DenoisingAutoencoder.fit`.

    Attributes
    ----------
    data : the clean rows as the model's preparation adopted them.

    Raises
    ------
    ParameterError : clean rows alone, where the model has no corruption to spoil them with.
    DataError : pairs that are none, rows that do not fit the model.

    Examples
    --------
    >>> import isthmus
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> trial = Trial(isthmus.DenoisingAutoencoder(latent_dim=2, max_epochs=0, random_state=0).fit(X), X)
    >>> trial.errors().shape, trial.restored().shape
    ((50, 4), (50, 4))
    """

    def __init__(self, model: Any, X: Any, y: Any = None) -> None:
        paired = is_clean_target(X, y)
        if paired:
            check_pairs(X, y)
        elif model.corruption_ is None:
            raise ParameterError(
                "the model has no corruption (it was fitted to pairs, or its file could not hold it), so clean rows alone "
                "cannot be compared: compare(X, y)."
            )
        self.data: Data
        self._clean: EncodedRows
        self.data, self._clean = model._adopted(y if paired else X)
        self._seen: EncodedRows | None = model._rows(X) if paired else None
        self._corrupt: Corrupt | None = None if paired else model._spoil(model.corruption_)
        self._model = model

    def __len__(self) -> int:
        return len(self._clean)

    def errors(self, network: Network | None = None, index: NDArray[np.int64] | None = None) -> Floats:
        """Error map of the restored rows against the clean ones, as `Autoencoder.errors` has it.

        Parameters
        ----------
        network : what restores; None: the model's own. PCA is ``model.baseline_``.
        index : which rows; None: all.
        """
        return self._errors(self._model.network_ if network is None else network, index)

    def untouched(self) -> Floats:
        """Error map of the spoiled pictures as they are; a pixel that is missing counts as the average."""
        return self._errors(None, None)

    def restored(self, index: NDArray[np.int64] | None = None, network: Network | None = None) -> Any:
        """What becomes of the spoiled rows at ``index`` (None: of all), in the data's own units."""
        index = np.arange(len(self)) if index is None else index
        model, given = self._model, self.given(index)
        network = model.network_ if network is None else network
        decoded = in_blocks(
            lambda x: network(x).reconstruction, lambda i, j: given[i:j], len(given), model.block_rows_, model._device
        )
        rows = self.data[index] if isinstance(self.data, np.ndarray) else self.data.take(index)
        return model.encoder_.decode(decoded, rows)

    def spoiled(self, index: NDArray[np.int64] | None = None) -> Floats:
        """The spoiled pictures at ``index`` (None: all) as they are given to the model, in the data's own unit and axes."""
        encoder = self._model.encoder_
        given = self.given(np.arange(len(self)) if index is None else index)
        planes = given.numpy() * np.float32(encoder.scale) + encoder.center
        if encoder.channels == "none":
            return planes[:, 0]  # type: ignore[no-any-return]  # the encoder is untyped here
        return planes.transpose(0, 2, 3, 1) if encoder.channels == "last" else planes  # type: ignore[no-any-return]

    def given(self, index: NDArray[np.int64]) -> torch.Tensor:
        """What the network sees of the rows at ``index``, encoded."""
        size = self._model.block_rows_
        parts = torch.zeros((len(index), *self._model.encoder_.layout.input_shape))
        for start in np.unique(index // size * size).tolist():
            here = np.flatnonzero(index // size * size == start)
            parts[torch.from_numpy(here)] = self._block(start, min(start + size, len(self)))[index[here] - start]
        return parts

    def _block(self, start: int, stop: int) -> torch.Tensor:
        """What the network sees of one block of rows; the noise of a block depends on the seed and on its start alone."""
        if self._seen is not None:
            return self._seen.slice(start, stop)
        target = self._clean.slice(start, stop)
        return target if self._corrupt is None else self._corrupt(target, generator_for(self._model.seed_, 5, start))

    def _errors(self, network: Network | None, index: NDArray[np.int64] | None) -> Floats:
        layout = self._model.encoder_.layout
        width = layout.input_shape[0]

        def rows(start: int, stop: int) -> torch.Tensor:
            if index is None:
                return torch.cat([self._block(start, stop), self._clean.slice(start, stop)], dim=1)
            some = index[start:stop]
            return torch.cat([self.given(some), self._clean.take(torch.from_numpy(some))], dim=1)

        def errors(both: torch.Tensor) -> torch.Tensor:
            given, target = both[:, :width], both[:, width:]
            # A pixel that is missing in what is given stands at the average, as the network sees it.
            untouched = given[:, : layout.output_shape[0]].nan_to_num()
            restored = untouched if network is None else network(given).reconstruction
            return error_map(restored, target, layout)

        count = len(self) if index is None else len(index)
        return in_blocks(errors, rows, count, self._model.block_rows_, self._model._device)


def row_errors(errors: Floats) -> NDArray[np.float64]:
    """Mean error of each row over its observed cells, (n_samples,), of an error map."""
    return per_row(torch.from_numpy(errors).double()).numpy()


def mean_error(errors: Floats) -> float:
    """Mean over the rows of an error map, as `compare` gives it."""
    return float(row_errors(errors).mean())
