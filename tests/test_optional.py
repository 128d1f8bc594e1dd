"""Tests of `isthmus.optional`."""

from __future__ import annotations

import json
import sys

import pytest

from isthmus.errors import MissingPackageError
from isthmus.optional import need


def test_an_installed_package_comes_back():
    """The module itself is returned."""
    assert need("json", extra="dev") is json


def test_a_missing_package_names_the_install_line():
    """The error holds the line to type."""
    with pytest.raises(MissingPackageError, match=r'not installed\. .* python -m pip install "isthmus\[maps\]"'):
        need("no_such_package", extra="maps")


def test_a_missing_package_is_an_import_error():
    """Code that catches ImportError catches ours."""
    with pytest.raises(ImportError, match="no_such_package"):
        need("no_such_package.inner", extra="dev")


def test_a_broken_package_is_told_from_a_missing_one(tmp_path, monkeypatch):
    """A package that is there but fails to import something else is called broken, with the reason."""
    (tmp_path / "broken_package.py").write_text("import its_own_dependency\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError, match="broken: No module named 'its_own_dependency'"):
        need("broken_package", extra="dev")
    assert "broken_package" not in sys.modules
