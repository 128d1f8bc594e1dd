"""How well a denoising autoencoder restores: spoiled rows, what comes of them, and the clean rows they should become.

In: a fitted model, and clean rows, which are spoiled as in training, or pairs. Out: error maps, restored rows, spoiled
pictures, and classical filters beside the model. The same rows are always spoiled in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.corruptions import Chain, GaussianNoise
from isthmus.errors import DataError, ParameterError
from isthmus.losses import error_map, per_row
from isthmus.models.inputs import Data
from isthmus.models.pairs import check_pairs, is_clean_target
from isthmus.nets.blocks import in_blocks
from isthmus.nets.network import Network
from isthmus.prep.pixels import PixelEncoder
from isthmus.restoration import EXACT, Row, compare_filters, psnr
from isthmus.train.loop import generator_for

OURS = "this model"
"""What a table of filters calls the model."""
RANGES = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
"""Highest minus lowest value of pixels whose type says so."""
FILTERED_PIXELS, FEWEST, MOST = 2**19, 4, 200
"""Pixels that the filters are run on, some seconds' worth, in this many pictures at least and at most."""
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
        self.data, self._clean = model._adopted(y if paired else X)
        self._seen = model._rows(X) if paired else None
        self._corrupt = None if paired else model._spoil(model.corruption_)
        self._model = model

    def __len__(self) -> int:
        return len(self._clean)

    def errors(self, network: Network | None = None) -> Floats:
        """Error map of the restored rows against the clean ones, as `Autoencoder.errors` has it.

        Parameters
        ----------
        network : what restores; None: the model's own. PCA is ``model.baseline_``.
        """
        return self._errors(self._model.network_ if network is None else network)

    def untouched(self) -> Floats:
        """Error map of the spoiled pictures as they are; a pixel that is missing counts as the average."""
        return self._errors(None)

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
        if self._corrupt is None:
            return target
        spoiled: torch.Tensor = self._corrupt(target, generator_for(self._model.seed_, 5, start))
        return spoiled

    def _errors(self, network: Network | None) -> Floats:
        layout = self._model.encoder_.layout
        width = layout.input_shape[0]

        def rows(start: int, stop: int) -> torch.Tensor:
            return torch.cat([self._block(start, stop), self._clean.slice(start, stop)], dim=1)

        def errors(both: torch.Tensor) -> torch.Tensor:
            given, target = both[:, :width], both[:, width:]
            # A pixel that is missing in what is given stands at the average, as the network sees it.
            untouched = given[:, : layout.output_shape[0]].nan_to_num()
            restored = untouched if network is None else network(given).reconstruction
            return error_map(restored, target, layout)

        return in_blocks(errors, rows, len(self), self._model.block_rows_, self._model._device)


def mean_error(errors: Floats) -> float:
    """Mean over the rows of an error map, as `compare` gives it."""
    return float(per_row(torch.from_numpy(errors).double()).mean())


def decibels(model: Any, errors: Floats, data_range: float) -> float:
    """Mean PSNR in dB over pictures whose error map this is; a picture counts with 100 at most."""
    mse = per_row(torch.from_numpy(errors).double()).numpy() * model.encoder_.scale**2
    pixels = np.sqrt(mse)[:, None, None]  # one pixel a picture, with the picture's error
    return float(np.minimum(psnr(pixels, np.zeros_like(pixels), data_range), EXACT).mean())


def data_range(model: Any, dtype: object) -> float:
    """Highest minus lowest value that a pixel can have: of the type where it says so, else the range seen in training."""
    seen = float(model.encoder_.high - model.encoder_.low)
    return RANGES.get(str(dtype)) or seen or 1.0


def noise_level(model: Any, data_range: float) -> float | None:
    """Standard deviation of the noise that a model takes off, as a share of ``data_range``; None where it takes off more."""
    noise = getattr(model, "corruption_", None)
    if isinstance(noise, Chain) and len(noise.parts) == 1:
        noise = noise.parts[0]
    if type(noise) is not GaussianNoise:
        return None
    return float(noise.std) * float(model.encoder_.high - model.encoder_.low) / data_range


def filters_beside(
    model: Any, spoiled: NDArray[Any], clean: NDArray[Any], restored: NDArray[Any], sigma: float | None = None
) -> list[Row]:
    """Classical filters and restored pictures, measured on the same pictures.

    Parameters
    ----------
    model : a fitted `DenoisingAutoencoder` of pictures.
    spoiled, clean, restored : (n, height, width), or with channels where they stood at fit.
    sigma : as in `isthmus.restoration.compare_filters`.

    Returns
    -------
    One row for each way, the model's last, with the name `OURS`; on at most 200 pictures, fewer of large ones.

    Raises
    ------
    DataError : pixels are missing.
    """
    three = [_channels_last(model.encoder_, pictures) for pictures in (spoiled, clean, restored)]
    most = filtered(np.shape(clean))
    spread = data_range(model, clean.dtype)
    return compare_filters(three[0], three[1], {OURS: three[2]}, spread, sigma=sigma, most=most)


def filtered(shape: tuple[int, ...]) -> int:
    """Pictures of this shape, (n, height, width) or with channels, that the filters are run on.

    >>> filtered((1000, 28, 28)), filtered((1000, 512, 512)), filtered((3, 28, 28))
    (200, 4, 3)
    """
    pixels = int(np.prod(shape[1:]))
    return int(min(shape[0], MOST, max(FEWEST, FILTERED_PIXELS // max(1, pixels))))


def spoil_pictures(model: Any, pictures: NDArray[Any]) -> NDArray[Any]:
    """A copy of pictures of any size, spoiled by the model's corruption with its seed, of the same type.

    Raises
    ------
    ParameterError : the model has no corruption.
    """
    encoder = model.encoder_
    if model.corruption_ is None:
        raise ParameterError(
            "the model has no corruption to spoil rows with: it was fitted to pairs of spoiled and clean rows, or its file "
            "could not hold it."
        )
    if not encoder.high > encoder.low:
        raise DataError("the pictures of fit were all of one value, so there is no range for a corruption's strength.")
    channels = "auto" if encoder.channels == "none" else encoder.channels
    spoiled: NDArray[Any] = model.corruption_.apply(
        pictures, random_state=model.seed_ % 2**32, low=encoder.low, high=encoder.high, channels=channels
    )
    return spoiled


def as_at_fit(model: Any, pictures: NDArray[Any]) -> NDArray[Any]:
    """Pictures from files with the axes and channels that the model takes, where they can have them.

    Grey ones become coloured for a model of coloured ones; all others stay as they are, and the model says what is wrong.
    """
    encoder: PixelEncoder = model.encoder_
    planes = pictures[..., None] if pictures.ndim == 3 else pictures
    if planes.shape[3] == 1 and len(encoder.center) == 3:
        planes = planes.repeat(3, axis=3)
    if encoder.channels == "first":
        return planes.transpose(0, 3, 1, 2)
    return planes[..., 0] if encoder.channels == "none" and planes.shape[3] == 1 else planes


def _channels_last(encoder: PixelEncoder, pictures: NDArray[Any]) -> NDArray[Any]:
    return pictures.transpose(0, 2, 3, 1) if encoder.channels == "first" else pictures
