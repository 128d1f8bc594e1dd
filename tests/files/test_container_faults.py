"""Faults of whole model files: damaged bytes, other kinds of file, other things at a path, changes while reading."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

import numpy as np
import pytest

from isthmus.errors import ModelFileError
from isthmus.files import container, header


def test_every_truncation_is_noticed(path, written, expected):
    """A file cut at any byte is refused."""
    for length in range(len(written)):
        path.write_bytes(written[:length])
        with pytest.raises(ModelFileError, match="Cannot load"):
            container.read(path, expected)


def test_every_flipped_bit_is_noticed(path, written, expected):
    """A file with one bit of any byte flipped is refused."""
    for i in range(len(written)):
        damaged = bytearray(written)
        damaged[i] ^= 1 << (i % 8)
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="Cannot load"):
            container.read(path, expected)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "it is empty"),
        (b"1234567", "not a model file"),
        (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x04open\x94\x93\x94.", "a pickle"),
        (b"cbuiltins\nopen\n(S'CANARY'\nS'w'\ntR.", "a pickle"),
        (b"x\x9c" + bytes(20), "a pickle"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(30), "an HDF5 file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", "an NPY array"),
        (b"PAR1" + bytes(30), "a Parquet file"),
        (b"a,b\n1,2\n3,4\n5,6\n7,8\n", "not a model file"),
        (b"{}" * 20, "not a model file"),
        ((0).to_bytes(8, "little") + b"{" + bytes(20), "not a model file"),
        ((2**63).to_bytes(8, "little") + b"{" + bytes(20), "not a model file"),
        ((2**64 - 1).to_bytes(8, "little") + b"{" + bytes(20), "not a model file"),
        ((header.MAX_BYTES + 1).to_bytes(8, "little") + b"{" + bytes(20), "not a model file"),
        ((1000).to_bytes(8, "little") + b"{" + bytes(20), "cut short within its header"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else "",
)
def test_foreign_files(path, tmp_path, monkeypatch, content, complaint, small):
    """A file of another kind is named in words, quickly, and nothing in it is run."""
    monkeypatch.chdir(tmp_path)
    path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(ModelFileError, match=complaint):
        container.read(path, small)
    assert time.perf_counter() - start < 0.5
    assert os.listdir(tmp_path) == [path.name]


def test_bytes_after_the_end(path, written, expected):
    """Trailing bytes are refused."""
    path.write_bytes(written + b"x")
    with pytest.raises(ModelFileError, match=r"1 byte\(s\) after its end"):
        container.read(path, expected)


def sealed(path, body, dtype="F32"):
    """Write a file whose digest is right but whose bytes the writer would have refused."""
    info = header.TensorInfo("w", dtype, (2,), 0, len(body))
    digest = container._digest(1, {}, (info,))
    digest.update(body)
    raw = header.spelled(1, {}, digest.hexdigest(), (info,))
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + body)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(path, value, small):
    """Weights that are not finite are refused though the digest is right."""
    sealed(path, np.array([1, value], dtype="<f4").tobytes())
    with pytest.raises(ModelFileError, match="'w' holds numbers that are not finite"):
        container.read(path, small)


def test_flags_that_are_neither_0_nor_1(path):
    """A byte that is no flag is refused though the digest is right."""
    sealed(path, b"\x00\x02", dtype="BOOL")
    with pytest.raises(ModelFileError, match="neither 0 nor 1"):
        container.read(path, lambda spec: {"w": (np.bool_, (2,))})


def test_no_file(path, small):
    """A missing file is named."""
    with pytest.raises(ModelFileError, match=r"m\.safetensors': there is no such file\."):
        container.read(path, small)


def test_a_folder(tmp_path, small):
    """A folder is told from a file."""
    with pytest.raises(ModelFileError, match="it is a folder"):
        container.read(tmp_path, small)


def test_a_symbolic_link(path, written, tmp_path, expected):
    """A link is not followed; the message names what it points to."""
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ModelFileError, match=r"symbolic link; name the file itself: '.*m\.safetensors'"):
        container.read(tmp_path / "link", expected)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on this system")
def test_a_pipe(path, small):
    """A named pipe is refused at once instead of waited for."""
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match="not a regular file"):
        container.read(path, small)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there are no devices on this system")
def test_a_device(small):
    """A device that never ends is refused."""
    with pytest.raises(ModelFileError, match="not a regular file"):
        container.read("/dev/zero", small)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets on this system")
def test_a_socket(tmp_path, monkeypatch, small):
    """A socket is refused."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(ModelFileError, match="not a regular file"):
            container.read("s", small)


def test_a_path_with_a_nul_character(small):
    """A path that no system call takes is an error of ours, not a ValueError of Python."""
    with pytest.raises(ModelFileError, match="NUL"):
        container.read("a\0b", small)


def test_a_file_that_is_too_large(path, small):
    """A file above the cap is refused by its size, before it is read."""
    with path.open("wb") as handle:
        handle.truncate(container.MAX_FILE_BYTES + 1)
    with pytest.raises(ModelFileError, match="larger than 16 GiB"):
        container.read(path, small)


def test_a_file_that_shrinks_while_it_is_read(path):
    """A file that another program cuts meanwhile gives the old content or an error, never a crash."""
    tensors = {"w": np.arange(200_000, dtype=np.float32)}
    container.write(path, {}, tensors)
    whole = path.read_bytes()
    done = threading.Event()

    def disturb():
        while not done.is_set():
            path.write_bytes(whole[: len(whole) // 2])
            path.write_bytes(whole)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(40):
            try:
                _, arrays = container.read(path, lambda spec: {"w": (np.float32, (200_000,))})
            except ModelFileError:
                continue
            np.testing.assert_array_equal(arrays["w"], tensors["w"])
    finally:
        done.set()
        thread.join()


def test_reading_opens_one_file_and_imports_nothing(path, written, expected):
    """Loading a model file opens that file only, and neither imports, starts nor connects to anything."""
    seen, watching = [], True

    def watch(event, arguments):
        if watching and event.split(".")[0] in ("open", "import", "subprocess", "os", "socket", "exec", "compile"):
            seen.append((event, arguments[0]))

    sys.addaudithook(watch)
    container.read(path, expected)
    watching = False
    opened_by_name = [(event, what) for event, what in seen if not isinstance(what, int)]
    assert opened_by_name == [("open", str(path))]


def test_what_is_no_path(small):
    """Anything but text or a Path names no file."""
    with pytest.raises(ModelFileError, match=r"named by a path \(str or Path\); got NoneType"):
        container.read(None, small)
