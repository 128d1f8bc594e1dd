"""What several test files share: how examples are drawn, the larger data sets, the syntax trees of our source."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples for everybody, and no time limit for one: the machine may be busy.
settings.register_profile("isthmus", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("isthmus")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of larger data sets; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the larger data sets are not here; name their folder in ISTHMUS_DATA")
    return folder


@pytest.fixture(scope="session")
def trees() -> dict[str, ast.Module]:
    """The syntax tree of every Python file of the project, by its path from the root (``src/isthmus/errors.py``)."""
    files = [
        f for folder in ("src", "tests", "bench", "examples", "docs") for f in sorted((ROOT / folder).rglob("*.py"))
    ]
    return {f.relative_to(ROOT).as_posix(): ast.parse(f.read_text(encoding="utf-8"), str(f)) for f in files}


@pytest.fixture(scope="session")
def package(trees: dict[str, ast.Module]) -> dict[str, ast.Module]:
    """The syntax tree of every module of isthmus, by its name (``isthmus.errors``, ``isthmus.data``)."""
    sources = {path.removeprefix("src/"): tree for path, tree in trees.items() if path.startswith("src/")}
    return {path[:-3].replace("/", ".").removesuffix(".__init__"): tree for path, tree in sources.items()}
