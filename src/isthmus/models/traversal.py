"""A walk through the latent: one coordinate goes from low to high, the others stay, and each step is decoded.

What changes along the way is what the coordinate stands for. A walk ends where the rows end, since what a decoder makes of
places where no row lies says nothing about the data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.allowed import Allowed
from isthmus.errors import DataError
from isthmus.layout import ColumnLayout
from isthmus.models.inputs import read_input
from isthmus.models.latents import latents_of
from isthmus.parameters import check_value


class Walk(NamedTuple):
    """The steps of a walk.

    Attributes
    ----------
    values : (steps,) float64, the coordinate at each step.
    rows : the decoded rows, in the form that ``fit`` was given and in original units.
    """

    values: NDArray[np.float64]
    rows: Any


def traverse(
    model: Any, X: Any, coordinate: int, *, around: int | None = None, steps: int = 9, width: float = 2.0
) -> Walk:
    """Decode what lies along one latent coordinate.

    Parameters
    ----------
    model : Autoencoder
        Fitted.
    X : array, frame, pictures or path
        Rows that show where latents lie; anything that the model's ``transform`` takes, at least two rows.
    coordinate : int
        Which coordinate goes from low to high, counted from 0.
    around : int, default None
        The row of ``X``, counted from 0, at whose latent the other coordinates stay; None: at the mean latent of ``X``.
    steps : int >= 2, default 9
        Rows to decode, at equal distances.
    width : float > 0, default 2.0
        How far the walk goes below and above the mean of the coordinate, in its standard deviations over ``X``; never
        beyond the smallest and the largest there.

    Returns
    -------
    Walk
        ``values`` (steps,) of the coordinate, and the decoded ``rows``.

    Raises
    ------
    ParameterError : a value that is not allowed, or a model that has no latents.
    DataError, DataTypeError : rows that do not fit the model, or a coordinate that does not vary in them.

    Examples
    --------
    >>> import isthmus
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> model = isthmus.Autoencoder(latent_dim=2, max_epochs=0, random_state=0).fit(X)
    >>> values, flowers = traverse(model, X, 0, steps=3)
    >>> flowers[:, 2].round(1)  # small petals, usual ones, large ones
    array([1., 4., 7.])
    """
    check_value("steps", steps, Allowed("", number="int", low=2), "traverse")
    check_value("width", width, Allowed("", number="float", low=0, open_low=True), "traverse")
    latents = latents_of(model, X)
    n_rows, size = latents.shape
    check_value("coordinate", coordinate, Allowed("", number="int", low=0, high=size - 1), "traverse")
    check_value("around", around, Allowed("", number="int", low=0, high=n_rows - 1, none=True), "traverse")
    mean, along = latents.mean(axis=0), latents[:, coordinate]
    if along.min() == along.max():
        raise DataError(
            f"latent coordinate {coordinate} is the same in all {n_rows:,} rows of X, so there is no way to go along "
            "it; give rows that differ, or name another."
        )
    start = mean if around is None else latents[around]
    low, high = (mean[coordinate] + np.array([-width, width]) * along.std()).clip(along.min(), along.max())
    values = np.linspace(low, high, steps)
    places = np.repeat(start[None], steps, axis=0)
    places[:, coordinate] = values
    return Walk(values, model.inverse_transform(places))


def column_changes(model: Any, rows: Any) -> NDArray[np.float64]:
    """How much each column differs between rows, (n_columns,), for instance along a walk.

    It is the standard deviation in the network's units, in which columns of any kind and unit can be compared; of a category,
    that of all its levels together.

    Parameters
    ----------
    model : Autoencoder fitted to rows of columns, not to pictures.
    rows : anything that its ``transform`` takes.
    """
    layout = model.encoder_.layout
    if not isinstance(layout, ColumnLayout):
        raise DataError("pictures have no columns; look at the pictures themselves.")
    data, _ = model.encoder_.adopt(read_input(model, rows, reset=False))
    encoded = np.nan_to_num(model.encoder_.encode(data)[:, : layout.n_targets].astype(np.float64))
    variances = encoded.var(axis=0)
    categories = [variances[where].sum() for where in layout.level_positions]
    grouped = np.sqrt([*variances[: layout.n_numbers + layout.n_flags], *categories])
    return grouped if layout.in_order else grouped[list(layout.order)]
