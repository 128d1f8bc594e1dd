"""From the contents of the files of a data set to its values and labels.

In: the bytes of the files of one part, in the order of the catalogue, and the name of the part. Out: two arrays.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray
from PIL import Image

from isthmus.data.arrays import idx_from_bytes
from isthmus.data.paths import reading

Pair = tuple[NDArray[Any], NDArray[Any]]

TRAINING_BEATS = 500  # the first rows of ecg.csv are the training part of the UCR archive
_SIDE = 32  # of a CIFAR-10 picture


def read_digits(contents: Sequence[bytes], part: str) -> Pair:
    """Give the digits inside scikit-learn; there are no files to read."""
    from sklearn.datasets import load_digits  # scikit-learn loads slowly, and only this set needs it

    digits = load_digits()
    return np.asarray(digits.images, np.float64), np.asarray(digits.target, np.int64)


def read_idx_pairs(contents: Sequence[bytes], part: str) -> Pair:
    """Read IDX files: pictures, their labels, and so on."""
    arrays = [idx_from_bytes(content, "a file of the data set") for content in contents]
    return np.concatenate(arrays[::2]), np.concatenate(arrays[1::2]).astype(np.int64)


def read_beats(contents: Sequence[bytes], part: str) -> Pair:
    """Read heartbeats from a text file without header, whose last column is the label."""
    with reading("ecg.csv"):
        options = pa.csv.ReadOptions(autogenerate_column_names=True)
        table = pa.csv.read_csv(pa.BufferReader(contents[0]), options)
    values = np.column_stack([column.to_numpy() for column in table.columns])
    rows = {"train": slice(TRAINING_BEATS), "test": slice(TRAINING_BEATS, None)}.get(part, slice(None))
    return np.ascontiguousarray(values[rows, :-1]), values[rows, -1].astype(np.int64)


def read_cifar(contents: Sequence[bytes], part: str) -> Pair:
    """Read the binary form of CIFAR-10: records of a label, then the red, the green and the blue pixels."""
    records = np.concatenate(
        [np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * _SIDE * _SIDE) for content in contents]
    )
    pictures = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pictures), records[:, 0].astype(np.int64)


def read_cifar_sheets(contents: Sequence[bytes], part: str) -> Pair:
    """Read PNG sheets, one row of pixels per CIFAR-10 picture, each followed by a text file with a label per line."""
    with reading("a sheet of CIFAR-10 pictures"):
        sheets = [np.asarray(Image.open(io.BytesIO(sheet), formats=("PNG",)).convert("RGB")) for sheet in contents[::2]]
        labels = [np.array(text.split(), np.int64) for text in contents[1::2]]
    return np.concatenate(sheets).reshape(-1, _SIDE, _SIDE, 3), np.concatenate(labels)
