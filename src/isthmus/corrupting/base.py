"""The base of all corruptions, their chains, and their description as JSON."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.corrupting.raw import PictureRange, as_dtype, check_range, checked_array, generator_from
from isthmus.corrupting.space import ColumnSpace, space_of_rows
from isthmus.errors import DataTypeError, ParameterError
from isthmus.parameters import check_value

Spec = list[dict[str, Any]]


class Corruption:
    """Spoils pictures or rows; base of all kinds, which are joined by ``|``.

    Own kinds are subclasses that define `on_pictures`, `on_columns` or both.
    """

    for_pictures: ClassVar[str] = "GaussianNoise"
    """The kind to use for pictures in place of one that is for rows."""
    for_columns: ClassVar[str] = "MaskingNoise"
    """The kind to use for rows in place of one that is for pictures."""

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Spoil a batch of pictures.

        Parameters
        ----------
        x : Tensor (n, channels, height, width), float32
            0 is the lowest and 1 the highest value of the data range. Not changed.
        generator : torch.Generator
            All that is random comes from it.

        Returns
        -------
        Tensor of the same shape.

        Raises
        ------
        ParameterError : this kind is for rows.
        """
        name = type(self).__name__
        raise ParameterError(f"{name} is for rows of columns, got pictures; use {self.for_pictures} for pictures.")

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Spoil a batch of a table's rows.

        Parameters
        ----------
        x : Tensor (n, n_inputs)
            Encoded rows; NaN is a missing cell. Not changed.
        generator : torch.Generator
            All that is random comes from it.
        space : ColumnSpace
            What the positions are.

        Returns
        -------
        Tensor of the same shape.

        Raises
        ------
        ParameterError : this kind is for pictures.
        """
        name = type(self).__name__
        raise ParameterError(f"{name} is for pictures, got rows of columns; use {self.for_columns} for rows.")

    def apply(
        self,
        X: Any,
        random_state: Any = None,
        *,
        low: float | None = None,
        high: float | None = None,
        channels: str = "auto",
    ) -> NDArray[Any]:
        """A corrupted copy of an array.

        Parameters
        ----------
        X : array of pictures (n, h, w), (n, h, w, c) or (n, c, h, w), or of rows (n, n_columns)
            The strengths of noise on rows are in standard deviations of each column.
        random_state : int, None or numpy RandomState, default None
            Seed; the same seed gives the same bytes. None draws one.
        low, high : float, default None
            Range of the values. None: of pictures 0 to 255 for uint8, the lowest and the highest value of X for others; of
            rows each column's own.
        channels : "auto", "first" or "last", default "auto"
            Axis of the channels in a 4-D array; "auto" takes the axis that is at most 4 long.

        Returns
        -------
        ndarray of the shape and dtype of X (integers are rounded). Values that were left alone are the same to the bit.

        Raises
        ------
        ParameterError, DataError, DataTypeError : X or a parameter cannot be used.

        Examples
        --------
        >>> from isthmus.corruptions import SaltPepper
        >>> SaltPepper(1.0).apply(np.full((1, 2, 4), 100, dtype=np.uint8), random_state=0)
        array([[[  0, 255,   0,   0],
                [  0, 255,   0, 255]]], dtype=uint8)
        """
        array, generator = checked_array(X), generator_from(random_state)
        check_range(low, high)
        if array.ndim == 2:
            rows = array.astype(np.float64)
            spoilt = self.on_columns(torch.from_numpy(rows), generator, space_of_rows(rows, low, high)).numpy()
            if array.dtype.kind in "iub" and np.isnan(spoilt).any():
                raise DataTypeError(
                    f"the corruption marks cells as missing (NaN), which {array.dtype} cannot hold; give X.astype(float)."
                )
            return np.where(spoilt != rows, as_dtype(spoilt, array.dtype), array)
        place = PictureRange.of(array, low, high, channels)
        unit = place.to_unit(array)
        return place.from_unit(self.on_pictures(unit, generator), unit, array)

    def to_spec(self) -> Spec | None:
        """The corruption as JSON can hold it, for `isthmus.corruptions.from_spec`; None where it cannot be."""
        return None

    def __or__(self, other: object) -> Chain:
        """First this corruption, then ``other``."""
        return Chain((self, other)) if isinstance(other, Corruption) else NotImplemented


@dataclass(frozen=True)
class Declared(Corruption):
    """Base of the kinds whose parameters are dataclass fields made by `isthmus.parameters.parameter`.

    A kind checks its other fields itself.
    """

    def __post_init__(self) -> None:
        """Check each parameter, and keep plain numbers, so that equal corruptions have equal descriptions."""
        for field in dataclasses.fields(self):
            if "allowed" not in field.metadata:
                continue
            rule, value = field.metadata["allowed"], getattr(self, field.name)
            try:
                check_value(field.name, value, rule, type(self).__name__)
            except ParameterError as error:
                unit = f" {rule.help}" if rule.number and isinstance(value, (numbers.Real, tuple, list)) else ""
                raise ParameterError(f"{error}{unit}") from None
            object.__setattr__(self, field.name, _plain(value))

    def to_spec(self) -> Spec | None:
        """The name of the kind and its parameters."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return [{"name": type(self).__name__, **plain}]


@dataclass(frozen=True, repr=False)
class Chain(Corruption):
    """Corruptions that are applied one after the other, first to last.

    ``a | b`` makes one. A chain in a chain gives its parts, so chains of the same parts are equal.

    Parameters
    ----------
    parts : sequence of Corruption
        At least one.

    Examples
    --------
    >>> from isthmus.corruptions import GaussianNoise, Holes
    >>> GaussianNoise(0.2) | Holes(count=2)
    GaussianNoise(std=0.2, clip=True) | Holes(count=2, size=(0.2, 0.4), shape='boxes', value=0.0)
    """

    parts: tuple[Corruption, ...]

    def __post_init__(self) -> None:
        """Check the parts, and take chains among them apart."""
        given: object = self.parts
        if not isinstance(given, Sequence) or not given or not all(isinstance(p, Corruption) for p in given):
            raise ParameterError(f"parts of Chain must be a sequence of corruptions, at least one; got {given!r}.")
        flat = tuple(part for p in given for part in (p.parts if isinstance(p, Chain) else (p,)))
        object.__setattr__(self, "parts", flat)

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.parts))

    def on_pictures(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Spoil pictures by each part in turn."""
        for part in self.parts:
            x = part.on_pictures(x, generator)
        return x

    def on_columns(self, x: Tensor, generator: torch.Generator, space: ColumnSpace) -> Tensor:
        """Spoil rows by each part in turn."""
        for part in self.parts:
            x = part.on_columns(x, generator, space)
        return x

    def to_spec(self) -> Spec | None:
        """The descriptions of all parts; None where one has none."""
        specs = [part.to_spec() for part in self.parts]
        return None if None in specs else [entry for spec in specs for entry in spec or ()]


def uniform(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Uniform numbers from [0, 1), drawn where the generator is and moved to where ``like`` is.

    Drawing on one kind of device gives the same numbers whatever device trains.
    """
    return torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def normal(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Standard normal numbers of the type of ``like``, drawn as `uniform` draws."""
    return torch.randn(shape, generator=generator, device=generator.device).to(like)


def along_batch(strength: float | tuple[float, float], like: Tensor) -> float | Tensor:
    """A strength as it is; of a pair (first, last) each row's own, evenly from the first row to the last.

    Parameters
    ----------
    like : Tensor (n, ...); the rows' strengths (n, 1, ...) are of its type, and reach over its other axes.
    """
    if not isinstance(strength, tuple):
        return strength
    steps = torch.linspace(*strength, len(like), dtype=like.dtype)  # the same on every kind of device
    return steps.to(like.device).reshape(-1, *[1] * (like.ndim - 1))


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_plain(v) for v in value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)
