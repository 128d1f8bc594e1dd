"""Tests of `isthmus.nets.layers` and `isthmus.nets.layer`: networks from lists of layers, and first weights."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.errors import ParameterError
from isthmus.nets.activations import ACTIVATIONS
from isthmus.nets.blocks import in_blocks
from isthmus.nets.layers import (
    INITIALIZERS,
    Layers,
    build_pair,
    draw,
    ends_in_sigmoid,
    latent_size,
    layers_from,
)

PICTURE = (1, 28, 28)
SEVEN_CONVOLUTIONS = Layers(
    ("conv 4 3 relu", "max-pool 2", "conv 8 3 relu", "max-pool 2", "conv 1 7 relu"),
    ("reshape 1 7 7", "conv 16 3 relu", "up 2", "conv 8 3 relu", "up 2", "conv 4 3 relu", "conv 1 3 sigmoid"),
)
STRIDED = Layers(
    ("conv 16 3 stride 2 relu", "conv 8 3 stride 2 relu"),
    (
        "reshape 8 7 7",
        "conv-transpose 8 3 stride 2 relu",
        "conv-transpose 16 3 stride 2 relu",
        "conv 1 3 sigmoid",
    ),
)
SYSTEMS = {
    "mnist-deep-sigmoid": (
        Layers(
            ("dense 256 sigmoid", "dense 128 sigmoid"), ("dense 128 sigmoid", "dense 784 sigmoid"), "normal"
        ), (784,), 128, 784 * 256 + 256 + 256 * 128 + 128 + 128 * 128 + 128 + 128 * 784 + 784,
    ),
    "mnist-deep-sigmoid mirrored": (
        Layers(
            ("flatten", "dense 256 sigmoid", "dense 128 sigmoid"), ("dense 256 sigmoid", "dense 784 sigmoid"), "normal"
        ), PICTURE, 128, 784 * 256 + 256 + 256 * 128 + 128 + 128 * 256 + 256 + 256 * 784 + 784,
    ),
    "mnist-dense-36": (Layers(("dense 36 relu",), ("dense 784 sigmoid",)), (784,), 36, 57_268),
    # Weights and biases as Keras's summary counts them.
    "mnist-conv-7x7": (SEVEN_CONVOLUTIONS, PICTURE, 49, 40 + 296 + 393 + 160 + 1_160 + 292 + 37),
    "mnist-3d": (Layers(("flatten", "dense 3 relu"), ("dense 784 sigmoid", "reshape 1 28 28")), PICTURE, 3, 5_491),
    "mnist-one-hidden-256": (
        Layers(("dense 256 sigmoid",), ("dense 784 sigmoid",), "normal"), (784,), 256, 402_448,
    ),
    "fashion-64": (Layers(("flatten", "dense 64 relu"), ("dense 784 sigmoid", "reshape 1 28 28")), PICTURE, 64, 101_200),
    "fashion-denoise": (STRIDED, PICTURE, 392, 160 + 1_160 + 584 + 1_168 + 145),
    "ecg-anomaly": (
        Layers(
            ("dense 32 relu", "dense 16 relu", "dense 8 relu"), ("dense 16 relu", "dense 32 relu", "dense 140 sigmoid")
        ), (140,), 8, 4_512 + 528 + 136 + 144 + 544 + 4_620,
    ),
}  # fmt: skip
ROWS = {"encoder": ["dense 3 relu"], "decoder": ["dense 10"]}


def seeded(seed=0):
    """A generator."""
    return torch.Generator().manual_seed(seed)


def built(layers, input_shape, output_shape=None, seed=0):
    """Encoder and decoder made without memory, then filled, as an estimator makes them."""
    with torch.device("meta"):
        pair = build_pair(layers, input_shape, output_shape or input_shape)
    generator = seeded(seed)
    for part in pair:
        part.to_empty(device="cpu")
        draw(part, layers.initializer, generator)
    return pair


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_systems_as_written(name):
    """Each network of the tutorials has its latent, its shapes and its number of weights."""
    layers, shape, latent, n_weights = SYSTEMS[name]
    layers = layers_from(layers)
    encoder, decoder = built(layers, shape)
    z = encoder(torch.rand(5, *shape, generator=seeded()))
    y = decoder(z)
    assert latent_size(layers, shape) == latent
    assert z.shape == (5, latent)
    assert y.shape == (5, *shape)
    assert ends_in_sigmoid(layers)
    assert 0 <= y.min() <= y.max() <= 1
    assert sum(w.numel() for part in (encoder, decoder) for w in part.parameters()) == n_weights


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_row_gets_the_same_bytes_alone(name):
    """Out of training, a row's latent and reconstruction do not depend on its place or its neighbours in a block."""
    layers, shape, _, _ = SYSTEMS[name]
    network = nn.Sequential(*built(layers, shape)).to(memory_format=torch.channels_last).eval()
    x = torch.rand(21, *shape, generator=seeded(1))
    whole = in_blocks(network, lambda i, j: x[i:j], 21, 16, torch.device("cpu"))
    for i in (0, 7, 15, 20):
        alone = in_blocks(network, lambda i, j, row=x[i : i + 1]: row, 1, 16, torch.device("cpu"))
        assert np.array_equal(alone[0], whole[i])


@pytest.mark.parametrize("activation", ["linear", *ACTIVATIONS])
def test_activations_by_name(activation):
    """A layer ends in the activation that its line names."""
    encoder, _ = built(Layers((f"dense 4 {activation}",), ("dense 10",)), (10,))
    made = [type(module) for module in encoder.modules()]
    assert set(made) & set(ACTIVATIONS.values()) == ({ACTIVATIONS[activation]} if activation != "linear" else set())


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("conv 5 3", (5, 7, 10)), ("conv 5 4 stride 3", (5, 3, 4)), ("conv-transpose 5 3 stride 2", (5, 14, 20)),
        ("max-pool 3", (2, 2, 3)), ("up 3", (2, 21, 30)), ("flatten", (140,)), ("reshape 140", (140,)),
        ("reshape 10 7 2", (10, 7, 2)), ("conv 1 1 stride 9 gelu", (1, 1, 2)),
    ],
)  # fmt: skip
def test_shapes_by_arithmetic_are_those_that_come_out(line, shape):
    """The size of the latent is known without a network, and is what the network gives."""
    layers = Layers((line,), ("dense 3",))
    encoder, _ = built(layers, (2, 7, 10), (3,))
    assert latent_size(layers, (2, 7, 10)) == math.prod(shape)
    assert encoder(torch.zeros(4, 2, 7, 10)).shape == (4, math.prod(shape))
    decoder = built(Layers(("flatten",), ("reshape 2 7 10", line)), (2, 7, 10), shape)[1]
    assert decoder(torch.zeros(4, 140)).shape == (4, *shape)


def test_up_repeats_pixels_and_max_pool_undoes_it():
    """Enlarged by repeating pixels, then the largest of each square: the picture again."""
    encoder, _ = built(Layers(("up 2", "max-pool 2"), ("dense 24",)), (2, 3, 4))
    x = torch.randn(5, 2, 3, 4, generator=seeded())
    assert torch.equal(encoder(x), x.flatten(1))


def test_reshape_undoes_flatten():
    """A picture made flat and back is the same picture."""
    _, decoder = built(Layers(("flatten",), ("reshape 2 3 4", "flatten")), (2, 3, 4))
    x = torch.randn(5, 2, 3, 4, generator=seeded())
    assert torch.equal(decoder(x.flatten(1)), x)


def test_layers_survive_json():
    """What a model file keeps gives the same layers."""
    layers = layers_from(SEVEN_CONVOLUTIONS)
    assert layers_from(json.loads(json.dumps(dataclasses.asdict(layers)))) == layers
    assert layers_from(layers) == layers
    assert hash(layers_from(layers)) == hash(layers)


def test_spaces_do_not_matter():
    """Two ways to space a line are one."""
    assert layers_from(ROWS | {"decoder": ["  dense   10 "]}) == layers_from(ROWS)


@pytest.mark.parametrize(
    ("decoder", "answer"),
    [
        (("dense 9 sigmoid",), True), (("dense 9 sigmoid", "reshape 1 3 3"), True), (("reshape 1 3 3",), False),
        (("dense 9 sigmoid", "dense 9"), False), (("dense 3 relu", "conv-transpose 1 3 sigmoid", "up 2"), True),
    ],
)  # fmt: skip
def test_ends_in_sigmoid(decoder, answer):
    """What comes after the last layer with weights leaves values between 0 and 1."""
    assert ends_in_sigmoid(Layers(("dense 3",), decoder)) is answer


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_draw_is_a_function_of_the_generator(initializer):
    """The same seed gives the same weights, another one others; torch's own state and the memory format play no part."""
    before = torch.random.get_rng_state()
    parts = []
    for seed, memory in ((3, torch.contiguous_format), (3, torch.channels_last), (4, torch.contiguous_format)):
        encoder, _ = build_pair(SEVEN_CONVOLUTIONS, PICTURE, PICTURE)
        torch.random.set_rng_state(before)
        encoder.to(memory_format=memory)
        draw(encoder, initializer, seeded(seed))
        parts.append(torch.cat([w.detach().flatten() for w in encoder.parameters()]))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(parts[0], parts[1])
    assert not torch.equal(parts[0], parts[2])


@pytest.mark.parametrize(
    ("line", "inputs", "outputs"),
    [("dense 300", 900, 300), ("conv 40 5", 2_500, 1_000), ("conv-transpose 40 5", 1_000, 2_500)],
)
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_statistics_of_first_weights(line, inputs, outputs, initializer):
    """Weights have the bounds and the variance of their initializer, biases are zero where it says so."""
    shape = (900,) if line.startswith("dense") else (100, 3, 3)
    encoder, _ = built(Layers((line,), ("dense 3",), initializer), shape, (3,))
    weight, bias = encoder.parameters()
    bounds = {
        "glorot-uniform": math.sqrt(6 / (inputs + outputs)),
        "he-uniform": math.sqrt(6 / inputs),
        "torch": math.sqrt(1 / inputs),
    }
    assert abs(weight.mean().item()) < 4 * weight.std().item() / math.sqrt(weight.numel())
    if initializer == "normal":
        assert weight.std().item() == pytest.approx(1, rel=0.02)
    else:
        assert weight.std().item() == pytest.approx(bounds[initializer] / math.sqrt(3), rel=0.02)
        assert 0.99 * bounds[initializer] < weight.abs().max() <= bounds[initializer]
    assert (bias == 0).all() == (initializer in ("glorot-uniform", "he-uniform"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("conv 8 3 strid 2", "layer 2 of the decoder, 'conv 8 3 strid 2': unknown word 'strid'; did you mean 'stride'"),
        ("conv2d 8 3", "layer 2 of the decoder, 'conv2d 8 3': unknown layer 'conv2d'; did you mean 'conv'"),
        ("Dense 8", "did you mean 'dense'"),
        ("dropout", "unknown layer 'dropout'; known: dense, conv,"),
        ("dense 8 RELU", "unknown word 'RELU'; did you mean 'relu'"),
        ("dense 8 softmax", "unknown word 'softmax'; known: linear, gelu"),
        ("dense 8 stride 2", "unknown word 'stride'; known: linear"),
        ("conv 8 3 relu stride 2", "'stride' cannot stand there; expected 'conv CHANNELS SIZE"),
        ("conv 8 3 relu relu", "'relu' cannot stand there"),
        ("conv 8 3 stride", "expected 'conv CHANNELS SIZE .stride S. .ACTIVATION.'"),
        ("conv 8 3 stride 0", "whole numbers from 1 to 16,777,216"),
        ("conv 8", "expected 'conv CHANNELS SIZE"),
        ("conv 8 3x3", "expected 'conv CHANNELS SIZE"),
        ("dense", "expected 'dense UNITS"),
        ("dense 0", "whole numbers from 1"),
        ("dense -4", "whole numbers from 1"),
        ("dense 2.5", "whole numbers from 1"),
        ("dense ٣", "whole numbers from 1"),
        ("dense " + "9" * 5000, "whole numbers from 1"),
        ("dense 8 8", "expected 'dense UNITS"),
        ("flatten 3", "expected 'flatten'"),
        ("up 2 relu", "unknown word 'relu'; expected 'up S'"),
        ("reshape 1 28", "expected 'reshape C H W'"),
        ("", "must be text such as 'dense 32 relu'"),
        (7, "layer 2 of the decoder, 7: a layer must be text"),
    ],
)  # fmt: skip
def test_words_that_are_not_understood(line, words):
    """The error names the layer, its place, the word and what was expected."""
    with pytest.raises(ParameterError, match=words) as caught:
        layers_from(ROWS | {"decoder": ["dense 3", line]})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "must be a dict such as"),
        (ROWS | {"decodr": []}, "no key 'decodr'; did you mean 'decoder'"),
        ({"encoder": ["dense 3"]}, "the decoder of network must be a list of layers .*got None"),
        (ROWS | {"encoder": []}, "the encoder of network must be a list"),
        (ROWS | {"encoder": "dense 3"}, "the encoder of network must be a list"),
        (ROWS | {"initializer": "glorot"}, "unknown initializer 'glorot'; did you mean 'glorot-uniform'"),
        (ROWS | {"initializer": None}, "unknown initializer None; known: glorot-uniform, he-uniform"),
        (ROWS | {"initializer": ["normal"]}, "unknown initializer"),
        (Layers(("dense 3",), ("dens 3",)), "did you mean 'dense'"),
    ],
)
def test_what_is_no_list_of_layers(given, words):
    """The error names the key or the part, and what was expected."""
    with pytest.raises(ParameterError, match=words):
        layers_from(given)


@pytest.mark.parametrize(
    ("encoder", "decoder", "words"),
    [
        (["dense 3"], ["dense 784"], r"layer 1 of the encoder, 'dense 3': shape \(1, 28, 28\) arrives there; .*'flatten'"),
        (["flatten", "conv 4 3"], ["dense 784"], r"layer 2 of the encoder.*\(784,\).*'reshape C H W' .*C x H x W = 784"),
        (["conv 1 7 stride 4"], ["conv 16 3"], r"layer 1 of the decoder.*shape \(49,\).*put 'reshape C H W' before it"),
        (["flatten"], ["reshape 1 28 27"], r"784 values, but 1 x 28 x 27 = 756 asked for"),
        (["max-pool 29"], ["dense 784"], r"shape \(1, 28, 28\) arrives there; 29 x 29 pixels are more than"),
        (["flatten", "dense 9"], ["dense 780"], r"layer 1 of the decoder, 'dense 780'.*780 values.*\(1, 28, 28\), 784"),
        (["flatten", "dense 16777216"], ["dense 784"], "13,153,337,344 weights .* at most 4,294,967,296"),
        (["up 16777216"], ["dense 784"], "give 1 x 469762048 x 469762048"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(encoder, decoder, words):
    """The error names the layer, its place, the shape that arrives there and what was expected."""
    layers = layers_from({"encoder": encoder, "decoder": decoder})
    with pytest.raises(ParameterError, match=words) as caught, torch.device("meta"):
        build_pair(layers, PICTURE, PICTURE)
    assert "\n" not in str(caught.value)


def test_the_size_of_a_latent_that_cannot_be():
    """The same errors come without a network."""
    with pytest.raises(ParameterError, match="layer 1 of the encoder, 'conv 4 3'"):
        latent_size(Layers(("conv 4 3",), ("dense 9",)), (9,))


def test_an_unknown_initializer():
    """The error offers the nearest."""
    with pytest.raises(ParameterError, match="unknown initializer 'norml'; did you mean 'normal'"):
        draw(nn.Linear(2, 2), "norml", seeded())
