"""Corruptions as text: what is typed and what is written are the same corruption, and mistakes are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.corrupting.kinds import KINDS
from isthmus.corruptions import (
    Corruption,
    GaussianNoise,
    Grayscale,
    Holes,
    MaskingNoise,
    SaltPepper,
    Speckle,
    Swap,
    Watermark,
    from_text,
    to_text,
)
from isthmus.errors import ParameterError

SHARE = st.floats(0, 1)
ABOVE = st.floats(1e-6, 1)
LETTERS = st.text("abcXYZ 0129|='\"\\,./-\n", min_size=1, max_size=12).filter(str.strip)
PARTS = st.one_of(
    st.builds(GaussianNoise, st.floats(0, 10) | st.tuples(st.floats(0, 10), st.floats(0, 10)), st.booleans()),
    st.builds(Speckle, st.floats(0, 10), st.booleans()),
    st.builds(MaskingNoise, SHARE | st.tuples(SHARE, SHARE)),
    st.builds(SaltPepper, SHARE),
    st.builds(Swap, SHARE),
    st.just(Grayscale()),
    st.builds(Holes, st.integers(1, 1000), ABOVE, st.sampled_from(["boxes", "stripes"]), SHARE | st.just("mean")),
    st.builds(Watermark, LETTERS, opacity=ABOVE, size=ABOVE, place=st.sampled_from(["random", "top-left"])),
)


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_corruption_comes_back_from_its_text(parts):
    """Text of a corruption makes an equal one, whatever its parameters."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    text = to_text(whole)
    assert "\n" not in text
    assert from_text(text) == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian-noise", GaussianNoise()),
        ("gaussian-noise 0.1", GaussianNoise(0.1)),
        ("gaussian-noise 0.05,1.0", GaussianNoise((0.05, 1.0))),
        ("masking-noise share=1/2,0", MaskingNoise((0.5, 0.0))),
        ("  gaussian-noise   std=25/255  clip=false ", GaussianNoise(25 / 255, clip=False)),
        ("swap .3|masking-noise share=0.1", Swap(0.3) | MaskingNoise(0.1)),
        ("holes 2 size=0.1,0.3 value=mean", Holes(2, (0.1, 0.3), value="mean")),
        ("holes size=0.3", Holes(size=0.3)),
        ("watermark 'do not | copy' ink=0.5", Watermark("do not | copy", ink=0.5)),
        ('watermark text="two\\nlines"', Watermark("two\nlines")),
        ("watermark 2024", Watermark("2024")),
        ("watermark text=a=b", Watermark("a=b")),
        ('salt-pepper "0.1"', SaltPepper(0.1)),
    ],
)
def test_what_may_be_typed(text, expected):
    """A kind alone, its first value, names and values, fractions, pairs and quotes."""
    assert from_text(text) == expected


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_can_be_typed(name):
    """No kind is left out."""
    made = KINDS[name]()
    assert from_text(to_text(made)) == made


def test_defaults_are_left_out():
    """The text is as short as it can be, and says the first value always."""
    assert to_text(GaussianNoise() | Holes(shape="stripes")) == "gaussian-noise 0.2 | holes 1 shape=stripes"


class Own(Corruption):
    """A kind of one's own."""


@pytest.mark.parametrize("part", [Watermark(picture=np.ones((2, 2))), Own()])
def test_what_only_python_holds_has_no_text(part):
    """A picture and a kind of one's own cannot be typed, alone or in a chain."""
    assert to_text(part) is None
    assert to_text(Swap() | part) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 'such as "gaussian-noise 0.2"'),
        (None, "got None"),
        ("gausian-noise 0.2", "no corruption 'gausian-noise'; did you mean 'gaussian-noise'"),
        ("GaussianNoise", "did you mean 'gaussian-noise'"),
        ("auto", "no corruption 'auto'; there are: gaussian-noise, grayscale"),
        ("holes cuont=2", "holes has no parameter 'cuont'; did you mean 'count'"),
        ("watermark picture=a.png", "a picture can only be given in Python"),
        ("swap 0.1 0.2", "does not take the value '0.2': only the first value goes without a name"),
        ("holes count=2 0.3", "does not take the value '0.3'"),
        ("grayscale 1", "it has no parameters"),
        ("swap 0.1 share=0.2", "share twice"),
        ("swap |", "a part of the corruption 'swap |' is empty"),
        ("| swap", "is empty"),
        ("share=0.1", "no corruption 'share=0.1'"),
        ("watermark 'open", 'cannot be read at "\'open"'),
        ("watermark it's", "a quote does not end"),
        ('watermark "a\\x"', "JSON's escapes"),
        ("gaussian-noise 25", r"std of GaussianNoise must be a number >= 0 and <= 10 or a pair .*; got 25"),
        ("gaussian-noise 0.1,x", r"std of GaussianNoise must be .* got \(0.1, 'x'\)"),
        ("gaussian-noise 1/0", "got '1/0'"),
        ("gaussian-noise nan", "got nan"),
        ("gaussian-noise clip=yes", "must be True or False; got 'yes'"),
        ("holes 1.5", "must be an integer"),
        ("holes size=0.1,x", r"size of Holes must be .* got \(0.1, 'x'\)"),
        ("holes shape=stripe", 'Did you mean "stripes"'),
        ("watermark x size=none", "only with a picture"),
        (" | ".join(["grayscale"] * 101), "at most 100 parts; the text has 101"),
    ],
)
def test_mistakes_are_named(text, words):
    """What cannot be read is an error of one line that says what there is."""
    with pytest.raises(ParameterError, match=words) as error:
        from_text(text)
    assert "\n" not in str(error.value)
