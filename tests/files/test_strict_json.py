"""Tests of `isthmus.files.strict_json`: one text for one value, and nothing else is read."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.files.strict_json import MAX_DEPTH, NotStrictError, dumps, loads

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())  # surrogates and controls too
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner), max_leaves=8
)


@given(values)
def test_round_trip(value):
    """Any value comes back as it was, whatever characters its strings hold."""
    assert loads(dumps(value)) == value


@given(values)
def test_one_spelling(value):
    """Writing what was read gives the same text."""
    assert dumps(loads(dumps(value))) == dumps(value)


@given(st.text(st.characters()))
def test_written_text_is_plain(text):
    """What is written can be encoded and shows no control character, no break and no turn of direction."""
    written = dumps(text)
    assert written.encode()
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e\u2066\ufeff" for c in written)


def test_order_of_keys_does_not_matter():
    """Equal dicts give equal text."""
    assert dumps({"b": 1, "a": 2}) == dumps({"a": 2, "b": 1})


def test_tuples_are_lists():
    """A tuple is written as a list."""
    assert loads(dumps({"a": (1, 2)})) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1, math.nan]}, r"value\['a'\]\[1\] is nan"),
        ({"a": math.inf}, r"value\['a'\] is inf"),
        ({"a": 2**64}, r"value\['a'\]"),
        ({"a": {1: 2}}, r"value\['a'\] has a key that is not a string"),
        ({"a": b"x"}, r"\(bytes\), which a model file cannot hold"),
        ({"a": len}, "which a model file cannot hold"),
    ],
)
def test_what_cannot_be_written(value, place):
    """A value that JSON cannot hold is refused, with the place."""
    with pytest.raises(NotStrictError, match=place):
        dumps(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a":1,"a":1}', "the key 'a' appears twice"),
        ('{"a":{"b":1,"b":2}}', "the key 'b' appears twice"),
        ("[NaN]", "the number NaN"),
        ("[-Infinity]", "the number -Infinity"),
        ("[1e999]", "too large"),
        ("[0.%s]" % ("1" * 5000), "too long"),
        ("[%s]" % ("9" * 5000), "more than 64 bits"),
        ("[18446744073709551616]", "more than 64 bits"),
        (r'["\ud800"]', "half a character"),
        (r'["\u0000"]', "control character"),
        (r'["\u001b[31m"]', "control character"),
        (r'["\u202e"]', "control character"),
        (r'{"\u2066":1}', "control character"),
        ('["a\tb"]', "not JSON"),
        (r'["\\x"]', "backslash that stands for nothing"),
        (r'["\\{41}"]', "needs no escape"),
        (r'["\\{01}"]', "needs no escape"),
        (r'["\\{110000}"]', "needs no escape"),
        ("[" * 100_000, "too deeply"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "too deeply"),
        ("[1] x", "not JSON"),
        ("", "not JSON"),
    ],
    ids=lambda text: text[:24],
)
def test_what_is_not_read(text, complaint):
    """Text that `dumps` would not have written is refused, however large or deep."""
    with pytest.raises(NotStrictError, match=complaint):
        loads(text)


def test_number_of_objects():
    """Reading stops at the object that is one too many."""
    assert loads("[{},{}]", max_objects=2) == [{}, {}]
    with pytest.raises(NotStrictError, match="more than 2 objects"):
        loads("[{},{},{}]", max_objects=2)


def test_a_key_that_appears_twice_is_found_at_once():
    """One pass over the keys is enough, however many there are."""
    start = time.perf_counter()
    with pytest.raises(NotStrictError, match="the key '99999' appears twice"):
        loads("{" + ",".join(f'"{i}":1' for i in range(100_000)) + ',"99999":1}')
    assert time.perf_counter() - start < 5  # a count for each key takes minutes


def test_integers_at_the_limit():
    """The largest integer is read whether or not longer digits stand beside it, and one more is not."""
    assert loads(f"[{2**64 - 1}]") == [2**64 - 1]
    assert loads(f'[{2**63},"{"9" * 30}"]') == [2**63, "9" * 30]


def test_without_escapes():
    """A text of another writer can be read with its backslashes as they are."""
    assert loads(r'["a\\b"]', escaped=False) == ["a\\b"]
