from __future__ import annotations

import re
import shlex

import numpy as np
import pytest

import isthmus
from isthmus.shell import terminal
from isthmus.shell.commands import demo


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The folder and the output of one demo, quick because it trains for a few epochs only."""
    import contextlib
    import io

    from isthmus.models import autoencoder
    from isthmus.shell import cli

    folder, out, patch = tmp_path_factory.mktemp("demo"), io.StringIO(), pytest.MonkeyPatch()
    real = autoencoder.Autoencoder
    patch.setattr(
        autoencoder, "Autoencoder", lambda dim, random_state: real(dim, random_state=random_state, max_epochs=5)
    )
    patch.setattr(terminal, "program", lambda: "isthmus")
    patch.chdir(folder)
    with contextlib.redirect_stdout(out):
        assert cli.run(["demo"]) == 0
    patch.undo()
    return folder, out.getvalue()


def test_everything_is_written(shown):
    """Model, latents, held-out pictures and report are there."""
    folder, out = shown
    names = {path.name for path in (folder / "demo").iterdir()}
    assert names == {"digits.safetensors", "latents.csv", "test.npy", "report.html"}
    assert all(f"demo/{name}" in out for name in names)


def test_the_errors_are_those_of_the_pictures(shown):
    """The printed error is the mean squared error of the held-out pixels, and it beats PCA's."""
    folder, out = shown
    model, test = isthmus.load(folder / "demo/digits.safetensors"), np.load(folder / "demo/test.npy")
    pca, ours = (float(value) for value in re.findall(r"16 numbers +([\d.]+)", out))
    assert ours == pytest.approx(np.mean((model.reconstruct(test) - test) ** 2), abs=6e-4)
    assert ours < pca
    assert demo.pixel_errors(model, model.compare(test))["error"] == pytest.approx(ours, abs=6e-4)


def test_the_commands_work_as_pasted(shown, run, monkeypatch):
    """Every command that is suggested on the demo's own files runs."""
    folder, out = shown
    monkeypatch.chdir(folder)
    commands = [shlex.split(line)[1:] for line in out.splitlines() if line.startswith("  isthmus ") and "demo/" in line]
    commands = [words for words in commands if words[0] in ("inspect", "score", "reconstruct")]
    assert len(commands) == 3
    assert [run(*words).code for words in commands] == [0, 0, 0]


def test_a_folder_that_cannot_be_made(run, tmp_path):
    """A folder inside a folder that is not there is an error that names it."""
    assert "Cannot make the folder" in run("demo", "--output", tmp_path / "no" / "demo").error
