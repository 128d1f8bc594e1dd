from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import isthmus
from isthmus.models.probing import probe


@pytest.fixture(scope="module")
def labelled(table, tmp_path_factory):
    """The table with a column that the model does not know: old or young."""
    header, *lines = table.read_text(encoding="utf-8").splitlines()
    path = tmp_path_factory.mktemp("labelled") / "people.csv"
    kinds = ["old" if float(line.split(",")[0]) > 40 else "young" for line in lines]
    rows = [f"{line},{kind}" for line, kind in zip(lines, kinds, strict=True)]
    path.write_text("\n".join([f"{header},kind", *rows]) + "\n", encoding="utf-8")
    return path, kinds


def test_a_column_as_labels(run, model, labelled):
    """A column that the model does not know measures, and the table is printed."""
    path, _ = labelled
    result = run("probe", model, path, "--labels", "kind")
    assert result.code == 0
    assert result.out.strip() == str(probe(isthmus.load(model), str(path), "kind"))


def test_json(run, model, labelled, tmp_path):
    """``--json`` prints the figures of the function, from labels in a file too."""
    path, kinds = labelled
    (tmp_path / "kinds.csv").write_text("\n".join(["kind", *kinds]) + "\n", encoding="utf-8")
    words = ["--test-fraction", "0.5", "--neighbours", "3", "--random-state", "4", "--json"]
    result = run("probe", model, path, "--labels", tmp_path / "kinds.csv", *words)
    found = probe(isthmus.load(model), str(path), "kind", test_fraction=0.5, neighbours=3, random_state=4)
    assert json.loads(result.out) == json.loads(json.dumps(dataclasses.asdict(found)))
    assert "latents less PCA" in result.err


def test_a_column_beside_columns_without_names(run, tmp_path):
    """For a model of a plain array the column of labels is taken out of the rows."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    np.save(tmp_path / "x.npy", X)
    assert run("fit", tmp_path / "x.npy", "-o", tmp_path / "m", "--latent-dim", "1", "--max-epochs", "0").code == 0
    lines = [",".join(map(str, row)) + f",{'ab'[int(row[0] > 0)]}" for row in X]
    (tmp_path / "x.csv").write_text("\n".join(["p,q,r,kind", *lines]), encoding="utf-8")
    assert json.loads(run("probe", tmp_path / "m", tmp_path / "x.csv", "--labels", "kind", "--json").out)["features"]


def test_the_answer_among_the_features_is_told(run, model, table):
    """Labels that the model was fitted with are a note."""
    result = run("probe", model, table, "--labels", "paid")
    assert "note: the model was fitted with the column 'paid' itself" in result.err


def test_pictures(run, photo_model, photos, tmp_path):
    """Labels of pictures come from a file."""
    (tmp_path / "labels.csv").write_text("\n".join(["kind", *["a", "b"] * 12]), encoding="utf-8")
    assert "raw columns" in run("probe", photo_model, photos, "--labels", tmp_path / "labels.csv").out


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--labels", "kinds"], "'kinds' is neither; the columns are age, height, zip, paid, day, kind"),
        (["--labels", "height"], "a scale and no set of classes"),
        (["--labels", "kind", "--test-fraction", "2"], "test_fraction of probe must be a number > 0 and < 1; got 2.0"),
        (["--labels", "kind", "--neighbours", "99"], "neighbours of probe must be an integer >= 1 and <= 45; got 99"),
        (["--labels", "short.csv"], "2 labels, but there are 60 rows"),
        ([], "Missing option '--labels'"),
    ],
)
def test_wrong_labels_and_flags(run, model, labelled, tmp_path, monkeypatch, flags, text):
    """What cannot be measured is one line."""
    (tmp_path / "short.csv").write_text("kind\na\nb\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert text in run("probe", model, labelled[0], *flags).error
