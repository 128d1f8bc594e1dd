"""One public data set: its parts, its files, and the forms in which it can lie in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.data.contents import Pair
from isthmus.data.download import Download
from isthmus.data.folders import find_file, search_folders


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Attributes
    ----------
    place : where it lies below the data folder (there also with .gz), with "/" between names.
    sha256 : of its content, unpacked.
    part : the part that it belongs to; empty where every part needs it.
    """

    place: str
    sha256: str
    part: str = ""


@dataclass(frozen=True)
class Copy:
    """One form in which a data set can lie in a folder.

    Attributes
    ----------
    parts : from the name of a part to its number of rows.
    files : in the order in which ``read`` wants their contents.
    read : called with the contents of the files of a part and its name; gives values and labels.
    """

    parts: Mapping[str, int]
    files: tuple[File, ...] = field(repr=False)
    read: Callable[[Sequence[bytes], str], Pair] = field(repr=False)

    def files_of(self, part: str) -> tuple[File, ...]:
        """Give the files that a part needs."""
        return tuple(file for file in self.files if part == "all" or file.part in ("", part))

    def folder_of(self, part: str, folders: Sequence[Path]) -> Path | None:
        """Give the first of ``folders`` that holds all files of a part; their content is checked when they are read."""
        files = self.files_of(part)
        return next((folder for folder in folders if all(find_file(folder, file.place) for file in files)), None)


@dataclass(frozen=True)
class Dataset:
    """One public data set.

    Attributes
    ----------
    name : what to call it in `isthmus.datasets.load`.
    about : one sentence.
    shape : of one row or picture.
    source : where it comes from, and its licence.
    copies : the forms in which it can lie in a folder, the whole one first.
    downloads : what gives the files of the whole copy.
    installed : the file below the installed packages that holds it, for a set that needs no other.
    """

    name: str
    about: str
    shape: tuple[int, ...]
    source: str
    copies: tuple[Copy, ...]
    downloads: tuple[Download, ...] = field(default=(), repr=False)
    installed: str = field(default="", repr=False)

    @property
    def parts(self) -> Mapping[str, int]:
        """From the name of a part to its number of rows; the first is the one loaded by default."""
        return self.copies[0].parts

    @property
    def files(self) -> tuple[File, ...]:
        """The files of the whole copy; none for a set inside an installed package."""
        return self.copies[0].files

    def at_hand(self) -> bool:
        """Whether the whole set is here; contents are checked only when they are read."""
        return self.rows_here() == max(self.parts.values())

    def rows_here(self) -> int:
        """Count the rows that can be loaded without a download."""
        if self.installed:
            return max(self.parts.values())
        folders = search_folders()
        found = [copy.parts[p] for copy in self.copies for p in copy.parts if copy.folder_of(p, folders)]
        return max(found, default=0)

    def here(self) -> str:
        """Say whether the set is here: "yes", "no", or "part: 5,000 of 60,000" for a partial copy."""
        rows, most = self.rows_here(), max(self.parts.values())
        return "yes" if rows == most else f"part: {rows:,} of {most:,}" if rows else "no"
