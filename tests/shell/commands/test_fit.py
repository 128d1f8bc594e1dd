from __future__ import annotations

import json

import numpy as np
import pytest

import isthmus

KEYS = {
    "model", "rows", "columns", "latent_dim", "seed", "epochs", "validation_error", "pca_error", "ratio", "seconds",
    "resumed_from_step", "notes",
}  # fmt: skip
QUICK = ["--max-epochs", "2", "--latent-dim", "2"]


def test_a_fit_says_what_it_read_found_and_saved(run, table, tmp_path):
    """The output names the data, the kinds, PCA, the file and a next command."""
    target = tmp_path / "m.safetensors"
    result = run("fit", table, "-o", target, *QUICK)
    assert result.code == 0
    for text in (
        "60 rows, 5 columns",
        "zip",
        "category",
        "error of PCA",
        "times PCA's error",
        f"saved {target}",
        "report",
    ):
        assert text in result.out
    assert isthmus.load(target).latent_dim_ == 2


def test_json_is_one_object(run, table, tmp_path):
    """With ``--json`` standard output holds one object and nothing else."""
    result = run("fit", table, "-o", tmp_path / "m.safetensors", "--json", "--random-state", "7", *QUICK)
    found = json.loads(result.out)
    assert set(found) == KEYS
    assert (found["rows"], found["columns"], found["latent_dim"], found["seed"], found["epochs"]) == (60, 5, 2, 7, 2)
    assert found["ratio"] == pytest.approx(found["validation_error"] / found["pca_error"])
    assert found["resumed_from_step"] == 0
    assert "saved" in result.err


def test_the_same_seed_gives_the_same_file(run, table, tmp_path):
    """Two fits with one seed write the same bytes."""
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for file in files:
        assert run("fit", table, "-o", file, "--random-state", "1", *QUICK).code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_no_epochs_are_pca(run, table, tmp_path):
    """``--max-epochs 0`` is PCA, and said to be no better."""
    result = run("fit", table, "-o", tmp_path / "m.safetensors", "--max-epochs", "0", "--json")
    assert json.loads(result.out)["ratio"] == pytest.approx(1, abs=1e-5)
    assert "no better than PCA" in result.err


@pytest.mark.parametrize("output", [[], ["-o", "m.safetensors"]])
def test_dry_run_writes_nothing(run, table, tmp_path, monkeypatch, listing, output):
    """``--dry-run`` prints the plan, with or without an output, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    result = run("fit", table, "--dry-run", *output, *QUICK)
    assert result.code == 0
    assert "latent_dim       2" in result.out
    assert listing(tmp_path) == {}


def test_dry_run_as_json(run, table):
    """``--dry-run --json`` prints the plan as one object."""
    found = json.loads(run("fit", table, "--dry-run", "--json", *QUICK).out)
    assert (found["rows"], found["plan"]["latent_dim"], found["plan"]["max_epochs"]) == (60, 2, 2)


def test_kinds_can_be_set(run, tmp_path):
    """A number column with a given kind is read as that."""
    rows = "\n".join(f"{n % 5},{n * 1.5}" for n in range(40))
    (tmp_path / "a.csv").write_text(f"group,size\n{rows}\n", encoding="utf-8")
    result = run("fit", tmp_path / "a.csv", "--dry-run", "--kinds", "group=category")
    assert "group  category" in result.out


def test_a_report_beside_the_model(run, table, tmp_path):
    """``--report`` writes the page too."""
    page = tmp_path / "report.html"
    assert run("fit", table, "-o", tmp_path / "m.safetensors", "--report", page, *QUICK).code == 0
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


def test_model_and_report_need_two_names(run, table, tmp_path):
    """One name for both is refused before the fit."""
    both = tmp_path / "m.safetensors"
    assert "uses that file" in run("fit", table, "-o", both, "--report", both, *QUICK).error
    assert not both.exists()


def test_pictures_are_stretched_to_a_size(run, photos, tmp_path):
    """``--size`` is the size of the model's pictures."""
    target = tmp_path / "m.safetensors"
    words = ["fit", photos, "-o", target, "--size", "4x3", "--max-epochs", "0"]
    assert "24 pictures of 4 x 3" in run(*words).out
    assert isthmus.load(target).encoder_.layout.shape == (1, 4, 3)


def test_several_pictures(run, photos, tmp_path):
    """Pictures can be named one by one, as a shell does for ``*.png``."""
    files = sorted(photos.glob("*.png"))[:10]
    result = run("fit", *files, "-o", tmp_path / "m.safetensors", "--max-epochs", "0")
    assert "and 9 more: 10 pictures of 6 x 5" in result.out
    assert "DATA" in result.out


def test_names_from_strangers_are_escaped(run, tmp_path):
    """A column name cannot steer the terminal."""
    rows = "\n".join(f"{n * n % 7},{n}" for n in range(20))
    (tmp_path / "a.csv").write_text(f"a\x1b[31m,b\n{rows}\n", encoding="utf-8")
    result = run("fit", tmp_path / "a.csv", "-o", tmp_path / "m.safetensors", "--max-epochs", "0")
    shown = run("inspect", tmp_path / "m.safetensors")
    assert "\x1b" not in result.out + result.err + shown.out
    assert "a\\x1b[31m" in shown.out


def test_arrays(run, tmp_path):
    """An array without names is read, fitted and written under numbered columns."""
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32))
    model = tmp_path / "m.safetensors"
    assert run("fit", tmp_path / "a.npy", "-o", model, "--max-epochs", "0", "--latent-dim", "3").code == 0
    assert run("reconstruct", model, tmp_path / "a.npy", "-o", tmp_path / "r.csv").code == 0
    assert isthmus.read(tmp_path / "r.csv").names == ("x0", "x1", "x2")


def test_a_file_whose_form_must_be_told(run, tmp_path, monkeypatch):
    """``--delimiter`` and ``--no-header`` say how DATA is written, and stand in the commands to type next."""
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{n * n % 7},5;{n % 5},{n % 3}" for n in range(30))
    (tmp_path / "a.csv").write_text(f"one;two\n{rows}\n", encoding="utf-8")
    words = ["--delimiter", ";", "--header"]
    result = run("fit", "a.csv", "-o", "m.safetensors", *words, "--max-epochs", "0")
    assert "30 rows, 2 columns" in result.out
    assert "encode m.safetensors a.csv --delimiter ';' --header -o latents.csv" in result.out
    assert run("score", "m.safetensors", "a.csv", *words).code == 0
    assert "'one', 'two' are missing" in run("score", "m.safetensors", "a.csv", "--delimiter", ";", "--no-header").error


def test_several_tables(run, tmp_path):
    """Tables can be named one by one, as a shell does for ``*.csv``."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a,b\n" + "\n".join(f"{n},{n * n % 7}" for n in range(20)), encoding="utf-8")
    result = run("fit", tmp_path / "a.csv", tmp_path / "b.csv", "-o", tmp_path / "m.safetensors", "--max-epochs", "0")
    assert "40 rows, 2 columns" in result.out


def test_columns_left_out_are_said_once(run, tmp_path):
    """A column of free text is not said to be new when the model is compared with PCA on the same data."""
    rows = "\n".join(f"{n},note {n}" for n in range(40))
    (tmp_path / "a.csv").write_text(f"size,note\n{rows}\n", encoding="utf-8")
    result = run("fit", tmp_path / "a.csv", "-o", tmp_path / "m.safetensors", "--max-epochs", "0", "--latent-dim", "1")
    assert [line for line in result.err.splitlines() if "'note'" in line] == [
        "isthmus: note: Column 'note' is free text and is left out."
    ]
