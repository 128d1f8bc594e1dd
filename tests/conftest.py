"""What several test files share: how examples are drawn, the larger data sets, the syntax trees of our source."""

from __future__ import annotations

import ast
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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


def stand_in(name: str, part: str = "train", labels: bool = False, *, data_dir: object = None) -> Any:
    """In place of `isthmus.datasets.load`: a few smooth pictures with ten classes, or heartbeats, every third not normal."""
    n = {"train": 40, "test": 20, "all": 90}[part]
    draw = np.random.default_rng(n)
    if name == "ecg5000":
        classes = (np.arange(n) % 3 > 0).astype(np.int64)
        time = np.linspace(0, 6, 140)
        rows = np.sin(time + draw.uniform(0, 0.5, (n, 1))) + (1 - classes[:, None]) * np.cos(4 * time)
    else:
        classes, side = np.arange(n) % 10, np.arange(28)
        slope = draw.uniform(0.05, 0.3, (2, n, 1, 1))
        waves = np.sin(classes[:, None, None] + slope[0] * side[:, None] + slope[1] * side)
        rows = (127 + 120 * waves).astype(np.uint8)
    return (rows, classes) if labels else rows


@pytest.fixture(scope="session")
def small_systems() -> Callable[[pytest.MonkeyPatch], None]:
    """A function that makes recipes quick: small data in place of the real, two epochs as written, one improved."""

    def shrink(patch: pytest.MonkeyPatch) -> None:
        from isthmus import recipes
        from isthmus.systems import material, running

        quick = {
            name: dataclasses.replace(
                recipe, as_written={**recipe.as_written, "max_epochs": 2}, improved={**recipe.improved, "max_epochs": 1}
            )
            for name, recipe in recipes.CATALOGUE.items()
        }
        patch.setattr(material.datasets, "load", stand_in)
        patch.setattr(running, "FILTERED", 3)
        patch.setattr(recipes, "CATALOGUE", quick)

    return shrink
