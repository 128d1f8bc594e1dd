from __future__ import annotations

import json

import numpy as np
import pytest

import isthmus
from isthmus.models.neighbours import nearest


def test_neighbours_are_those_of_python(run, model, table):
    """Row numbers count from 1; the row itself is left out."""
    found = json.loads(run("similar", model, table, "--row", "7", "-k", "3", "--json").out)
    indices, distances = nearest(isthmus.load(model), str(table), 6, n_neighbors=3)
    assert [n["row"] for n in found["neighbours"]] == (indices[0] + 1).tolist()
    assert [n["distance"] for n in found["neighbours"]] == pytest.approx(distances[0].tolist())
    assert set(found["neighbours"][0]["values"]) == {"age", "height", "zip", "paid", "day"}


def test_a_row_of_another_file(run, model, table, tmp_path):
    """A copy of a row in a file of its own is nearest to that row, at distance 0."""
    lines = table.read_text(encoding="utf-8").splitlines()
    (tmp_path / "new.csv").write_text("\n".join([lines[0], lines[9]]) + "\n", encoding="utf-8")
    out = run("similar", model, table, "--to", tmp_path / "new.csv", "-k", "2").out.splitlines()
    assert out[0].startswith(f"most like row 1 of {tmp_path / 'new.csv'}")
    assert out[2].split()[:2] == ["this", "one"]
    assert out[3].split()[:2] == ["9", "0"]


def test_rows_can_be_written(run, model, table, tmp_path):
    """A table of neighbours has their numbers, distances and cells."""
    run("similar", model, table, "--row", "2", "-o", tmp_path / "near.csv")
    near = isthmus.read(tmp_path / "near.csv").columns
    assert near.column_names == ["row", "distance", "age", "height", "zip", "paid", "day"]
    assert near.num_rows == 5


def test_pictures_are_named_and_drawn(run, photo_model, photos, tmp_path):
    """Pictures are named by their files, and go to one sheet."""
    words = ("similar", photo_model, photos, "--row", "3", "-o", tmp_path / "near.png")
    out = run(*words).out
    assert "photo02.png" in out.splitlines()[2]
    assert (tmp_path / "near.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads(run(*words, "--json").out)
    assert all(n["file"].endswith(f"photo{n['row'] - 1:02}.png") for n in found["neighbours"])


def test_an_array_without_names(run, tmp_path):
    """Rows without names are shown by number, and only a few columns of many."""
    rows = np.random.default_rng(0).normal(size=(30, 9))
    np.save(tmp_path / "rows.npy", rows)
    isthmus.Autoencoder(2, max_epochs=0, random_state=0).fit(rows).save(tmp_path / "m.safetensors")
    out = run("similar", tmp_path / "m.safetensors", tmp_path / "rows.npy", "--row", "1").out
    assert "6 of 9 columns are shown" in out
    assert len(out.splitlines()) == 8


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--row N, counted from 1, or --to FILE"),
        (["--row", "61"], "has 60 rows, counted from 1"),
        (["--row", "0"], "0 is not in the range x>=1"),
        (["--row", "1", "-k", "60"], "there are 59 rows to choose from"),
        (["--row", "1", "-o", "near.png"], "rows go to .csv"),
        (["--to", "nothing.csv"], "nothing.csv does not exist"),
    ],
)
def test_what_cannot_be_found_is_one_line(run, model, table, tmp_path, monkeypatch, listing, words, text):
    """A wrong flag is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert text in run("similar", model, table, *words).error
    assert listing(tmp_path) == {}


def test_pictures_go_to_a_sheet(run, photo_model, photos, tmp_path):
    """Any other name than that of a PNG file is refused."""
    assert (
        "give it a name that ends in .png"
        in run("similar", photo_model, photos, "--row", "1", "-o", tmp_path / "near.csv").error
    )
