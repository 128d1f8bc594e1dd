"""``isthmus fit`` of a model that restores: by a corruption that is typed, or by pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest

import isthmus
from isthmus.corruptions import GaussianNoise, Holes, Swap
from isthmus.data.png import png_bytes

QUICK = ["--max-epochs", "1", "--random-state", "0"]


@pytest.fixture
def noisy(photos, tmp_path):
    """The pictures of `photos` with noise, under the same names."""
    folder = tmp_path / "noisy"
    folder.mkdir()
    for i, file in enumerate(sorted(photos.iterdir())):
        spoiled = GaussianNoise(0.1).apply(np.asarray(isthmus.read(file)), i)
        (folder / file.name).write_bytes(png_bytes(spoiled[0]))
    return folder


def test_a_corruption_that_is_typed(run, photos, tmp_path):
    """The model holds what was typed, and the output says what it restores, in dB too."""
    target = tmp_path / "m.safetensors"
    text = "gaussian-noise 0.1 | holes 2 shape=stripes"
    result = run("fit", photos, "-o", target, "--corruption", text, "--latent-dim", "2", *QUICK)
    assert result.code == 0
    model = isthmus.load(target)
    assert model.corruption_ == model.corruption == GaussianNoise(0.1) | Holes(2, shape="stripes")
    assert all(
        part in result.out for part in ("restoration, on 2 rows held out", "error of spoiled rows", "PSNR", " dB")
    )
    assert "--spoil" in result.out


def test_auto_and_json(run, table, tmp_path):
    """Auto is swap noise for a table; JSON keeps its keys and adds those of restoration."""
    target = tmp_path / "m.safetensors"
    found = json.loads(run("fit", table, "-o", target, "--corruption", "auto", "--json", *QUICK).out)
    assert isthmus.load(target).corruption_ == Swap(0.15)
    assert {"validation_error", "pca_error", "ratio", "latent_dim"} <= set(found)
    assert (found["untouched_error"], found["psnr"]) == (None, None)


def test_a_network_without_a_latent(run, tmp_path):
    """Large enough pictures get one; there is no PCA, and the spoiled ones stand in its place."""
    phase = np.random.default_rng(0).uniform(0, 6, (30, 1, 1))
    np.save(tmp_path / "x.npy", np.sin(phase + sum(np.ogrid[:16, :17]) / 4))
    words = ["fit", tmp_path / "x.npy", "-o", tmp_path / "m.safetensors", "--hidden-dims", "8,8", *QUICK, "--json"]
    result = run(*words, "--corruption", "gaussian-noise 0.2", "--network", "unet")
    found = json.loads(result.out)
    assert (found["pca_error"], found["ratio"], found["latent_dim"]) == (None, None, 0)
    assert found["untouched_error"] > 0
    assert "no latent" in result.err
    assert "PCA" not in result.err


def test_pairs_of_pictures(run, photos, noisy, tmp_path):
    """DATA is what the network sees, ``--clean`` what it learns to give back; the report is on both."""
    target, page = tmp_path / "m.safetensors", tmp_path / "r.html"
    words = ["--clean", photos, "--latent-dim", "2", "--report", page, *QUICK]
    result = run("fit", noisy, "-o", target, *words)
    assert result.code == 0
    assert isthmus.load(target).corruption_ is None
    assert f"--clean {photos}" in result.out
    expected = isthmus.DenoisingAutoencoder(latent_dim=2, max_epochs=1, random_state=0).fit(str(noisy), str(photos))
    assert np.array_equal(isthmus.load(target).denoise(str(noisy)), expected.denoise(str(noisy)))
    assert "Each spoiled picture that was given" in page.read_text(encoding="utf-8")


def test_pairs_of_tables_have_the_kinds_of_the_clean_rows(run, tmp_path):
    """A category that looks like a number in the spoiled rows is read as the clean one is."""
    lines = [f"{n % 7}.5,0{n % 3}" for n in range(40)]
    (tmp_path / "clean.csv").write_text("size,code\n" + "\n".join(lines), encoding="utf-8")
    (tmp_path / "spoiled.csv").write_text("size,code\n" + "\n".join(reversed(lines)), encoding="utf-8")
    target = tmp_path / "m.safetensors"
    assert run("fit", tmp_path / "spoiled.csv", "--clean", tmp_path / "clean.csv", "-o", target, *QUICK).code == 0
    assert isthmus.load(target).encoder_.kinds == ("number", "category")


def test_dry_run(run, photos):
    """The plan is that of a model that restores."""
    found = json.loads(run("fit", photos, "--corruption", "swap", "--size", "16x16", "--dry-run", "--json").out)
    assert found["plan"]["network"] == "unet"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--network", "unet"], "--network unet restores spoiled pictures; add --corruption"),
        (["--corruption", "gausian-noise"], "did you mean 'gaussian-noise'"),
        (["--corruption", "swap"], "Swap is for rows of columns, got pictures; use SaltPepper"),
        (["--corruption", "auto", "--network", "unet", "--latent-dim", "2"], "leave latent_dim=2 out"),
        (["--clean", "no.npy"], "no.npy does not exist"),
        (["--clean", "labels.npy"], "DATA, in the same order"),
        (["--clean", "few.npy"], "few.npy 3 x 6 x 5"),
    ],
)
def test_what_cannot_be_fitted(run, photos, tmp_path, monkeypatch, words, match):
    """Each mistake is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    np.save("labels.npy", np.arange(24))
    np.save("few.npy", np.zeros((3, 6, 5), np.uint8))
    assert match in run("fit", photos, "-o", "m.safetensors", *words, *QUICK).error
    assert not (tmp_path / "m.safetensors").exists()


def test_pairs_of_other_names(run, photos, noisy, tmp_path):
    """Pictures that are no pairs by their names are refused."""
    (noisy / "photo03.png").rename(noisy / "photo99.png")
    assert (
        "pairs need the same names"
        in run("fit", noisy, "--clean", photos, "-o", tmp_path / "m.safetensors", *QUICK).error
    )
