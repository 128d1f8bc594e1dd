from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus.data.readers import read
from isthmus.errors import OutputError
from isthmus.shell import output

ROWS = {"a": np.array([0.1, 1 / 3, 1e-300, -0.0]), "b": np.array([0.1, 3.4e38, 1e-45, 7], np.float32)}


@pytest.mark.parametrize("suffix", [*output.TABLES, *output.ARRAYS])
def test_every_format_gives_the_numbers_back(tmp_path, suffix):
    """What is written in any format is read back exactly."""
    path = str(tmp_path / f"rows{suffix}")
    output.write_rows(path, ROWS)
    data = read(path)
    found = data.matrix() if suffix in output.TABLES else data
    for place, column in enumerate(ROWS.values()):
        assert np.array_equal(found[:, place].astype(column.dtype), column)


@pytest.mark.parametrize("suffix", output.TABLES)
def test_files_become_the_first_column(tmp_path, suffix):
    """Names of files stand before the numbers, as text."""
    path = str(tmp_path / f"rows{suffix}")
    output.write_rows(path, ROWS, files=["1", "002", "a,b", 'c"d'])
    columns = read(path).columns
    assert columns.column_names == ["file", "a", "b"]
    assert columns["file"].to_pylist() == ["1", "002", "a,b", 'c"d'] or suffix in (".csv", ".tsv")


def test_text_files_quote_what_needs_it(tmp_path):
    """Commas, quotes and leading zeros survive, a missing cell is empty, and levels are written as text."""
    path = tmp_path / "rows.csv"
    levels = pa.array(["u", None, "u"]).dictionary_encode()
    output.write_rows(str(path), {"a,b": pa.array(["x,y", 'q"q', "007"]), "n": np.array([1, np.nan, 2]), "l": levels})
    assert path.read_text(encoding="utf-8") == '"a,b",n,l\n"x,y",1,"u"\n"q""q",,\n"007",2,"u"\n'


def test_text_does_not_fit_an_array(tmp_path):
    """A column of text cannot go to NPY, which is said with the column's name."""
    with pytest.raises(OutputError, match=r"column 't' does not hold numbers only, which .npy needs"):
        output.write_rows(str(tmp_path / "a.npy"), {"t": pa.array(["x"])})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "pictures", "match"),
    [
        ("a.xlsx", False, r"rows go to .csv, .tsv"),
        ("a.parqet", False, r"Did you mean .parquet\?"),
        ("a.png", False, r"rows go to .csv"),
        ("a.csv", True, r"pictures go to .png, .npy, .npz files, or to a folder"),
        ("missing/a.csv", False, r"there is no folder"),
        ("full/", True, r"the folder is not empty"),
        ("in.csv", False, r"uses that file for something else"),
    ],
)
def test_names_that_are_refused(tmp_path, monkeypatch, name, pictures, match):
    """A name that cannot work is refused before any work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(OutputError, match=match):
        output.check(name, ["in.csv"], pictures=pictures)


def pictures(n=5, *more):
    """Some pictures, each of one brightness."""
    return (np.arange(n, dtype=np.uint8) * 10).reshape(n, 1, 1, *(1 for _ in more)) * np.ones(
        (n, 4, 3, *more), np.uint8
    )


def test_a_folder_of_pictures_has_the_names_of_the_input(tmp_path):
    """Pictures read back from the folder are those that were written, under the names of their files."""
    output.write_pictures(f"{tmp_path}/out/", pictures(3), files=["in/c.jpg", "in/b.png", "in/a.bmp"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    assert np.array_equal(np.asarray(read(tmp_path / "out")), pictures(3)[::-1])


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], ["0001.png", "0002.png"]),
        (["x/a.png", "y/a.png"], ["0001-a.png", "0002-a.png"]),
        (["A.png", "a.jpg"], ["0001-A.png", "0002-a.png"]),
    ],
)
def test_pictures_without_names_of_their_own_are_numbered(tmp_path, files, expected):
    """No picture overwrites another, also where upper and lower case are one."""
    output.write_pictures(f"{tmp_path}/out/", pictures(2), files=files)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == expected


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_fails_half_way_is_taken_back(tmp_path, monkeypatch, there):
    """When a picture cannot be written, those before it go too, and the folder if it was made here."""
    folder = tmp_path / "out"
    if there:
        folder.mkdir()
    real, written = output.atomic.write_bytes, []

    def fail(path, data):
        if len(written) == 2:
            raise OutputError("Cannot write: the disk is full.")
        written.append(path)
        real(path, data)

    monkeypatch.setattr(output.atomic, "write_bytes", fail)
    with pytest.raises(OutputError, match="disk is full"):
        output.write_pictures(f"{folder}/", pictures())
    assert folder.exists() == there
    assert list(tmp_path.rglob("*.png")) == []


@pytest.mark.parametrize("more", [(), (3,), (4,)])
def test_a_sheet_shows_every_picture(tmp_path, more):
    """The contact sheet holds each picture once, side by side."""
    path = tmp_path / "sheet.png"
    output.write_pictures(str(path), pictures(5, *more))
    sheet = np.asarray(read(path))[0]
    found = {int(value) for value in np.unique(sheet)} - {255}
    assert found == {0, 10, 20, 30, 40}
    assert sheet.shape[0] < 5 * 32  # small pictures are enlarged, and not all are below each other


def test_a_sheet_that_would_be_too_large(tmp_path):
    """Too many pictures for one sheet are an error that names the other ways."""
    many = np.broadcast_to(np.uint8(0), (40_000, 64, 64))
    with pytest.raises(OutputError, match=r"Name a folder"):
        output.write_pictures(str(tmp_path / "sheet.png"), many)


def test_value_range_is_what_is_black_and_white(tmp_path):
    """Pictures of floats are drawn between the given bounds."""
    output.write_pictures(f"{tmp_path}/out/", np.array([[[0.0, 8.0, 16.0]]]), value_range=(0, 16))
    assert np.asarray(read(tmp_path / "out")).tolist() == [[[0, 128, 255]]]


def test_a_picture_of_the_input_folder_is_not_overwritten(tmp_path):
    """A file that stands in a folder that is read may be one of its pictures; a new name there is free."""
    (tmp_path / "001.png").write_bytes(b"a picture")
    with pytest.raises(OutputError, match="uses that file for something else"):
        output.check_file(str(tmp_path / "001.png"), (str(tmp_path),))
    output.check_file(str(tmp_path / "new.png"), (str(tmp_path),))
