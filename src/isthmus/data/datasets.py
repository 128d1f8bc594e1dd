"""Public data sets by name: the digits inside scikit-learn, and files in the folder that ISTHMUS_DATA names.

In: the name of a set. Out: an array, with labels if asked for. Unusual: nothing is downloaded; a file counts only if
the SHA-256 of its unpacked content is the one written here, so every copy anywhere holds the same numbers.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from isthmus.data.arrays import idx_from_bytes
from isthmus.data.paths import read_bytes, reading
from isthmus.errors import DataError

FOLDER_VARIABLE = "ISTHMUS_DATA"

Pair = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Dataset:
    """One public data set.

    Attributes
    ----------
    name : what to call it in `load`.
    about : one sentence.
    shape : of one row or picture.
    parts : from the name of a part to its number of rows; the first is the one loaded by default.
    source : where the files come from, and their licence.
    files : from the place of a file below the data folder (there also with .gz) to the SHA-256 of its content.
    """

    name: str
    about: str
    shape: tuple[int, ...]
    parts: Mapping[str, int]
    source: str
    read: Callable[[Dataset, str], Pair] = field(repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)

    def at_hand(self) -> bool:
        """Whether all files are there; their content is checked only when they are read."""
        return all(_place(file) is not None for file in self.files)


def load(name: str, part: str | None = None, labels: bool = False) -> Any:
    """Load a public data set.

    Parameters
    ----------
    name : str
        One of `names`.
    part : str, default None
        A part of the set, such as "train", "test" or "all"; None is the first that `describe` lists.
    labels : bool, default False
        Whether to give the labels too.

    Returns
    -------
    ndarray of shape (n, ...), or a pair of it and the labels, ndarray of int64 of shape (n,)
        Pictures as uint8 (n, h, w), the digits as float64 from 0 to 16; heartbeats as float64 (n, 140).

    Raises
    ------
    DataError
        If the name or part is unknown, or the files are not at hand or not the right ones.

    Examples
    --------
    >>> load("digits").shape
    (1797, 8, 8)
    """
    dataset = find(name)
    chosen = next(iter(dataset.parts)) if part is None else part
    if chosen not in dataset.parts:
        raise DataError(f"The data set {name!r} has no part {part!r}; it has: {', '.join(dataset.parts)}.")
    values, classes = dataset.read(dataset, chosen)
    return (values, classes) if labels else values


def names() -> tuple[str, ...]:
    """Name all data sets.

    >>> names()
    ('digits', 'mnist', 'fashion-mnist', 'ecg5000', 'olivetti')
    """
    return tuple(DATASETS)


def describe() -> tuple[Dataset, ...]:
    """Give all data sets, with their sizes and sources."""
    return tuple(DATASETS.values())


def find(name: str) -> Dataset:
    """Give one data set; an unknown name is a `DataError` that offers the nearest."""
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name), DATASETS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"There is no data set {name!r}.{hint} There are: {', '.join(DATASETS)}.")


def _read_digits(dataset: Dataset, part: str) -> Pair:
    from sklearn.datasets import load_digits  # scikit-learn loads slowly, and only this set needs it

    digits = load_digits()
    return np.asarray(digits.images, np.float64), np.asarray(digits.target, np.int64)


def _read_idx_parts(dataset: Dataset, part: str) -> Pair:
    """Read pairs of IDX files; the files stand in the order images, labels, of train and then of test."""
    contents = [idx_from_bytes(_content(dataset, file), file) for file in _files_of(dataset, part)]
    images, classes = contents[::2], contents[1::2]
    return np.concatenate(images), np.concatenate(classes).astype(np.int64)


def _files_of(dataset: Dataset, part: str) -> list[str]:
    files = list(dataset.files)
    return {"train": files[:2], "test": files[2:]}.get(part, files)


def _read_ecg(dataset: Dataset, part: str) -> Pair:
    """Read the heartbeats; the first rows are the training part of the archive, the last column is the label."""
    file = next(iter(dataset.files))
    content = _content(dataset, file)
    with reading(file):
        table = pa.csv.read_csv(pa.BufferReader(content), pa.csv.ReadOptions(autogenerate_column_names=True))
    values = np.column_stack([column.to_numpy() for column in table.columns])
    first = dataset.parts["train"]
    rows = {"train": slice(first), "test": slice(first, None)}.get(part, slice(None))
    return np.ascontiguousarray(values[rows, :-1]), values[rows, -1].astype(np.int64)


def _place(file: str) -> Path | None:
    """Find a file of a data set in the data folder, with or without .gz; None where it is not."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    places = (Path(named, file), Path(named, file + ".gz"))
    return next((place for place in places if named and place.is_file()), None)


def _content(dataset: Dataset, file: str) -> bytes:
    """Give the unpacked content of a file, with or without .gz, once its checksum is found right."""
    place = _place(file)
    if place is None:
        named = os.environ.get(FOLDER_VARIABLE)
        folder = (
            f"the folder {named}" if named else f"a folder of your choice, and set {FOLDER_VARIABLE} to that folder"
        )
        raise DataError(
            f"The data set {dataset.name!r} is not at hand: {file} (or {file}.gz) is missing. Fetch it from "
            f"{dataset.source} and put {', '.join(dataset.files)} into {folder}."
        )
    content = read_bytes(place)
    found = hashlib.sha256(content).hexdigest()
    if found != dataset.files[file]:
        raise DataError(
            f"{place} is not the file of the data set {dataset.name!r}: the SHA-256 of its content is {found}, "
            f"expected {dataset.files[file]}; fetch it again from {dataset.source}."
        )
    return content


_IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

_ENTRIES = (
    Dataset(
        "digits",
        "Handwritten digits, 8 x 8 pixels from 0 to 16; ships inside scikit-learn.",
        (8, 8),
        {"all": 1797},
        "scikit-learn (UCI, CC BY 4.0)",
        _read_digits,
    ),
    Dataset(
        "mnist",
        "Handwritten digits, 28 x 28 grey pixels.",
        (28, 28),
        {"train": 60_000, "test": 10_000, "all": 70_000},
        "https://ossci-datasets.s3.amazonaws.com/mnist/ (LeCun, Cortes, Burges; usually given as CC BY-SA 3.0)",
        _read_idx_parts,
        dict(
            zip(
                (f"mnist/{file}" for file in _IDX_FILES),
                (
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
                strict=True,
            )
        ),
    ),
    Dataset(
        "fashion-mnist",
        "Pieces of clothing, 28 x 28 grey pixels.",
        (28, 28),
        {"train": 60_000, "test": 10_000, "all": 70_000},
        "https://github.com/zalandoresearch/fashion-mnist (Zalando SE, MIT)",
        _read_idx_parts,
        dict(
            zip(
                (f"fashion-mnist/{file}" for file in _IDX_FILES),
                (
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
                strict=True,
            )
        ),
    ),
    Dataset(
        "ecg5000",
        "Heartbeats of one patient, 140 samples each; label 1 is normal, 0 is not.",
        (140,),
        {"all": 4_998, "train": 500, "test": 4_498},
        "http://storage.googleapis.com/download.tensorflow.org/data/ecg.csv (PhysioNet, ODC-By 1.0)",
        _read_ecg,
        {"ecg5000/ecg.csv": "72ce7b040ca0c6ed36c3368e570c6ac4ddf20100476e47373c63b2395e012df1"},
    ),
    Dataset(
        "olivetti",
        "Faces of 40 persons, 10 of each, 64 x 64 grey pixels.",
        (64, 64),
        {"all": 400},
        "the project's data mirror, as IDX files made from olivettifaces.mat (AT&T Laboratories Cambridge)",
        _read_idx_parts,
        {
            "olivetti/olivetti-images-idx3-ubyte": "139db5ade073e030ff543fe74df478b29cff6e9da9a50bf1e0c9a29f0d2f114d",
            "olivetti/olivetti-labels-idx1-ubyte": "87b0dbf71b8091a9cef50af2767e98a87f3b0bde56f1eda7bb591d156e542390",
        },
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
