from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv
import pytest
from PIL import Image

import isthmus
from isthmus.models.explaining import explain
from isthmus.views.heat import heat_tiles


def size(path: Path) -> tuple[int, int]:
    """Width and height of a picture."""
    with Image.open(path) as picture:
        return picture.size


def column(frame: Any, name: str) -> list[Any]:
    """A column of a frame of any kind."""
    return frame[name].to_pylist() if hasattr(frame[name], "to_pylist") else list(frame[name])


def test_the_file_holds_the_reasons_of_the_estimator(run, detector, new, tmp_path):
    """Rows, columns and shares are those of ``AnomalyDetector.explain``, with rows counted from 1."""
    assert run("explain", detector, new, "-o", tmp_path / "o.csv").code == 0
    found = pa_csv.read_csv(tmp_path / "o.csv").to_pydict()
    said = isthmus.load(detector).explain(str(new))
    expected = {
        name: list(said[name].to_pylist() if hasattr(said[name], "to_pylist") else said[name]) for name in found
    }
    assert list(found) == ["row", "score", "p_value", "column", "seen", "expected", "share", "far"]
    assert [row - 1 for row in found["row"]] == expected["row"]
    assert found["column"] == expected["column"]
    assert np.allclose(found["share"], expected["share"])


def test_the_terminal_shows_the_worst_first(run, detector, new, odd):
    """Without -o the reasons are printed, those of the odd rows first."""
    result = run("explain", detector, new)
    lines = result.out.split("reasons, the most anomalous row first")[1].splitlines()
    assert int(lines[2].split()[0]) - 1 in odd
    assert "by the rule conformal" in result.out


def test_one_row_need_not_be_flagged(run, detector, new):
    """--row explains a row whatever its score; --top limits its columns."""
    fitted = isthmus.load(detector)
    row = int(np.argmin(fitted.anomaly_scores(str(new))))
    found = json.loads(run("explain", detector, new, "--row", row + 1, "--top", "1", "--json").out)
    assert [line["row"] for line in found["explained"]] == [row + 1]
    whole = explain(fitted, str(new), top=1, every=True)
    place = column(whole, "row").index(row)
    assert found["explained"][0]["column"] == column(whole, "column")[place]


def test_heat_maps_on_a_sheet_and_in_a_folder(run, photo_detector, new_photos, tmp_path):
    """A sheet has each picture over its heat map; a folder a file of both beside one another, named as the picture."""
    assert run("explain", photo_detector, new_photos, "-o", tmp_path / "heat.png", "--row", "5").code == 0
    assert size(tmp_path / "heat.png")[1] > 2 * 128
    assert run("explain", photo_detector, new_photos, "-o", f"{tmp_path}/heat/").code == 0
    names = {path.name for path in (tmp_path / "heat").iterdir()}
    assert {"shot04.png", "shot11.png"} <= names
    width, height = size(tmp_path / "heat" / "shot04.png")
    assert width / 2 / height == pytest.approx(5 / 6, abs=0.05)


def test_heat_as_numbers_is_that_of_the_estimator(run, photo_detector, new_photos, tmp_path, odd):
    """An array holds the heat of every picture, hot where the odd ones are odd."""
    assert run("explain", photo_detector, new_photos, "-o", tmp_path / "heat.npy").code == 0
    heat = np.load(tmp_path / "heat.npy")
    assert np.allclose(heat, isthmus.load(photo_detector).explain(str(new_photos)))
    assert heat[odd[0], :2, :2].mean() > heat[odd[0], 3:].mean()


def test_heat_is_drawn_on_one_scale():
    """A picture with more heat is lighter, and one with none is dark, however little the others have."""
    heat = np.zeros((3, 4, 4))
    heat[1], heat[2] = 1.0, 100.0
    light = heat_tiles(heat).astype(int).sum(axis=(1, 2, 3))
    assert light[0] < light[1] < light[2]
    assert (heat_tiles(np.zeros((1, 4, 4))) == heat_tiles(heat)[:1]).all()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--row", "31"], "has 30 rows, counted from 1"),
        (["-o", "o.npy"], "reasons are text"),
        (["-o", "o.png"], "rows go to"),
        (["--top", "0"], "--top"),
    ],
)
def test_what_cannot_be_explained_is_one_line(run, detector, new, tmp_path, monkeypatch, listing, words, text):
    """A wrong flag is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert text in run("explain", detector, new, *words).error
    assert listing(tmp_path) == {}


def test_models_and_pictures_that_need_a_word(run, model, table, photo_detector, new_photos):
    """An autoencoder cannot explain; heat maps need a place to go."""
    assert "isthmus detect NORMAL NEW --save" in run("explain", model, table).error
    assert "-o heat.png" in run("explain", photo_detector, new_photos).error
