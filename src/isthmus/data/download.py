"""From an address to a checked file: mirrors in turn, a cut-off download resumed, nothing believed without its SHA-256.

In: a `Download`, whose size and checksum stand in our own source. Out: the file, or one `DataError` that says what each
mirror answered and how to fetch the file by hand. Unusual: no name and no size comes from the network; only https is
spoken, but http to this machine itself. As every mirror has the same bytes, one goes on where another was cut off.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from isthmus import atomic
from isthmus.data.progress import Progress
from isthmus.errors import DataError
from isthmus.version import __version__

TIMEOUT = 30.0  # seconds without a single byte before a mirror counts as silent
_ATTEMPTS = 5  # at one mirror, each after one that was cut off but brought something
_CHUNK = 2**16  # bytes read at a time: small enough for a bar that moves on a slow line
_HERE = ("localhost", "127.0.0.1", "::1")

Unpack = Callable[[Path, Mapping[str, str], Path], None]


@dataclass(frozen=True)
class Download:
    """One file that can be fetched.

    Attributes
    ----------
    place : where it goes below the data folder, with "/" between names.
    size : in bytes, exactly; no more is ever written.
    sha256 : of the file as it comes.
    urls : its mirrors, tried in this order.
    unpack : called with the file, the checksums of the files to take from it by their places, and the data folder;
        None where the file is used as it comes.
    """

    place: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    unpack: Unpack | None = field(default=None, repr=False)


class _MirrorError(Exception):
    """Why a mirror did not give the file, as a few words."""


def fetch(download: Download, folder: Path) -> Path:
    """Fetch a file into a data folder, unless it is there already.

    Parameters
    ----------
    download : Download
        What to fetch.
    folder : Path
        The data folder; it is made where it is missing, with the folders below it.

    Returns
    -------
    Path
        The file; its checksum is right. Until it is whole, it is named ``NAME.part`` and stays for the next call.

    Raises
    ------
    DataError
        If no mirror gives the right file, or another one stands in its place.
    OutputError
        If the folder cannot be written to.
    """
    target = folder / download.place
    if target.exists():
        return _checked(target, download)
    atomic.make_folder(target.parent)
    failures = []
    for url in download.urls:
        try:
            with atomic.open_to_resume(target) as part, Progress(target.name, download.size) as progress:
                _fill(part, url, download, progress)
            return target
        except _MirrorError as failure:
            failures.append(f"{urllib.parse.urlsplit(url).netloc} {failure}")
    raise DataError(_advice(download, target, failures))


def _advice(download: Download, target: Path, failures: list[str]) -> str:
    part = target.with_name(f"{target.name}.part")
    kept = f"What came is kept in {part}: do the same again to go on from there" if part.exists() else "Try again later"
    by_hand = f"fetch {download.urls[0]} by hand, put it at {target} and do the same again"
    return f"{download.place} could not be downloaded: {'; '.join(failures)}. {kept}, or {by_hand}."


def _checked(target: Path, download: Download) -> Path:
    """Give back a file that somebody put there, if it is the right one."""
    with target.open("rb") as file:
        found = _sha256(file)
    if found != download.sha256:
        raise DataError(
            f"{target} is not the file that belongs there: its SHA-256 is {found}, expected {download.sha256}; "
            "remove or rename it, and do the same again."
        )
    return target


def _fill(part: BinaryIO, url: str, download: Download, progress: Progress) -> None:
    """Complete a part from one mirror, or raise `_MirrorError`; only bytes that may be right are left in it."""
    resumed = part.seek(0, os.SEEK_END) > 0
    _receive_all(part, url, download.size, progress)
    found = _sha256(part)
    if found != download.sha256 and resumed:  # what an earlier run left may have been the wrong part
        part.truncate(0)
        _receive_all(part, url, download.size, progress)
        found = _sha256(part)
    if found != download.sha256:
        part.truncate(0)
        raise _MirrorError(f"has another file (SHA-256 {found[:12]}..., expected {download.sha256[:12]}...)")


def _receive_all(part: BinaryIO, url: str, size: int, progress: Progress) -> None:
    """Receive until the part has ``size`` bytes, resuming as long as each attempt brings some more."""
    reason = ""
    for _ in range(_ATTEMPTS):
        before = part.seek(0, os.SEEK_END)
        if before >= size:
            return
        reason = _receive(part, url, size, progress)
        if part.tell() in (before, size):
            break
    if part.tell() < size:
        raise _MirrorError(f"was cut off after {part.tell():,} of {size:,} bytes{reason}")


def _receive(part: BinaryIO, url: str, size: int, progress: Progress) -> str:
    """Receive once; give the reason for which it ended early, where there was one."""
    answer, start = _request(url, part.tell(), size)
    with answer:
        if start != part.tell():
            part.truncate(start)
            part.seek(start)
        progress.update(start)
        while True:
            try:
                chunk = answer.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                return f" ({_words(error)})"
            if not chunk:
                return ""
            if part.tell() + len(chunk) > size:
                part.truncate(0)
                raise _MirrorError(f"sends more than the {size:,} bytes expected")
            part.write(chunk)
            progress.update(part.tell())


def _request(url: str, start: int, size: int) -> tuple[Any, int]:
    """Ask for a file from byte ``start`` on; give the answer and the byte at which it starts, 0 or ``start``."""
    _check_address(url)
    headers = {"User-Agent": f"isthmus/{__version__}", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        answer = _OPENER.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:
            return _request(url, 0, size)
        raise _MirrorError(f"answers {error.code} ({error.reason})") from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to no address at all
        raise _MirrorError(f"cannot be reached ({_words(error)})") from error
    if answer.status == 206 and _range_is_right(answer.headers.get("Content-Range", ""), start, size):
        return answer, start
    length = answer.headers.get("Content-Length", "")
    if answer.status == 200 and (not length.isdecimal() or int(length) == size):
        return answer, 0
    answer.close()
    if answer.status == 206 and start:
        return _request(url, 0, size)
    if answer.status == 200:
        raise _MirrorError(f"has another file ({int(length):,} bytes, expected {size:,})")
    raise _MirrorError(f"answers {answer.status}")


def _range_is_right(said: str, start: int, size: int) -> bool:
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", said.strip())
    return found is not None and int(found[1]) == start and int(found[2]) < size and found[3] in (str(size), "*")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a mirror to another address only where we would go ourselves."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Give the next request."""
        try:
            _check_address(newurl, here_too=_is_here(req.full_url))
        except _MirrorError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str, here_too: bool = True) -> None:
    """Raise `_MirrorError` unless an address is https, or http on this machine."""
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and here_too and _is_here(url)):
        raise _MirrorError(f"leads to {url[:200]}, which is not https")


def _is_here(url: str) -> bool:
    return urllib.parse.urlsplit(url).hostname in _HERE


_OPENER = urllib.request.build_opener(_Redirects)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _words(error: BaseException) -> str:
    """What an error of the network says, in one line."""
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    said = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(said).split())[:200].rstrip(".")
