"""Bad input of every kind: one line that helps, exit code 2, and every file as it was."""

from __future__ import annotations

import json

import numpy as np
import pytest

FILES = {
    "empty.csv": "",
    "header.csv": "a,b\n",
    "one.csv": "a,b\n1,2\n",
    "ragged.csv": "a,b\n1,2\n3,4,5\n6,7\n",
    "double.csv": "a,a\n1,2\n3,4\n",
    "infinite.csv": "a,b\n1,2\ninf,4\n5,6\n",
    "good.csv": "a,b\n1,2\n3,4\n5,7\n4,4\n",
    "free.csv": "text\n" + "\n".join(f"a sentence about number {n} and nothing else at all" for n in range(60)) + "\n",
    "book.xlsx": "not a spreadsheet",
    "photos/broken.png": "no picture",
    "nothing/readme.md": "no pictures here",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of files that cannot be used, as the current folder."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("missing.csv", "missing.csv does not exist"),
        ("goood.csv", "Did you mean good.csv?"),
        ("empty.csv", "empty.csv is empty"),
        ("nothing", "nothing is a folder without pictures"),
        ("photos", "broken.png is not a picture that can be read"),
        ("ragged.csv", "row 3 (counted with the header, without blank lines) has 3 cells"),
        ("free.csv", "free text"),
        ("header.csv", "no rows"),
        ("double.csv", "duplicate column names: 'a'"),
        ("one.csv", "at least 2 rows"),
        ("infinite.csv", "'a' of infinite.csv contains infinity in row 2"),
        ("book.xlsx", "Save spreadsheets as CSV"),
        ("*.xyz", "No file matches *.xyz"),
        ("https://example.org/a.csv", "fetch it first"),
    ],
)
def test_data_that_cannot_be_fitted(run, place, listing, data, text):
    """Data that cannot be used are named with the reason."""
    before = listing(place)
    assert text in run("fit", data, "-o", "model.safetensors").error
    assert listing(place) == before


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("no/such/model.safetensors", "there is no folder 'no/such'"),
        ("photos", "it is a folder"),
        ("good.csv", "uses that file for something else"),
        ("good.csv/m.safetensors", "is a file, not a folder"),
    ],
)
def test_a_model_that_cannot_be_written(run, place, listing, target, text):
    """An output that cannot be written is refused before the fit."""
    before = listing(place)
    assert text in run("fit", "good.csv", "-o", target).error
    assert listing(place) == before


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--kinds", "c=number"], "'c' that the data does not have"),
        (["--network", "conv"], 'network="conv" needs pictures'),
        (["--loss", "bce"], 'loss="bce" needs output="sigmoid"'),
    ],
)
def test_parameters_that_do_not_go_with_the_data(run, place, listing, flags, text):
    """A parameter that only the data show to be wrong is one line too."""
    before = listing(place)
    assert text in run("fit", "good.csv", "-o", "m.safetensors", *flags).error
    assert listing(place) == before


def test_broken_pictures_can_be_skipped_and_are_counted(run, place, photos):
    """``--on-bad-image skip`` leaves broken pictures out and says so."""
    for file in photos.iterdir():
        (place / "photos" / file.name).write_bytes(file.read_bytes())
    words = ["fit", "photos", "-o", "m.safetensors", "--max-epochs", "0", "--json"]
    result = run(*words, "--on-bad-image", "skip")
    assert json.loads(result.out)["rows"] == 24
    assert "Skipped 1 of 25 pictures as unreadable: 'broken.png'" in result.err


def test_constant_and_empty_columns_work_with_a_note(run, place):
    """Columns with one value, or none, are no error."""
    lines = ["a,b,c", *(f"{n * n % 7},5," for n in range(20))]
    (place / "dull.csv").write_text("\n".join(lines), encoding="utf-8")
    result = run("fit", "dull.csv", "-o", "m.safetensors", "--max-epochs", "1")
    assert result.code == 0
    assert "Column 'b' is constant" in result.err
    assert "Column 'c' has no values" in result.err


def test_a_latent_as_wide_as_the_data_works_with_a_note(run, place):
    """Nothing is compressed then, which is said."""
    result = run("fit", "good.csv", "-o", "m.safetensors", "--latent-dim", "3", "--max-epochs", "0")
    assert result.code == 0
    assert "nothing is compressed" in result.err


@pytest.mark.parametrize("verb", ["encode", "reconstruct", "score"])
def test_other_columns_than_at_fit(run, model, table, tmp_path, verb):
    """A missing column is named; one too many is noted."""
    lines = table.read_text(encoding="utf-8").splitlines()
    (tmp_path / "less.csv").write_text("\n".join(line.split(",", 1)[1] for line in lines), encoding="utf-8")
    (tmp_path / "more.csv").write_text(
        "\n".join(line + ",1" for line in lines).replace(",1", ",new", 1), encoding="utf-8"
    )
    output = ["-o", tmp_path / "out.csv"]
    assert "'age' is missing from" in run(verb, model, tmp_path / "less.csv", *output).error
    assert not (tmp_path / "out.csv").exists()
    more = run(verb, model, tmp_path / "more.csv", *output)
    assert more.code == 0
    assert "Column 'new' is not one of the model's and is ignored" in more.err


def test_a_cell_that_is_not_what_its_column_was(run, model, table, tmp_path):
    """Text in a number column is named with its column and row."""
    text = table.read_text(encoding="utf-8").splitlines()
    text[3] = "old," + text[3].split(",", 1)[1]
    (tmp_path / "odd.csv").write_text("\n".join(text), encoding="utf-8")
    error = run("encode", model, tmp_path / "odd.csv", "-o", tmp_path / "out.csv").error
    assert "'age'" in error
    assert "old" in error


def test_pictures_for_a_model_of_rows(run, model, photos, tmp_path):
    """A model of rows says that it was given pictures."""
    error = run("score", model, photos).error
    assert "holds pictures; the model was fitted with rows" in error


def test_rows_for_a_model_of_pictures(run, photo_model, table):
    """A model of pictures says that it was given rows."""
    assert "holds rows; the model was fitted with pictures" in run("score", photo_model, table).error


def test_pictures_of_another_size(run, photo_model, tmp_path):
    """The size of fit is named."""
    np.save(tmp_path / "wide.npy", np.zeros((3, 6, 9), np.uint8))
    assert "6 high, 5 wide" in run("score", photo_model, tmp_path / "wide.npy").error


def damaged(content: bytes) -> dict[str, bytes]:
    """A model file, broken in several ways."""
    return {
        "truncated": content[:-10],
        "edited": content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        "newer": content.replace(b'\\"format\\":1', b'\\"format\\":2'),
        "other": b"PK\x03\x04 something else that is long enough",
        "empty": b"",
    }


@pytest.mark.parametrize("how", ["truncated", "edited", "newer", "other", "empty"])
@pytest.mark.parametrize("verb", ["encode", "decode", "reconstruct", "detect", "explain", "score", "report", "inspect"])
def test_model_files_that_cannot_be_trusted(run, model, table, tmp_path, listing, verb, how):
    """Every verb refuses a damaged, foreign or newer model file by name."""
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(damaged(model.read_bytes())[how])
    before = listing(tmp_path)
    target = {"inspect": [], "report": [table, "-o", tmp_path / "r.html"]}.get(verb, [table, "-o", tmp_path / "o.csv"])
    assert "bad.safetensors" in run(verb, bad, *target).error
    assert listing(tmp_path) == before


def test_a_model_with_its_owners_network_is_refused(run, table, tmp_path):
    """The command line has no place for a user's Python code, and says what to do."""
    import torch

    import isthmus

    pair = (torch.nn.Linear(3, 2), torch.nn.Linear(2, 3))
    rows = np.random.default_rng(0).normal(size=(40, 3))
    isthmus.Autoencoder(2, network=pair, max_epochs=1, random_state=0).fit(rows).save(tmp_path / "own.safetensors")
    error = run("score", tmp_path / "own.safetensors", table).error
    assert "isthmus.load(path, network=...)" in error
    assert run("inspect", tmp_path / "own.safetensors").code == 0


@pytest.mark.parametrize("write", [["-o", "m.safetensors"], ["--dry-run"]])
def test_constant_and_empty_columns_of_an_array_work_with_a_note(run, place, write):
    """Columns without names are noted too, in a fit and in its plan."""
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[:, 1], rows[:, 2] = 5, np.nan
    np.save("dull.npy", rows)
    result = run("fit", "dull.npy", *write, "--max-epochs", "0")
    assert result.code == 0
    assert "is constant" in result.err
    assert "has no values" in result.err


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float64(1), "holds a single number"),
        (np.arange(5.0), "Expected 2D array, got 1D array"),
        (np.zeros((2, 2, 2, 2, 2)), "dim 5"),
        (np.zeros((0, 4)), "0 sample(s)"),
        (np.zeros((1, 4)), "1 sample(s)"),
        (np.where(np.eye(4) > 0, np.inf, 1.0), "X[0, 0] contains infinity"),
        (np.array(["a", "b"]), "expected numbers or booleans"),
        (np.zeros((3, 4), complex), "expected numbers or booleans"),
    ],
)
def test_arrays_that_cannot_be_fitted(run, place, listing, array, text):
    """An array of a wrong shape or type is one line too."""
    np.save("a.npy", array)
    before = listing(place)
    assert text in run("fit", "a.npy", "-o", "m.safetensors").error
    assert listing(place) == before


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--latent-dim", "0"], "--latent-dim must be an integer >= 1"),
        (["--latent-dim", "99999999999"], "<= 16,777,216"),
        (["--hidden-dims", "99999999999"], "<= 16,777,216"),
        (["--learning-rate", "inf"], "--learning-rate must be a number > 0"),
        (["--network", "cnov"], 'Did you mean "conv"?'),
        (["--delimiter", ";;"], 'delimiter must be "auto" or one ASCII character'),
        (["--device", "mps"], 'device="mps" is not available'),
        (["--max-epoch", "3"], "Did you mean '--max-epochs'?"),
    ],
)
def test_values_that_are_not_allowed(run, place, listing, monkeypatch, flags, text):
    """A value that is not allowed is one line with what is, before anything is written."""
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    before = listing(place)
    assert text in run("fit", "good.csv", "-o", "m.safetensors", *flags).error
    assert listing(place) == before


def test_a_report_on_rows_without_names(run, place, model):
    """A model of named columns takes an array of as many columns, in a report as elsewhere."""
    rows = np.random.default_rng(0).normal(size=(20, 2))
    (place / "named.csv").write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows), encoding="utf-8")
    np.save("rows.npy", rows)
    assert run("fit", "named.csv", "-o", "m.safetensors", "--max-epochs", "0", "--latent-dim", "1").code == 0
    assert run("report", "m.safetensors", "rows.npy", "-o", "r.html").code == 0


def test_a_name_that_no_model_file_holds_is_refused_before_the_fit(run, place, listing):
    """A long first row is most likely no header."""
    (place / "long.csv").write_text("a" * 2_000 + ",b\nx,1\ny,2\n", encoding="utf-8")
    before = listing(place)
    assert "has 2,000 characters" in run("fit", "long.csv", "-o", "m.safetensors").error
    assert listing(place) == before


@pytest.mark.parametrize("verb", ["encode", "reconstruct", "score", "report"])
def test_data_that_are_not_there_for_a_model(run, place, model, verb):
    """Verbs that use a model name the missing file, and write nothing."""
    target = "r.html" if verb == "report" else "o.csv"
    assert "missing.csv does not exist" in run(verb, model, "missing.csv", "-o", target).error
    assert not (place / target).exists()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("missing.csv", "missing.csv does not exist"),
        ("empty.csv", "empty.csv is empty"),
        ("header.csv", "no rows"),
        ("one.csv", "at least 2 rows"),
        ("free.csv", "free text"),
        ("infinite.csv", "'a' of infinite.csv contains infinity in row 2"),
        ("nothing", "nothing is a folder without pictures"),
    ],
)
def test_normal_rows_that_no_detector_can_be_fitted_to(run, place, listing, data, text):
    """Normal rows that cannot be used are named with the reason, as for a fit."""
    before = listing(place)
    assert text in run("detect", data, "good.csv", "-o", "o.csv", "--save", "d.safetensors").error
    assert listing(place) == before


@pytest.mark.parametrize(
    ("new", "flags", "text"),
    [
        ("missing.csv", [], "missing.csv does not exist"),
        ("empty.csv", [], "empty.csv is empty"),
        ("free.csv", [], "Columns 'a', 'b' are missing from free.csv"),
        ("good.csv", ["--labels", "label"], "'label' is neither; the columns are a, b"),
        ("good.csv", ["--false-alarm-rate", "nan"], "--false-alarm-rate must be a number > 0"),
        ("good.csv", ["--calibration-fraction", "0.9"], "--calibration-fraction must be a number > 0"),
        ("good.csv", ["--false-alarm-rate", "0.1"], "4 calibration rows cannot tell a false-alarm rate of 10 %"),
        ("good.csv", ["--save", "good.csv"], "uses that file for something else"),
        ("good.csv", ["--save", "no/such/d.safetensors"], "there is no folder 'no/such'"),
    ],
)
def test_new_rows_that_cannot_be_detected_in(run, place, listing, monkeypatch, new, flags, text):
    """What is wrong with the new rows or a flag is said before a detector is fitted."""
    monkeypatch.setattr("isthmus.models.detecting.detect", None)
    before = listing(place)
    assert text in run("detect", "good.csv", new, *flags).error
    assert listing(place) == before
