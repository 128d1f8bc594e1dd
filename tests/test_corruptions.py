"""Tests of `isthmus.corruptions`: every kind can be described, and wrong parameters are named."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus import corruptions
from isthmus.corruptions import (
    Chain,
    Corruption,
    GaussianNoise,
    Holes,
    MaskingNoise,
    SaltPepper,
    Speckle,
    Swap,
    Watermark,
    from_spec,
)
from isthmus.errors import ParameterError


def test_every_kind_has_a_description():
    """No public kind is left out of the descriptions."""
    kinds = [getattr(corruptions, name) for name in corruptions.__all__]
    made = [k() for k in kinds if isinstance(k, type) and issubclass(k, Corruption) and k not in (Corruption, Chain)]
    assert len(made) == 8
    assert all(from_spec(kind.to_spec()) == kind for kind in made)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: GaussianNoise(25),
            r"std of GaussianNoise must be a number >= 0 and <= 10 or a pair .*; got 25\. A fraction of the",
        ),
        (lambda: GaussianNoise((0.1, 25)), r"or a pair \(first, last\) of such; got \(0.1, 25\)\. A fraction of the"),
        (lambda: GaussianNoise((-0.1, 0.2)), r"std of GaussianNoise must be .*got \(-0.1, 0.2\)"),
        (lambda: GaussianNoise((0.1, 0.2, 0.3)), r"std of GaussianNoise must be .*got \(0.1, 0.2, 0.3\)"),
        (lambda: MaskingNoise((0.1, "0.2")), r"share of MaskingNoise must be .*got \(0.1, '0.2'\)"),
        (lambda: Speckle((0.1, 0.2)), r"std of Speckle must be .*got \(0.1, 0.2\)"),
        (lambda: GaussianNoise(-0.1), "std of GaussianNoise must be a number >= 0"),
        (lambda: GaussianNoise(float("nan")), "got nan"),
        (lambda: Speckle("0.1"), "got '0.1'"),
        (lambda: GaussianNoise(clip=1), "clip of GaussianNoise must be True or False"),
        (lambda: MaskingNoise(1.5), "share of MaskingNoise must be a number >= 0 and <= 1 or a pair .*; got 1.5"),
        (lambda: SaltPepper(-1), "share of SaltPepper must be"),
        (lambda: Swap(None), "share of Swap must be"),
        (lambda: Holes(0), "count of Holes must be an integer >= 1"),
        (lambda: Holes(size=(0.4, 0.2)), r"size of Holes must be a share of the side.*got \(0.4, 0.2\)"),
        (lambda: Holes(size=0), "size of Holes must be"),
        (lambda: Holes(size=(0.1, 0.2, 0.3)), "size of Holes must be"),
        (lambda: Holes(shape="stripe"), 'Did you mean "stripes"'),
        (lambda: Holes(value=2), "value of Holes must be"),
        (lambda: Watermark(place="top left"), 'Did you mean "top-left"'),
        (lambda: Watermark(" "), "characters that show something"),
        (lambda: Watermark("x" * 201), "1 to 200 characters"),
        (lambda: Watermark("caf\u00e9"), "'\u00e9', which Pillow's own font cannot draw"),
        (lambda: Watermark(size=None), "only with a picture"),
        (lambda: Watermark(opacity=0), "opacity of Watermark must be a number > 0"),
        (lambda: Watermark(picture=np.ones((4, 4, 2))), r"must be an array of shape \(h, w\).*got shape \(4, 4, 2\)"),
        (lambda: Watermark(picture=[[1.0]]), "got list"),
        (lambda: Watermark(picture=np.full((4, 4), 7.0)), "floats from 0 to 1; got float64 from 7.0 to 7.0"),
        (lambda: Chain(()), "at least one"),
        (lambda: Chain((Swap(), "noise")), "sequence of corruptions"),
        (lambda: from_spec({}), "must be a list of 1 to 100 dicts"),
        (lambda: from_spec([3]), 'must be a dict with a "name"'),
        (lambda: from_spec([{"name": "Hole"}]), "did you mean 'Holes'"),
        (lambda: from_spec([{"name": "Holes", "cuont": 1}]), "no parameter 'cuont'; did you mean 'count'"),
        (lambda: from_spec([{"name": "Watermark", "picture": [[1]]}]), "no parameter 'picture'"),
        (lambda: from_spec([{"name": "Swap", "share": [1]}]), "share of Swap must be"),
    ],
)
def test_wrong_parameters_are_named(make, words):
    """A wrong parameter is an error when the corruption is made, in one line that says what is allowed."""
    with pytest.raises(ParameterError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
