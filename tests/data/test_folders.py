"""Tests of `isthmus.data.folders`: where files are looked for, and where downloads go."""

from __future__ import annotations

import sys

import pytest

from isthmus.data import folders
from isthmus.errors import DataError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder that does not exist yet, and no ISTHMUS_DATA."""
    monkeypatch.delenv(folders.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_the_users_folder_comes_first(cache, tmp_path, monkeypatch):
    """ISTHMUS_DATA is looked at before the cache, and downloads go there."""
    assert folders.search_folders() == (cache,)
    assert folders.download_folder() == cache
    monkeypatch.setenv(folders.FOLDER_VARIABLE, str(tmp_path))
    assert folders.search_folders() == (tmp_path, cache)
    assert folders.download_folder() == tmp_path


@pytest.mark.parametrize("fault", ["missing", "protected"])
def test_downloads_go_to_the_cache_instead(cache, tmp_path, monkeypatch, fault):
    """Where ISTHMUS_DATA names no folder that can be written to, the cache is used."""
    named = tmp_path / "missing" if fault == "missing" else tmp_path
    monkeypatch.setenv(folders.FOLDER_VARIABLE, str(named))
    if fault == "protected":  # `access` is replaced: an administrator may write anywhere
        monkeypatch.setattr(folders.os, "access", lambda path, mode: path != tmp_path)
    assert folders.download_folder() == cache


def test_a_folder_given_is_the_only_one(cache, tmp_path):
    """A folder named in the call stands alone, and must exist."""
    assert folders.search_folders(str(tmp_path)) == (tmp_path,)
    assert folders.download_folder(tmp_path) == tmp_path
    with pytest.raises(DataError, match=r"There is no folder .*typo; name the folder"):
        folders.search_folders(tmp_path / "typo")


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="the rule of Linux")
@pytest.mark.parametrize(("named", "there"), [("/x/cache", "/x/cache/isthmus"), ("relative", "/home/u/.cache/isthmus")])
def test_the_cache_folder_of_linux(monkeypatch, named, there):
    """XDG_CACHE_HOME counts if it is absolute, as its rules say; else the cache is in the home folder."""
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert folders.cache_folder().as_posix() == there


def test_the_cache_folder_of_macos(monkeypatch):
    """On macOS it is below the library of the user."""
    monkeypatch.setattr(folders.sys, "platform", "darwin")
    assert folders.cache_folder().parts[-3:] == ("Library", "Caches", "isthmus")


def test_no_home(monkeypatch):
    """A user without a home folder is told what to set."""

    def home():
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(folders.Path, "home", home)
    with pytest.raises(DataError, match="no home folder; name a folder for data in ISTHMUS_DATA"):
        folders.cache_folder()


def test_packed_files_count(tmp_path):
    """A file is found with or without .gz, and a folder of its name is none."""
    (tmp_path / "a.gz").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    assert folders.find_file(tmp_path, "a") == tmp_path / "a.gz"
    assert folders.find_file(tmp_path, "b") is None
