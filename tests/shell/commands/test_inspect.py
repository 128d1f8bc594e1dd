from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isthmus
from isthmus.files import container

SRC = Path(__file__).resolve().parents[3] / "src"


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A detector that holds 25 of its 60 training rows."""
    X = np.random.default_rng(0).normal(size=(60, 5))
    path = tmp_path_factory.mktemp("detector") / "d.safetensors"
    model = isthmus.Autoencoder(2, max_epochs=1)
    isthmus.AnomalyDetector(model, reference_rows=25, false_alarm_rate=0.2, random_state=0).fit(X).save(path)
    return path


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


@pytest.mark.parametrize("form", ["model", "detector"])
def test_torch_is_not_loaded(request, form):
    """A model file is shown without the package that would build the model."""
    path = str(request.getfixturevalue(form))
    code = f"import sys; from isthmus.shell import cli; cli.run(['inspect', {path!r}]); print('torch' in sys.modules)"
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


def test_detectors(run, detector):
    """The threshold, its rule, what it promises, and plainly that training rows are inside; then the model."""
    loaded, out = isthmus.load(detector), run("inspect", detector).out
    assert f"{loaded.threshold_:.4g} by the rule conformal (false alarm rate 0.2)" in out
    assert re.search(r"expected +\d+ false alarms per 1,000 new normal rows", out)
    assert "25 training rows as neighbours" in out
    assert re.search(r"training rows held +25", out)
    assert re.search(r"calibration scores +12", out)
    assert re.search(r"model inside\n +estimator +Autoencoder", out)
    assert "no training rows" not in out


def test_detectors_as_json(run, detector):
    """The numbers are those of the loaded detector."""
    found, loaded = json.loads(run("inspect", detector, "--json").out), isthmus.load(detector)
    assert found["estimator"] == "AnomalyDetector"
    assert found["threshold"] == loaded.threshold_
    assert found["rule"] == {"name": "conformal", "options": {"false_alarm_rate": 0.2}, "words": loaded.rule_.words()}
    assert found["false_alarms_per_1000"]["words"] in loaded.summary()
    assert found["calibration_scores"] == len(loaded.calibration_scores_)
    assert found["training_rows_held"] == 25
    assert found["model"]["weights"] == sum(value.numel() for value in loaded.model_.network_.state_dict().values())
    assert len(found["model"]["columns"]) == 5


def test_detectors_without_rows(run, tmp_path):
    """A detector that keeps no neighbours is said to hold no training rows."""
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = isthmus.Autoencoder(2, max_epochs=0)
    isthmus.AnomalyDetector(model, reference_rows=0, random_state=0).fit(X).save(tmp_path / "d.safetensors")
    out = run("inspect", tmp_path / "d.safetensors").out
    assert "no training rows" in out
    assert re.search(r"training rows held +none", out)
