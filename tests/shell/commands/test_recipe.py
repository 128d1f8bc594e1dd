from __future__ import annotations

import json

import pytest

from isthmus import recipes


@pytest.fixture
def small(monkeypatch, small_systems):
    """Small data in place of the real, and few epochs."""
    small_systems(monkeypatch)


def test_list(run):
    """Every recipe with its data and a sentence, and a command to try."""
    out = run("recipe", "list").out
    for name in recipes.names():
        assert recipes.find(name).about in next(line for line in out.splitlines() if line.split()[:1] == [name])
    assert "recipe run mnist-deep-sigmoid" in out


def test_list_as_json(run):
    """One object for each recipe."""
    found = json.loads(run("recipe", "list", "--json").out)
    assert [entry["name"] for entry in found] == list(recipes.names())
    assert {entry["task"] for entry in found} == {"reconstruct", "denoise", "detect"}


@pytest.mark.parametrize("name", recipes.names())
def test_show(run, name):
    """Layers, settings and remarks, one to a line, the whole of them."""
    out = run("recipe", "show", name).out
    assert out.splitlines()[0] == name
    for key, value in recipes.described(recipes.find(name)):
        assert any(line.split() == f"{key} {value}".split() for line in out.splitlines()), key


def test_run(run, small, tmp_path):
    """Epochs, the table of all sides, the tutorial's figure, its remarks, and the files."""
    result = run("recipe", "run", "mnist-dense-36", "-o", tmp_path / "out")
    lines = result.out.splitlines()
    assert result.code == 0
    assert result.err == ""
    assert lines[:2] == [
        "mnist-dense-36, as written",
        next(line for line in lines if line.startswith("epoch 1/2  loss ")),
    ]
    head = next(line for line in lines if line.split() == ["as", "written", "improved", "PCA"])
    assert lines[lines.index(head) + 1].split()[:2] == ["test", "error"]
    assert "the tutorial's own program: test error 0.0321" in lines
    assert any(line.startswith("- it validates on the test images") for line in lines)
    wrote = [line.removeprefix("wrote ") for line in lines if line.startswith("wrote ")]
    assert sorted(wrote) == sorted(str(path) for path in (tmp_path / "out").iterdir())


def test_run_as_json(run, small):
    """Standard output is one object, the same that Python gives; everything else goes to standard error."""
    result = run("recipe", "run", "mnist-dense-36", "--json", "--random-state", "3")
    record = json.loads(result.out)
    expected = recipes.run("mnist-dense-36", random_state=3, say=lambda line: None).record()
    for found in (record, expected):
        for side in found["sides"].values():
            side["figures"].pop("seconds of the fit")
    assert record == expected
    assert "epoch 2/2" in result.err


@pytest.mark.parametrize(
    ("flag", "sides"),
    [
        ("--as-written", ["as written", "PCA"]),
        ("--improved", ["improved", "PCA"]),
        (None, ["as written", "improved", "PCA"]),
    ],
)
def test_one_of_the_two(run, small, flag, sides):
    """A flag asks for one of the two; without it both are run."""
    words = ["recipe", "run", "mnist-3d", "--json", *([flag] if flag else [])]
    assert list(json.loads(run(*words).out)["sides"]) == sides


def test_an_alternative(run, small):
    """The other reading of a tutorial gives other figures."""
    words = ("recipe", "run", "mnist-deep-sigmoid", "--as-written", "--json")
    found = [json.loads(run(*words, *more).out) for more in ((), ("--alternative", "mirrored"))]
    errors = [record["sides"]["as written"]["figures"]["test error"] for record in found]
    assert errors[0] != errors[1]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["show", "fashion-46"], "There is no recipe 'fashion-46'. Did you mean 'fashion-64'"),
        (["run", "mnist-one-hidden"], "Did you mean 'mnist-one-hidden-256'"),
        (["run", "mnist-3d", "--alternative", "4d"], "the recipe 'mnist-3d' has no alternative '4d'; it has: none."),
        (["run", "mnist-3d", "--data-dir", "nowhere"], "There is no folder nowhere"),
        (["run", "mnist-3d", "--data-dir", "."], "The data set 'mnist' is not at hand: "),
        (["run", "mnist-3d", "--random-state", "-1"], "-1 is not in the range"),
        (["run"], "Missing argument 'NAME'"),
        (["rnu", "mnist-3d"], "rnu"),
    ],
)
def test_what_cannot_be_run_is_one_line(run, tmp_path, monkeypatch, listing, words, text):
    """A wrong name, flag or folder is one line that helps, with exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    more = ["-o", "out"] if words[0] == "run" and len(words) > 1 else []
    assert text in run("recipe", *words, *more).error
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file(run, small, tmp_path):
    """A file where the folder should be is refused before the fit."""
    (tmp_path / "out").write_text("mine")
    assert "Cannot make the folder" in run("recipe", "run", "mnist-3d", "-o", tmp_path / "out").error
    assert (tmp_path / "out").read_text() == "mine"
