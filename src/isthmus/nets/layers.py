"""Networks from a short declarative list of layers, one line of text each, and their first weights.

    dense UNITS [ACTIVATION]                               a row of values to a row of UNITS values
    conv CHANNELS SIZE [stride S] [ACTIVATION]             windows of SIZE x SIZE pixels, height and width divided by S
    conv-transpose CHANNELS SIZE [stride S] [ACTIVATION]   its transpose: height and width times S
    max-pool S                                             the largest of every S x S pixels; what is left over is dropped
    up S                                                   every pixel S x S times
    flatten                                                a picture to a row
    reshape C H W, reshape N                               a row to a picture of C channels, a picture to a row

ACTIVATION is one of `isthmus.nets.activations`, or "linear", the default. Convolutions pad as Keras's "same" does
(`isthmus.nets.same`). Pictures are (channels, height, width): a flattened picture is channel after channel, where Keras
has pixel after pixel; to a dense layer on it this is only another order of its weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import torch
from torch import nn

from isthmus.errors import ParameterError
from isthmus.nets.layer import Layer, Shape, nearest, read_layer, reshaping

INITIALIZERS = ("glorot-uniform", "he-uniform", "normal", "torch")
PARTS = ("encoder", "decoder")


@dataclass(frozen=True)
class Layers:
    """An encoder and a decoder as lists of layers.

    Attributes
    ----------
    encoder : layers from a row or a picture to the latent, which is flattened at its end.
    decoder : layers from the latent to the reconstruction.
    initializer : how first weights are drawn, default "glorot-uniform"; see `draw`.
    """

    encoder: tuple[str, ...]
    decoder: tuple[str, ...]
    initializer: str = "glorot-uniform"


def layers_from(given: object) -> Layers:
    """Read what a user gave as layers, and check every word of it.

    Parameters
    ----------
    given : a mapping with "encoder" and "decoder", each a list of lines, and "initializer" or not; or `Layers`.

    Raises
    ------
    ParameterError
        If a key, a layer or a word in it is not known; the nearest name is offered.

    Examples
    --------
    >>> layers_from({"encoder": ["flatten", "dense 3 relu"], "decoder": ["dense 784  sigmoid"]})
    Layers(encoder=('flatten', 'dense 3 relu'), decoder=('dense 784 sigmoid',), initializer='glorot-uniform')
    """
    names = [field.name for field in fields(Layers)]
    if isinstance(given, Layers):
        given = {name: getattr(given, name) for name in names}
    if not isinstance(given, Mapping):
        raise ParameterError(
            f'network as layers must be a dict such as {{"encoder": ["dense 32 relu"], "decoder": ["dense 784"]}}; got {given!r}.'
        )
    for key in given:
        if key not in names:
            raise ParameterError(f"network as layers has no key {key!r}; {nearest(key, names)}")
    lines: dict[str, tuple[str, ...]] = {}
    for part in PARTS:
        value = given.get(part)
        if not isinstance(value, (list, tuple)) or not value:
            raise ParameterError(
                f"the {part} of network must be a list of layers such as ['dense 32 relu']; got {value!r}."
            )
        _read(value, part)
        lines[part] = tuple(" ".join(line.split()) for line in value)
    initializer = given.get("initializer", Layers.initializer)
    _check_initializer(initializer)
    return Layers(lines["encoder"], lines["decoder"], initializer)


def latent_size(layers: Layers, input_shape: tuple[int, ...]) -> int:
    """Values in one latent, from a row (n_columns,) or a picture (channels, height, width).

    Raises
    ------
    ParameterError
        If a layer cannot take the shape that arrives there.

    Examples
    --------
    >>> latent_size(Layers(("conv 4 3 relu", "max-pool 2"), ("dense 784",)), (1, 28, 28))
    784
    """
    shape = input_shape
    for layer in _read(layers.encoder, "encoder"):
        shape = layer.after(shape)
    return math.prod(shape)


def ends_in_sigmoid(layers: Layers) -> bool:
    """Whether the decoder's last layer that has weights ends in a sigmoid, so that its values lie between 0 and 1.

    >>> ends_in_sigmoid(Layers(("dense 3",), ("dense 784 sigmoid", "reshape 1 28 28")))
    True
    """
    weighted = [layer for layer in _read(layers.decoder, "decoder") if layer.has_weights]
    return bool(weighted) and weighted[-1].activation == "sigmoid"


def is_wide(layers: Layers, units: int) -> bool:
    """Whether convolutions are among the layers, or a hidden dense layer of at least ``units``.

    >>> few = Layers(("dense 9 relu", "dense 3"), ("dense 784 sigmoid", "reshape 1 28 28"))
    >>> is_wide(few, 9), is_wide(few, 10)
    (True, False)
    """
    weighted = [layer for part in PARTS for layer in _read(getattr(layers, part), part) if layer.has_weights]
    convolved = any(layer.kind != "dense" for layer in weighted)
    return convolved or any(layer.numbers[0] >= units for layer in weighted[:-1])


def build_pair(
    layers: Layers, input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder (n, *input_shape) to (n, latent) and decoder (n, latent) to (n, *output_shape); weights are not drawn yet.

    Parameters
    ----------
    layers : what to build, as `layers_from` gives it.
    input_shape, output_shape : (n_columns,) or (channels, height, width).

    Raises
    ------
    ParameterError
        If a layer cannot take the shape that arrives there, or the decoder ends with another number of values than
        ``output_shape`` has.

    Examples
    --------
    >>> encoder, decoder = build_pair(Layers(("flatten", "dense 3"), ("dense 784",)), (1, 28, 28), (1, 28, 28))
    >>> draw(encoder, "glorot-uniform", torch.Generator().manual_seed(0))
    >>> encoder(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 3])
    """
    encoder, code = _modules(layers.encoder, "encoder", input_shape)
    latent = (math.prod(code),)
    decoder, last = _modules(layers.decoder, "decoder", latent)
    if math.prod(last) != math.prod(output_shape):
        raise ParameterError(
            f"layer {len(layers.decoder)} of the decoder, {layers.decoder[-1]!r}, is its last and gives shape {last}, "
            f"{math.prod(last):,} values; the data have shape {output_shape}, {math.prod(output_shape):,} values: "
            "change it to give as many."
        )
    return nn.Sequential(*encoder, *reshaping(code, latent)), nn.Sequential(*decoder, *reshaping(last, output_shape))


@torch.no_grad()
def draw(module: nn.Module, initializer: str, generator: torch.Generator) -> None:
    """Fill the dense and convolutional layers of ``module`` with first weights, from ``generator`` alone.

    Parameters
    ----------
    module : what to fill, in place.
    initializer : "glorot-uniform", which Keras does: weights uniform within sqrt(6 / (inputs + outputs)), biases zero
        (Glorot and Bengio 2010). "he-uniform": weights uniform within sqrt(6 / inputs), biases zero (He et al. 2015).
        "normal": weights and biases from N(0, 1). "torch", which torch does: weights and biases uniform within
        sqrt(1 / inputs). Inputs and outputs of a convolution count every pixel of its window.
    generator : what they are drawn from, layer by layer, each layer's weights before its biases; the memory format and
        the device of the weights play no part.

    Raises
    ------
    ParameterError
        If there is no such initializer.
    """
    _check_initializer(initializer)
    for layer in module.modules():
        if not isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            continue
        # A transposed convolution has its inputs on the first axis; Keras and torch both count its fans as if on the second.
        window = layer.weight[0, 0].numel()
        inputs, outputs = layer.weight.shape[1] * window, layer.weight.shape[0] * window
        bound = {"glorot-uniform": 6 / (inputs + outputs), "he-uniform": 6 / inputs}.get(initializer, 1 / inputs) ** 0.5
        for weights in (layer.weight, layer.bias):
            if weights is None:
                continue
            values = torch.zeros(weights.shape, dtype=weights.dtype, device=generator.device)
            if initializer == "normal":
                values.normal_(generator=generator)
            elif weights is layer.weight or initializer == "torch":
                values.uniform_(-bound, bound, generator=generator)
            weights.copy_(values)


def _read(lines: Iterable[object], part: str) -> list[Layer]:
    return [read_layer(line, f"layer {n} of the {part}") for n, line in enumerate(lines, start=1)]


def _modules(lines: tuple[str, ...], part: str, shape: Shape) -> tuple[list[nn.Module], Shape]:
    made: list[nn.Module] = []
    for layer in _read(lines, part):
        after = layer.after(shape)  # its errors come before anything is made
        made += layer.modules(shape)
        shape = after
    return made, shape


def _check_initializer(name: object) -> None:
    if name not in INITIALIZERS:
        raise ParameterError(f"unknown initializer {name!r}; {nearest(name, INITIALIZERS)}")
