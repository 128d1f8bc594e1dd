"""From a path to data, whatever the format."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from PIL import Image

from isthmus.data.images import Pictures
from isthmus.data.readers import as_data, read
from isthmus.data.table import Table
from isthmus.errors import DataError, DataTypeError, ParameterError

TABLE = pa.table({"size": [1.5, None, 3.5, 4.5], "city": ["x", "y", "x", "y"], "paid": ["yes", "no", None, "no"]})
IDX = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2, 3) + bytes(range(12))


def write_stream(table, path):
    """Write the Arrow stream format, which has no magic bytes."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def write_gzip(table, path):
    """Write a CSV file and pack it."""
    path.write_bytes(gzip.compress(table.to_pandas().to_csv(index=False).encode()))


WRITERS = {
    "a.csv": lambda table, path: table.to_pandas().to_csv(path, index=False),
    "b.csv": lambda table, path: pl.from_arrow(table).write_csv(path),
    "c.csv": lambda table, path: table.to_pandas().to_csv(path),
    "a.tsv": lambda table, path: table.to_pandas().to_csv(path, sep="\t", index=False),
    "a.txt": lambda table, path: table.to_pandas().to_csv(path, sep="|", index=False),
    "a.csv.gz": write_gzip,
    "a.parquet": pa.parquet.write_table,
    "b.parquet": lambda table, path: pl.from_arrow(table).write_parquet(path),
    "a.feather": pa.feather.write_feather,
    "a.arrow": write_stream,
    "a.ipc": lambda table, path: pl.from_arrow(table).write_ipc(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_tables_of_every_format(name, tmp_path):
    """The same table comes out of every tabular format, whoever wrote it."""
    WRITERS[name](TABLE, tmp_path / name)
    table = read(tmp_path / name)
    assert table.kinds == {"size": "number", "city": "category", "paid": "flag"}
    np.testing.assert_array_equal(table.matrix(["size", "paid"]).T, [[1.5, np.nan, 3.5, 4.5], [1, 0, np.nan, 0]])
    assert table.texts("city")[1] == ("x", "y")
    assert table.container == "file"
    assert table.source.endswith(name)


def test_index_of_a_pandas_file_is_left_out(tmp_path):
    """The unnamed index that pandas writes is noticed."""
    TABLE.to_pandas().to_csv(tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").notes == ("Column 'Unnamed: 0' counts the rows and is left out.",)


def test_arrays_of_every_format(tmp_path):
    """NPY, NPZ and IDX files give arrays; a member of an NPZ file has its own path."""
    array = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", one=array, two=array + 1)
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(gzip.compress(IDX))
    np.testing.assert_array_equal(read(tmp_path / "a.npy"), array)
    np.testing.assert_array_equal(read(f"{tmp_path}/a.npz::two"), array + 1)
    np.testing.assert_array_equal(read(tmp_path / "a-idx3-ubyte.gz"), array)


def test_first_bytes_beat_the_suffix(tmp_path):
    """A file is read as what it is, not as what it is called."""
    pa.parquet.write_table(TABLE, tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").names == ("size", "city", "paid")


def test_folder_of_pictures(tmp_path):
    """A folder gives its pictures, those of sub-folders too, in the order of their names; hidden ones are not seen."""
    (tmp_path / "in").mkdir()
    for place, name in enumerate(["b.png", "a.PNG", "in/c.png", ".d.png", "notes.txt"]):
        Image.new("L", (3, 2), place).save(tmp_path / name, format="PNG")
    assert read(tmp_path).array[:, 0, 0].tolist() == [1, 0, 2]


def test_folder_without_pictures(tmp_path):
    """Other files in a folder are not read."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="a folder without pictures; expected PNG"):
        read(tmp_path)


def test_glob_of_pictures_and_list(tmp_path):
    """A glob is sorted, a list keeps its order."""
    files = [tmp_path / name for name in ("b.png", "a.png")]
    for place, file in enumerate(files):
        Image.new("L", (3, 2), place).save(file)
    assert read(f"{tmp_path}/*.png").array[:, 0, 0].tolist() == [1, 0]
    assert read(files).array[:, 0, 0].tolist() == [0, 1]


def test_glob_of_tables_and_arrays(tmp_path):
    """Tables are joined by column name, arrays row by row."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("b,a\n3.5,4\n")
    np.save(tmp_path / "a.npy", np.zeros((1, 2)))
    np.save(tmp_path / "b.npy", np.ones((2, 2)))
    np.testing.assert_array_equal(read(f"{tmp_path}/*.csv").matrix(["a", "b"]), [[1, 2], [4, 3.5]])
    np.testing.assert_array_equal(read(f"{tmp_path}/*.npy")[:, 0], [0, 1, 1])


def test_globs_that_do_not_join(tmp_path):
    """No match, several formats, other columns and other shapes are errors."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    np.save(tmp_path / "a.npy", np.zeros((1, 2)))
    np.save(tmp_path / "b.npy", np.zeros((1, 3)))
    for pattern, message in {
        "*.x": "No file matches",
        "a.*": "several formats",
        "*.csv": r"b\.csv has other columns than .*a\.csv",
        "*.npy": r"b\.npy has shape \(1, 3\)",
    }.items():
        with pytest.raises(DataError, match=message):
            read(f"{tmp_path}/{pattern}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.csv", b"a,b\n1\n", "row 2 .* has 1 cell, expected 2"),
        ("a.docx", b"text", r"a\.docx has a format that is not known; readable are CSV"),
        ("a.cvs", b"a\n1\n", r"Did you mean \.csv\?"),
        ("a.xlsx", b"PK", "Save spreadsheets as CSV"),
        ("a.parquet", b"PAR1 nothing", r"a\.parquet cannot be read"),
        ("a.feather", b"ARROW1\0\0 nothing", r"a\.feather cannot be read"),
        ("a.arrow", b"nothing at all", r"a\.arrow cannot be read"),
        ("a.npy", b"\x93NUMPY\1\0", r"a\.npy cannot be read"),
        ("a.npz", b"nothing", r"a\.npz cannot be read"),
        ("a-idx3-ubyte", IDX[:-1], "cut off"),
        ("a.png", b"nothing", r"a\.png is not a picture that can be read"),
    ],
)
def test_bad_files(name, content, message, tmp_path):
    """A file that is empty, damaged or of another format is one error with its name."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_tables_without_rows(tmp_path):
    """A Parquet file of no rows is an error like a header alone."""
    pa.parquet.write_table(TABLE.slice(0, 0), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet has columns but no rows: 0 sample\(s\)"):
        read(tmp_path / "a.parquet")


def test_one_row_is_fine(tmp_path):
    """One row can be read."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert len(read(tmp_path / "a.csv")) == 1


def test_missing_and_foreign_paths(tmp_path):
    """A missing file offers the nearest name; an address is not fetched."""
    (tmp_path / "data.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"Did you mean .*data\.csv"):
        read(tmp_path / "data.cvs")
    with pytest.raises(DataError, match="reads local files"):
        read("https://example.org/data.csv")


@pytest.mark.parametrize(
    "options", [{"header": "yes"}, {"delimiter": ", "}, {"delimiter": '"'}, {"delimiter": "é"}, {"size": 3}]
)
def test_options_are_checked(options, tmp_path):
    """A header or delimiter that cannot be is an error with what is allowed."""
    with pytest.raises(ParameterError, match="must be"):
        read(tmp_path, **options)


def test_delimiter_and_kinds_can_be_told(tmp_path):
    """The caller's word beats what is found out; a column that is to be a category stays as it is written."""
    (tmp_path / "a.csv").write_text("zip;b,c\n0100;2,5\n")
    table = read(tmp_path / "a.csv", delimiter=";", kinds={"zip": "category", "b,c": "category"})
    assert table.texts("zip")[1] == ("0100",)
    assert table.texts("b,c")[1] == ("2,5",)


@pytest.mark.parametrize("frame", [TABLE, TABLE.to_pandas(), pl.from_arrow(TABLE), TABLE.to_batches()[0]], ids=type)
def test_as_data_takes_frames(frame):
    """Frames of every library become tables."""
    assert as_data(frame, {"city": "category"}).names == ("size", "city", "paid")


def test_as_data_passes_the_rest():
    """Tables, pictures, arrays and lists of rows come back as they are."""
    for data in (as_data(TABLE), Pictures(np.zeros((1, 2, 3)), ("a",)), np.zeros((2, 2)), [[1, 2]], None):
        assert as_data(data) is data


def test_as_data_gives_a_table_other_kinds():
    """Kinds given at fit apply to a table that was read before."""
    table = as_data(pa.table({"zip": [1, 2]}))
    assert as_data(table, {"zip": "category"}).kinds == {"zip": "category"}


def test_as_data_reads_as_at_fit(tmp_path):
    """After fit a file is read with the kinds of fit: codes stay text, new columns are ignored, order is that of fit."""
    (tmp_path / "new.csv").write_text("extra,n,code\n1,7,1.50\n")
    table = as_data(tmp_path / "new.csv", fitted={"code": "category", "n": "number"})
    assert isinstance(table, Table)
    assert (table.names, table.texts("code")[1]) == (("code", "n"), ("1.50",))
    assert table.notes == ("Column 'extra' is not one of the model's and is ignored.",)


def test_as_data_after_fit_needs_the_columns_of_fit():
    """Missing columns and cells of another kind are errors."""
    with pytest.raises(DataError, match="Column 'b' is missing from the frame; the model was fitted with columns a, b"):
        as_data(pd.DataFrame({"a": [1]}), fitted={"a": "number", "b": "number"})
    with pytest.raises(DataTypeError, match="'x' in row 2"):
        as_data(pd.DataFrame({"a": ["1", "x"]}), fitted={"a": "number"})


def test_list_of_tables(tmp_path):
    """What a shell makes of a glob is read as the glob would be."""
    for name, row in (("a.csv", "1,2"), ("b.csv", "3,4")):
        (tmp_path / name).write_text(f"a,b\n{row}\n")
    table = read([tmp_path / "b.csv", tmp_path / "a.csv"])
    np.testing.assert_array_equal(table.matrix(), [[3, 4], [1, 2]])
    assert table.source.endswith("b.csv and 1 more")
    with pytest.raises(DataError, match=r"c\.csv does not exist"):
        read([tmp_path / "a.csv", tmp_path / "c.csv"])


@pytest.mark.parametrize("path", [None, 3, b"a.csv", [3], {"a.csv"}])
def test_what_is_no_path(path):
    """Anything but text, a Path or a list of them is an error that says what is wanted."""
    with pytest.raises(DataTypeError, match="must be a str, a Path or a list of them; got"):
        read(path)


def test_an_empty_path(tmp_path, monkeypatch):
    """An empty text, as an unset variable of a shell gives, is not the current folder."""
    monkeypatch.chdir(tmp_path)
    Image.new("L", (3, 2)).save("a.png")
    with pytest.raises(DataError, match="The path is empty"):
        read("")


def test_as_data_passes_read_options(tmp_path):
    """After fit a file can be read with a header and a delimiter of the caller's, too."""
    (tmp_path / "a.csv").write_text("1,5;2\n3,5;4\n")
    table = as_data(tmp_path / "a.csv", fitted={"column_1": "category"}, delimiter=",", header=False)
    assert table.texts("column_1")[1] == ("1", "3")
