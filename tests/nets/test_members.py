"""Tests of `isthmus.nets.members`: networks side by side do what each of them does alone."""

from __future__ import annotations

import pytest
import torch

from isthmus.layout import ColumnLayout, PixelLayout
from isthmus.nets.build import multiply_adds, outline_layers, outline_unet, start
from isthmus.nets.layers import layers_from
from isthmus.nets.members import Members

MIXED = ColumnLayout(6, n_flags=1, levels=(3,), n_extras=2, entropies=(0.5, 0.9))
STRIDES = {
    "encoder": ["conv 4 3 stride 2 relu", "max-pool 2", "flatten", "dense 3"],
    "decoder": ["dense 36 tanh", "reshape 4 3 3", "conv-transpose 3 3 stride 2 silu", "up 2", "conv 1 3"],
}
FORMS = {
    "dense": ("dense", ColumnLayout(10)),
    "one column": ("dense", ColumnLayout(1)),
    "mixed": ("dense", MIXED),
    "conv": ("conv", PixelLayout((3, 9, 12))),
    "conv of patches": ("conv", PixelLayout((3, 110, 101))),
    "conv1d": ("conv1d", ColumnLayout(33)),
    "layers": (STRIDES, PixelLayout((1, 12, 12))),
    "unet": ((4, 6), PixelLayout((2, 9, 7))),
    "unet of photographs": ((4, 6, 8), PixelLayout((1, 13, 10))),
}
N = 3


def close(a, b):
    """Whether two tensors agree but for the rounding of sums in another order."""
    return a.shape == b.shape and bool(((a - b).abs() <= 1e-3 * (1 + b.abs().sum() / max(1, b.numel()))).all())


def one(kind, layout, make, seed):
    """A network whose weights are all random, the last layers too."""
    if isinstance(kind, dict):
        network = start(
            outline_layers(layers_from(kind), layout, 3, squash=False), torch.Generator().manual_seed(seed), "normal"
        )
    elif isinstance(kind, tuple):
        network = start(outline_unet(layout, kind, halved=len(kind) == 2), torch.Generator().manual_seed(seed))
    else:
        network = make(kind, layout, hidden=(8,), seed=seed)
    generator = torch.Generator().manual_seed(seed + 100)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, weight[0].numel() ** -0.5, generator=generator)
        network.latent_scale.uniform_(0.5, 2, generator=generator)
    return network.eval()


@pytest.fixture(params=FORMS)
def case(request, make):
    """Networks of one form, the same as members, and a function that makes rows."""
    kind, layout = FORMS[request.param]
    networks = [one(kind, layout, make, seed) for seed in range(N)]
    for network in networks:  # some values are clamped
        network.bounds.low.fill_(-0.5)
        network.bounds.high.fill_(0.7)

    def rows(n, seed=0):
        x = torch.randn(n, *layout.input_shape, generator=torch.Generator().manual_seed(seed))
        x[::3, 0] = torch.nan
        return x

    return networks, Members(networks).eval(), rows


@pytest.fixture
def with_latent(case):
    """The same, of those that have a latent."""
    if case[0][0].latent_scale.numel() == 0:
        pytest.skip("it has no latent")
    return case


@torch.no_grad()
def test_the_reconstruction_is_the_mean_of_all(case):
    """A row's reconstruction is the mean of what the networks make of it one by one, which is kept beside it."""
    networks, members, rows = case
    x = rows(7)
    alone = torch.stack([network(x).reconstruction for network in networks], dim=1)
    output = members(x)
    assert close(output.reconstruction, alone.mean(dim=1))
    assert close(output.stats["members"], alone)


@torch.no_grad()
def test_latents_stand_side_by_side(with_latent):
    """A row's latents are those of the first network, then those of the next."""
    networks, members, rows = with_latent
    x = rows(7)
    alone = torch.cat([network.encode(x) for network in networks], dim=1)
    assert close(members.encode(x), alone)
    assert torch.equal(members(x).latent, members.encode(x))


@torch.no_grad()
def test_decoding_latents_is_reconstructing(with_latent):
    """A forward pass gives what decode makes of encode, to the bit."""
    _, members, rows = with_latent
    x = rows(16)
    assert torch.equal(members.decode(members.encode(x)), members(x).reconstruction)


@torch.no_grad()
def test_without_a_latent_there_is_nothing_to_encode(make):
    """Members that restore pictures refuse what each of them refuses."""
    kind, layout = FORMS["unet"]
    members = Members([one(kind, layout, make, seed) for seed in range(N)]).eval()
    assert members(torch.zeros(4, *layout.input_shape)).latent.shape == (4, 0)
    for refuse, given in ((members.encode, torch.zeros(4, *layout.input_shape)), (members.decode, torch.zeros(4, 0))):
        with pytest.raises(TypeError, match="has no latent"):
            refuse(given)


@torch.no_grad()
def test_each_member_has_its_own_block(case):
    """``each`` gives block m to member m, in training as afterwards."""
    networks, members, rows = case
    x = rows(5 * N)
    alone = [network(block) for network, block in zip(networks, x.split(5), strict=True)]
    for training in (False, True):
        output = members.train(training).each(x)
        assert close(output.reconstruction, torch.cat([o.reconstruction for o in alone]))
        assert close(output.latent, torch.cat([o.latent for o in alone]))


@torch.no_grad()
def test_a_row_alone_has_the_bytes_that_it_has_in_a_batch(case):
    """In blocks of one size a row comes out the same whatever stands beside it, and at whatever place."""
    _, members, rows = case
    x = rows(16)
    whole = members(x)
    for i in (0, 3, 15):
        block = torch.zeros_like(x)
        block[(i + 5) % 16] = x[i]
        output = members(block)
        assert torch.equal(output.reconstruction[(i + 5) % 16], whole.reconstruction[i])
        assert torch.equal(output.latent[(i + 5) % 16], whole.latent[i])


def test_gradients_reach_every_member(case):
    """Training moves each weight of each member, by what it moves the same network alone."""
    networks, members, rows = case
    x = rows(5 * N)
    members.train().each(x).reconstruction.square().sum().backward()
    grads = [weight.grad for weight in members.parameters()]
    assert all(grad is not None and grad.flatten(1).abs().amax(dim=1).gt(0).all() for grad in grads)
    for m, (network, block) in enumerate(zip(networks, x.split(5), strict=True)):
        network.train()(block).reconstruction.square().sum().backward()
        for together, weight in zip(grads, network.parameters(), strict=True):
            assert close(together[m], weight.grad)


def test_one_member_is_the_network(case):
    """Members of one network do what it does."""
    networks, _, rows = case
    x = rows(6)
    with torch.no_grad():
        alone, output = networks[0](x), Members(networks[:1]).eval()(x)
    assert close(output.reconstruction, alone.reconstruction)
    assert close(output.latent, alone.latent)


def test_members_are_copies(case):
    """The networks that were given stay as they are when the members are trained."""
    networks, members, _ = case
    before = [weight.clone() for network in networks for weight in network.parameters()]
    with torch.no_grad():
        for weight in members.parameters():
            weight.add_(1)
    after = [weight for network in networks for weight in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_work_is_counted_for_one_member(case):
    """Multiply-adds of members are those of one of them; who asks multiplies."""
    networks, members, rows = case
    shape = tuple(rows(1).shape[1:])
    assert multiply_adds(members, shape) == multiply_adds(networks[0], shape)


def test_the_anchor_is_that_of_all(make, anchor):
    """Setting the linear path sets it for each member, and at the start the members are PCA."""
    layout = ColumnLayout(10)
    members = Members([make("dense", layout, seed=seed) for seed in range(N)]).eval()
    alone = make("dense", layout).eval()
    x = torch.randn(60, 10, generator=torch.Generator().manual_seed(0)) @ torch.randn(10, 10)
    fit = anchor(alone, layout, x)
    members.linear.set(fit, alone.latent_scale)
    members.latent_scale.copy_(alone.latent_scale)
    with torch.no_grad():
        assert close(members(x).reconstruction, alone(x).reconstruction)
