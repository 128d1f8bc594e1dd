"""Tests of `isthmus.recipes`: a system by one call, on small data in place of the real."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import isthmus
from isthmus import recipes
from isthmus.errors import DataError, OutputError, ParameterError

FILES = {
    "mnist-conv-7x7": {"codes.png", "curves.png"},
    "fashion-denoise": {"restorations.png", "curves.png"},
    "ecg-anomaly": {
        *(f"beat-{kind}-{side}.png" for kind in ("normal", "anomalous") for side in ("as-written", "improved", "pca")),
        *(f"errors-{side}.png" for side in ("as-written", "improved", "pca")),
        "curves.png",
    },
}
ALWAYS = {"as-written.safetensors", "improved.safetensors", "report.html", "result.json"}


@pytest.fixture
def small(monkeypatch, small_systems):
    """Small data in place of the real, and few epochs."""
    small_systems(monkeypatch)


@pytest.fixture(scope="module", params=FILES)
def done(request, tmp_path_factory, small_systems):
    """One recipe of each task, run into a folder: its name, result, folder and lines."""
    folder, lines = tmp_path_factory.mktemp("out") / "new" / request.param, []
    with pytest.MonkeyPatch.context() as patch:
        small_systems(patch)
        result = recipes.run(request.param, output=folder, say=lines.append)
    return SimpleNamespace(name=request.param, result=result, folder=folder, lines=lines)


def shown(path):
    """A picture's size, and whether there is more than one shade in it."""
    with Image.open(path) as picture:
        return picture.size, len(np.unique(np.asarray(picture.convert("L")))) > 1


class TestRun:
    """A whole run of a recipe of each task."""

    def test_all_files_are_written(self, done):
        """Pictures, both models, the report and the figures; nothing else, and nothing half-written."""
        expected = FILES[done.name] | ALWAYS
        assert {path.name for path in done.folder.iterdir()} == expected
        assert {path.name for path in done.result.files} == expected

    def test_pictures_show_something(self, done):
        """Every PNG file is a picture with shades in it."""
        for path in done.folder.glob("*.png"):
            size, shades = shown(path)
            assert min(size) > 100
            assert shades, path.name

    def test_models_are_those_of_the_sides(self, done):
        """The model files are the fitted estimators, for use in Python and on the command line."""
        rows = (
            np.random.default_rng(0).random((3, 140) if done.name == "ecg-anomaly" else (3, 28, 28)).astype(np.float32)
        )
        for side in done.result.sides[:2]:
            loaded = isthmus.load(done.folder / f"{side.name.replace(' ', '-')}.safetensors")
            assert np.array_equal(loaded.reconstruct(rows), side.model.reconstruct(rows))

    def test_figures_are_written(self, done):
        """The JSON file holds the figures of every side, and the one to reach."""
        record = json.loads((done.folder / "result.json").read_text(encoding="utf-8"))
        assert record == done.result.record()
        assert list(record["sides"])[:2] == ["as written", "improved"]
        assert record["reach"] == {done.result.recipe.figure: done.result.recipe.reach}
        assert len(record["sides"]["as written"]["history"]) == 2

    def test_a_report_of_everything(self, done):
        """The report has the table, the tutorial's figure and what the recipe shows, before all that a report has."""
        page = (done.folder / "report.html").read_text(encoding="utf-8")
        assert f"<title>{done.name}" in page
        shown = [page.index(f'<section id="{anchor}"') for anchor in ("recipe", "curves", "training", "details")]
        assert shown == sorted(shown)
        assert f"{done.result.recipe.figure} {done.result.recipe.reach:g}" in page

    def test_a_line_an_epoch(self, done):
        """What is printed: the name, a line for each epoch as written, and that the improved one follows."""
        assert done.lines[0] == f"{done.name}, as written"
        assert [line.split()[1] for line in done.lines[1:3]] == ["1/2", "2/2"]
        assert done.lines[3].startswith(f"{done.name}, improved")
        assert len(done.lines) == 4

    def test_the_table_has_a_column_for_each_side(self, done):
        """One row for each figure, cells of those that a side lacks empty, all cells text."""
        head, *rows = done.result.table()
        assert head == ("", *(side.name for side in done.result.sides))
        assert all(len(row) == len(head) and all(isinstance(cell, str) for cell in row) for row in rows)
        figures = {row[0]: row[1:] for row in rows}
        assert figures["training loss, last epoch"][0]
        assert figures["training loss, last epoch"][1] == ""
        assert done.result.recipe.figure in figures

    def test_the_same_seed_gives_the_same_figures(self, done, small):
        """A second run, into no folder, gives the same figures but for the seconds, and writes nothing."""
        again = recipes.run(done.name, say=lambda line: None)
        assert again.files == ()
        for first, second in zip(done.result.sides, again.sides, strict=True):
            assert first.name == second.name
            assert first.history == second.history
            figures = [{k: v for k, v in side.figures.items() if "seconds" not in k} for side in (first, second)]
            assert figures[0] == figures[1]


@pytest.mark.usefixtures("small")
class TestChoices:
    """What of a recipe is run."""

    def test_improved_alone(self, tmp_path):
        """With its baseline, its own model and no curves, as nothing was printed."""
        result = recipes.run("mnist-dense-36", as_written=False, output=tmp_path, say=lambda line: None)
        assert [side.name for side in result.sides] == ["improved", "PCA"]
        expected = {"reconstructions.png", "improved.safetensors", "report.html", "result.json"}
        assert {path.name for path in tmp_path.iterdir()} == expected

    def test_an_alternative_is_another_network(self):
        """The other reading of a tutorial has a mirrored decoder."""
        result = recipes.run("mnist-deep-sigmoid", alternative="mirrored", improved=False, say=lambda line: None)
        assert result.sides[0].model.plan_.layers.decoder == ("dense 256 sigmoid", "dense 784 sigmoid")

    def test_files_are_replaced(self, tmp_path):
        """A second run into a folder replaces its files, and leaves others alone."""
        (tmp_path / "mine.txt").write_text("mine")
        (tmp_path / "result.json").write_text("old")
        recipes.run("mnist-dense-36", improved=False, output=tmp_path, say=lambda line: None)
        assert (tmp_path / "mine.txt").read_text() == "mine"
        assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["recipe"] == "mnist-dense-36"
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        assert [path.name for path in tmp_path.glob("*.safetensors")] == ["as-written.safetensors"]


class TestRefused:
    """What cannot be run is refused before anything is loaded, fitted or written."""

    @pytest.mark.parametrize(
        ("name", "near"),
        [("mnist-36", "'mnist-dense-36'"), ("fashion-denoising", "'fashion-denoise'"), ("ecg", "'ecg-anomaly'"), ("MNIST-3D", "")],
    )  # fmt: skip
    def test_an_unknown_recipe(self, name, near):
        """The nearest names are offered, and all are listed."""
        with pytest.raises(
            ParameterError, match=f"There is no recipe '{name}'.*{near}.* There are: mnist-deep-sigmoid, "
        ) as error:
            recipes.run(name)
        assert all(known in str(error.value) for known in recipes.names())

    @pytest.mark.parametrize(
        ("choices", "words"),
        [
            ({"as_written": False, "improved": False}, "nothing to run: ask for as_written, improved, or both"),
            ({"alternative": "mirored"}, "has no alternative 'mirored'; it has: mirrored"),
        ],
    )
    def test_choices_that_there_are_not(self, choices, words, tmp_path):
        """Nothing to run, and an alternative that the recipe has not."""
        with pytest.raises(ParameterError, match=words):
            recipes.run("mnist-deep-sigmoid", output=tmp_path / "out", **choices)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_without_the_data(self, tmp_path):
        """The error names the folder and the way to the data; no folder for results is left behind."""
        (tmp_path / "data").mkdir()
        with pytest.raises(
            DataError, match=r"'fashion-mnist' is not at hand: .* missing in .*data\. Run `isthmus datasets"
        ):
            recipes.run("fashion-64", data_dir=tmp_path / "data", output=tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["data"]

    @pytest.mark.parametrize("target", ["file", "file/below"])
    def test_an_output_that_is_no_folder(self, target, tmp_path, small):
        """A file in the place of the folder is an error before the fit, and stays as it was."""
        (tmp_path / "file").write_text("mine")
        said = []
        with pytest.raises(OutputError, match=r"Cannot make the folder '.*file"):
            recipes.run("mnist-3d", output=tmp_path / target, say=said.append)
        assert said == []
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_seed_that_is_none(self, small):
        """A seed out of range is an error of the estimator."""
        with pytest.raises(ParameterError, match="random_state of Autoencoder must be an integer >= 0"):
            recipes.run("mnist-3d", random_state=-1, say=lambda line: None)


@pytest.mark.parametrize("name", recipes.names())
def test_every_part_can_be_described(name):
    """A recipe in words: its data, every layer and every setting, the figure to reach, and what the tutorial got wrong."""
    recipe = recipes.find(name)
    told = dict(recipes.described(recipe))
    assert told["data"] == recipe.dataset
    assert told["encoder"].split(" → ") == list(recipe.as_written["network"]["encoder"])
    assert told["decoder"].split(" → ") == list(recipe.as_written["network"]["decoder"])
    for key, value in recipe.as_written.items():
        assert key == "network" or told[key.replace("_", " ")] == str(value)
    assert told["to reach as written"] == f"{recipe.figure} {recipe.reach}"
    assert [v for k, v in recipes.described(recipe) if k == "remark"] == list(recipe.remarks)
