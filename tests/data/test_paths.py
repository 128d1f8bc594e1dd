"""The checks before a file is parsed."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.data.paths import check_unpacked, existing_file, first_bytes, read_bytes, reading
from isthmus.errors import DataError, ParameterError


def test_gzip_is_unpacked_whatever_its_name(tmp_path):
    """The first bytes decide whether a file is unpacked."""
    (tmp_path / "a").write_bytes(gzip.compress(b"cells"))
    (tmp_path / "b.gz").write_bytes(b"cells")
    assert read_bytes(tmp_path / "a") == read_bytes(tmp_path / "b.gz") == b"cells"
    assert first_bytes(tmp_path / "a", 2) == first_bytes(tmp_path / "b.gz", 2) == b"ce"


def test_missing_file_offers_the_nearest_name(tmp_path):
    """A slip of the pen is answered with the name that was meant."""
    (tmp_path / "data.csv").write_text("a")
    with pytest.raises(DataError, match=r"dat\.csv does not exist\. Did you mean .*data\.csv\?"):
        existing_file(tmp_path / "dat.csv")
    with pytest.raises(DataError, match=r"Nor does the folder .*none\."):
        existing_file(tmp_path / "none" / "data.csv")


def test_things_that_are_no_files(tmp_path):
    """Folders, pipes and empty files are errors."""
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match="is a folder"):
        existing_file(tmp_path)
    with pytest.raises(DataError, match=r"is empty \(0 bytes\)"):
        existing_file(tmp_path / "empty.csv")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DataError, match="is not a regular file"):
            existing_file(tmp_path / "pipe")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"x" * 999, mtime=0)[:-9], gzip.compress(b"x", mtime=0)[:5], b"\x1f\x8bnothing"],
    ids=["cut in the cells", "cut in the head", "only its first bytes"],  # compressed bytes hold the time
)
def test_damaged_gzip(content, tmp_path):
    """A gzip file that is cut off or is none is an error with its name."""
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gz cannot be read"):
        read_bytes(tmp_path / "a.gz")


def test_empty_gzip(tmp_path):
    """A gzip file of nothing is empty."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match="is empty once unpacked"):
        read_bytes(tmp_path / "a.gz")


def test_gzip_that_unpacks_to_far_too_much(tmp_path, monkeypatch):
    """Unpacking stops where the content is more than 200 times the file."""
    monkeypatch.setattr("isthmus.data.paths.FREE_BYTES", 1000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(DataError, match="over 200 times its size"):
        read_bytes(tmp_path / "a.gz")
    check_unpacked("a", 999, 1)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "needs more memory"),
        (PermissionError(), "permission denied"),
        (OSError("broken\nlong"), "cannot be read: broken; the file is damaged"),
        (EOFError(), "cannot be read: EOFError"),
        (pa.ArrowInvalid("odd."), "cannot be read: odd; "),
        (OverflowError("big"), "cannot be read: big"),
    ],
)
def test_faults_become_data_errors(error, message):
    """Whatever a parser raises is one error with the name of the file."""
    with pytest.raises(DataError, match=f"a.csv .*{message}"), reading(Path("a.csv")):
        raise error


def test_our_own_errors_pass():
    """An error that is clear already is left as it is."""
    with pytest.raises(ParameterError, match="clear"), reading(Path("a.csv")):
        raise ParameterError("clear")


def test_a_name_of_another_file_is_not_offered(tmp_path):
    """Names that share little more than their suffix are not taken for one another."""
    (tmp_path / "inf.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"missing\.csv does not exist\. Check the name"):
        existing_file(tmp_path / "missing.csv")
