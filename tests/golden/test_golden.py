"""Model files of every release load and score as they did when they were written."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isthmus
from isthmus.files import container

HERE = Path(__file__).resolve().parent
FILES = sorted(HERE.glob("*/*.safetensors"))


@pytest.fixture(scope="module")
def make():
    """The script that wrote the files, as a module."""
    spec = importlib.util.spec_from_file_location("golden_make", HERE / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_scores_are_those_of_the_release(make, file):
    """A file loads, and its model gives the rows beside it the scores beside it; other machines round otherwise."""
    json_rows = file.with_suffix(".json")
    if json_rows.exists():
        rows = make.frame(json.loads(json_rows.read_text(encoding="utf-8")))
    else:
        rows = np.load(file.with_suffix(".npy"), allow_pickle=False)
    expected = np.load(file.with_suffix(".scores.npy"), allow_pickle=False)
    np.testing.assert_allclose(make.scores(isthmus.load(file), rows), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_files_are_those_of_their_folder(file):
    """The version in a file is that of its folder."""
    assert container.read_header(file).spec["versions"]["isthmus"] == file.parent.name


def test_every_kind_is_there():
    """Each release has a table, pictures, a denoising model and a detector."""
    kinds = {folder.name: {f.stem for f in FILES if f.parent == folder} for folder in HERE.iterdir() if folder.is_dir()}
    kinds.pop("__pycache__", None)
    assert kinds
    assert all(found == {"table", "pictures", "denoising", "detector"} for found in kinds.values())


def test_a_folder_is_never_overwritten():
    """The script refuses where the folder of the version is there."""
    if not (HERE / isthmus.__version__).exists():
        pytest.skip("this version has no golden files yet")
    done = subprocess.run([sys.executable, str(HERE / "make.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "kept as they are" in done.stderr
