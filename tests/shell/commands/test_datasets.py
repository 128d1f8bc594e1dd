from __future__ import annotations

import json
import shutil

import pytest

from isthmus.data import datasets, folders
from isthmus.data.download import Download
from isthmus.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no ISTHMUS_DATA."""
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(datasets.FOLDER_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.mark.parametrize("words", [["datasets"], ["datasets", "list"]])
def test_every_set_is_listed(run, words, cache):
    """Names, sizes, whether they are here, where they were looked for and how to have them."""
    out = run(*words).out
    assert all(name in out for name in datasets.names())
    assert "32 x 32 x 3" in out
    assert f"Looked for in {cache}." in out
    assert "datasets get NAME; ISTHMUS_DATA names" in out


def test_json(run):
    """The list as JSON has one object per set, and the digits are always here."""
    found = json.loads(run("datasets", "list", "--json").out)
    assert [entry["name"] for entry in found] == list(datasets.names())
    assert found[0]["here"]
    assert [entry["rows_here"] for entry in found] == [1797, 0, 0, 0, 0, 0]


def test_a_partial_copy_is_listed_as_one(run, monkeypatch, shared_data, cache):
    """A copy with fewer rows is neither here nor missing: the list counts its rows."""
    for file in shared_data.glob("cifar10/cifar10_batch_*"):
        (cache / "cifar10").mkdir(parents=True, exist_ok=True)
        shutil.copy(file, cache / "cifar10")
    assert "part: 5,000 of 60,000" in run("datasets").out
    entry = json.loads(run("datasets", "list", "--json").out)[-1]
    assert (entry["here"], entry["rows_here"]) == (False, 5_000)
    done = run("datasets", "path", "cifar10")
    assert done.out == f"{cache / 'cifar10'}\n"
    assert "is partial: 5,000 of 60,000 rows" in done.err


def test_get_and_path(run, monkeypatch, cache, shared_data):
    """What is downloaded is named, with its rows; path prints nothing else, for use in a command."""

    def fetch(download: Download, folder):
        (folder / "ecg5000").mkdir(parents=True)
        return shutil.copy(shared_data / "ecg5000" / "ecg.csv.gz", folder / "ecg5000" / "ecg.csv.gz")

    monkeypatch.setattr(datasets, "fetch", fetch)
    place = cache / "ecg5000" / "ecg.csv.gz"
    assert run("datasets", "get", "ecg5000").out == f"ecg5000: 4,998 rows in {place}\n"
    assert run("datasets", "path", "ecg5000").out == f"{place}\n"
    assert "yes" in next(line for line in run("datasets").out.splitlines() if "ecg5000" in line)


def test_path_of_what_is_not_here(run):
    """Exit code 2, with the way to get it."""
    assert "Run `isthmus datasets get mnist`" in run("datasets", "path", "mnist").error


def test_no_network(run, monkeypatch, cache):
    """Exit code 2 and one line, with the way without a network."""

    def fetch(download: Download, folder):
        raise DataError(f"{download.place} could not be downloaded: no network. Fetch {download.urls[0]} by hand.")

    monkeypatch.setattr(datasets, "fetch", fetch)
    assert "could not be downloaded" in run("datasets", "get", "mnist").error


@pytest.mark.parametrize("verb", ["get", "path"])
def test_an_unknown_set(run, verb):
    """The nearest name is offered."""
    assert "no data set 'fashion'. Did you mean 'fashion-mnist'?" in run("datasets", verb, "fashion").error
