"""Writing whole folders so that a reader sees all of one or nothing, and holding one for a single process.

As `isthmus.atomic` does it for files: a new folder is filled under a name of its own, each file in it forced to disk, and takes its
name in one rename. A folder that is removed loses its name first, so what a power cut leaves of it is no folder of ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from isthmus.atomic import make_folder, sync_folder
from isthmus.errors import OutputError, RunBusyError, UserError

_LEFTOVER = ".isthmus-*.tmp"


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
    temporary = _new_name(path)
    try:
        try:
            temporary.mkdir()
            yield temporary
            sync_folder(temporary)
            old = _new_name(path) if path.exists() else None
            if (
                old is not None
            ):  # a folder cannot take the place of another in one call; between these two there is neither
                os.rename(path, old)
            os.rename(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(path.parent)
        if old is not None:
            shutil.rmtree(old)
    except UserError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot write '{path}': {error.strerror or error}.") from error


def remove_folder(path: Path) -> None:
    """Remove a folder and all in it, if it is there; `OutputError` when that cannot be, or it is a link."""
    if path.is_symlink():
        raise OutputError(f"Cannot remove '{path}': it is a symbolic link. Remove it yourself.")
    gone = _new_name(path)
    try:
        os.rename(path, gone)
        shutil.rmtree(gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"Cannot remove '{path}': {error.strerror or error}.") from error


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
    try:
        os.rename(path, target)
        sync_folder(into)
    except OSError as error:
        raise OutputError(f"Cannot move '{path}' to '{target}': {error.strerror or error}.") from error
    return target


def force_to_disk(*folders: Path) -> None:
    """Force the names in folders to disk; `OutputError` when that cannot be."""
    for folder in folders:
        try:
            sync_folder(folder)
        except OSError as error:
            raise OutputError(f"Cannot write to '{folder}': {error.strerror or error}.") from error


def sweep(folder: Path) -> None:
    """Remove what a kill left of folders that were being written or removed in ``folder``, which is ours alone."""
    for leftover in folder.glob(_LEFTOVER):
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
        try:
            self._handle = open(path, "a+b")  # noqa: SIM115  # it stays open for as long as the lock is held
        except OSError as error:
            raise OutputError(f"Cannot use the run directory '{folder}': {error.strerror or error}.") from error
        try:
            _lock(self._handle.fileno(), path, folder)
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


def _lock(descriptor: int, path: Path, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two runs at once are not found out
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy(path, folder) from error
    except OSError:  # some network file systems have no locks
        return
    if not path.exists() or not os.path.samestat(os.fstat(descriptor), os.stat(path)):
        raise _busy(path, folder)  # it was removed between our opening and our locking it


def _busy(path: Path, folder: Path) -> RunBusyError:
    who = "another process"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_bytes()[:1_000])
        who = f"process {int(held['pid'])} on {str(held['host'])!r:.80}"
    return RunBusyError(
        f"The run directory '{folder}' is in use by {who}; wait until that fit is done, or name another run directory."
    )


def _new_name(path: Path) -> Path:
    return path.with_name(f".isthmus-{secrets.token_hex(8)}.tmp")
