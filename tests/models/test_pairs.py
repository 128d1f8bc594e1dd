"""Tests of `isthmus.models.pairs`: when a target is the clean form of the rows, and whether the two belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import isthmus
from isthmus import DenoisingAutoencoder
from isthmus.data.png import png_bytes
from isthmus.errors import DataError
from isthmus.models.pairs import check_pairs, is_clean_target

ROWS = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def folders(tmp_path):
    """Two folders of pictures with the same names; those of the second are twice as bright."""
    for name, factor in (("spoiled", 1), ("clean", 2)):
        (tmp_path / name).mkdir()
        for place in range(6):
            ramp = np.arange(30).reshape(6, 5) * factor + place
            (tmp_path / name / f"photo{place}.png").write_bytes(png_bytes(ramp.astype(np.uint8)))
    return tmp_path / "spoiled", tmp_path / "clean"


@pytest.mark.parametrize(
    "y",
    [None, np.zeros(4), [1, 2, 3, 4], ["a"] * 4, pd.Series([1, 2, 3, 4]), pl.Series([1, 2, 3, 4]), pa.array([1, 2, 3, 4])],
    ids=lambda y: type(y).__name__,
)  # fmt: skip
def test_labels_are_no_target(y):
    """Nothing, or one value a row, is no clean form of anything."""
    assert not is_clean_target(ROWS, y)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (ROWS, ROWS + 1),
        (ROWS.tolist(), ROWS),
        (pd.DataFrame(ROWS), ROWS),
        (pl.DataFrame(ROWS), pl.DataFrame(ROWS)),
        (pa.table({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0, 2.0]})),
        (ROWS.reshape(1, 4, 3), ROWS.reshape(1, 4, 3)),
        ("spoiled.csv", "clean.csv"),
    ],
)
def test_the_same_shape_is_a_target(X, y):
    """Rows or pictures of one shape are pairs, in whatever container; of files the shape is not known yet."""
    assert is_clean_target(X, y)


@pytest.mark.parametrize("y", [ROWS[:3], ROWS[:, :1], ROWS.reshape(4, 3, 1), np.float64(3), [[1, 2], [3]]])
def test_other_shapes_are_errors(y):
    """Any other shape could be meant either way, and is an error that says what is expected."""
    with pytest.raises(DataError, match=r"exactly the shape|have different lengths"):
        is_clean_target(ROWS, y)


def test_the_error_names_both_shapes():
    """Both shapes stand in it, and what labels would look like."""
    with pytest.raises(DataError, match=r"y has the shape \(3, 3\), X \(4, 3\); .* y is one label for each row"):
        is_clean_target(ROWS, ROWS[:3])


def test_frames_need_one_order():
    """Frames are matched by their index: another order is an error, no index is none."""
    frame = pd.DataFrame(ROWS, index=list("abcd"))
    check_pairs(frame, frame + 1)
    check_pairs(frame, ROWS)
    check_pairs(pl.DataFrame(ROWS), frame)
    with pytest.raises(DataError, match="index of the clean rows is not that of the spoiled ones"):
        check_pairs(frame, frame.iloc[::-1])


def test_columns_are_matched_by_name(data):
    """Spoiled columns may stand in another order than the clean ones."""
    X = data.mixed()
    fits = [DenoisingAutoencoder(latent_dim=2, max_epochs=1, random_state=0) for _ in range(2)]
    ours, theirs = (fit.fit(seen, X).transform(X) for fit, seen in zip(fits, (X, X[X.columns[::-1]]), strict=True))
    assert np.array_equal(ours, theirs)


def test_folders_of_pictures(folders):
    """Two folders are pairs by the names of their files, and the network learns what lies between them."""
    spoiled, clean = map(str, folders)
    model = DenoisingAutoencoder(latent_dim=1, max_epochs=1, random_state=0).fit(spoiled, clean)
    assert model.encoder_.high == pytest.approx(63)
    assert model.denoise(spoiled).shape == (6, 6, 5)
    assert model.compare(spoiled, clean)["untouched_error"] > model.compare(clean, clean)["untouched_error"]


def test_other_names_are_other_pictures(folders):
    """The first picture without its partner is named."""
    spoiled, clean = folders
    (clean / "photo3.png").rename(clean / "photo9.png")
    with pytest.raises(DataError, match="picture 4 is 'photo3' among the spoiled and 'photo4' among the clean ones"):
        check_pairs(isthmus.read(spoiled), isthmus.read(clean))


def test_folders_of_different_length(folders):
    """A picture without a partner at all is an error of shapes."""
    spoiled, clean = folders
    (clean / "photo5.png").unlink()
    with pytest.raises(DataError, match=r"the spoiled rows have the shape \(6, 6, 5\), the clean ones \(5, 6, 5\)"):
        check_pairs(str(spoiled), str(clean))


def test_files_of_different_shape(tmp_path):
    """A file beside an array is read, and their shapes compared."""
    pd.DataFrame(ROWS, columns=list("abc")).to_csv(tmp_path / "rows.csv", index=False)
    check_pairs(str(tmp_path / "rows.csv"), ROWS)
    with pytest.raises(DataError, match=r"have the shape \(4, 3\), the clean ones \(2, 3\); they must be pairs"):
        check_pairs(str(tmp_path / "rows.csv"), ROWS[:2])


def test_a_file_that_is_not_there(tmp_path):
    """A missing file is named, whichever of the two it is."""
    for pair in ((ROWS, "nothing.csv"), ("nothing.csv", ROWS)):
        with pytest.raises(DataError, match=r"nothing\.csv does not exist"):
            DenoisingAutoencoder().fit(*pair)
