"""The latents of rows, as float64, from a model that has any: what neighbours and walks start from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from isthmus.errors import ParameterError
from isthmus.models.base import BaseAutoencoder


def latents_of(model: Any, X: Any) -> NDArray[np.float64]:
    """Latents of the rows of ``X``, (n_samples, latent_dim), in float64.

    Raises
    ------
    ParameterError : ``model`` is not an autoencoder of isthmus, or one that squeezes nothing into a latent.
    DataError, DataTypeError : rows that do not fit the model.
    """
    if not isinstance(model, BaseAutoencoder):
        raise ParameterError(f"model must be a fitted isthmus autoencoder; got a {type(model).__name__}.")
    check_is_fitted(model)
    check_latent(model)
    return model.transform(X).astype(np.float64)


def check_latent(model: Any) -> None:
    """Raise `ParameterError` where a fitted model squeezes nothing into a latent."""
    if not hasattr(model, "transform"):
        raise ParameterError(
            "this model has no latent (its network passes details around the bottleneck); use another."
        )
