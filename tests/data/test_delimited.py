"""Text files: what is found out about them, and what is wrong with them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.data.cells import MISSING_WORDS
from isthmus.data.delimited import Dialect, parse_delimited
from isthmus.errors import DataError

FILE = Path("f.csv")


def parsed(text, **options):
    """The columns of a text file as lists."""
    content = text if isinstance(text, bytes) else text.encode()
    return parse_delimited(content, FILE, **options)[0].to_pydict()


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1,2\t3,4\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('a,b\n1,"x;y"\n2,"x;z"\n', ","),
        ("a,b\n1,2\n3\n", ","),
        (" 1.0   2\n 3 4\n", " "),
        ("a b\n1 2\n", " "),
        ("hello world\nfoo bar\n", ","),
        ("a\n1\n", ","),
    ],
)
def test_delimiter(sample, delimiter):
    """The delimiter stands equally often in each row; blanks only separate numbers."""
    assert Dialect.find(sample).delimiter == delimiter


@pytest.mark.parametrize(
    ("sample", "names"),
    [
        ("a,b\n1,2\n", ("a", "b")),
        ("a,b\nx,y\n", ("a", "b")),
        ("1,2\n3,4\n", ("column_1", "column_2")),
        ("x,2024-05-01\ny,2024-05-02\n", ("column_1", "column_2")),
        (" a , b\n1,2\n", ("a", "b")),
        (",b\n0,2\n", ("Unnamed: 0", "b")),
        ('"two\nlines",b\n1,2\n', ("two\nlines", "b")),
    ],
)
def test_header(sample, names):
    """A first row with a number or a date is no header."""
    assert Dialect.find(sample).names == names


def test_header_can_be_told():
    """The rule for the header gives way to the argument."""
    assert parsed("1,2\n3,4\n", header=True) == {"1": [3], "2": [4]}
    assert parsed("a,b\nx,y\n", header=False) == {"column_1": ["a", "x"], "column_2": ["b", "y"]}


def test_note_about_a_missing_header():
    """A file without a header is said."""
    assert parse_delimited(b"1,2\n3,4\n", FILE)[1] == [
        "f.csv has no header; its columns are called 'column_1' and so on."
    ]


def test_decimal_comma():
    """Beside semicolons a comma is a decimal point, unless there are points too."""
    assert parsed("a;b\n1,5;x\n2,0;y\n")["a"] == [1.5, 2.0]
    assert parsed("a;b\n1,5;2.5\n")["a"] == ["1,5"]


def test_codes_stay_text():
    """Numbers that start with a needless zero stay text, and columns that the caller names do."""
    assert parsed("zip,n\n00123,1\n12345,2\n", texts=["n"]) == {"zip": ["00123", "12345"], "n": ["1", "2"]}


def test_missing_words():
    """Every word for a missing cell is one, also with blanks around it and in quotes."""
    for word in MISSING_WORDS:
        assert parsed(f'a,b,c\nx,1,p\n{word},{word},"{word}"\n {word} ,2,q\n') == {
            "a": ["x", None, None],
            "b": [1, None, 2],
            "c": ["p", None, "q"],
        }


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfa,b\n1,2\n", "a,b\n1,2\n".encode("utf-16"), b"a,b\r\n1,2\r\n", b"a,b\r1,2\r",
     b"\n\na,b\n\n1,2", b"a b\n1   2 \n"],
)  # fmt: skip
def test_forms_of_one_table(content):
    """Byte order marks, line ends, blank lines and runs of blanks change nothing."""
    assert parsed(content) == {"a": [1], "b": [2]}


def test_blank_lines_of_one_column_are_cells():
    """In a file of one column a blank line is a missing cell, except at the end."""
    assert parsed("a\n1\n\n3\n\n") == {"a": [1, None, 3]}


def test_quoted_newlines():
    """A quoted cell may hold delimiters, line ends and doubled quotes."""
    assert parsed('a,b\n"x,\ny",1\n"say ""hi""",2\n') == {"a": ["x,\ny", 'say "hi"'], "b": [1, 2]}


def test_a_quote_inside_a_cell_is_text():
    """A quote that does not open a cell is a character."""
    assert parsed('a,b\n5" pipe,1\n') == {"a": ['5" pipe'], "b": [1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3\n", "f.csv: row 3 .* has 1 cell, expected 2"),
        (b"a,b\n1,2,3\n", "row 2 .* has 3 cells, expected 2"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"1,2,3\n", "row 5002 .* has 3 cells"),
        (b'"a\nb",c\n1,2\n3\n', "row .* has 1 cell, expected 2"),
        (b'a,b\n1,x\n2,"y\n3,z\n', r'quote \("\) in line 3 that is never closed'),
        (b"a,b\n1,\0\n", "byte 7 is NUL"),
        (b"a,b\n1,\xe9\n", "not UTF-8 text in column 'b'"),
        (b"\xe9,b\n1,2\n", "not UTF-8 text in its header"),
        (b"a,b\n1,x\n\xe9\n", "not UTF-8 text in line 3"),
        (b"a,b\n", r"header but no rows: 0 sample\(s\)"),
        (b"\n \n\n", "only blank lines"),
        (b"a,a\n1,2\n", "f.csv has duplicate column names: 'a'"),
        ("a,b\n1,2".encode("utf-16")[:-1], "f.csv cannot be read"),
    ],
)
def test_bad_files(content, message):
    """Each fault is one error with the file, and the row where there is one."""
    with pytest.raises(DataError, match=message):
        parse_delimited(content, FILE)


cell = st.one_of(
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs", "Cc", "Z"]), max_size=5),
)


@settings(max_examples=25)
@given(st.integers(2, 4).flatmap(lambda width: st.lists(st.tuples(*[cell] * width), min_size=1, max_size=6)))
def test_written_rows_are_read(rows):
    """What the csv module writes is read back, cell by cell, as numbers or the same text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    names = [f"name {place}" for place in range(len(rows[0]))]
    writer.writerow(names)
    writer.writerows(rows)
    columns = parsed(buffer.getvalue(), delimiter=",", header=True, texts=names)
    for name, written in zip(names, zip(*rows, strict=True), strict=True):
        assert columns[name] == [None if str(c).strip() in MISSING_WORDS else str(c).strip() for c in written]
