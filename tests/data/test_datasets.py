"""Public data sets by name."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import urllib.parse
import warnings

import numpy as np
import pytest

from isthmus.data import datasets, folders
from isthmus.data.archives import idx_bytes
from isthmus.data.contents import read_idx_pairs
from isthmus.data.dataset import Copy, Dataset, File
from isthmus.data.download import Download
from isthmus.errors import DataError, IsthmusWarning

CONTENTS = {
    "tiny/train": idx_bytes(np.arange(24, dtype=np.uint8).reshape(6, 2, 2)),
    "tiny/train-labels": idx_bytes(np.arange(6, dtype=np.uint8)),
    "tiny/test": idx_bytes(np.full((2, 2, 2), 9, np.uint8)),
    "tiny/test-labels": idx_bytes(np.ones(2, np.uint8)),
}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty cache folder, and no ISTHMUS_DATA unless a test names one."""
    folder = tmp_path_factory.mktemp("cache") / "isthmus"
    monkeypatch.setattr(folders, "cache_folder", lambda: folder)
    monkeypatch.delenv(folders.FOLDER_VARIABLE, raising=False)
    return folder


@pytest.fixture
def tiny(monkeypatch):
    """A set of four small files; gives the list of what is downloaded."""
    files = tuple(File(n, hashlib.sha256(c).hexdigest(), n[5:].removesuffix("-labels")) for n, c in CONTENTS.items())
    fetches = tuple(Download(f.place, len(CONTENTS[f.place]), f.sha256, ("https://mirror.invalid/a",)) for f in files)
    few = Copy({"train": 2, "test": 2, "all": 4}, (File("tiny/few", files[0].sha256), *files[1:]), read_idx_pairs)
    copies = Copy({"train": 6, "test": 2, "all": 8}, files, read_idx_pairs), few
    monkeypatch.setattr(datasets, "DATASETS", {"tiny": Dataset("tiny", "Small.", (2, 2), "us", copies, fetches)})
    asked = []

    def fetch(download, folder):
        asked.append(download.place)
        put(folder, download.place)
        return folder / download.place

    monkeypatch.setattr(datasets, "fetch", fetch)
    return asked


def put(folder, *places, content=None):
    """Put files of the tiny set into a folder."""
    for place in places or CONTENTS:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(CONTENTS.get(place, b"") if content is None else content)


@pytest.mark.parametrize("entry", datasets.describe(), ids=lambda entry: entry.name)
def test_sets_are_as_described(entry, request, monkeypatch):
    """Each part of the copy that is here has the rows and the shape that its entry states, and a label for each row."""
    if entry.files:
        monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(request.getfixturevalue("shared_data")))
    copy = entry.copies[0] if entry.at_hand() else entry.copies[-1]
    for part, rows in list(copy.parts.items())[:2]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IsthmusWarning)  # CIFAR-10 may be a partial copy
            values, labels = datasets.load(entry.name, part, labels=True)
        assert values.shape == (rows, *entry.shape)
        assert labels.shape == (rows,)
        assert labels.dtype == np.int64
    assert entry.rows_here() == max(copy.parts.values())


def test_a_partial_copy_says_so(shared_data):
    """A few sheets of CIFAR-10 load as pictures in colour, with a note that counts the rows."""
    if (shared_data / "cifar10" / "cifar-10-batches-bin").exists():
        pytest.skip("the whole set is here")
    told = r"'cifar10' in .* is partial: 4,000 of 50,000 rows\. Run `isthmus datasets get cifar10`"
    with pytest.warns(IsthmusWarning, match=told):
        pictures, labels = datasets.load("cifar10", labels=True, data_dir=shared_data)
    assert pictures.dtype == np.uint8
    assert labels[:5].tolist() == [6, 9, 9, 4, 1]


def test_the_catalogue_is_sound():
    """Addresses are https and sums are whole; each download names where its files go, and files no two sets share."""
    places = [file.place for entry in datasets.describe() for copy in entry.copies for file in copy.files]
    assert len(places) == len(set(places))
    for entry in datasets.describe():
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for copy in entry.copies for file in copy.files)
        assert bool(entry.downloads) != bool(entry.installed)
        for download in entry.downloads:
            assert re.fullmatch("[0-9a-f]{64}", download.sha256)
            assert len({urllib.parse.urlsplit(url).netloc for url in download.urls}) == len(download.urls) >= 2
            assert all(url.startswith("https://") for url in download.urls)
            assert download.unpack or download.place.removesuffix(".gz") in places


def test_downloads_are_the_files_that_are_here(shared_data):
    """Sizes and checksums of what is downloaded as it comes are those of the files on this machine."""
    for entry in datasets.describe():
        for download in entry.downloads:
            path = shared_data / download.place
            if path.is_file():
                assert path.stat().st_size == download.size
                assert hashlib.sha256(path.read_bytes()).hexdigest() == download.sha256


def test_default_part_is_the_first():
    """Without a part the first one is loaded, without labels only the values."""
    np.testing.assert_array_equal(datasets.load("digits"), datasets.load("digits", "all", labels=True)[0])


def test_unknown_names_and_parts():
    """The nearest name, or the parts that there are, are offered."""
    for call in (datasets.load, datasets.get, datasets.path):
        with pytest.raises(DataError, match=r"no data set 'minst'\. Did you mean 'mnist'"):
            call("minst")
    with pytest.raises(DataError, match="has no part 'test'; it has: all"):
        datasets.load("digits", "test")


@pytest.mark.parametrize("given", ["nothing", "variable", "folder"])
def test_missing_files_say_what_to_do(given, tmp_path, monkeypatch, cache):
    """Without the files the error names them, where they were looked for, and both ways to have them."""
    if given == "variable":
        monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    place = cache if given == "nothing" else tmp_path
    where = rf"ecg5000/ecg\.csv .* missing in {re.escape(str(place))}.*Run `isthmus datasets get ecg5000`"
    for call in (datasets.load, datasets.path):
        with pytest.raises(DataError, match=rf"{where}.* https://.*/ecg\.csv to {re.escape(str(place))}"):
            call("ecg5000", data_dir=tmp_path if given == "folder" else None)


def test_a_missing_data_folder_is_named(tmp_path):
    """A mistyped folder is an error."""
    with pytest.raises(DataError, match=r"There is no folder .*typo"):
        datasets.load("mnist", data_dir=tmp_path / "typo")


def test_other_content_is_refused(tmp_path, monkeypatch):
    """A file with the right name and another content is an error with both checksums, and nothing is put beside it."""
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "ecg5000").mkdir()
    (tmp_path / "ecg5000" / "ecg.csv.gz").write_bytes(gzip.compress(b"1,2\n"))
    for call in (datasets.load, datasets.get):
        with pytest.raises(
            DataError, match=r"is not the file of the data set 'ecg5000': the SHA-256 .*Remove or rename"
        ):
            call("ecg5000")


def test_get_then_load(tiny, cache):
    """What was downloaded to the cache is loaded from there, and is not downloaded again."""
    with pytest.raises(DataError, match="is not at hand"):
        datasets.load("tiny")
    assert datasets.get("tiny") == datasets.path("tiny") == cache / "tiny"
    np.testing.assert_array_equal(datasets.load("tiny").ravel(), np.arange(24))
    assert datasets.load("tiny", "all", labels=True)[1].tolist() == [0, 1, 2, 3, 4, 5, 1, 1]
    datasets.get("tiny")
    assert tiny == list(CONTENTS)


def test_half_a_download(tiny, cache):
    """With one part here that part loads, the list says how many rows, and only the rest is downloaded."""
    put(cache, "tiny/test", "tiny/test-labels")
    assert datasets.load("tiny", "test").shape == (2, 2, 2)
    assert datasets.find("tiny").here() == "part: 2 of 8"
    with pytest.raises(DataError, match=r"tiny/train \(or tiny/train\.gz\) and 1 more missing"):
        datasets.load("tiny")
    datasets.get("tiny")
    assert tiny == ["tiny/train", "tiny/train-labels"]
    assert datasets.find("tiny").here() == "yes"


def test_packed_files_will_do(tiny, cache):
    """A file that lies there with .gz is used as it is."""
    put(cache)
    packed = cache / "tiny" / "train.gz"
    packed.write_bytes(gzip.compress((cache / "tiny" / "train").read_bytes()))
    (cache / "tiny" / "train").unlink()
    datasets.get("tiny")
    assert datasets.load("tiny").shape == (6, 2, 2)
    assert tiny == []


def test_the_users_folder_is_used(tiny, tmp_path, cache, monkeypatch):
    """Files in ISTHMUS_DATA are used before those in the cache; what is missing is downloaded to it."""
    put(cache)
    assert datasets.path("tiny") == cache / "tiny"
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    assert datasets.path("tiny") == cache / "tiny"
    put(tmp_path)
    assert datasets.path("tiny") == tmp_path / "tiny"
    shutil.rmtree(cache / "tiny"), shutil.rmtree(tmp_path / "tiny")
    assert datasets.get("tiny") == tmp_path / "tiny"


def test_a_folder_that_cannot_be_used_is_told(tiny, tmp_path, cache, monkeypatch):
    """Where ISTHMUS_DATA names no usable folder, the cache is used with a note."""
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path / "missing"))
    with pytest.warns(IsthmusWarning, match=r"missing cannot be written to; .*isthmus is used"):
        assert datasets.get("tiny") == cache / "tiny"


def test_a_folder_of_ones_own(tiny, tmp_path, cache):
    """A folder named in the call is the only one used."""
    assert datasets.get("tiny", data_dir=tmp_path) == tmp_path / "tiny"
    assert not cache.exists()
    assert datasets.load("tiny", data_dir=tmp_path).shape == (6, 2, 2)


def test_the_whole_copy_comes_before_a_partial_one(tiny, tmp_path, cache, monkeypatch):
    """A partial copy in the first folder does not hide the whole one in the second."""
    monkeypatch.setenv(datasets.FOLDER_VARIABLE, str(tmp_path))
    put(tmp_path, *CONTENTS)
    (tmp_path / "tiny" / "train").rename(tmp_path / "tiny" / "few")
    assert datasets.find("tiny").here() == "part: 4 of 8"
    with pytest.warns(IsthmusWarning, match="is partial: 4 of 8 rows"):
        assert datasets.path("tiny") == tmp_path / "tiny"
    put(cache)
    assert datasets.path("tiny") == cache / "tiny"


def test_an_archive_is_unpacked_and_taken_away(tiny, cache, monkeypatch):
    """What is downloaded only to be unpacked does not stay; what somebody put there by hand does."""

    def unpack(path, wanted, folder):
        put(folder, *wanted)

    only = Download("tiny/archive", 1, "0" * 64, ("https://mirror.invalid/a",), unpack)
    entry = datasets.find("tiny")
    monkeypatch.setattr(datasets, "DATASETS", {"tiny": Dataset("tiny", "", (2, 2), "us", entry.copies, (only,))})
    for by_hand in (False, True):
        if by_hand:
            shutil.rmtree(cache)
            put(cache, "tiny/archive")
        datasets.get("tiny")
        assert (cache / "tiny" / "archive").exists() is by_hand
        assert datasets.find("tiny").at_hand()


def test_an_installed_set_has_a_file():
    """The digits are a file of scikit-learn, here without any download."""
    assert datasets.get("digits") == datasets.path("digits")
    assert gzip.decompress(datasets.path("digits").read_bytes()).split(b"\n")[0].count(b",") == 64
