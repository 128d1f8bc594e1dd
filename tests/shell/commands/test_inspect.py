from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import isthmus
from isthmus.files import container

SRC = Path(__file__).resolve().parents[3] / "src"


def test_everything_that_matters_is_shown(run, model):
    """Data, kinds, plan, training, digest, and what of the data is inside."""
    out = run("inspect", model).out
    for text in (
        "Autoencoder",
        isthmus.__version__,
        "sha256",
        "no training rows",
        "zip",
        "category",
        "latent_dim",
        "seed",
    ):
        assert text in out


def test_json_agrees_with_the_estimator(run, model):
    """The numbers are those of the loaded model."""
    found, loaded = json.loads(run("inspect", model, "--json").out), isthmus.load(model)
    assert found["rows"] == loaded.n_rows_
    assert found["seed"] == loaded.seed_
    assert found["plan"]["latent_dim"] == loaded.latent_dim_
    assert found["weights"] == sum(value.numel() for value in loaded.network_.state_dict().values())
    assert [column["name"] for column in found["columns"]] == loaded.feature_names_in_.tolist()
    assert found["training_rows_held"] == 0


def test_models_of_pictures(run, photo_model):
    """Pictures are described by their size."""
    assert "6 high, 5 wide, 1 channel, uint8" in run("inspect", photo_model).out


def test_torch_is_not_loaded(model):
    """A model file is shown without the package that would build the model."""
    code = f"import sys; from isthmus.shell import cli; cli.run(['inspect', {str(model)!r}]); print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_sound_file_that_is_no_model(run, tmp_path):
    """A file of our container whose description is not that of a model is one clear error."""
    path = tmp_path / "odd.safetensors"
    container.write(path, {"kind": "something"}, {"w": np.ones(2, np.float32)})
    assert "not the description of a model" in run("inspect", path).error


def test_inspecting_changes_nothing(run, model):
    """The file has the same bytes before and after."""
    before = hashlib.sha256(model.read_bytes()).digest()
    run("inspect", model)
    assert hashlib.sha256(model.read_bytes()).digest() == before


def test_members(run, tmp_path):
    """The latents of all members are counted, and the size of PCA beside them is said."""
    X = np.random.default_rng(0).normal(size=(30, 5))
    isthmus.Autoencoder(2, members=3, max_epochs=0, random_state=0).fit(X).save(tmp_path / "m.safetensors")
    shown = run("inspect", tmp_path / "m.safetensors").out
    assert re.search(r"latent +6 numbers", shown)
    assert "PCA at the latent size of one member" in shown
