"""Tests of ``isthmus fit`` with run directories."""

from __future__ import annotations

import json

import pytest

from isthmus.errors import DataError
from isthmus.files.run_folder import RunFolder
from isthmus.models import fitting

SHORT = ("--max-epochs", "3", "--random-state", "0")


def fitted(run, *words):
    """What ``--json`` says of a fit."""
    done = run("fit", *words, *SHORT, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_short_fit_leaves_the_model_alone(run, table, tmp_path):
    """No run directory stays where nothing would have been lost."""
    assert fitted(run, table, "-o", tmp_path / "m.safetensors")["resumed_from_step"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_a_finished_fit_is_not_repeated(run, table, tmp_path):
    """The same command again is done at once, with the same bytes."""
    words = (table, "-o", tmp_path / "m.safetensors", "--run-dir", tmp_path / "run")
    first = fitted(run, *words)
    before = (tmp_path / "m.safetensors").read_bytes()
    again = fitted(run, *words)
    assert again["resumed_from_step"] > first["resumed_from_step"] == 0
    assert (tmp_path / "m.safetensors").read_bytes() == before


def test_a_run_directory_in_use_is_exit_75(run, table, tmp_path):
    """The other process is named, and no model is written."""
    held = RunFolder(tmp_path / "run")
    done = run("fit", table, "-o", tmp_path / "m.safetensors", "--run-dir", tmp_path / "run")
    held.close()
    assert done.code == 75
    assert "in use by process" in done.err
    assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("asked", [True, False])
def test_other_settings(run, table, tmp_path, asked):
    """Refused where the run directory was asked for; the one beside the model gives way once its fit is finished."""
    where = ("--run-dir", tmp_path / "m.safetensors.run") if asked else ()
    words = (table, "-o", tmp_path / "m.safetensors", *where)
    fitted(run, *words, "--run-dir", tmp_path / "m.safetensors.run")
    done = run("fit", *words, "--max-epochs", "2", "--random-state", "0")
    assert done.code == (2 if asked else 0)
    if asked:
        assert "max_epochs was 3, is 2" in done.err
        assert "--fresh" in done.err


def test_a_fit_that_fails_leaves_nothing(run, table, tmp_path, monkeypatch):
    """Nor does a run directory stay that holds no checkpoint."""

    def fails(*_):
        assert (tmp_path / "m.safetensors.run").is_dir()
        raise DataError("these rows cannot be used")

    monkeypatch.setattr(fitting, "fit_all", fails)
    done = run("fit", table, "-o", tmp_path / "m.safetensors", *SHORT)
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []
