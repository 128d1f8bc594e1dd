"""One layer of a list: a line of text, the shape that it makes of another, and its torch modules.

The words are told in `isthmus.nets.layers`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from isthmus.errors import ParameterError
from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.linear import Linear
from isthmus.nets.same import SameConv2d, SameConvTranspose2d
from isthmus.parameters import MOST

Shape = tuple[int, ...]

LARGEST = 2**32
"""Weights in a layer, and values in what it gives for one row: 16 GiB each."""
FORMS = {
    "dense": "dense UNITS [ACTIVATION]",
    "conv": "conv CHANNELS SIZE [stride S] [ACTIVATION]",
    "conv-transpose": "conv-transpose CHANNELS SIZE [stride S] [ACTIVATION]",
    "max-pool": "max-pool S",
    "up": "up S",
    "flatten": "flatten",
    "reshape": "reshape C H W",
}
COUNTS = {"dense": (1,), "conv": (2,), "conv-transpose": (2,), "max-pool": (1,), "up": (1,), "reshape": (1, 3)}
CONVOLUTIONS = {"conv": SameConv2d, "conv-transpose": SameConvTranspose2d}


@dataclass(frozen=True)
class Layer:
    """A line of text, read.

    Attributes
    ----------
    kind : its first word, one of `FORMS`.
    numbers : the whole numbers behind it.
    stride : that of a convolution, else 1.
    activation : a name, "linear" where there is none.
    where : how errors name it: ``layer 3 of the decoder, 'up 2'``.
    """

    kind: str
    numbers: Shape
    stride: int
    activation: str
    where: str

    @property
    def has_weights(self) -> bool:
        """Whether there is anything in it to be learned."""
        return self.kind == "dense" or self.kind in CONVOLUTIONS

    def after(self, shape: Shape) -> Shape:
        """The shape that it makes of ``shape``; a `ParameterError` names both where it cannot."""
        if self.kind in ("flatten", "reshape"):
            made = self.numbers or (math.prod(shape),)
            if math.prod(made) != math.prod(shape):
                raise self._fault(
                    shape, f"{_times(shape)} values, but {_times(made)} asked for; the numbers must agree"
                )
            return made
        weights = 0
        if self.kind == "dense":
            if len(shape) != 1:
                raise self._fault(shape, "a dense layer takes a row of values: put 'flatten' before it")
            made = self.numbers
            weights = shape[0] * made[0]
        else:
            if len(shape) != 3:
                raise self._fault(
                    shape,
                    f"it takes a picture (channels, height, width): put 'reshape C H W' before it, C x H x W = {shape[0]}",
                )
            made = (self._channels(shape[0]), self._side(shape[1]), self._side(shape[2]))
            if self.kind in CONVOLUTIONS:
                weights = shape[0] * made[0] * self.numbers[1] ** 2
            if min(made) < 1:
                raise self._fault(shape, f"{self.numbers[0]} x {self.numbers[0]} pixels are more than the picture has")
        if max(weights, math.prod(made)) > LARGEST:
            raise self._fault(
                shape, f"it would have {weights:,} weights and give {_times(made)} values; at most {LARGEST:,} of each"
            )
        return made

    def modules(self, shape: Shape) -> list[nn.Module]:
        """Its torch modules, for what arrives with ``shape``; made on torch's current device, weights not drawn."""
        made: list[nn.Module] = []
        if self.kind in ("flatten", "reshape"):
            return reshaping(shape, self.after(shape))
        if self.kind == "dense":
            made.append(Linear(shape[0], self.numbers[0]))
        elif self.kind == "max-pool":
            made.append(nn.MaxPool2d(self.numbers[0]))
        elif self.kind == "up":
            made.append(nn.Upsample(scale_factor=self.numbers[0], mode="nearest"))
        else:
            made.append(CONVOLUTIONS[self.kind](shape[0], self.numbers[0], self.numbers[1], self.stride))
        return made if self.activation == "linear" else [*made, ACTIVATIONS[self.activation]()]

    def _channels(self, before: int) -> int:
        return self.numbers[0] if self.kind in CONVOLUTIONS else before

    def _side(self, before: int) -> int:
        if self.kind == "conv":
            return math.ceil(before / self.stride)
        if self.kind == "conv-transpose":
            return before * self.stride
        return before // self.numbers[0] if self.kind == "max-pool" else before * self.numbers[0]

    def _fault(self, arrives: Shape, expected: str) -> ParameterError:
        return ParameterError(f"{self.where}: shape {arrives} arrives there; {expected}.")


def reshaping(shape: Shape, wanted: Shape) -> list[nn.Module]:
    """Modules that make rows of shape ``wanted`` from rows of ``shape``, which has as many values.

    >>> reshaping((1, 7, 7), (49,))
    [Flatten(start_dim=1, end_dim=-1)]
    """
    if shape == wanted:
        return []
    flat: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
    return [*flat, nn.Unflatten(1, wanted)] if len(wanted) > 1 else flat


def read_layer(line: object, where: str) -> Layer:
    """Read one line of text.

    Parameters
    ----------
    line : such as ``"conv 8 3 stride 2 relu"``.
    where : its place in words, such as ``"layer 3 of the decoder"``.

    Raises
    ------
    ParameterError
        If it is not written as one of `FORMS`; the nearest word is offered.

    Examples
    --------
    >>> read_layer("conv 8 3 strid 2", "layer 3 of the decoder")
    Traceback (most recent call last):
    isthmus.errors.ParameterError: layer 3 of the decoder, 'conv 8 3 strid 2': unknown word 'strid'; did you mean 'stride'?
    """
    where = f"{where}, {line!r}"
    words = line.split() if isinstance(line, str) else []
    if not words:
        raise ParameterError(f"{where}: a layer must be text such as 'dense 32 relu'.")
    kind = words.pop(0)
    if kind not in FORMS:
        raise ParameterError(f"{where}: unknown layer {kind!r}; {nearest(kind, FORMS)}")
    numbers = _leading_numbers(words)
    stride, activation = 1, "linear"
    form = f"expected {FORMS[kind]!r}, whole numbers from 1 to {MOST:,}"
    if len(numbers) not in COUNTS.get(kind, (0,)):
        raise ParameterError(f"{where}: {form}.")
    words = words[len(numbers) :]
    if kind in CONVOLUTIONS and words[:1] == ["stride"]:
        if len(_leading_numbers(words[1:])) != 1:
            raise ParameterError(f"{where}: {form}.")
        stride = int(words[1])
        words = words[2:]
    known = _words_of(kind)
    if words and words[0] in known and words[0] != "stride":
        activation = words.pop(0)
    if words and words[0] in known:
        raise ParameterError(f"{where}: {words[0]!r} cannot stand there; {form}.")
    if words:
        hint = nearest(words[0], known) if known else f"{form}."
        raise ParameterError(f"{where}: unknown word {words[0]!r}; {hint}")
    return Layer(kind, numbers, stride, activation, where)


def nearest(word: object, known: Iterable[str]) -> str:
    """The end of a sentence that offers the nearest of ``known`` names, or all of them.

    >>> nearest("ReLu", ["relu", "tanh"]), nearest("x", ["relu", "tanh"])
    ("did you mean 'relu'?", 'known: relu, tanh.')
    """
    known = list(known)
    near = difflib.get_close_matches(str(word).lower(), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."


def _words_of(kind: str) -> tuple[str, ...]:
    activations = ("linear", *ACTIVATIONS)
    if kind in CONVOLUTIONS:
        return ("stride", *activations)
    return activations if kind == "dense" else ()


def _leading_numbers(words: list[str]) -> Shape:
    numbers: list[int] = []
    for word in words:
        # Longer words are out of range anyway, and int() itself refuses the longest.
        if not (word.isascii() and word.isdecimal() and len(word) <= len(str(MOST)) and 1 <= int(word) <= MOST):
            break
        numbers.append(int(word))
    return tuple(numbers)


def _times(shape: Shape) -> str:
    product = f"{math.prod(shape):,}"
    return product if len(shape) == 1 else f"{' x '.join(map(str, shape))} = {product}"
