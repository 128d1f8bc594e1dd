"""Tests of `isthmus.files.header`: versions, foreign files, and every fault of a header that somebody crafted."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from isthmus.errors import ModelFileError
from isthmus.files import container

GOOD = ':{"data_offsets":[0,8],"dtype":"F32","shape":[2]}'


def test_a_safetensors_file_of_somebody_else(path, craft, small):
    """A file that isthmus did not write is told from a damaged one."""
    craft(metadata="{}")
    with pytest.raises(ModelFileError, match="a safetensors file, but isthmus did not write it"):
        container.read(path, small)


def test_a_newer_file(path, craft, small):
    """A file of a newer format says to upgrade, whatever else is new in it."""
    craft(inner={"format": 2, "model": {}}, entries='"w":{"data_offsets":[0,4],"dtype":"BF16","shape":[2]}')
    with pytest.raises(ModelFileError, match=r"a newer isthmus wrote it \(file format 2; .*pip install --upgrade"):
        container.read(path, small)


@pytest.mark.parametrize("version", [0, -1, 1.0, True, "1", None])
def test_a_version_that_never_was(path, version, craft, small):
    """A version that is no version is a damaged file."""
    craft(inner={"format": version, "sha256": "0" * 64, "spec": {}})
    with pytest.raises(ModelFileError, match="damaged or edited"):
        container.read(path, small)


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ('"w":{"data_offsets":[0,2],"dtype":"U8","shape":[2]},"w":{"data_offsets":[0,8]}', "twice"),
        ('"w":{"data_offsets":[0,8],"dtype":"U8","dtype":"F32","shape":[2]}', "twice"),
        ('"w":{"data_offsets":[8,16],"dtype":"F32","shape":[2]}', "by its shape it must be"),
        ('"w":{"data_offsets":[0,4],"dtype":"F32","shape":[2]}', "by its shape it must be"),
        ('"w":{"data_offsets":[8,0],"dtype":"F32","shape":[2]}', "by its shape it must be"),
        ('"w":{"data_offsets":[0.0,8.0],"dtype":"F32","shape":[2]}', "by its shape it must be"),
        ('"w":{"data_offsets":[false,8],"dtype":"F32","shape":[2]}', "by its shape it must be"),
        (f'"v"{GOOD},"w"{GOOD}', "'w' lies"),
        ('"v":{"data_offsets":[4,8],"dtype":"F32","shape":[1]},"w":{"data_offsets":[0,4]}', "'v' lies"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[-2]}', "has the shape"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2.0]}', "has the shape"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[true]}', "has the shape"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":2}', "has the shape"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2]}', "has the shape"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[18446744073709551615]}', "too large"),
        ('"w":{"data_offsets":[0,0],"dtype":"F32","shape":[0,4294967296,4294967296]}', "too large"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[4294967296,4294967296,0]}', "too large"),
        ('"w":{"data_offsets":[0,4],"dtype":"F16","shape":[2]}', "the type 'F16'; allowed: F64"),
        ('"w":{"data_offsets":[0,4],"dtype":["F32"],"shape":[2]}', "the type"),
        ('"W":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}', "the name 'W'"),
        ('"../w":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}', "the name"),
        ('"":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}', "the name"),
        (f'"{"w" * 129}"{GOOD}', "the name"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2],"code":"x"}', "and nothing else"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32"}', "must have data_offsets, dtype and shape"),
        ('"w":7', "must have data_offsets"),
        ('"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2]},"__metadata__":{}', "twice"),
    ],
)  # fmt: skip
def test_faults_in_the_entry_of_an_array(path, entries, complaint, craft, small):
    """A wrong name, type, shape or place of an array is refused before memory is taken."""
    craft(entries=entries)
    with pytest.raises(ModelFileError, match=complaint):
        container.read(path, small)


@pytest.mark.parametrize(
    ("inner", "complaint"),
    [
        ('{"format":1,"format":1}', "twice"),
        ('{"a":NaN}', "the number NaN"),
        ('{"a":1e999}', "too large"),
        ('{"a":99999999999999999999999}', "64 bits"),
        (r'{"a":"\ud800"}', "half a character"),
        (r'{"a":"\u0000"}', "control character"),
        (r'{"a":"\u202e"}', "control character"),
        ({"format": 1, "sha256": "0" * 64, "spec": {}, "code": "os"}, "must hold format, sha256 and spec"),
        ({"format": 1, "sha256": "0" * 64}, "must hold format, sha256 and spec"),
        ({"format": 1, "sha256": "0" * 63, "spec": {}}, "spec or sha256"),
        ({"format": 1, "sha256": 7, "spec": {}}, "spec or sha256"),
        ({"format": 1, "sha256": "0" * 64, "spec": []}, "spec or sha256"),
        ("[]", "must hold format"),
        ("[" * 100_000, "too deeply"),
        # Good but for its spaces, which our writer does not write.
        ({"format": 1, "sha256": "0" * 64, "spec": {}}, "its header was damaged or edited"),
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_faults_in_our_entry(path, inner, complaint, craft, small):
    """A wrong version, digest or spec is refused, and so is any other spelling of a good one."""
    craft(inner=inner)
    with pytest.raises(ModelFileError, match=complaint):
        container.read(path, small)


def test_more_than_our_entry(path, craft, small):
    """Foreign metadata beside ours is refused."""
    craft(metadata=json.dumps({"isthmus": "{}", "format": "pt"}))
    with pytest.raises(ModelFileError, match="more than the entry of isthmus"):
        container.read(path, small)


def test_a_header_that_is_not_utf8(path, craft, small):
    """Bytes that are no text are refused."""
    craft(entries='"\udcff":{}')
    with pytest.raises(ModelFileError, match="not UTF-8"):
        container.read(path, small)


@pytest.mark.parametrize(
    "entries",
    [
        ",".join(f'"{i:x}":{{"data_offsets":[0,0],"dtype":"U8","shape":[0]}}' for i in range(60_000)),
        '"w":' + " " * 4_000_000 + "{}",
        '"w":' + "[" * 100_000,
        '"w":[' + "{}," * 1_000_000 + "{}]",
        '"w":[' + "[]," * 1_000_000 + "[]]",
    ],
    ids=["arrays", "spaces", "nested", "objects", "lists"],
)
def test_large_headers_are_cheap_to_refuse(path, entries, craft, small):
    """A header made to waste memory or time is refused with little of both."""
    craft(entries=entries)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="Cannot load"):
            container.read(path, small)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
