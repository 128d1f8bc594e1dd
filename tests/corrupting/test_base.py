"""Tests of `isthmus.corrupting.base`: the laws that every kind keeps, chains, descriptions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from isthmus.corruptions import (
    Chain,
    Corruption,
    GaussianNoise,
    Grayscale,
    Holes,
    MaskingNoise,
    SaltPepper,
    Speckle,
    Swap,
    Watermark,
    from_spec,
)
from isthmus.errors import ParameterError

FOR_PICTURES = [
    GaussianNoise(), GaussianNoise(0.3, clip=False), GaussianNoise((0.5, 0.1)), MaskingNoise(), MaskingNoise((0, 0.4)),
    SaltPepper(), Speckle(), Holes(),
    Holes(3, (0.1, 0.2), "stripes", "mean"), Watermark(), Watermark("to\nyou", opacity=0.9, place="center", size=0.4, ink=1.0),
    Watermark(picture=np.eye(5), place="top-right", size=None), Grayscale(), GaussianNoise(0.1) | Holes() | Watermark(),
]  # fmt: skip
FOR_ROWS = [
    GaussianNoise(),
    GaussianNoise((0.1, 1.0)),
    MaskingNoise(),
    MaskingNoise((0.6, 0.1)),
    SaltPepper(),
    Swap(),
    Swap() | GaussianNoise(0.1),
]
EVERY = [*FOR_PICTURES, *FOR_ROWS]


def same(a, b):
    """Whether two tensors are equal, NaN being equal to NaN."""
    return torch.equal(a.nan_to_num(-99.0), b.nan_to_num(-99.0))


@pytest.mark.parametrize("kind", FOR_PICTURES, ids=repr)
def test_pictures_keep_their_shape_and_are_spoilt_anew(kind, pictures, seeded):
    """The same generator state gives the same bytes, another one others; what came in is not changed."""
    before = pictures.clone()
    first, again, other = (kind.on_pictures(pictures, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(pictures, before)
    assert torch.equal(first, again)
    assert (first.shape, first.dtype) == (pictures.shape, pictures.dtype)
    assert not torch.equal(first, pictures)
    drawn = not isinstance(kind, Grayscale) and getattr(kind, "place", "random") == "random"
    assert torch.equal(first, other) is not drawn


@pytest.mark.parametrize("kind", FOR_ROWS, ids=repr)
def test_rows_keep_their_shape_and_are_spoilt_anew(kind, mixed, seeded):
    """The same holds for rows."""
    x, space = mixed
    before = x.clone()
    first, again, other = (kind.on_columns(x, seeded(seed), space) for seed in (3, 3, 4))
    assert same(x, before)
    assert same(first, again)
    assert not same(first, other)
    assert (first.shape, first.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("kind", FOR_PICTURES, ids=repr)
def test_pictures_stay_in_their_range(kind, pictures, seeded):
    """Nothing leaves the range, unless clipping was turned off."""
    spoilt = kind.on_pictures(pictures, seeded())
    inside = bool((spoilt >= 0).all() and (spoilt <= 1).all())
    assert inside is getattr(kind, "clip", True)


@pytest.mark.parametrize("kind", EVERY, ids=repr)
def test_global_random_states_are_left_alone(kind, pictures, mixed, seeded):
    """Nothing is drawn from torch's or NumPy's own generators."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002  # what is checked
    if kind in FOR_PICTURES:
        kind.on_pictures(pictures, seeded())
    else:
        kind.on_columns(*mixed[:1], seeded(), mixed[1])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002  # what is checked


@pytest.mark.parametrize(
    ("kind", "dial"),
    [(GaussianNoise, "std"), (Speckle, "std"), (MaskingNoise, "share"), (SaltPepper, "share"), (Holes, "size")],
)
def test_more_spoils_more(kind, dial, pictures, seeded):
    """With the same generator state a larger strength moves the pictures farther."""
    moved = [
        float((kind(**{dial: v}).on_pictures(pictures, seeded()) - pictures).square().mean())
        for v in (0.01, 0.1, 0.3, 0.6)
    ]
    assert moved == sorted(moved)
    assert moved[0] < moved[-1]


def test_a_chain_is_one_after_the_other(pictures, mixed, seeded):
    """A chain draws from the generator in turn, first to last."""
    a, b, g = GaussianNoise(0.1), SaltPepper(0.2), seeded()
    assert torch.equal((a | b).on_pictures(pictures, seeded()), b.on_pictures(a.on_pictures(pictures, g), g))
    g = seeded()
    x, space = mixed
    assert same((a | b).on_columns(x, seeded(), space), b.on_columns(a.on_columns(x, g, space), g, space))


def test_chains_are_flat():
    """However a chain was put together, the same parts make an equal chain."""
    a, b, c = GaussianNoise(0.1), Holes(), Swap()
    assert (a | b) | c == a | (b | c) == Chain((a, b, c)) == Chain([a, Chain((b, c))])
    assert hash((a | b) | c) == hash(a | (b | c))
    assert a | b != b | a


@pytest.mark.parametrize("kind", EVERY, ids=repr)
def test_descriptions_come_back(kind):
    """JSON holds the description, and it makes an equal corruption; a picture has none."""
    spec = kind.to_spec()
    if getattr(kind, "picture", None) is not None:
        assert spec is None
        assert (kind | Swap()).to_spec() is None
    else:
        assert from_spec(json.loads(json.dumps(spec))) == kind


def test_numpy_numbers_are_plain_ones():
    """Numbers of NumPy make an equal corruption with a description that JSON can hold."""
    kind = Holes(np.int64(2), [np.float32(0.25), 1], value=np.float64(1))
    assert kind == Holes(2, (0.25, 1.0), value=1.0)
    assert json.dumps(kind.to_spec()) == json.dumps(Holes(2, (0.25, 1.0), value=1.0).to_spec())


def test_own_kinds_join_in(pictures, seeded):
    """A subclass that defines what it does is applied and joined like any other; JSON cannot describe it."""

    class Negative(Corruption):
        def on_pictures(self, x, generator):
            return 1 - x

    chain = Negative() | Negative()
    assert torch.allclose(chain.on_pictures(pictures, seeded()), pictures)
    assert chain.to_spec() is None
    assert Negative().apply(np.array([[[0, 55]]], dtype=np.uint8)).tolist() == [[[255, 200]]]
    with pytest.raises(ParameterError, match="Negative is for pictures, got rows"):
        chain.apply(np.ones((2, 2)))
