"""NPY, NPZ and IDX files."""

from __future__ import annotations

import gzip
import struct
import zipfile

import numpy as np
import pytest

from isthmus.data.arrays import idx_from_bytes, read_idx, read_npy, read_npz
from isthmus.errors import DataError, DataTypeError

ARRAYS = [
    np.arange(24.0).reshape(2, 3, 4), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array([True, False]),
    np.arange(3, dtype=">i4"), np.zeros((0, 3), np.float32),
]  # fmt: skip
IDX = bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 4, 3) + bytes(range(60))


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_npy_round_trip(array, tmp_path):
    """What NumPy saves is read, in the byte order of the machine."""
    np.save(tmp_path / "a.npy", array)
    found = read_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_round_trip(save, tmp_path):
    """The only array, the one with a usual name, or the one that is named."""
    save(tmp_path / "one.npz", ARRAYS[0])
    save(tmp_path / "two.npz", X=ARRAYS[0], y=ARRAYS[1])
    np.testing.assert_array_equal(read_npz(tmp_path / "one.npz"), ARRAYS[0])
    np.testing.assert_array_equal(read_npz(tmp_path / "two.npz"), ARRAYS[0])
    np.testing.assert_array_equal(read_npz(tmp_path / "two.npz", "y"), ARRAYS[1])


def test_npz_names(tmp_path):
    """Several arrays without a usual name, or an unknown name, are errors that list them."""
    np.savez(tmp_path / "a.npz", images=ARRAYS[0], labels=ARRAYS[1])
    with pytest.raises(DataError, match=r"2 arrays: images, labels; say which one as .*a\.npz::NAME"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"no array 'image'\. Did you mean 'images'"):
        read_npz(tmp_path / "a.npz", "image")


@pytest.mark.parametrize("cells", [np.array([1, "a"], dtype=object), np.array(["a"]), np.array([1j])])
def test_cells_that_are_no_numbers(cells, tmp_path):
    """Objects are refused without being unpickled; so are text and complex numbers."""
    np.save(tmp_path / "a.npy", cells)
    with pytest.raises(DataTypeError, match="holds cells of type"):
        read_npy(tmp_path / "a.npy")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_npy_cut_off(share, tmp_path):
    """A file that ends too early is an error, before memory is taken."""
    file = tmp_path / "a.npy"
    np.save(file, np.zeros(1000))
    file.write_bytes(file.read_bytes()[: int(8128 * share)])
    with pytest.raises(DataError, match="cut off"):
        read_npy(file)


def test_npz_that_unpacks_to_far_too_much(tmp_path, monkeypatch):
    """A member whose header claims a huge size is refused."""
    monkeypatch.setattr("isthmus.data.paths.FREE_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", np.zeros(10**6))
    with pytest.raises(DataError, match=r"would unpack from .* to 8,000,128 bytes or more"):
        read_npz(tmp_path / "a.npz")


def test_not_a_zip_file(tmp_path):
    """Bytes that are no NPZ are an error with the name of the file."""
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(DataError, match=r"a\.npz cannot be read: .*zip"):
        read_npz(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w"):
        pass
    with pytest.raises(DataError, match="holds no arrays"):
        read_npz(tmp_path / "b.npz")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_idx(pack, tmp_path):
    """Images of an IDX file are (n, h, w)."""
    (tmp_path / "a-idx3-ubyte").write_bytes(pack(IDX))
    np.testing.assert_array_equal(read_idx(tmp_path / "a-idx3-ubyte"), np.arange(60).reshape(5, 4, 3))


@pytest.mark.parametrize(("code", "kind"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")])
def test_idx_types(code, kind):
    """Every type of the format, which is big-endian."""
    values = np.array([1, -2 if kind != "u1" else 2], np.dtype(kind))
    content = bytes([0, 0, code, 1, 0, 0, 0, 2]) + values.astype(values.dtype.newbyteorder(">")).tobytes()
    found = idx_from_bytes(content, "a")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"abcd", "not an IDX file"),
        (b"\0\0", "not an IDX file"),
        (bytes([0, 0, 8, 0]), "not an IDX file"),
        (IDX[:10], "cut off in its header"),
        (IDX[:-1], "75 bytes, but its header says 5 x 4 x 3, which is 76"),
        (IDX + b"0", "77 bytes, but"),
        (bytes([0, 0, 8, 2]) + b"\xff" * 8, "but its header says 4,294,967,295"),
    ],
)
def test_bad_idx(content, message):
    """A header that does not fit the file is an error."""
    with pytest.raises(DataError, match=message):
        idx_from_bytes(content, "a")


def test_a_single_number(tmp_path):
    """A file of one number has no rows."""
    np.save(tmp_path / "a.npy", np.float64(2.5))
    with pytest.raises(DataError, match=r"a\.npy holds a single number; expected an array of rows"):
        read_npy(tmp_path / "a.npy")


def test_npz_that_numpy_did_not_pack(tmp_path):
    """A member packed by a method whose memory has no bound is refused before it is unpacked."""
    np.save(tmp_path / "a.npy", ARRAYS[0])
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.write(tmp_path / "a.npy", "a.npy")
    with pytest.raises(DataError, match=r"a\.npz is packed in another way than NumPy packs"):
        read_npz(tmp_path / "a.npz")
