"""Tests of `isthmus.models.encoder_state`: a preparation as JSON and arrays, and back."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from isthmus.errors import ModelFileError
from isthmus.files import schema
from isthmus.models.encoder_state import SCHEMA, from_state, shapes, to_state


def test_it_survives_json(pair):
    """The description is plain JSON of the stated form, and the encoder built from it encodes alike."""
    encoder = pair[0].encoder_
    spec, arrays = to_state(encoder)
    spec = json.loads(json.dumps(spec))
    schema.check(spec, SCHEMA)
    again = from_state(spec, arrays)
    assert again.layout == encoder.layout
    assert to_state(again)[0] == spec


def test_the_arrays_follow_from_the_description(pair):
    """Names, types and shapes of the arrays are known before any is read."""
    spec, arrays = to_state(pair[0].encoder_)
    assert shapes(spec) == {name: (str(array.dtype), array.shape) for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("names", ["weight"]),
        ("kinds", ["number"]),
        ("types", ["int64"]),
        ("gaps", [99]),
        ("levels", []),
        ("cycles", []),
        ("names", ["same"] * 7),
        ("names", []),
    ],
)
def test_columns_that_disagree(data, key, value):
    """A description whose parts do not fit each other is refused."""
    spec = copy.deepcopy(to_state(data.fitted("pandas")[0].encoder_)[0])
    spec[key] = value
    with pytest.raises(ModelFileError, match="do not agree"):
        shapes(spec)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("numbers.scale", 0.0, "scale that is not positive"),
        ("numbers.scale", np.nan, "scale that is not positive"),
        ("numbers.spread", -1.0, "scale that is not positive"),
        ("flags.share", 1.0, "share outside of 0 to 1"),
        ("category.0.share", -0.1, "share outside of 0 to 1"),
    ],
)
def test_numbers_that_cannot_be(data, name, value, words):
    """Scales and shares that no fit can give are refused."""
    spec, arrays = to_state(data.fitted("pandas")[0].encoder_)
    with pytest.raises(ModelFileError, match=words):
        from_state(spec, {**arrays, name: np.full_like(arrays[name], value)})


def test_pictures_have_a_largest_size(data):
    """A description of pictures larger than memory is refused before anything is allocated."""
    spec, _ = to_state(data.fitted("pictures")[0].encoder_)
    with pytest.raises(ModelFileError, match="larger than a model may hold"):
        shapes({**spec, "shape": [2**20, 2**20, 2**20]})


@pytest.mark.parametrize(("form", "key"), [("pictures", "dtype"), ("floats", "types")])
@pytest.mark.parametrize("value", ["abc", "object"])
def test_types_that_are_no_numbers(data, form, key, value):
    """An edited type of numbers is refused."""
    spec, arrays = to_state(data.fitted(form)[0].encoder_)
    spec[key] = value if key == "dtype" else [value]
    with pytest.raises(ModelFileError, match="as a type of numbers"):
        from_state(spec, arrays)
