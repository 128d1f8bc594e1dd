from __future__ import annotations

import numpy as np
import pytest

import isthmus


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy"])
def test_latents_are_those_of_the_estimator(run, model, table, tmp_path, suffix):
    """The file holds exactly what ``transform`` gives."""
    path = tmp_path / f"latents{suffix}"
    assert run("encode", model, table, "-o", path).code == 0
    data = isthmus.read(path)
    found = data if suffix == ".npy" else data.matrix(("latent0", "latent1"))
    assert np.array_equal(found.astype(np.float32), isthmus.load(model).transform(str(table)))


def test_pictures_keep_their_names(run, photo_model, photos, tmp_path):
    """Latents of pictures stand beside the file that each came from."""
    assert run("encode", photo_model, photos, "-o", tmp_path / "l.parquet").code == 0
    columns = isthmus.read(tmp_path / "l.parquet").columns
    assert columns.column_names == ["file", "latent0", "latent1"]
    assert columns["file"].to_pylist() == sorted(path.as_posix() for path in photos.glob("*.png"))


def test_a_category_stays_text(run, model, table, tmp_path):
    """New rows whose codes all look like numbers are read as the text that they were at fit."""
    lines = table.read_text(encoding="utf-8").splitlines()
    alone = tmp_path / "alone.csv"
    alone.write_text("\n".join([lines[0], lines[5]]), encoding="utf-8")
    assert run("encode", model, alone, "-o", tmp_path / "one.npy").code == 0
    assert run("encode", model, table, "-o", tmp_path / "all.npy").code == 0
    assert np.array_equal(np.load(tmp_path / "one.npy")[0], np.load(tmp_path / "all.npy")[4])


def test_a_picture_is_no_place_for_latents(run, model, table, tmp_path):
    """An unknown suffix is refused with those that work."""
    assert "rows go to .csv" in run("encode", model, table, "-o", tmp_path / "l.png").error
