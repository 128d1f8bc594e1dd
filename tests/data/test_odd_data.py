"""Odd and changing data: pictures, text files and values at the edge of what can be have a defined result or an error."""

from __future__ import annotations

import contextlib
import types

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isthmus import AnomalyDetector, Autoencoder
from isthmus.data import images, readers
from isthmus.data.readers import as_data, read
from isthmus.errors import DataError, UserError


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_pictures_are_what_they_hold(name, tmp_path):
    """A picture under the name of another format, in CMYK or of 16 bits has a defined result."""
    Image.fromarray(np.full((3, 4, 4), 9, np.uint8), "CMYK").save(tmp_path / name, format="JPEG")
    assert read(tmp_path / name).shape == (1, 3, 4, 3)
    Image.fromarray(np.full((3, 4), 999, np.uint16)).save(tmp_path / name, format="PNG")
    assert read(tmp_path / name).array.dtype == np.uint16


def test_pictures_that_do_not_fit_into_memory(tmp_path, monkeypatch):
    """Where there is no memory for all pictures together, the error says so."""

    def no_memory(*arguments):
        raise MemoryError

    Image.new("L", (3, 2)).save(tmp_path / "a.png")
    monkeypatch.setattr("isthmus.data.images.np", types.SimpleNamespace(**{**vars(np), "empty": no_memory}))
    with pytest.raises(DataError, match="The list of 1 pictures needs more memory than there is"):
        read(tmp_path / "a.png")


CSV = {
    "a,b\n1,2\n3\n": "row 3 .* has 1 cell",
    'a,b\n1,"x\n': "never closed",
    "a,b\n1,\0\n": "byte 7 is NUL",
    "a,a\n1,2\n": "duplicate column names",
    "a,b\n1,\udcff\n": "not UTF-8",
    "a,b\n1,1e999\n": "contains infinity in row 1",
}


@pytest.mark.parametrize("content", CSV)
def test_broken_text_files_name_the_row(content, tmp_path):
    """Each fault of a text file is an error that says where it is."""
    (tmp_path / "a.csv").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=CSV[content]):
        read(tmp_path / "a.csv").matrix()


def test_text_files_of_every_encoding_and_order(tmp_path):
    """Byte order marks, UTF-16 and columns in another order change nothing; a number with separators stays text."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "a.csv").write_bytes('b,a\n"1,234",1.5\n"1,234",2.5\n'.encode(encoding))
        table = as_data(tmp_path / "a.csv", fitted={"a": "number", "b": "category"})
        assert (table.names, table.texts("b")[1]) == (("a", "b"), ("1,234",))
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="Column 'b' is missing"):
        as_data(tmp_path / "a.csv", fitted={"a": "number", "b": "category"})


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from('a1,;\t "\n\r.-e\0é'), max_size=40))
def test_any_text_is_a_table_or_an_error(tmp_path_factory, text):
    """Whatever stands in a text file, a table of that many cells or one error comes out."""
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_text(text, newline="", encoding="utf-8")
    with contextlib.suppress(UserError):
        table = read(file)
        assert table.matrix([name for name, kind in table.kinds.items() if kind != "category"]).shape[0] == len(table)


ROWS = np.random.default_rng(0).normal(size=(40, 3))
ODD = {
    "constant": np.ones((40, 3)), "huge": ROWS * 1e38, "one feature": ROWS[:, :1], "no values": ROWS * np.nan,
    "integers": (ROWS * 2**61).astype(np.int64), "booleans": ROWS > 0, "one row": ROWS[:1],
    "frame": pa.table({"on": ROWS[:, 0] > 0, "day": pa.array(np.arange(40, dtype=np.int32), pa.date32()), "c": ["x", "y"] * 20}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_data_give_finite_scores_or_an_error(name):
    """Data at the edge of what can be are scored with numbers, or refused in one line."""
    data = ODD[name]
    with contextlib.suppress(UserError):
        detector = AnomalyDetector(Autoencoder(hidden_dims=(2,), latent_dim=1, max_epochs=1, random_state=0))
        assert np.isfinite(detector.fit(data).score_samples(data)).all()


def test_a_hundred_thousand_columns():
    """A frame may be far wider than long."""
    assert as_data(pa.table({f"c{place}": [1.0] for place in range(10**5)})).shape == (1, 10**5)


@pytest.mark.parametrize("event", ["grows", "shrinks", "is replaced", "disappears"])
def test_a_file_that_changes_while_it_is_read(event, tmp_path, monkeypatch):
    """A file that is another one at the end of reading is an error, not half of two tables."""
    file, other, whole = tmp_path / "a.csv", tmp_path / "b.csv", "a,b\n1,2\n3,4\n"
    file.write_text(whole)
    other.write_text(whole)
    change = {
        "grows": lambda: file.write_text(whole + "5,6\n"), "shrinks": lambda: file.write_text(whole[:8]),
        "is replaced": lambda: other.replace(file), "disappears": file.unlink,
    }[event]  # fmt: skip
    read_bytes = readers.read_bytes
    monkeypatch.setattr(readers, "read_bytes", lambda path: (read_bytes(path), change())[0])
    with pytest.raises(DataError, match=r"a\.csv (changed|disappeared) while it was read"):
        read(file)


def test_a_picture_that_changes_while_it_is_read(tmp_path, monkeypatch):
    """A picture whose size is another one than its header said a moment ago is an error."""
    file = tmp_path / "a.png"
    Image.new("L", (3, 2)).save(file)
    read_headers = images._read_headers

    def changing(*arguments):
        headers = read_headers(*arguments)
        Image.new("L", (1, 1)).save(file)
        return headers

    monkeypatch.setattr(images, "_read_headers", changing)
    with pytest.raises(DataError, match=r"a\.png changed while it was read"):
        read([file])
