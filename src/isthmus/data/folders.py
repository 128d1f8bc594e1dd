"""The folders in which files of public data sets lie: the user's own, and the cache.

The rule, for every file: it is looked for in the folder that ISTHMUS_DATA names, then in the user's cache folder. A
download goes to the first of the two that can be written to; ISTHMUS_DATA must exist, the cache folder is made.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from isthmus.errors import DataError

FOLDER_VARIABLE = "ISTHMUS_DATA"


def search_folders(data_dir: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Give the folders to look in, in this order; ``data_dir``, where given, is the only one.

    Raises
    ------
    DataError
        If ``data_dir`` is no folder.

    Examples
    --------
    >>> [folder.is_dir() for folder in search_folders(".")]
    [True]
    """
    if data_dir is None:
        named = os.environ.get(FOLDER_VARIABLE, "")
        return (*([Path(named).expanduser()] if named else []), cache_folder())
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; name the folder that holds the files of the data sets.")
    return (folder,)


def download_folder(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Give the folder that downloads go to: the first to look in that exists and can be written to, or the cache."""
    folders = search_folders(data_dir)
    return next((f for f in folders if f.is_dir() and os.access(f, os.W_OK | os.X_OK)), folders[-1])


def cache_folder() -> Path:
    """Give isthmus's folder among those in which this user's programs keep what can be had again; it may not exist.

    ``XDG_CACHE_HOME`` or ``~/.cache`` on Linux, ``~/Library/Caches`` on macOS, ``LOCALAPPDATA`` on Windows.
    """
    named = Path(os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", ""))
    if sys.platform != "darwin" and named.is_absolute():  # the XDG rules: a relative path is to be ignored
        return named / "isthmus"
    below = {"darwin": "Library/Caches", "win32": "AppData/Local"}.get(sys.platform, ".cache")
    try:
        return Path.home() / below / "isthmus"
    except RuntimeError as error:
        raise DataError(f"This user has no home folder; name a folder for data in {FOLDER_VARIABLE}.") from error


def find_file(folder: Path, place: str) -> Path | None:
    """Find a file below a folder, with or without .gz; None where it is not."""
    return next((path for path in (folder / place, folder / f"{place}.gz") if path.is_file()), None)
