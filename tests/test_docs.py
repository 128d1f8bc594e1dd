"""The documentation: its generated page is up to date, and its checker finds what is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def build():
    """The script ``docs/build.py`` as a module."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_parameters_page_is_up_to_date(build):
    """``make docs`` was run after the last change of a parameter."""
    assert build.PARAMETERS_PAGE.read_text(encoding="utf-8") == build.parameters_page()


def test_every_link_leads_somewhere(build):
    """No page names a file, a page or a heading that is not there."""
    assert [fault for page in build.pages() for fault in build.faults_of(page)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[x](nowhere.md)", "leads to no file"),
        ("![x](nowhere.png)", "leads to no file"),
        ('<img src="nowhere.png">', "leads to no file"),
        ("[x](#no-such-heading)", "names a heading"),
        ("see `src/isthmus/nothing.py`", "there is no file"),
    ],
)
def test_the_checker_finds(build, tmp_path, monkeypatch, text, fault):
    """The checker finds each kind of broken link."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"# A heading\n\n{text}\n\n[fine](#a-heading)\n", encoding="utf-8")
    assert [fault in line for line in build.faults_of(page)] == [True]
