from __future__ import annotations

import numpy as np
import pytest

import isthmus
from isthmus.models.traversal import traverse


def test_a_map_is_written(run, model, table, tmp_path):
    """The picture goes where it was asked for, the same each time."""
    target = tmp_path / "map.png"
    assert "60 rows" in run("map", model, table, "-o", target, "--labels", "zip").out
    first = target.read_bytes()
    run("map", model, table, "-o", target, "--labels", "zip")
    assert first[:4] == b"\x89PNG"
    assert target.read_bytes() == first


def test_a_walk_of_a_table_is_printed(run, model, table, tmp_path):
    """The columns stand in the order of their change, with their values at each step."""
    out = run("map", model, table, "-o", tmp_path / "m.png", "--walk", "0").out
    lines = out.split("from low to high:")[1].splitlines()[1:]
    walk = traverse(isthmus.load(model), str(table), 0, steps=5)
    assert len(lines[0].split()) == 6
    assert {line.split()[0] for line in lines[1:]} == {"age", "height", "zip", "paid", "day"}
    day = next(line for line in lines if line.split()[0] == "day")
    assert [str(value) for value in walk.rows["day"].to_pylist()] == day.split()[1:]


def test_a_walk_of_pictures_is_a_second_picture(run, photo_model, photos, tmp_path):
    """The strip lies beside the map and is named after the coordinate."""
    words = ("map", photo_model, photos, "-o", tmp_path / "m.png", "--walk")
    assert run(*words, "1").code == 0
    mean = (tmp_path / "m-latent1.png").read_bytes()
    assert run(*words, "1", "--around", "24").code == 0
    assert (tmp_path / "m-latent1.png").read_bytes() != mean


def test_a_walk_of_many_columns_is_curves(run, tmp_path):
    """Rows of many columns without names are drawn as curves."""
    rows = np.random.default_rng(0).normal(size=(50, 2)) @ np.random.default_rng(1).normal(size=(2, 60))
    np.save(tmp_path / "rows.npy", rows)
    isthmus.Autoencoder(3, max_epochs=0, random_state=0).fit(rows).save(tmp_path / "m.safetensors")
    words = ("map", tmp_path / "m.safetensors", tmp_path / "rows.npy", "-o", tmp_path / "m.png")
    assert "9 steps along latent0" in run(*words, "--walk", "0", "--dims", "3").out
    assert (tmp_path / "m-latent0.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-o", "map.jpg"], "give it a name that ends in .png"),
        (["-o", "no/map.png"], "there is no folder 'no'"),
        (["--walk", "2"], "the model has latent0 to latent1"),
        (["--walk", "-1"], "-1 is not in the range x>=0"),
        (["--around", "3"], "say along which coordinate with --walk N"),
        (["--walk", "0", "--around", "61"], "there are 60 rows"),
        (["--dims", "3"], "needs a latent of at least 3 numbers; this one has 2"),
        (["--dims", "4"], "4 is not in the range 2<=x<=3"),
        (["--labels", "payed"], "'payed' is neither"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(run, model, table, tmp_path, monkeypatch, listing, words, text):
    """A wrong flag is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert text in run("map", model, table, *words).error
    assert listing(tmp_path) == {}
