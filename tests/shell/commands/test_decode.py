from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("latents", ["l.csv", "l.parquet", "l.npy", "l.npz"])
def test_encode_then_decode_is_reconstruct(run, model, table, tmp_path, monkeypatch, latents):
    """Two commands and one give the same bytes, by whatever file the latents travel."""
    monkeypatch.chdir(tmp_path)
    assert run("encode", model, table, "-o", latents).code == 0
    assert run("decode", model, latents, "-o", "decoded.csv").code == 0
    assert run("reconstruct", model, table, "-o", "reconstructed.csv").code == 0
    assert (tmp_path / "decoded.csv").read_bytes() == (tmp_path / "reconstructed.csv").read_bytes()


def test_pictures_come_back_under_their_names(run, photo_model, photos, tmp_path, listing):
    """Latents of pictures carry the names of their files to the decoded ones."""
    assert run("encode", photo_model, photos, "-o", tmp_path / "l.csv").code == 0
    assert run("decode", photo_model, tmp_path / "l.csv", "-o", f"{tmp_path}/decoded/").code == 0
    assert run("reconstruct", photo_model, photos, "-o", f"{tmp_path}/again/").code == 0
    assert listing(tmp_path / "decoded") == listing(tmp_path / "again")
    assert set(listing(tmp_path / "again")) == {path.name for path in photos.glob("*.png")}


def test_columns_of_any_name_do_if_their_number_is_right(run, model, tmp_path):
    """Latents that were edited elsewhere may have lost their names."""
    (tmp_path / "l.csv").write_text("p,q\n0.5,1\n-0.5,0\n", encoding="utf-8")
    assert run("decode", model, tmp_path / "l.csv", "-o", tmp_path / "d.csv").code == 0
    assert len((tmp_path / "d.csv").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(("text", "match"), [("p\n1\n2\n", "must hold latents of size 2"), ("p,q\n1,\n2,3\n", "NaN")])
def test_latents_that_cannot_be_decoded(run, model, tmp_path, text, match):
    """Too few columns and empty cells are named."""
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    assert match in run("decode", model, tmp_path / "l.csv", "-o", tmp_path / "d.csv").error
    assert not (tmp_path / "d.csv").exists()


def test_arrays_of_the_wrong_width(run, model, tmp_path):
    """The shape that is needed is named."""
    np.save(tmp_path / "l.npy", np.zeros((4, 3)))
    assert "(n_samples, 2)" in run("decode", model, tmp_path / "l.npy", "-o", tmp_path / "d.csv").error
