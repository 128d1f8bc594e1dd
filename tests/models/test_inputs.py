"""Tests of `isthmus.models.inputs`: what cannot be used is refused in one line that says where it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus.errors import DataError, DataTypeError

ROWS = np.random.default_rng(0).normal(size=(20, 4))


def with_cell(value, dtype=np.float64):
    """Rows with one other cell, in row 5 and column 2."""
    rows = ROWS.astype(dtype)
    rows[5, 2] = value
    return rows


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities_have_a_place(quick, value):
    """The error names row and column, in ``fit`` and after."""
    with pytest.raises(DataError, match=r"X\[5, 2\] contains infinity"):
        quick().fit(with_cell(value))
    with pytest.raises(DataError, match=r"X\[5, 2\] contains infinity"):
        quick().fit(ROWS).transform(with_cell(value))


def test_infinities_in_a_frame_have_a_place(quick):
    """In a frame the column has a name and rows are counted from 1."""
    with pytest.raises(DataError, match=r"Column 'c' of the frame contains infinity in row 6"):
        quick().fit(pd.DataFrame(with_cell(np.inf), columns=list("abcd")))


def test_infinities_in_pictures_have_a_place(quick):
    """In pictures the error names the picture and the pixel."""
    with pytest.raises(DataError, match=r"X\[5, 1, 0\] contains infinity"):
        quick().fit(with_cell(np.inf).reshape(20, 2, 2))


def test_pixels_have_a_largest_size(quick):
    """Pixels beyond single precision are refused, because the network could not see them."""
    with pytest.raises(DataError, match=r"X\[5, 1, 0\] contains infinity or a value too large for float32"):
        quick().fit(with_cell(1e300).reshape(20, 2, 2))


def test_large_numbers_are_not_infinite(quick):
    """Numbers whose sum overflows are accepted: only a cell that is infinite is refused."""
    assert np.isfinite(quick(1).fit(ROWS.astype(np.float32) * np.float32(5e37)).score_samples(ROWS * 5e37)).all()


@pytest.mark.parametrize("X", [ROWS[:1], ROWS[:1].reshape(1, 2, 2), pd.DataFrame(ROWS[:1], columns=list("abcd"))])
def test_one_row_is_too_few(quick, X):
    """A single row, picture or line of a table cannot be fitted."""
    with pytest.raises(DataError, match="1 sample"):
        quick().fit(X)


def test_one_row_can_be_used_afterwards(quick):
    """After the fit a single row is fine."""
    assert quick().fit(ROWS).transform(ROWS[:1]).shape == (1, 2)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (ROWS[:0], r"0 sample\(s\)"),
        (ROWS[:, :0], r"0 feature\(s\)"),
        (ROWS[:0].reshape(0, 2, 2), r"0 sample\(s\)"),
        (ROWS[:, 0], "Reshape your data"),
        (ROWS.reshape(20, 1, 2, 2, 1), "dim 5"),
        (5.0, "scalar array"),
        (ROWS + 1j, "Complex data not supported"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(index=range(5)), "no columns"),
        (pd.DataFrame({"a": [f"free text {i}" for i in range(20)]}), "only free text"),
        ("nowhere.csv", "nowhere.csv"),
    ],
)
def test_shapes_that_cannot_be_used(quick, X, words):
    """The error is one line, and says what the shape should be."""
    with pytest.raises(DataError, match=words) as caught:
        quick().fit(X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.array([["a", "b"], ["c", "d"]]), DataTypeError, r"X\[0, 0\] is 'a' \(str_\); expected numbers"),
        (np.array([[1.5, "b"], [2, 3]], dtype=object), DataTypeError, r"X\[0, 1\] is 'b' \(str\); expected numbers"),
        (np.array([["2024-05-01"] * 2] * 3, "M8[D]"), DataTypeError, r"X holds datetime64\[D\]; expected numbers"),
        (np.array([[{}, 1], [2, 3]], dtype=object), DataTypeError, "real number, not 'dict'"),
        (np.full((5, 2, 2), "x"), DataTypeError, "pictures must be numbers, got an array of dtype <U1"),
        (pd.DataFrame({"a": [[1], [2]]}), DataTypeError, "Column 'a' holds list"),
    ],
)
def test_cells_that_are_not_numbers(quick, X, error, words):
    """Text and objects are refused as what they are, where there are names with the name."""
    with pytest.raises(error, match=words):
        quick().fit(X)


def test_objects_that_are_numbers(quick):
    """An array of objects works where each is a number."""
    assert np.array_equal(quick().fit(ROWS.astype(object)).transform(ROWS), quick().fit(ROWS).transform(ROWS))


@pytest.mark.parametrize(
    ("fitted_to", "given", "words"),
    [
        (ROWS, ROWS[:, :3], "X has 3 features, but Autoencoder is expecting 4"),
        (ROWS, pd.DataFrame(ROWS[:, :1], columns=["a"]), "have 1 columns; the model was fitted with 4"),
        (ROWS, pd.DataFrame(ROWS[:, :3], columns=list("abc")), "have 3 columns; the model was fitted with 4"),
        (ROWS, ROWS.reshape(20, 2, 2), r"pictures of shape \(2, 2\) do not fit .* rows of 4 columns"),
        (pd.DataFrame(ROWS, columns=list("abcd")), ROWS.reshape(20, 2, 2), r"pictures of shape \(2, 2\) do not fit"),
        (ROWS.reshape(20, 2, 2), ROWS, r"rows of shape \(4,\) do not fit .* 2 high, 2 wide"),
        (ROWS.reshape(20, 2, 2), ROWS[:, :3], "X has 3 features"),
        (ROWS.reshape(20, 2, 2), ROWS.reshape(20, 1, 4), r"pictures of shape \(1, 4\) do not fit .* 2 high, 2 wide"),
        (
            ROWS.reshape(20, 2, 2),
            pd.DataFrame(ROWS, columns=list("abcd")),
            "a table; the model was fitted with pictures",
        ),
    ],
)
@pytest.mark.parametrize("method", ["transform", "reconstruct", "errors", "score", "partial_fit"])
def test_data_of_another_form(quick, fitted_to, given, words, method):
    """Rows for pictures, pictures for rows and other sizes are refused with both forms."""
    model = quick(max_epochs=0).fit(fitted_to)
    with pytest.raises(DataError, match=words):
        getattr(model, method)(given)


def test_ambiguous_channels(quick):
    """Where two axes could hold the channels the error names the parameter that says which."""
    X = np.zeros((5, 3, 6, 3))
    with pytest.raises(DataError, match=r'Say channels="first" or channels="last"'):
        quick().fit(X)
    assert quick(channels="first").fit(X).encoder_.layout.shape == (3, 6, 3)


def test_a_refused_fit_can_be_repeated(quick):
    """After an error the same estimator can be fitted to good data."""
    model = quick()
    with pytest.raises(DataError, match="infinity"):
        model.fit(with_cell(np.inf))
    assert np.array_equal(model.fit(ROWS).transform(ROWS), quick().fit(ROWS).transform(ROWS))
