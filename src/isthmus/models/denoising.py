"""The denoising autoencoder: trained to give back clean rows from spoiled ones."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from isthmus.corruptions import ColumnSpace, Corruption, GaussianNoise, Swap
from isthmus.errors import ParameterError
from isthmus.models.base import BaseAutoencoder
from isthmus.models.inputs import read_input
from isthmus.models.pairs import check_pairs, is_clean_target
from isthmus.models.restoring import restoration
from isthmus.models.tiling import restore_any_size
from isthmus.parameters import AutoencoderParameters, DenoisingParameters
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.train.job import Corrupt


def _has_latent(model: Any) -> bool:
    """Whether there is a latent to transform to; an AttributeError says why not, as scikit-learn expects."""
    unet = model.plan_.network == "unet" if hasattr(model, "plan_") else model.network == "unet"
    if unet:
        raise AttributeError(
            'network="unet" restores pictures without a latent; for one say network="conv" or "dense", or a latent_dim.'
        )
    return True


class _OnlyWithLatent:
    """What a network without a latent lacks.

    scikit-learn wraps a ``transform`` that stands in a transformer's own body, and thereby makes it always there; here it
    does not look.
    """

    transform = available_if(_has_latent)(BaseAutoencoder.transform)
    inverse_transform = available_if(_has_latent)(BaseAutoencoder.inverse_transform)


class DenoisingAutoencoder(DenoisingParameters, _OnlyWithLatent, BaseAutoencoder):
    """Restore what is spoiled: noise, holes, watermarks, missing cells, lost colour.

    In training each clean row is spoiled anew at every step, and the network learns to give back the clean one (Vincent et
    al. 2008). Pictures of at least 16 x 16 get a U-shaped convolutional network without a bottleneck (see
    `isthmus.nets.unet`); everything else, and whoever asks for a ``latent_dim``, gets the networks of `Autoencoder`.

    Parameters
    ----------
    corruption : "auto" or a corruption of `isthmus.corruptions`, default "auto"
        What spoils the rows; several are joined by ``|``. Strengths are shares of the data's range for pictures; for columns they
        are in the unit of ``scaling``: each column's standard deviation ("column"), the common one ("common"), the range of
        all ("range"), or raw ("none"). "auto": ``GaussianNoise(0.2)`` for pictures and arrays of one unit, ``Swap(0.15)`` for
        tables; nothing where ``fit`` gets pairs of spoiled and clean rows.
    latent_dim, network, and all others : as in `Autoencoder`; ``network="unet"`` too.

    Attributes
    ----------
    corruption_ : the corruption that was used; None for pairs, and where a file could not hold it (a picture watermark).
    All others : as in `Autoencoder`; a network without a latent has ``latent_dim_`` 0 and no ``transform``.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol 2008, "Extracting and composing robust features with denoising autoencoders".

    Examples
    --------
    >>> import isthmus
    >>> from isthmus.corruptions import GaussianNoise
    >>> digits = isthmus.datasets.load("digits") / 16
    >>> model = isthmus.DenoisingAutoencoder(GaussianNoise(0.2), max_epochs=3, random_state=0).fit(digits[:1500])
    >>> noisy = GaussianNoise(0.2).apply(digits[1500:], random_state=1)
    >>> bool(((model.denoise(noisy) - digits[1500:]) ** 2).mean() < ((noisy - digits[1500:]) ** 2).mean())
    True
    """

    corruption_: Corruption | None

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to clean rows, which are spoiled in training, or to pairs of spoiled and clean rows.

        Parameters
        ----------
        X : as in `Autoencoder.fit`: clean rows, or spoiled ones where ``y`` has their clean form.
        y : the clean rows, of exactly the shape and order of ``X``; None or one value a row (labels) is ignored.

        Raises
        ------
        ParameterError : a corruption that is none, or that does not suit the kind of data.
        DataError : pairs of different shape or order, rows that cannot be used.
        """
        self._check_corruption()
        if not is_clean_target(X, y):
            return self._fit(X)
        check_pairs(X, y)
        self._paired = True
        try:
            return self._fit(y, seen=X)
        finally:
            del self._paired

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """As `Autoencoder.partial_fit`, over clean rows, which are spoiled as in `fit`; pairs are an error."""
        self._check_corruption()
        if is_clean_target(X, y):
            raise ParameterError("partial_fit takes clean rows and spoils them itself; give pairs to fit.")
        if isinstance(self.corruption, str) and getattr(self, "corruption_", Corruption) is None:
            raise ParameterError(
                "the model was fitted to pairs, or its file could not hold its corruption: say which corruption partial_fit "
                "shall use."
            )
        return super().partial_fit(X)

    def denoise(self, X: Any) -> Any:
        """Restored rows, of the kind that came in and in original units.

        Pictures may have another size than those of fit: they are then restored in overlapping tiles.

        Raises
        ------
        DataError : rows whose columns or channels do not fit those of fit.
        """
        check_is_fitted(self)
        if isinstance(self.encoder_, PixelEncoder):
            pictures = np.asarray(read_input(self, X, reset=False))
            if pictures.ndim > 2:
                restored = restore_any_size(self, pictures)
                return restored if restored is not None else self.reconstruct(X)
        return self.reconstruct(X)

    def compare(self, X: Any, y: Any = None) -> dict[str, float | None]:
        """The mean error of restored rows beside that of PCA and of the spoiled rows as they are.

        Parameters
        ----------
        X : clean rows, which are spoiled as in training (with the model's seed), or spoiled ones with ``y`` their clean form.
        y : as in `fit`.

        Returns
        -------
        ``error``, ``pca_error`` (None where the network has no latent), ``ratio`` of the two, ``untouched_error`` (None for
        tables, whose spoiled cells are no guess).
        """
        found = restoration(self, X, y)
        return {name: found[name] for name in ("error", "pca_error", "ratio", "untouched_error")}

    def _check_corruption(self) -> None:
        if not (
            self.corruption == "auto" if isinstance(self.corruption, str) else isinstance(self.corruption, Corruption)
        ):
            raise ParameterError(
                'corruption must be "auto" or one of isthmus.corruptions, such as isthmus.corruptions.GaussianNoise(0.2); '
                f"got {self.corruption!r}."
            )

    def _corruption(self) -> Corrupt | None:
        if isinstance(self.corruption, Corruption):
            self.corruption_ = self.corruption
        elif getattr(self, "_paired", False):
            self.corruption_ = None
        else:
            self.corruption_ = GaussianNoise(0.2) if _one_unit(self) else Swap(0.15)
        return None if self.corruption_ is None else self._spoil(self.corruption_)

    def _spoil(self, corruption: Corruption) -> Corrupt:
        """``corruption`` as a function of rows in network units."""
        low, high = self.network_.bounds.low, self.network_.bounds.high
        if isinstance(self.encoder_, ColumnEncoder):
            return _on_columns(corruption, self.encoder_, low, high)
        span = (high - low).clamp_min(1e-12)
        return lambda x, generator: low + span * corruption.on_pictures((x - low) / span, generator)

    @property
    def _parameters(self) -> AutoencoderParameters:
        return self


def _one_unit(model: DenoisingAutoencoder) -> bool:
    """Whether all values share one unit: pictures, and arrays that were scaled by one factor."""
    return isinstance(model.encoder_, PixelEncoder) or model.plan_.scaling != "column"


def _on_columns(corruption: Corruption, encoder: ColumnEncoder, low: torch.Tensor, high: torch.Tensor) -> Corrupt:
    """``corruption`` as a function of encoded rows; a cell that it takes away is marked as missing where there are marks."""
    layout, marks = encoder.layout, len(encoder.gaps)
    numbers = slice(layout.n_numbers)
    # Network units are standard deviations already.
    deviations, owner = low.new_ones(layout.n_numbers), torch.from_numpy(encoder.owners())
    space = ColumnSpace(layout, deviations, low[numbers], high[numbers], owner)

    def spoil(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        spoiled = corruption.on_columns(x, generator, space)
        if marks:
            spoiled[:, -marks:] = spoiled[:, -marks:].nan_to_num(nan=1.0)
        return spoiled

    return spoil
