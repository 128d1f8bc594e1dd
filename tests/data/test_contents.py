"""Tests of `isthmus.data.contents`: bytes of files to values and labels; whole sets are read in test_datasets.py."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from isthmus.data.contents import read_cifar, read_cifar_sheets


def some_pictures(count):
    """Pictures in colour, and labels."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (count, 32, 32, 3), np.uint8), draw.integers(0, 10, count)


def test_cifar_records():
    """Records of a label and three planes come back as pictures with the channels last, file after file."""
    pictures, labels = some_pictures(6)
    records = np.column_stack([labels.astype(np.uint8), pictures.transpose(0, 3, 1, 2).reshape(6, -1)])
    values, classes = read_cifar([records[:4].tobytes(), records[4:].tobytes()], "all")
    np.testing.assert_array_equal(values, pictures)
    np.testing.assert_array_equal(classes, labels)
    assert values.flags.c_contiguous
    assert classes.dtype == np.int64


def test_cifar_sheets():
    """Each row of pixels of a sheet is a picture; sheets follow each other."""
    pictures, labels = some_pictures(6)
    contents = []
    for rows in (slice(4), slice(4, None)):
        sheet = io.BytesIO()
        Image.fromarray(pictures[rows].reshape(-1, 1024, 3)).save(sheet, "PNG")
        contents += [sheet.getvalue(), "\n".join(map(str, labels[rows])).encode()]
    values, classes = read_cifar_sheets(contents, "all")
    np.testing.assert_array_equal(values, pictures)
    np.testing.assert_array_equal(classes, labels)
