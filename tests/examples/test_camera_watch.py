"""The camera watch, with fewer pictures: smoke and fire are found where they were drawn, and normal pictures stay quiet."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import isthmus

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def watching():
    """The two scripts, and a watch that has learnt from 160 normal pictures and 100 held-out ones."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        hillside, camera = (importlib.import_module(name) for name in ("hillside", "camera_watch"))
    finally:
        sys.path.remove(str(EXAMPLES))
    normal, held_out = (np.stack([hillside.shoot(a + i).pixels for i in range(n)]) for a, n in ((0, 160), (9_000, 100)))
    model = isthmus.Autoencoder(40, max_epochs=0, random_state=0).fit(normal)
    watch = camera.Watch.learn(model.errors(held_out))
    return SimpleNamespace(hillside=hillside, camera=camera, model=model, watch=watch)


def look(watching, what, count=40):
    """New pictures with ``what`` in them, and what the watch says of each."""
    shots = [watching.hillside.shoot(50_000 + i, what) for i in range(count)]
    errors = watching.model.errors(np.stack([shot.pixels for shot in shots]))
    return shots, [watching.watch.look(e) for e in errors]


@pytest.mark.parametrize(("what", "least"), [("smoke", 0.6), ("fire", 0.95)])
def test_found_where_it_was_drawn(watching, what, least):
    """Most smoke and nearly all fire raise an alarm, and the place found lies on it."""
    shots, findings = look(watching, what)
    alarms = [(shot, found) for shot, found in zip(shots, findings, strict=True) if found.alarm]
    assert len(alarms) >= least * len(shots)
    assert np.mean([shot.seen[found.at] for shot, found in alarms]) > 0.9


def test_normal_pictures_stay_quiet(watching):
    """Hardly any normal picture raises an alarm; the expected share is the one that was asked for."""
    _, findings = look(watching, "", 100)
    assert np.mean([found.alarm for found in findings]) <= 0.06
    assert watching.watch.expected == pytest.approx(2 / 101)


def test_the_box_holds_the_place(watching):
    """The box lies in the picture and holds the pixel with the highest score."""
    for found in look(watching, "smoke", 10)[1]:
        top, left, bottom, right = found.box
        assert 0 <= top <= found.at[0] < bottom <= watching.hillside.HEIGHT
        assert 0 <= left <= found.at[1] < right <= watching.hillside.WIDTH
        assert found.odd[found.at] == found.score


def test_pictures_are_the_same_for_everyone(watching):
    """A seed gives one picture; with something drawn in, it differs only where that is seen, but for small changes."""
    shoot = watching.hillside.shoot
    clear, smoky = shoot(5), shoot(5, "smoke")
    assert np.array_equal(clear.pixels, shoot(5).pixels)
    assert not clear.seen.any()
    changed = np.abs(clear.pixels.astype(int) - smoky.pixels).mean(axis=2)
    assert changed[~smoky.seen].max() < watching.hillside.VISIBLE + 1.5
    assert smoky.seen.sum() > 10


def test_heat_map_of_a_detector_lies_on_the_smoke(watching):
    """Where a detector's heat map is the brightest, smoke was drawn: in nearly every picture, flagged or not."""
    shots = [watching.hillside.shoot(60_000 + i, "smoke") for i in range(30)]
    known = np.stack([watching.hillside.shoot(70_000 + i).pixels for i in range(120)])
    pictures = np.stack([shot.pixels for shot in shots])
    findings = watching.camera.by_detector(known[:80], known[80:], pictures, 40)
    assert np.mean([shot.seen[found.at] for shot, found in zip(shots, findings, strict=True)]) > 0.8


def test_the_command(watching, monkeypatch, tmp_path, capsys):
    """The whole example runs with a few pictures, says what it finds, and writes the sheet."""
    camera = watching.camera
    for name, value in (("NORMAL", 30), ("HELD_OUT", 20), ("STREAM", {"": 4, "smoke": 2, "fire": 2})):
        monkeypatch.setattr(camera, name, value)
    monkeypatch.setattr(camera.isthmus, "Autoencoder", lambda *a, **how: isthmus_model(watching, how))
    monkeypatch.setattr(sys, "argv", ["camera_watch.py", "--output", str(tmp_path / "watch")])
    camera.main()
    said = capsys.readouterr().out
    assert said.count(".png  score") == 8
    assert "difference from the mean picture" in said
    assert "AnomalyDetector, by its own score" in said
    assert (tmp_path / "watch" / "camera-watch.png").read_bytes()[:4] == b"\x89PNG"


def isthmus_model(watching, how):
    """A model that is quick to fit."""
    return type(watching.model)(5, **{**how, "max_epochs": 0})
