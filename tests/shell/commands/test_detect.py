from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pytest

import isthmus
from isthmus.data.png import png_bytes
from isthmus.models.verdicts import measured, truth_of
from isthmus.shell.verdicts import in_words

pytestmark = pytest.mark.usefixtures("quick")


def columns(path: Path) -> dict[str, list]:
    """A written CSV file by column."""
    return pa_csv.read_csv(path).to_pydict()


def test_the_file_holds_what_the_estimator_says(run, detector, new, tmp_path):
    """A line for each row of NEW: its number, score, p-value and flag are those of Python."""
    assert run("detect", detector, new, "-o", tmp_path / "o.csv").code == 0
    found, fitted = columns(tmp_path / "o.csv"), isthmus.load(detector)
    assert list(found) == ["row", "score", "p_value", "flag", "reasons", "far"]
    assert found["row"] == list(range(1, 31))
    assert np.array_equal(found["score"], fitted.anomaly_scores(str(new)))
    assert np.array_equal(found["p_value"], fitted.p_values(str(new)))
    assert np.array_equal(found["flag"], (fitted.predict(str(new)) == -1).astype(int))


def test_flagged_rows_have_reasons_and_others_none(run, detector, new, tmp_path, odd):
    """The reasons name a column, its share, and what was seen and expected."""
    run("detect", detector, new, "-o", tmp_path / "o.csv")
    found = columns(tmp_path / "o.csv")
    assert [bool(text) for text in found["reasons"]] == [flag == 1 for flag in found["flag"]]
    assert all(found["flag"][place] == 1 for place in odd)
    assert "seen 2000000, expected" in found["reasons"][odd[0]]


def test_a_fit_and_its_file_say_the_same(run, normal, new, tmp_path):
    """What --save writes flags as the fit did, and the same seed gives the same detector."""
    saved = tmp_path / "d.safetensors"
    words = ["--random-state", "3", "--save"]
    assert run("detect", normal, new, "-o", tmp_path / "a.csv", *words, saved).code == 0
    assert run("detect", saved, new, "-o", tmp_path / "b.csv").code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    result = run("detect", normal, *words, tmp_path / "e.safetensors")
    assert "of the normal rows (none with --reference-rows 0)" in result.out
    assert saved.read_bytes() == (tmp_path / "e.safetensors").read_bytes()


def test_the_terminal_shows_the_worst_rows_and_what_to_expect(run, normal, new, odd):
    """Without -o there are counts, the threshold with its rule and promise, and the most anomalous rows."""
    result = run("detect", normal, new, "--random-state", "0")
    assert result.code == 0
    assert "of 30 rows flagged" in result.out
    assert "by the rule conformal" in result.out
    assert "false alarms per 1,000 new normal rows (95 % interval: " in result.out
    worst = result.out.split("most anomalous rows")[1].splitlines()
    assert {int(line.split()[0]) for line in worst[2:4]} == {place + 1 for place in odd}
    assert "--save detector.safetensors" in result.out


def test_json_is_one_object(run, detector, new, odd):
    """--json prints counts, the promise, and the worst rows with their reasons."""
    result = run("detect", detector, new, "--json")
    found, fitted = json.loads(result.out), isthmus.load(detector)
    assert (found["rows"], found["flagged"]) == (30, int(np.sum(fitted.predict(str(new)) == -1)))
    assert found["threshold"] == fitted.threshold_
    assert 0 <= found["false_alarms"]["low"] <= found["false_alarms"]["rate"] <= found["false_alarms"]["high"] <= 1
    assert {entry["row"] - 1 for entry in found["worst"][:2]} == set(odd)
    assert set(found["worst"][0]["reasons"][0]) == {"column", "seen", "expected", "share"}


def test_labels_only_measure(run, normal, new, labelled, tmp_path):
    """The column of labels is left out of both files, changes no score, and gives four figures."""
    lines = normal.read_text(encoding="utf-8").splitlines()
    with_zeros = tmp_path / "normal.csv"
    with_zeros.write_text("\n".join([lines[0] + ",label", *(line + ",0" for line in lines[1:])]), encoding="utf-8")
    seed = ["--random-state", "0"]
    assert run("detect", normal, new, *seed, "-o", tmp_path / "a.csv").code == 0
    words = ["-o", tmp_path / "b.csv", "--labels", "label", "--json"]
    result = run("detect", with_zeros, labelled, *seed, *words)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert "'label'" not in result.err
    assert json.loads(result.out)["measured"]["auroc"] == 1.0
    assert all(word in result.err for word in ("AUROC", "average precision", "precision", "recall"))


def test_labels_for_a_saved_detector(run, detector, labelled):
    """They measure there too, and their column is no surprise."""
    result = run("detect", detector, labelled, "--labels", "label", "--json")
    assert json.loads(result.out)["measured"]["recall"] == 1.0
    assert "'label'" not in result.err


def test_normal_rows_that_are_labelled_anomalies_are_noted(run, labelled):
    """Anomalies among the normal rows are no secret."""
    result = run("detect", labelled, labelled, "--labels", "label", "--random-state", "0")
    assert "2 of the 30 normal rows are anomalies by 'label'" in result.err


def test_figures_against_labels():
    """Precision and recall are those of the flags; what labels of one class cannot tell is None."""

    class Found:
        scores, flagged = np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, False, True, False])

    found = measured(Found, truth_of(["1", 0, False, 0.0], 4))
    assert found == {"auroc": 1.0, "average_precision": 1.0, "precision": 0.5, "recall": 1.0}
    none = measured(Found, truth_of([0, 0, 0, 0], 4))
    assert none == {"auroc": None, "average_precision": None, "precision": 0.0, "recall": None}


def test_a_saved_detector_takes_another_threshold(run, detector, new, tmp_path):
    """A larger rate of false alarms flags more rows, without a fit, and --save keeps it."""
    few = json.loads(run("detect", detector, new, "--false-alarm-rate", "0.06", "--json").out)
    changed = tmp_path / "changed.safetensors"
    many = json.loads(run("detect", detector, new, "--false-alarm-rate", "0.5", "--json", "--save", changed).out)
    assert few["flagged"] < many["flagged"]
    assert many["seconds"] is None
    assert isthmus.load(changed).threshold_ == many["threshold"] < few["threshold"]
    assert json.loads(run("detect", detector, new, "--threshold", "median", "--json").out)["rule"] == "median"


def test_fdr_flags_together(run, detector, new):
    """--fdr flags what ``predict(X, fdr=...)`` flags."""
    found = json.loads(run("detect", detector, new, "--fdr", "0.9", "--json").out)
    assert found["flagged"] == int(np.sum(isthmus.load(detector).predict(str(new), fdr=0.9) == -1))
    few = run("detect", detector, new, "--fdr", "0.01")
    assert few.code == 0
    assert "can never give a discovery" in few.err


def test_contamination_is_flagged_and_promises_no_rate(run, new):
    """With anomalies among the rows of fit their share is the threshold, and false alarms are unknown."""
    result = run("detect", new, new, "--contamination", "0.1", "--random-state", "0", "--json")
    found = json.loads(result.out)
    assert (found["flagged"], found["rule"], found["false_alarms"]) == (3, "share", None)
    assert "how many falsely is unknown" in result.err


def test_arrays_and_files_of_numbers(run, tmp_path):
    """Rows without names work, and a file of numbers leaves the reasons out."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(60, 1)) @ np.ones((1, 3)) + 0.1 * draw.normal(size=(60, 3))
    np.save(tmp_path / "a.npy", rows[:40])
    np.save(tmp_path / "b.npy", rows[40:])
    assert run("detect", tmp_path / "a.npy", tmp_path / "b.npy", "-o", tmp_path / "o.npy").code == 0
    assert np.load(tmp_path / "o.npy").shape == (20, 5)


def test_pictures_are_named(run, photo_detector, new_photos, tmp_path):
    """Verdicts on pictures stand beside the file of each; reasons are for explain to draw."""
    result = run("detect", photo_detector, new_photos, "-o", tmp_path / "o.csv")
    found = columns(tmp_path / "o.csv")
    assert list(found) == ["file", "row", "score", "p_value", "flag", "far"]
    assert {found["file"][place][-10:] for place in np.argsort(found["score"])[-2:]} == {"shot04.png", "shot11.png"}
    assert f"explain {photo_detector} {new_photos} -o heat/" in result.out


def test_fewer_than_twenty_rows_promise_nothing(run, normal, new, tmp_path):
    """So few rows fit a detector, and its rate of false alarms is said to be unknown."""
    lines = normal.read_text(encoding="utf-8").splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:13]), encoding="utf-8")
    result = run("detect", tmp_path / "few.csv", new, "--json")
    assert json.loads(result.out)["false_alarms"] is None
    assert "0 of them set aside" in result.err
    assert "12 rows are too few to set some aside" in result.err


def test_gaps_and_unseen_categories_in_new_rows(run, detector, new, tmp_path):
    """Missing cells and new categories are scored; a new category is no normal one."""
    lines = new.read_text(encoding="utf-8").splitlines()
    (tmp_path / "odd.csv").write_text(
        "\n".join([lines[0], ",4,house,00701", ",,,00701", "320000,4,castle,00701"]), encoding="utf-8"
    )
    result = run("detect", detector, tmp_path / "odd.csv", "-o", tmp_path / "o.csv")
    assert result.code == 0
    assert np.isfinite(columns(tmp_path / "o.csv")["score"]).all()
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join([lines[0], "320000,4,house,00701"]), encoding="utf-8")
    run("detect", detector, plain, "-o", tmp_path / "p.csv")
    assert columns(tmp_path / "o.csv")["score"][2] > columns(tmp_path / "p.csv")["score"][0]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--false-alarm-rate", "0"], "--false-alarm-rate must be a number > 0"),
        (["--false-alarm-rate", "1"], "< 1"),
        (["--false-alarm-rate", "0.001"], "20 calibration rows cannot tell a false-alarm rate of 0.1 %"),
        (["--fdr", "1"], "--fdr must be a number > 0 and < 1"),
        (["--labels", "lable"], "'lable' is neither; the columns are price"),
        (["--labels", "kind"], "labels must be 1 for an anomaly"),
        (["--deviations", "2"], "--deviations is for --threshold mean or median"),
        (["--contamination", "0.1", "--false-alarm-rate", "0.1"], "--contamination with a number does not use it"),
        (["--threshold", "meen"], 'Did you mean "mean"?'),
        (["-o", "new.csv"], "uses that file for something else"),
        (["-o", "o.csv", "--save", "o.csv"], "uses that file for something else"),
        (["-o", "o.json"], "rows go to"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, normal, new, tmp_path, monkeypatch, listing, words, text):
    """A wrong flag is named with what is allowed, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    for path in (normal, new):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = listing(tmp_path)
    assert text in run("detect", "normal.csv", "new.csv", *words).error
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "is empty"),
        ("price,rooms,kind,zip\n", "no rows"),
        ("price,rooms,kind\n1,2,flat\n", "'zip' is missing"),
        ("price,rooms,kind,zip\nmuch,2,flat,00701\n", "much"),
    ],
)
def test_new_rows_that_cannot_be_judged(run, normal, detector, tmp_path, content, text):
    """They are refused before the fit, and by a saved detector."""
    (tmp_path / "bad.csv").write_text(content, encoding="utf-8")
    for first in (normal, detector):
        assert text in run("detect", first, tmp_path / "bad.csv").error


def test_data_of_another_form(run, normal, photos, detector, new, tmp_path):
    """Pictures for rows, pictures of another size, and columns of another number are refused before the fit."""
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide" / "a.png").write_bytes(png_bytes(np.zeros((6, 9))))
    assert "the normal data are a table" in run("detect", normal, photos).error
    assert (
        "holds pictures of 6 x 9; the normal data are pictures of 6 x 5"
        in run("detect", photos, tmp_path / "wide").error
    )
    assert "the model was fitted with rows" in run("detect", detector, photos).error


def test_usage(run, normal, detector, model, new, tmp_path):
    """What is missing, or belongs to a fit, is named; an autoencoder is no detector."""
    assert "Missing argument 'NEW'" in run("detect", normal).error
    assert "Missing argument 'NEW'" in run("detect", detector, "--save", tmp_path / "d.safetensors").error
    assert "about new rows" in run("detect", normal, "--save", tmp_path / "d.safetensors", "--fdr", "0.1").error
    assert "is for a fit" in run("detect", detector, new, "--reference-rows", "5").error
    assert "does not take 'deviations'" in run("detect", detector, new, "--deviations", "5").error
    assert "which flags nothing" in run("detect", model, new).error
    assert "there is no such file" in run("detect", "no.safetensors", new).error


def test_a_model_file_is_known_whatever_its_name(run, detector, new, tmp_path):
    """A detector need not be named .safetensors."""
    (tmp_path / "detector").write_bytes(detector.read_bytes())
    assert run("detect", tmp_path / "detector", new).code == 0


def test_reasons_without_a_share_name_no_column():
    """Where no column alone lowers the score, that is said."""
    line = {"row": 0, "column": "a", "share": 0.0, "seen": 1.0, "expected": 2.0}
    assert in_words([line]) == {0: "no single column"}


@pytest.mark.parametrize("verb", ["encode", "reconstruct", "denoise", "similar", "map"])
def test_verbs_of_autoencoders_use_the_model_inside(run, detector, new, tmp_path, verb):
    """A verb that knows nothing of anomalies works with the model inside a detector, and says so."""
    words = {"similar": ["--row", "1"], "map": ["-o", tmp_path / "m.png"]}.get(verb, ["-o", tmp_path / "o.csv"])
    result = run(verb, detector, new, *words)
    assert result.code == 0
    assert "holds an anomaly detector; this is about the DenoisingAutoencoder inside it" in result.err
