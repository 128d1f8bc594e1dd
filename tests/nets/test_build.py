"""Tests of `isthmus.nets.build`: networks from plans, their first weights, and the user's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from isthmus.errors import ParameterError
from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.build import multiply_adds, outline, wrap


def batch(layout, n=40):
    """Random encoded rows."""
    return torch.randn(n, *layout.input_shape, generator=torch.Generator().manual_seed(1))


def test_an_anchored_network_starts_as_pca(form, make, anchor):
    """Before the first step, whatever the layers, the reconstruction is that of the linear fit."""
    kind, layout = form
    network, x = make(kind, layout).eval(), batch(layout)
    fit = anchor(network, layout, x)
    expected = (x.flatten(1) @ fit.encode.T + fit.encode_bias) @ fit.decode.T + fit.decode_bias
    with torch.no_grad():
        assert torch.allclose(network(x).reconstruction.flatten(1), expected, atol=1e-5, rtol=1e-4)


def test_shapes_fit_the_layout(form, make):
    """Any height, width and number of channels is taken and given back."""
    kind, layout = form
    with torch.no_grad():
        output = make(kind, layout, latent_dim=3)(batch(layout, 5))
    assert output.reconstruction.shape == (5, *layout.output_shape)
    assert output.latent.shape == (5, 3)


def test_the_last_layers_start_at_zero(form, make):
    """Beside a linear path, the non-linear encoder and decoder start by adding nothing."""
    kind, layout = form
    network = make(kind, layout)
    with torch.no_grad():
        assert not network.encoder(batch(layout)).any()
        assert not network.decoder(torch.ones(3, 2)).any()


def test_gradients_reach_every_part(form, make, anchor):
    """A step from the anchored start moves the linear path and the last layers of the decoder."""
    kind, layout = form
    network, x = make(kind, layout), batch(layout)
    anchor(network, layout, x)
    network(x).reconstruction.square().mean().backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"linear", "decoder"} <= reached


def test_an_outline_takes_no_memory(form):
    """An outlined network has names and shapes, and no numbers."""
    kind, layout = form
    network = outline(kind, layout, 2, (8,), "relu", anchored=True, squash=False)
    assert all(value.is_meta for value in network.state_dict().values())


def test_a_started_network_has_the_outlined_tensors(form, make):
    """Names and shapes of the tensors follow from the outline, all are finite."""
    kind, layout = form
    outlined = outline(kind, layout, 2, (8,), "gelu", anchored=True, squash=False)
    started = make(kind, layout).state_dict()
    assert {n: v.shape for n, v in started.items()} == {n: v.shape for n, v in outlined.state_dict().items()}
    assert all(value.isfinite().all() for name, value in started.items() if not name.startswith(("bounds.", "linear.")))


def test_starting_leaves_the_random_state_alone(form, make):
    """First weights come from the generator; torch's own random state does not move."""
    before = torch.get_rng_state()
    make(*form)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_same_generator_gives_the_same_bytes(form, make):
    """The same seed gives the same first weights, another seed others."""
    kind, layout = form
    first, again, other = (make(kind, layout, anchored=False, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("activation", ["gelu", "silu", "relu", "elu", "tanh", "sigmoid"])
def test_every_activation_works(activation):
    """Each named activation stands between the layers."""
    network = outline("dense", ColumnLayout(4), 2, (5, 3), activation, anchored=False, squash=False)
    assert sum(type(m).__name__.lower() == activation for m in network.encoder.modules()) == 2


@pytest.mark.parametrize("anchored", [True, False])
def test_multiply_adds_of_a_dense_network(make, anchored):
    """A linear layer takes inputs times outputs."""
    network = make("dense", ColumnLayout(10), 4, (32, 16), anchored=anchored)
    one_way = 10 * 32 + 32 * 16 + 16 * 4
    assert multiply_adds(network, (10,)) == 2 * one_way + (2 * 10 * 4 if anchored else 0)


def test_multiply_adds_of_a_convolution():
    """A convolution takes its kernel's weights at every place of its output."""
    assert multiply_adds(nn.Conv2d(3, 5, 3, padding=1), (3, 8, 6)) == 8 * 6 * 5 * 3 * 9


class TestOwnNetworks:
    """`wrap`: a pair of modules, or a callable that makes one."""

    layout = ColumnLayout(6)

    @pytest.mark.parametrize("made_by", ["pair", "callable"])
    def test_a_pair_and_a_callable(self, made_by):
        """Both work, and a callable is told the input's shape and the latent size."""

        def build(input_shape, latent_dim):
            n = math.prod(input_shape)
            return nn.Linear(n, latent_dim), nn.Linear(latent_dim, n)

        given = build if made_by == "callable" else build((6,), 2)
        output = wrap(given, self.layout, 2, squash=False)(torch.randn(3, 6))
        assert output.latent.shape == (3, 2)
        assert output.reconstruction.shape == (3, 6)

    def test_the_given_modules_are_copied(self):
        """Training the wrapped network leaves the caller's modules as they were."""
        pair = nn.Linear(6, 2), nn.Linear(2, 6)
        network = wrap(pair, self.layout, 2, squash=False)
        with torch.no_grad():
            network.encoder.weight.zero_()
        assert pair[0].weight.any()

    @pytest.mark.parametrize(
        ("pair", "words"),
        [
            ((nn.Linear(5, 2), nn.Linear(2, 6)), r"the encoder of network does not take rows of shape \(6,\)"),
            ((nn.Linear(6, 2), nn.Linear(3, 6)), r"the decoder of network does not take rows of shape \(2,\)"),
            (
                (nn.Linear(6, 3), nn.Linear(2, 6)),
                r"the encoder of network gives rows of shape \(3,\); .* ask for \(2,\)",
            ),
            (
                (nn.Linear(6, 2), nn.Linear(2, 5)),
                r"the decoder of network gives rows of shape \(5,\); .* ask for \(6,\)",
            ),
        ],
    )
    def test_wrong_shapes_name_the_part(self, pair, words):
        """The error says whether encoder or decoder does not fit, and what was asked for."""
        with pytest.raises(ParameterError, match=words):
            wrap(pair, self.layout, 2, squash=False)

    @pytest.mark.parametrize(
        "given", [(nn.Linear(6, 2),), lambda shape, latent_dim: nn.Linear(6, 2), ("a", "b"), nn.Linear(6, 2)]
    )
    def test_anything_else_is_an_error(self, given):
        """What is not a pair of modules is refused, with what came."""
        with pytest.raises(ParameterError, match=r"must be a pair \(encoder, decoder\) .* got \w+\."):
            wrap(given, self.layout, 2, squash=False)

    def test_pictures(self):
        """A pair for pictures sees (n, channels, height, width)."""
        pair = (
            nn.Sequential(nn.Flatten(), nn.Linear(12, 2)),
            nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (3, 2, 2))),
        )
        network = wrap(pair, PixelLayout((3, 2, 2)), 2, squash=True)
        assert network(torch.zeros(4, 3, 2, 2)).reconstruction.shape == (4, 3, 2, 2)


class Odd(nn.Module):
    """A user's module that gives or raises something else."""

    def __init__(self, error):
        super().__init__()
        self.layer, self.error = nn.Linear(6, 2), error

    def forward(self, x):
        if self.error:
            raise self.error
        return x, x


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((nn.Identity(), nn.Identity()), "no weights that could be trained"),
        ((Odd(None), nn.Linear(2, 6)), "the encoder of network must give one tensor; it gives tuple"),
        ((Odd(ValueError("four axes")), nn.Linear(2, 6)), r"does not take rows of shape \(6,\): four axes"),
    ],
)
def test_odd_networks(pair, words):
    """Modules without weights, with several outputs or with errors of their own are refused in words."""
    with pytest.raises(ParameterError, match=words):
        wrap(pair, ColumnLayout(6), 2, squash=False)


def test_a_callable_draws_from_the_seed():
    """The first weights that a callable draws follow from the seed; torch's random state stays where it was."""
    before = torch.get_rng_state()
    made = [
        wrap(lambda shape, n: (nn.Linear(6, n), nn.Linear(n, 6)), ColumnLayout(6), 2, squash=False, seed=seed)
        for seed in (1, 1, 2)
    ]
    weights = [network.encoder.weight for network in made]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), before)
