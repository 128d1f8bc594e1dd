"""Public data sets by name."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from isthmus.data import datasets
from isthmus.errors import DataError


@pytest.mark.parametrize("entry", datasets.describe(), ids=lambda entry: entry.name)
def test_sets_are_as_described(entry, request, monkeypatch):
    """Each part has the rows and the shape that its entry states, and a label for each row."""
    if entry.files:
        monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(request.getfixturevalue("shared_data")))
    for part, rows in list(entry.parts.items())[:2]:
        values, labels = datasets.load(entry.name, part, labels=True)
        assert values.shape == (rows, *entry.shape)
        assert labels.shape == (rows,)
        assert labels.dtype == np.int64
    assert entry.at_hand()


def test_default_part_is_the_first():
    """Without a part the first one is loaded, without labels only the values."""
    np.testing.assert_array_equal(datasets.load("digits"), datasets.load("digits", "all", labels=True)[0])


def test_unknown_names_and_parts():
    """The nearest name, or the parts that there are, are offered."""
    with pytest.raises(DataError, match=r"no data set 'minst'\. Did you mean 'mnist'"):
        datasets.load("minst")
    with pytest.raises(DataError, match="has no part 'test'; it has: all"):
        datasets.load("digits", "test")


@pytest.mark.parametrize("folder", [None, "."])
def test_missing_files_say_what_to_do(folder, tmp_path, monkeypatch):
    """Without the files the error names them, where they come from and where to put them."""
    monkeypatch.delenv(datasets.FOLDER_VARIABLE, raising=False)
    if folder:
        monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    assert not datasets.find("ecg5000").at_hand()
    with pytest.raises(DataError, match=r"ecg5000/ecg\.csv .* is missing\. Fetch it from http.* into .*folder"):
        datasets.load("ecg5000")


def test_other_content_is_refused(tmp_path, monkeypatch):
    """A file with the right name and another content is an error with both checksums."""
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "ecg5000").mkdir()
    (tmp_path / "ecg5000" / "ecg.csv.gz").write_bytes(gzip.compress(b"1,2\n"))
    with pytest.raises(DataError, match="is not the file of the data set 'ecg5000': the SHA-256"):
        datasets.load("ecg5000")
