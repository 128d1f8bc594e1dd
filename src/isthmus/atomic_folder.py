"""Writing whole folders so that a reader sees all of one or nothing, and holding one for a single process.

As `isthmus.atomic` does it for files: a new folder is filled under a name of its own, each file in it forced to disk, and takes its
name in one rename. A folder that is removed loses its name first, so what a power cut leaves of it is no folder of ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from isthmus.atomic import LEFTOVER, lock, make_folder, new_name, output_errors, sync_folder
from isthmus.errors import OutputError, RunBusyError


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[Path]:
    """A new folder that becomes ``path`` when the ``with`` block ends without an error.

    Files in it are to be written by `isthmus.atomic`, which forces them to disk.

    Parameters
    ----------
    path : what to make or to replace; its parent is made where it is missing.

    Yields
    ------
    The folder to fill.

    Raises
    ------
    OutputError : it cannot be written there; nothing is left of it.
    """
    make_folder(path.parent)
    temporary, old = new_name(path), new_name(path)
    with output_errors(f"write '{path}'"):
        try:
            temporary.mkdir()
            yield temporary
            sync_folder(temporary)
            replaces = path.exists()
            if replaces:  # a folder cannot take the place of another in one call; between these two there is neither
                os.rename(path, old)
            os.rename(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(path.parent)
        if replaces:
            shutil.rmtree(old)


def remove_folder(path: Path) -> None:
    """Remove a folder and all in it, if it is there; `OutputError` when that cannot be, or it is a link."""
    if path.is_symlink():
        raise OutputError(f"Cannot remove '{path}': it is a symbolic link. Remove it yourself.")
    gone = new_name(path)
    with output_errors(f"remove '{path}'"), contextlib.suppress(FileNotFoundError):
        os.rename(path, gone)
        shutil.rmtree(gone)


def remove_if_empty(path: Path) -> None:
    """Remove a folder that nothing is in; any other stays."""
    with contextlib.suppress(OSError):
        path.rmdir()


def move_folder(path: Path, into: Path) -> Path:
    """Move a folder into another, under a name that is free there; where it went."""
    make_folder(into)
    target = into / path.name
    for number in range(1, 10_000):
        if not target.exists():
            break
        target = into / f"{path.name}.{number}"
    with output_errors(f"move '{path}' to '{target}'"):
        os.rename(path, target)
        sync_folder(into)
    return target


def force_to_disk(*folders: Path) -> None:
    """Force the names in folders to disk; `OutputError` when that cannot be."""
    for folder in folders:
        with output_errors(f"write to '{folder}'"):
            sync_folder(folder)


def refuse_links(folder: Path) -> None:
    """`OutputError` where anything in ``folder``, at any depth, is a symbolic link."""
    for parent, folders, files in os.walk(folder):
        link = next((path for path in map(Path(parent).joinpath, (*folders, *files)) if path.is_symlink()), None)
        if link is not None:
            raise OutputError(
                f"Cannot use the run directory '{folder}': '{link}' is a symbolic link, which isthmus never makes there. "
                "Remove it, or name another run directory."
            )


def sweep(folder: Path) -> None:
    """Remove what a kill left of files and folders that were being written or removed in ``folder``."""
    for leftover in folder.glob(LEFTOVER):
        with contextlib.suppress(OSError):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


class Hold:
    """A folder for one process: others are refused until this one lets go or dies.

    The lock is the operating system's, on the file ``LOCK`` in the folder, so a dead process holds nothing. The file says who
    has it.

    Parameters
    ----------
    folder : it must exist.

    Raises
    ------
    RunBusyError : another process holds it.
    OutputError : it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "LOCK"
        with output_errors(f"use the run directory '{folder}'"):
            self._handle = open(path, "a+b", opener=_no_link)  # noqa: SIM115  # it stays open while the lock is held
        try:
            lock(self._handle, path, lambda: _busy(path, folder))
            me = {"pid": os.getpid(), "host": socket.gethostname(), "started": round(time.time())}
            with contextlib.suppress(OSError):  # what it says is for people; the lock holds without it
                self._handle.truncate(0)
                self._handle.write(json.dumps(me).encode())
                self._handle.flush()
        except BaseException:
            self._handle.close()
            raise

    def release(self) -> None:
        """Let go."""
        self._handle.close()


def _no_link(path: str, flags: int) -> int:
    """Open a file, but not one that is reached by a link: its target is a stranger's, and would be emptied."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _busy(path: Path, folder: Path) -> RunBusyError:
    who = "another process"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_bytes()[:1_000])
        who = f"process {int(held['pid'])} on {str(held['host'])!r:.80}"
    return RunBusyError(
        f"The run directory '{folder}' is in use by {who}; wait until that fit is done, or name another run directory."
    )
