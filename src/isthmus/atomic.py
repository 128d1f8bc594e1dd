"""Writing files so that a reader sees the old file or the whole new one, never a part.

Bytes go to a temporary file in the target's own folder, are forced to disk, and take the target's name in one rename;
then the folder is forced to disk, so that a power cut cannot undo the rename. When anything fails before the rename,
the temporary file is removed and the target is as it was; only a download keeps its part, to go on from there.
Standard library only. No other file of isthmus but `isthmus.atomic_folder` opens a file for writing, renames or removes one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from isthmus.errors import OutputError, UserError

# What a folder on a file system that cannot be synced (some network and FUSE mounts) answers; the rename still holds.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` as the whole content of ``path``, or change nothing.

    Parameters
    ----------
    path : str or path-like
        The file to make or to replace. Its folder must exist.
    data : bytes
        The content.

    Raises
    ------
    OutputError
        When the file cannot be written there; the message names the reason.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(f"{folder}/a.txt", b"hello")
    ...     Path(folder, "a.txt").read_bytes()
    b'hello'
    """
    with open_for_replace(path) as handle:
        handle.write(data)


@contextlib.contextmanager
def open_for_replace(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file that becomes ``path`` when the ``with`` block ends without an error.

    Parameters
    ----------
    path : str or path-like
        The file to make or to replace. Its folder must exist. A new file gets the permissions that the umask leaves;
        a replaced file keeps its own.

    Yields
    ------
    BinaryIO
        Open for writing; it has a position and can be sought.

    Raises
    ------
    OutputError
        When the file cannot be written there, or an ``OSError`` ends the block (a full disk, for one).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_for_replace(f"{folder}/a.txt") as handle:
    ...         _ = handle.write(b"hel")
    ...         _ = handle.write(b"lo")
    ...     Path(folder, "a.txt").read_bytes()
    b'hello'
    """
    check_writable(path)
    target = Path(path)
    with output_errors(f"write '{target}'"):
        temporary = new_name(target)
        try:
            with open(temporary, "xb") as handle:
                yield handle
                handle.flush()
                _keep_mode(target, temporary)
                os.fsync(handle.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(target.parent)


@contextlib.contextmanager
def open_to_resume(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file that may grow over several runs and becomes ``path`` when the ``with`` block ends without an error.

    Until then it is ``path`` with ``.part`` behind its name. After an error it stays for the next run, unless nothing
    is in it.

    Parameters
    ----------
    path : str or path-like
        The file to make or to replace. Its folder must exist.

    Yields
    ------
    BinaryIO
        Open for reading and writing, with what earlier runs left in it; what is written goes to its end, so
        ``truncate(0)`` starts over. No other process has it open this way.

    Raises
    ------
    OutputError
        When the file cannot be written there, another process is writing it, or an ``OSError`` ends the block.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with contextlib.suppress(KeyboardInterrupt), open_to_resume(f"{folder}/a.txt") as handle:
    ...         _ = handle.write(b"hel")
    ...         raise KeyboardInterrupt
    ...     with open_to_resume(f"{folder}/a.txt") as handle:
    ...         _ = handle.write(b"lo")
    ...     Path(folder, "a.txt").read_bytes()
    b'hello'
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    check_writable(target)
    check_writable(part)
    busy = f"'{part}' is being written by another process; wait until that is done, then try again."
    with output_errors(f"write '{target}'"):
        with open(part, "ab+") as handle:
            # Where there are no locks, two writers at once are found out by the checksum of what they wrote.
            lock(handle, part, lambda: OutputError(busy))
            try:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    if not handle.seek(0, os.SEEK_END):
                        os.unlink(part)
                raise
        os.replace(part, target)
        sync_folder(target.parent)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and those above it, where they are missing; `OutputError` when that cannot be."""
    with output_errors(f"make the folder '{path}'"):
        Path(path).mkdir(parents=True, exist_ok=True)


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a file, if it is there; `OutputError` when that cannot be."""
    with output_errors(f"remove '{path}'"):
        Path(path).unlink(missing_ok=True)


LEFTOVER = ".isthmus-*.tmp"
"""What the names that `new_name` gives look like; a kill leaves such files and folders behind."""


def new_name(path: Path) -> Path:
    """A name beside ``path`` that nothing has, for what is being written or removed."""
    return path.with_name(f".isthmus-{secrets.token_hex(8)}.tmp")


@contextlib.contextmanager
def output_errors(what: str) -> Iterator[None]:
    """Turn an ``OSError`` into an `OutputError`: "Cannot ``what``", and the system's reason."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot {what}: {error.strerror or error}.") from error


def lock(handle: BinaryIO, path: Path, busy: Callable[[], UserError]) -> None:
    """Take the open file ``path`` for this process alone, or raise ``busy``; the lock ends when the file is closed."""
    try:
        import fcntl
    except ImportError:  # Windows: two at once are not found out here
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise busy() from error
    except OSError:  # some network file systems have no locks
        return
    if not path.exists() or not os.path.samestat(os.fstat(handle.fileno()), os.stat(path)):
        raise busy()  # it was renamed or removed between our opening and our locking it


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `OutputError` when ``path`` cannot be made or replaced, as far as can be told without writing.

    Call it before long work whose result goes to ``path``.

    Parameters
    ----------
    path : str or path-like
        Where the result will go. Its folder must exist: a mistyped folder is an error, not a new folder.

    Raises
    ------
    OutputError
        When the folder is missing or cannot be written to, or ``path`` is a folder, a symbolic link, a device or
        write-protected.

    Examples
    --------
    >>> check_writable("no/such/folder/model.safetensors")
    Traceback (most recent call last):
    isthmus.errors.OutputError: Cannot write 'no/such/folder/model.safetensors': there is no folder ...
    """
    if not isinstance(path, (str, os.PathLike)):
        raise OutputError(f"The file to write is named by a path (str or Path); got {type(path).__name__}.")
    target = Path(path)
    try:
        reason = _obstacle(target)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise OutputError(f"Cannot write {str(target)!r}: {getattr(error, 'strerror', None) or error}.") from error
    if reason:
        raise OutputError(f"Cannot write '{target}': {reason}")


def _obstacle(target: Path) -> str:
    """Why ``target`` cannot be written, as the end of a sentence; empty when nothing stands in the way."""
    folder = target.parent
    if not folder.exists():
        return f"there is no folder '{folder}'. Make it first, or name another."
    if not folder.is_dir():
        return f"'{folder}' is a file, not a folder."
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder '{folder}' is not writable for you."
    if stat.S_ISDIR(mode):
        return "it is a folder. Add a file name."
    if stat.S_ISLNK(mode):
        return f"it is a symbolic link. Name the file itself: '{os.path.realpath(target)}'."
    if not stat.S_ISREG(mode):
        return "it is a device, a pipe or a socket, not a file."
    if not os.access(target, os.W_OK):
        return "the file is write-protected."
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder '{folder}' is not writable for you."


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give the new file the permissions of the file that it replaces."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(temporary, stat.S_IMODE(os.lstat(target).st_mode))


def sync_folder(folder: Path) -> None:
    """Force the rename to disk; Windows has no call for it."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
