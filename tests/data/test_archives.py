"""Tests of `isthmus.data.archives`: only the known files come out, and only whole and right ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

from isthmus.data.archives import idx_bytes, take_faces, take_members
from isthmus.data.arrays import idx_from_bytes
from isthmus.errors import DataError

SIZE = 5_000
FILES = {f"bin/{name}.bin": bytes([place]) * SIZE for place, name in enumerate(("one", "two"))}
WANTED = {f"set/{name}": hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture
def archive(tmp_path):
    """Write an archive of members: a name with bytes, or a finished entry."""

    def write(*members):
        path = tmp_path / "archive.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for member in members:
                entry, content = (member, None) if isinstance(member, tarfile.TarInfo) else (None, member[1])
                if entry is None:
                    entry = tarfile.TarInfo(member[0])
                    entry.size = len(content)
                tar.addfile(entry, None if content is None else io.BytesIO(content))
        return path

    return write


def link(name, to, kind=tarfile.SYMTYPE):
    """A link as an entry."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, to, SIZE
    return entry


def take(path, wanted=WANTED):
    """Unpack beside the archive; give the folder."""
    folder = path.parent / "data" / "deep"
    take_members(path, wanted, folder, below="set/", size=SIZE)
    return folder


def everything(folder):
    """All that lies below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_known_members_are_taken(archive):
    """The files wanted lie at their places, in whatever order they come, and nothing else does."""
    folder = take(archive(("bin/readme.html", b"x"), *reversed(FILES.items())))
    assert everything(folder) == sorted(WANTED)
    assert all((folder / f"set/{name}").read_bytes() == content for name, content in FILES.items())


@pytest.mark.parametrize(
    "name", ["../../evil", "/evil", "bin/../../../evil", "..\\evil", "./bin/one.bin", "BIN/ONE.BIN"]
)
def test_other_names_go_nowhere(archive, tmp_path, name):
    """A member with any other name, however it points, is passed over."""
    path = archive((name, b"evil"), *FILES.items())
    folder = take(path)
    assert everything(tmp_path) == sorted(["archive.tar.gz", *(f"data/deep/{place}" for place in WANTED)])
    assert everything(folder) == sorted(WANTED)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE])
def test_no_links_and_devices(archive, tmp_path, kind):
    """A known name must be a plain file."""
    with pytest.raises(DataError, match=r"bin/one\.bin in it is not a plain file of 5,000 bytes; remove it and fetch"):
        take(archive(link("bin/one.bin", "/etc/passwd", kind), *FILES.items()))
    assert everything(tmp_path) == ["archive.tar.gz"]


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1])
def test_another_size(archive, size):
    """A file of another size is refused before it is read."""
    with pytest.raises(DataError, match="not a plain file of 5,000 bytes"):
        take(archive(("bin/one.bin", bytes(size))))


def test_another_content(archive, tmp_path):
    """A file of the right size with another content is not placed."""
    with pytest.raises(DataError, match=r"its one\.bin has the SHA-256 .*, expected"):
        take(archive(("bin/one.bin", b"x" * SIZE)))
    assert everything(tmp_path) == ["archive.tar.gz"]


def test_a_missing_file(archive):
    """The error names what the archive lacks."""
    with pytest.raises(DataError, match=r"bin/two\.bin missing in it"):
        take(archive(("bin/one.bin", FILES["bin/one.bin"])))


def test_much_more_than_wanted(archive):
    """An archive that unpacks to far more than the files is left before that is unpacked."""
    with pytest.raises(DataError, match="it holds more than 20,000 bytes"):
        take(archive(("bin/other", bytes(30_000)), *FILES.items()))


@pytest.mark.parametrize("content", [b"", b"no archive at all", gzip.compress(b"nor this" * 200, mtime=0), "cut"])
def test_no_archive(archive, content):
    """Whatever else lies there is an error in one line that names the file."""
    path = archive(*((f"bin/{n}.bin", np.random.default_rng(n).bytes(SIZE)) for n in range(4)), *FILES.items())
    path.write_bytes(path.read_bytes()[:10_000] if content == "cut" else content)
    with pytest.raises(DataError, match=r"archive\.tar\.gz") as caught:
        take(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_idx_there_and_back(shape):
    """What is written as IDX is read again as it was."""
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(idx_from_bytes(idx_bytes(values), "x"), values)


def matlab(path, faces):
    """Write a matrix as a MATLAB file."""
    from scipy.io import savemat

    savemat(path, {"faces": faces, "other": np.zeros(3)}, do_compression=True)
    return path


def test_faces(tmp_path):
    """Each column of the matrix becomes an upright picture: its first 64 values are the left edge."""
    faces = np.random.default_rng(0).integers(0, 256, (4096, 400), np.uint8)
    pictures = np.stack([column.reshape(64, 64).T for column in faces.T])
    contents = [idx_bytes(pictures), idx_bytes((np.arange(400) // 10).astype(np.uint8))]
    wanted = {f"o/{n}": hashlib.sha256(content).hexdigest() for n, content in enumerate(contents)}
    take_faces(matlab(tmp_path / "faces.mat", faces), wanted, tmp_path)
    assert [(tmp_path / place).read_bytes() for place in wanted] == contents


@pytest.mark.parametrize("faces", [np.zeros((4096, 400), np.uint8), np.zeros((4096, 400)), np.zeros((3, 3), np.uint8)])
def test_other_faces(tmp_path, faces):
    """Other pictures, or another matrix, are refused."""
    with pytest.raises(DataError, match=r"faces\.mat is not the file that it should be: it"):
        take_faces(matlab(tmp_path / "faces.mat", faces), {"o/a": "0" * 64, "o/b": "0" * 64}, tmp_path)
    assert everything(tmp_path) == ["faces.mat"]


def test_no_matlab_file(tmp_path):
    """A file of another format is an error that names it."""
    (tmp_path / "faces.mat").write_bytes(b"x" * 1000)
    with pytest.raises(DataError, match=r"faces\.mat cannot be read"):
        take_faces(tmp_path / "faces.mat", {"o/a": "", "o/b": ""}, tmp_path)
