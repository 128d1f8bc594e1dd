"""Tests of `isthmus.files.schema`: what a rule lets pass, and where the complaint points."""

from __future__ import annotations

import pytest

from isthmus.errors import ModelFileError
from isthmus.files.schema import Either, Enum, Flag, List, Map, Null, Number, Object, Tagged, Text, check

COLUMN = Tagged("kind", {"number": Object({"scale": Number(0)}), "category": Object({"levels": List(Text(5), 3)})})
SPEC = Object(
    {
        "latent_dim": Number(1, 100, integer=True),
        "network": Enum(("dense", "conv")),
        "whiten": Flag(),
        "columns": List(COLUMN, 2, min_length=1),
        "renamed": Map(Text(3, "[a-z]+"), 1),
        "seed": Either((Null(), Number(integer=True))),
    },
    optional={"seed"},
)


def good() -> dict:
    """A value that obeys `SPEC`."""
    return {
        "latent_dim": 2,
        "network": "dense",
        "whiten": True,
        "columns": [{"kind": "number", "scale": 1.5}, {"kind": "category", "levels": ["a", "b"]}],
        "renamed": {"a name": "abc"},
        "seed": None,
    }


def test_a_good_value_passes():
    """A value that obeys every rule is let through."""
    check(good(), SPEC)


def test_an_optional_key_may_be_missing():
    """An optional key may be left out, or take either form."""
    value = good()
    del value["seed"]
    check(value, SPEC)
    check(value | {"seed": 7}, SPEC)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"path": "/etc/passwd"}, "spec has an unknown key 'path'; allowed: columns, latent_dim"),
        ({"latent_dim": 0}, "spec.latent_dim must be an integer from 1 to 100; it is 0"),
        ({"latent_dim": 10**9}, "spec.latent_dim must be an integer"),
        ({"latent_dim": 2.0}, "spec.latent_dim must be an integer"),
        ({"latent_dim": True}, "spec.latent_dim must be an integer"),
        ({"latent_dim": "2"}, "spec.latent_dim must be an integer"),
        ({"latent_dim": None}, "spec.latent_dim must be an integer"),
        ({"network": "os.system"}, "spec.network must be dense or conv; it is 'os.system'"),
        ({"network": ["dense"]}, "spec.network must be dense or conv"),
        ({"whiten": 1}, "spec.whiten must be true or false; it is 1"),
        ({"columns": []}, "spec.columns must have from 1 to 2 entries; it has 0"),
        ({"columns": [{"kind": "number", "scale": 1}] * 3}, "it has 3"),
        ({"columns": {"kind": "number"}}, "spec.columns must be a list"),
        ({"columns": [7]}, r"spec.columns\[0\] must be an object; it is 7"),
        ({"columns": [{"scale": 1}]}, r"spec.columns\[0\].kind must be number or category; it is None"),
        ({"columns": [{"kind": [], "scale": 1}]}, r"spec.columns\[0\].kind must be number or category"),
        ({"columns": [{"kind": "number"}]}, r"spec.columns\[0\] lacks the key 'scale'"),
        ({"columns": [{"kind": "number", "scale": -1}]}, r"spec.columns\[0\].scale must be a number from 0"),
        ({"columns": [{"kind": "number", "scale": float("nan")}]}, r"spec.columns\[0\].scale must be a number"),
        ({"columns": [{"kind": "number", "scale": float("inf")}]}, r"spec.columns\[0\].scale must be a number"),
        ({"columns": [{"kind": "category", "levels": ["abcdef"]}]}, r"levels\[0\] must be a string of at most 5"),
        ({"columns": [{"kind": "category", "levels": [], "scale": 1}]}, r"columns\[0\] has an unknown key 'scale'"),
        ({"renamed": {"a": "../x"}}, r"spec.renamed\['a'\] must be a string of at most 3 characters like"),
        ({"renamed": {"a": "a", "b": "b"}}, "spec.renamed must have from 0 to 1 entries"),
        ({"renamed": {"a" * 1001: "a"}}, "a key of spec.renamed must be a string of at most 1000"),
        ({"seed": "now"}, "spec.seed must be an integer"),
    ],
)
def test_a_wrong_value_is_named(change, complaint):
    """The first wrong place is named by its path, with what is allowed and what is there."""
    with pytest.raises(ModelFileError, match=complaint):
        check(good() | change, SPEC)


@pytest.mark.parametrize("key", list(SPEC.fields))
def test_every_key_is_needed(key):
    """Each key that is not optional must be there."""
    value = good()
    del value[key]
    if key in SPEC.optional:
        check(value, SPEC)
    else:
        with pytest.raises(ModelFileError, match=f"spec lacks the key '{key}'"):
            check(value, SPEC)


def test_the_name_of_the_whole_is_given():
    """The caller says what to call the value."""
    with pytest.raises(ModelFileError, match=r"history\[0\] must be a number"):
        check(["x"], List(Number(), 5), where="history")


def test_a_message_is_one_short_line():
    """A long or hostile value is shortened and its control characters are shown as escapes."""
    with pytest.raises(ModelFileError, match="must be dense or conv") as caught:
        check(good() | {"network": "\x1b[31m\n" * 1000}, SPEC)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 200
