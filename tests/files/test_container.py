"""Tests of `isthmus.files.container`: round trips, one file for one content, and only what the spec asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file

from isthmus.errors import InternalError, ModelFileError, OutputError
from isthmus.files import container


def test_round_trip(path, written, expected, tensors, spec):
    """Spec and arrays come back as they were, in fresh arrays that can be written to."""
    spec, arrays = container.read(path, expected)
    assert spec == spec
    assert set(arrays) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
        assert arrays[name].flags.writeable
    assert np.signbit(arrays["b"][1])


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9_.]{1,12}", fullmatch=True),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        ).filter(lambda a: np.isfinite(a).all()),
        max_size=4,
    )
)
def test_round_trip_of_any_arrays(tmp_path_factory, tensors):
    """Any allowed types and shapes come back, and safetensors reads the same."""
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    container.write(path, {}, tensors)
    _, arrays = container.read(path, lambda spec: {n: (a.dtype, a.shape) for n, a in tensors.items()})
    theirs = load_file(path)
    for name, array in tensors.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
        np.testing.assert_array_equal(theirs[name], array, strict=True)


def test_safetensors_reads_it(path, written, tensors):
    """The file is a safetensors file for everybody else."""
    theirs = load_file(path)
    assert set(theirs) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(theirs[name], array, strict=True)


def test_same_content_same_bytes(tmp_path, written, tensors, spec):
    """Order of keys, name of the file, time and memory layout do not show in the bytes."""
    shuffled = {name: np.array(tensors[name], order="F") for name in reversed(tensors)}
    container.write(tmp_path / "other.safetensors", dict(reversed(spec.items())), shuffled)
    assert (tmp_path / "other.safetensors").read_bytes() == written


def test_big_endian_arrays_are_turned(path, small):
    """An array of the other byte order is written in the order of the format."""
    container.write(path, {}, {"w": np.array([1.0, 2.0], dtype=">f4")})
    np.testing.assert_array_equal(container.read(path, small)[1]["w"], [1.0, 2.0])


def test_arrays_start_at_multiples_of_their_item_size(path, written):
    """Wide types come first, so a reader may map the file."""
    sizes = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BOOL": 1, "U8": 1}
    for info in container.read_header(path).tensors:
        assert info.start % sizes[info.dtype] == 0


def test_header_without_arrays(path, written, tensors, spec):
    """The header tells spec, names, shapes and size, also when the arrays behind it are damaged."""
    path.write_bytes(written[:-1] + b"\xff")
    found = container.read_header(path)
    assert found.spec == spec
    assert {info.name: info.shape for info in found.tensors} == {n: a.shape for n, a in tensors.items()}
    assert found.file_bytes == len(written)


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({"W": np.zeros(1)}, "cannot hold the tensor 'W'"),
        ({"../x": np.zeros(1)}, "cannot hold the tensor"),
        ({"w": np.zeros(1, dtype=np.float16)}, "float16"),
        ({"w": np.array(["x"], dtype=object)}, "object"),
        ({"w": np.array([np.nan])}, "not finite"),
        ({"w": np.zeros((1,) * 9)}, "9 axes"),
        ({f"w{i}": np.zeros(0) for i in range(10_001)}, "10,001 tensors"),
    ],
    ids=["capital", "path", "float16", "object", "nan", "axes", "many"],
)
def test_what_cannot_be_written(path, tensors, complaint):
    """Arrays that the reader would refuse are refused by the writer, which leaves no file."""
    with pytest.raises(InternalError, match=complaint):
        container.write(path, {}, tensors)
    assert not path.exists()


def test_a_spec_that_cannot_be_written(path):
    """A number that is not finite in the spec is our bug, named by its place."""
    with pytest.raises(InternalError, match=r"\['history'\]\[0\] is nan"):
        container.write(path, {"history": [float("nan")]}, {})


def test_a_spec_that_is_too_large(path):
    """More names than a header holds is an error before anything is written."""
    with pytest.raises(OutputError, match="fewer or shorter column names"):
        container.write(path, {"columns": ["x" * 1000] * 5000}, {})
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"w.0": (np.float32, (2, 3))}, r"'w.0' is F32 \[3, 2\]; its spec asks for F32 \[2, 3\]"),
        ({"w.0": (np.float64, (3, 2))}, "its spec asks for F64"),
        ({"w.0": (np.float32, (10**9, 10**9))}, "its spec asks for"),
        ({"more": (np.float32, ())}, "it lacks the array 'more'"),
    ],
)
def test_arrays_must_be_those_that_the_spec_asks_for(path, written, change, complaint, expected):
    """Another shape, type or name than the spec's is refused before memory is taken."""
    with pytest.raises(ModelFileError, match=complaint):
        container.read(path, lambda spec: expected(spec) | change)


def test_an_array_that_nothing_asks_for(path, written, expected):
    """An array that the spec does not ask for is refused."""
    with pytest.raises(ModelFileError, match=r"an array 'w\.0' that nothing asks for"):
        container.read(path, lambda spec: {n: e for n, e in expected(spec).items() if n != "w.0"})


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OverflowError()])
def test_a_spec_that_asks_for_too_much(path, written, error):
    """What Python raises for a monstrous spec does not escape."""

    def ask(spec):
        raise error

    with pytest.raises(ModelFileError, match="more than this machine can hold"):
        container.read(path, ask)


def test_a_complaint_about_the_spec_names_the_file(path, written):
    """An error that the check of the spec raises is given the name of the file."""

    def ask(spec):
        raise ModelFileError("spec.latent_dim must be an integer")

    with pytest.raises(ModelFileError, match=r"Cannot load '.*m\.safetensors': spec\.latent_dim must be an integer\."):
        container.read(path, ask)
