"""Public data sets by name: loaded from files that are here, downloaded only when `get` is called.

In: the name of a set. Out: an array, with labels if asked for. Unusual: a file counts only if the SHA-256 of its
unpacked content is the one in the catalogue, so every copy anywhere holds the same numbers. Where files are looked for
and downloaded to: `isthmus.data.folders`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus import atomic
from isthmus.data.catalogue import DATASETS
from isthmus.data.dataset import Copy, Dataset, File
from isthmus.data.download import Download, fetch
from isthmus.data.folders import FOLDER_VARIABLE, download_folder, find_file, search_folders
from isthmus.data.paths import read_bytes
from isthmus.errors import DataError, IsthmusWarning

__all__ = ["FOLDER_VARIABLE", "Dataset", "describe", "find", "get", "load", "names", "path"]

Folder = str | os.PathLike[str] | None


def load(name: str, part: str | None = None, labels: bool = False, *, data_dir: Folder = None) -> Any:
    """Load a public data set from files that are here; `get` downloads them.

    Parameters
    ----------
    name : str
        One of `names`.
    part : str, default None
        A part of the set, such as "train", "test" or "all"; None is the first that `describe` lists.
    labels : bool, default False
        Whether to give the labels too.
    data_dir : str or path-like, default None
        The only folder to look in. None: the folder that ISTHMUS_DATA names, then the user's cache folder.

    Returns
    -------
    ndarray of shape (n, ...), or a pair of it and the labels, ndarray of int64 of shape (n,)
        Pictures as uint8 (n, h, w) or (n, h, w, 3), the digits as float64 from 0 to 16; heartbeats as float64
        (n, 140).

    Raises
    ------
    DataError
        If the name or part is unknown, or the files are not at hand or not the right ones.

    Warns
    -----
    IsthmusWarning
        If only a partial copy is here, with fewer rows than the set has.

    Examples
    --------
    >>> load("digits").shape
    (1797, 8, 8)
    """
    dataset = find(name)
    chosen = next(iter(dataset.parts)) if part is None else part
    if chosen not in dataset.parts:
        raise DataError(f"The data set {name!r} has no part {part!r}; it has: {', '.join(dataset.parts)}.")
    copy, folder = _located(dataset, chosen, data_dir)
    values, classes = copy.read([_content(dataset, file, folder) for file in copy.files_of(chosen)], chosen)
    return (values, classes) if labels else values


def names() -> tuple[str, ...]:
    """Name all data sets.

    >>> names()
    ('digits', 'mnist', 'fashion-mnist', 'ecg5000', 'olivetti', 'cifar10')
    """
    return tuple(DATASETS)


def describe() -> tuple[Dataset, ...]:
    """Give all data sets, with their sizes and sources; the method ``here`` of each says how much of it is here."""
    return tuple(DATASETS.values())


def find(name: str) -> Dataset:
    """Give one data set; an unknown name is a `DataError` that offers the nearest."""
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name), DATASETS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"There is no data set {name!r}.{hint} There are: {', '.join(DATASETS)}.")


def get(name: str, *, data_dir: Folder = None) -> Path:
    """Download a data set, unless the whole of it is here and right.

    Parameters
    ----------
    name : str
        One of `names`.
    data_dir : str or path-like, default None
        The folder to look in and to download to. None: see `isthmus.data.folders`.

    Returns
    -------
    Path
        As `path` gives it.

    Raises
    ------
    DataError
        If no mirror gives the right files, or a file here has another content.
    OutputError
        If the folder cannot be written to.

    Examples
    --------
    >>> get("digits").name  # ships inside scikit-learn
    'digits.csv.gz'
    """
    dataset = find(name)
    if not dataset.installed:
        folders = search_folders(data_dir)
        folder = dataset.copies[0].folder_of("all", folders)
        if folder is None:
            folder = download_folder(data_dir)
            if folder != folders[0]:
                warnings.warn(f"{folders[0]} cannot be written to; {folder} is used.", IsthmusWarning, stacklevel=2)
        for download in dataset.downloads:
            _complete(dataset, download, folder)
    return path(name, data_dir=data_dir)


def path(name: str, *, data_dir: Folder = None) -> Path:
    """Give the file of a data set, or the folder of its files where it has several; nothing is downloaded.

    Parameters
    ----------
    name : str
        One of `names`.
    data_dir : str or path-like, default None
        The only folder to look in. None: see `isthmus.data.folders`.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If the name is unknown, or the files are not at hand.

    Warns
    -----
    IsthmusWarning
        If only a partial copy is here.

    Examples
    --------
    >>> path("digits").name
    'digits.csv.gz'
    """
    dataset = find(name)
    if dataset.installed:
        return _installed(dataset)
    copy, folder = _located(dataset, "all", data_dir)
    found = [find_file(folder, file.place) or folder for file in copy.files]
    return found[0] if len(found) == 1 else found[0].parent


def _located(dataset: Dataset, part: str, data_dir: Folder) -> tuple[Copy, Path]:
    """Find the first copy that has a part, and its folder; warn where it is a partial one."""
    if dataset.installed:
        return dataset.copies[0], Path()
    folders = search_folders(data_dir)
    for copy in dataset.copies:
        folder = copy.folder_of(part, folders)
        if folder is None:
            continue
        if copy is not dataset.copies[0]:
            warnings.warn(
                f"The copy of {dataset.name!r} in {folder} is partial: {copy.parts[part]:,} of "
                f"{dataset.parts[part]:,} rows. {_way(dataset)} to have them all.",
                IsthmusWarning,
                stacklevel=3,
            )
        return copy, folder
    raise _not_at_hand(dataset, dataset.copies[0].files_of(part), folders, download_folder(data_dir))


def _not_at_hand(dataset: Dataset, files: Sequence[File], folders: Sequence[Path], target: Path) -> DataError:
    """Say what is missing, where, and both ways to have it."""
    missing = [file.place for file in files if not any(find_file(folder, file.place) for folder in folders)]
    missing = missing or [file.place for file in files]
    urls = [f"{download.urls[0]} to {target / download.place}" for download in dataset.downloads]
    return DataError(
        f"The data set {dataset.name!r} is not at hand: {missing[0]} (or {missing[0]}.gz){_more(missing)} missing in "
        f"{', '.join(map(str, folders))}. {_way(dataset)}; without a network, first bring {urls[0]}{_more(urls)} by hand."
    )


def _more(listed: Sequence[str]) -> str:
    return f" and {len(listed) - 1} more" if len(listed) > 1 else ""


def _way(dataset: Dataset) -> str:
    return f"Run `isthmus datasets get {dataset.name}` (in Python: isthmus.datasets.get({dataset.name!r}))"


def _content(dataset: Dataset, file: File, folder: Path) -> bytes:
    """Give the unpacked content of a file, with or without .gz, once its checksum is found right."""
    place = find_file(folder, file.place) or folder / file.place
    content = read_bytes(place)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(
            f"{place} is not the file of the data set {dataset.name!r}: the SHA-256 of its content is {found}, "
            f"expected {file.sha256}. Remove or rename it, then run `isthmus datasets get {dataset.name}`."
        )
    return content


def _complete(dataset: Dataset, download: Download, folder: Path) -> None:
    """Download and unpack what is missing; what is there must be right."""
    gives = [file for file in dataset.files if download.unpack or download.place.removesuffix(".gz") == file.place]
    there = [file for file in gives if find_file(folder, file.place)]
    for file in there:
        _content(dataset, file, folder)
    if len(there) == len(gives):
        return
    by_hand = (folder / download.place).exists()
    fetched = fetch(download, folder)
    if download.unpack is not None:
        download.unpack(fetched, {file.place: file.sha256 for file in gives}, folder)
        if not by_hand:  # what somebody put there is theirs
            atomic.remove(fetched)


def _installed(dataset: Dataset) -> Path:
    """Find the file of a set that ships inside an installed package, without importing that package."""
    package, _, rest = dataset.installed.partition("/")
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin or "").parent / rest if spec else Path(rest)
    if not found.is_file():
        raise DataError(f"The data set {dataset.name!r} has no file of its own here; load it by its name.")
    return found
