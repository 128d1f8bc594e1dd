from __future__ import annotations

import numpy as np
import pytest

import isthmus


def test_a_table_comes_back_filled_in_its_own_form(run, model, table, tmp_path):
    """Columns, kinds and levels are those of the input, and no cell is missing."""
    assert run("reconstruct", model, table, "-o", tmp_path / "r.csv").code == 0
    before, after = isthmus.read(table), isthmus.read(tmp_path / "r.csv", kinds={"zip": "category"})
    assert after.names == before.names
    assert set(after.columns["zip"].to_pylist()) <= {"00701", "01234", "09999"}
    assert set(after.columns["paid"].to_pylist()) <= {"yes", "no"}
    assert not np.isnan(after.numbers("height")).any()


def test_pictures_to_an_array(run, photo_model, photos, tmp_path):
    """NPY holds the reconstructions in the type of the pictures."""
    assert run("reconstruct", photo_model, photos, "-o", tmp_path / "r.npy").code == 0
    found = np.load(tmp_path / "r.npy")
    assert (found.dtype, found.shape) == (np.uint8, (24, 6, 5))
    assert np.array_equal(found, isthmus.load(photo_model).reconstruct(str(photos)))


def test_pictures_to_a_sheet(run, photo_model, photos, tmp_path):
    """PNG is one sheet with all of them."""
    result = run("reconstruct", photo_model, photos, "-o", tmp_path / "r.png")
    assert "24 pictures on one sheet" in result.out
    assert min(isthmus.read(tmp_path / "r.png").shape[1:]) > 24


@pytest.mark.parametrize("kind", ["photos", "table"])
def test_each_form_has_its_own_files(run, model, photo_model, table, photos, tmp_path, kind):
    """Pictures do not go to CSV, rows not to PNG."""
    if kind == "photos":
        assert "pictures go to" in run("reconstruct", photo_model, photos, "-o", tmp_path / "r.csv").error
    else:
        assert "rows go to" in run("reconstruct", model, table, "-o", tmp_path / "r.png").error


def test_the_originals_are_safe(run, photo_model, photos, listing):
    """A folder that holds anything is never written into."""
    before = listing(photos)
    assert "not empty" in run("reconstruct", photo_model, photos, "-o", f"{photos}/").error
    assert listing(photos) == before
