from __future__ import annotations

import pytest

from isthmus.errors import DataError
from isthmus.shell import inputs
from isthmus.shell.commands.report import read_labels


def test_a_page_is_written(run, model, table, tmp_path):
    """The page goes where it was asked for, and the output says what to do with it."""
    page = tmp_path / "page.html"
    result = run("report", model, table, "-o", page)
    assert "open it in a browser" in result.out
    assert "</html>" in page.read_text(encoding="utf-8")


def test_pictures_beside_the_page(run, photo_model, photos, tmp_path):
    """``--png`` writes the figures as files, too."""
    assert run("report", photo_model, photos, "-o", tmp_path / "page.html", "--png").code == 0
    assert list(tmp_path.glob("*.png"))


def test_of_a_detector(run, detector, new, odd, tmp_path):
    """The page of a detector's file says what is flagged; labels from a file say which rows are anomalies."""
    labels = tmp_path / "labels.csv"
    labels.write_text("odd\n" + "\n".join(str(int(row in odd)) for row in range(30)), encoding="utf-8")
    page = tmp_path / "page.html"
    assert run("report", detector, new, "-o", page, "--labels", labels).code == 0
    assert f"Of {len(odd)} anomalies {len(odd)} are flagged" in page.read_text(encoding="utf-8")


def test_labels_from_a_column(run, model, table, tmp_path):
    """A column of the data colours the map, whether the model knows it or not."""
    assert run("report", model, table, "-o", tmp_path / "page.html", "--labels", "paid").code == 0
    assert set(read_labels("paid", inputs.read_data([str(table)]), (str(table),), {})) == {"yes", "no"}


def test_labels_from_a_file(table, tmp_path):
    """A file with one column holds the labels."""
    (tmp_path / "labels.csv").write_text("label\n" + "\n".join("ab"[n % 2] for n in range(60)), encoding="utf-8")
    assert read_labels(str(tmp_path / "labels.csv"), range(60), (str(table),), {})[:3] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ("payed", r"'payed' is neither; the columns are age, height"),
        ("few.csv", r"2 labels, but there are 60 rows; .* The first line of a text file is its header"),
        ("people.csv", r"must hold one label for each row"),
    ],
)
def test_labels_that_do_not_fit(table, tmp_path, monkeypatch, labels, match):
    """Labels that are nowhere, too few, or a whole table are named."""
    (tmp_path / "few.csv").write_text("cat\ndog\ncat\n", encoding="utf-8")
    (tmp_path / "people.csv").write_bytes(table.read_bytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=match):
        read_labels(labels, inputs.read_data([str(table)]), (str(table),), {})
