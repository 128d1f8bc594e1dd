"""Tests of `isthmus.systems.showing`: what a system shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from isthmus import Autoencoder, DenoisingAutoencoder, recipes
from isthmus.systems.catalogue import CATALOGUE
from isthmus.systems.material import material
from isthmus.systems.running import AS_WRITTEN, Side
from isthmus.systems.showing import SHOWS, first_section, sections_of
from isthmus.views.charts import as_png
from isthmus.views.pictures import sheet_png

HISTORY = [
    {"epoch": float(n), "loss": 1 / n, "val_loss": 2 / n, "accuracy": 0.5, "val_accuracy": 0.4} for n in (1, 2, 3)
]


@pytest.fixture(autouse=True)
def small(monkeypatch, small_systems):
    """Small data in place of the real."""
    small_systems(monkeypatch)


@pytest.fixture
def case():
    """A function that gives a recipe, its rows, and two sides with models that were not trained, and a filter."""

    def made(name):
        recipe = recipes.find(name)
        rows = material(recipe)
        latent = {"mnist-conv-7x7": 49, "mnist-3d": 3}.get(name, 2)
        kind = DenoisingAutoencoder if recipe.task == "denoise" else Autoencoder
        model = kind(latent_dim=latent, network="dense", max_epochs=0, random_state=0).fit(rows.train)
        model.block_rows_ = 32  # padding to thousands of rows would take most of the test's time
        scores = np.linspace(0, 1, len(rows.test)) if recipe.task == "detect" else None
        sides = [Side(name, {}, model, scores=scores, threshold=0.7) for name in ("improved", "PCA")]
        return recipe, rows, [Side(AS_WRITTEN, {}, model, HISTORY, scores, 0.7), *sides, Side("median", {})]

    return made


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_system_shows_what_it_names(name, case):
    """Each name in ``shows`` gives a section with something drawn in it, under names of their own."""
    recipe, rows, sides = case(name)
    sections = sections_of(recipe, rows, sides)
    assert len(sections) == len(recipe.shows)
    assert all(section.charts or section.strips for section in sections)
    drawn = [thing.name for section in sections for thing in (*section.charts, *section.strips)]
    assert len(set(drawn)) == len(drawn)
    assert len({section.anchor for section in sections}) == len(sections)


@pytest.mark.parametrize("show", SHOWS)
def test_everything_can_be_drawn(show, case):
    """Each picture and each chart of each section can be written as a PNG file."""
    name = next(name for name, recipe in CATALOGUE.items() if show in recipe.shows)
    recipe, rows, sides = case(name)
    for section in sections_of(dataclasses.replace(recipe, shows=(show,)), rows, sides[:1]):
        for content in (*map(as_png, section.charts), *map(sheet_png, section.strips)):
            assert content.startswith(b"\x89PNG")


def test_reconstructions_lie_below_their_originals(case):
    """Ten originals, then a row for each side with a model, as large as the originals."""
    (strip,) = sections_of(*case("fashion-64"))[0].strips
    assert [label for label, _ in strip.rows] == ["Original", "As written", "Improved", "PCA"]
    assert {pictures.shape for _, pictures in strip.rows} == {strip.rows[0][1].shape}
    assert len(strip.index) == 10


def test_codes_are_pictures(case):
    """The code of the tutorial's network is drawn as a picture of 7 x 7, each number a square."""
    (strip,) = sections_of(*case("mnist-conv-7x7"))[0].strips
    labels, codes = [label for label, _ in strip.rows], dict(strip.rows)["Code"]
    assert labels == ["Original", "Code", "As written", "Improved", "PCA"]
    assert codes.shape[1:3] == (140, 140)
    assert {pictures.shape for _, pictures in strip.rows} == {codes.shape}
    assert np.array_equal(codes[:, ::20, ::20], codes[:, 19::20, 19::20])


def test_the_noisy_pictures_are_shown(case):
    """Clean, noisy, restored: what is restored is the noisy one."""
    recipe, rows, sides = case("fashion-denoise")
    (strip,) = sections_of(recipe, rows, sides)[0].strips
    assert [label for label, _ in strip.rows][:2] == ["Clean", "Noisy"]
    clean, noisy = (pictures.astype(float) for _, pictures in strip.rows[:2])
    assert (noisy - clean).std() / 255 == pytest.approx(0.17, abs=0.04)


def test_no_curves_without_lines(case):
    """Where only the improved side was run there are no curves, and no empty section."""
    recipe, rows, sides = case("mnist-dense-36")
    assert [s.anchor for s in sections_of(recipe, rows, sides[1:])] == ["reconstructions"]
    curves = sections_of(recipe, rows, sides)[1]
    assert [chart.name for chart in curves.charts] == ["curves", "accuracy"]
    assert "training 0.3333, validation 0.6667" in curves.charts[0].words


def test_the_first_section_has_the_figures():
    """The table, the tutorial's own figure and every remark stand in it; text is escaped."""
    recipe = CATALOGUE["mnist-dense-36"]
    body = first_section(recipe, [("", "as written", "a < b"), ("test error", "0.0321", "0.0043")]).body
    assert "a &lt; b" in body
    assert "test error 0.0321" in body
    assert all(remark[1:40].replace('"', "&quot;") in body for remark in recipe.remarks if "'" not in remark[:40])
