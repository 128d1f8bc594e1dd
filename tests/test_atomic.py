"""Tests of `isthmus.atomic`: the old file or the whole new one, and nothing beside it."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from isthmus import atomic
from isthmus.errors import OutputError


@pytest.fixture
def target(tmp_path):
    """A file that already holds something."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    return path


def assert_untouched(target):
    """The target is as it was and stands alone in its folder."""
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


def test_a_new_file_is_written(tmp_path):
    """What is written is what is read, and no temporary file stays."""
    atomic.write_bytes(tmp_path / "new.bin", b"x" * 100_000)
    assert (tmp_path / "new.bin").read_bytes() == b"x" * 100_000
    assert os.listdir(tmp_path) == ["new.bin"]


def test_an_old_file_is_replaced(target):
    """The new content takes the place of the old, also when it is shorter."""
    atomic.write_bytes(target, b"n")
    assert target.read_bytes() == b"n"


def test_a_relative_name_without_folder(tmp_path, monkeypatch):
    """A bare file name means the current folder."""
    monkeypatch.chdir(tmp_path)
    atomic.write_bytes("bare.bin", b"x")
    assert (tmp_path / "bare.bin").read_bytes() == b"x"


def test_a_long_name(tmp_path):
    """A name as long as the file system allows can be written: the temporary name is short."""
    atomic.write_bytes(tmp_path / ("n" * 255), b"x")
    assert os.listdir(tmp_path) == ["n" * 255]


@pytest.mark.parametrize("step", ["open", "fsync", "chmod", "replace"])
def test_a_failing_step_changes_nothing(target, monkeypatch, step):
    """A full disk or a broken one at any step leaves the old file and no temporary one."""

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic if step == "open" else atomic.os, step, fail, raising=False)
    with pytest.raises(OutputError, match=r"Cannot write '.*model\.bin': No space left"):
        atomic.write_bytes(target, b"new")
    monkeypatch.undo()
    assert_untouched(target)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device on this system")
def test_a_full_disk_changes_nothing(target, monkeypatch):
    """When the bytes do not fit, the message says so and the old file stands."""
    full = open("/dev/full", "wb")  # noqa: SIM115  # the code under test closes it
    monkeypatch.setattr(atomic, "open", lambda path, mode: full, raising=False)
    with pytest.raises(OutputError, match="No space left"):
        atomic.write_bytes(target, b"x" * 100_000)
    assert_untouched(target)


def test_a_folder_that_cannot_be_synced_is_accepted(target, monkeypatch):
    """Some file systems cannot sync a folder; the file is complete all the same."""
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", fsync)
    atomic.write_bytes(target, b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("bug"), KeyboardInterrupt("stop")])
def test_an_error_of_the_caller_changes_nothing(target, error):
    """An error inside the block goes through as it is, and nothing is written."""

    def write_half():
        with atomic.open_for_replace(target) as handle:
            handle.write(b"half")
            raise error

    with pytest.raises(type(error), match=str(error)):
        write_half()
    assert_untouched(target)


def test_the_file_is_synced_before_it_is_renamed(target, monkeypatch):
    """Content reaches the disk before the name does, and the folder after it."""
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(atomic.os, name, lambda *a, n=name, r=real: (steps.append(n), r(*a)))
    atomic.write_bytes(target, b"new")
    assert steps == ["fsync", "replace", "fsync"]


def test_a_reader_never_sees_a_part(target):
    """Until the block ends, the old content stands."""
    with atomic.open_for_replace(target) as handle:
        handle.write(b"new")
        handle.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_follows_the_umask(tmp_path, umask):
    """Who may read a new file is what the umask says."""
    before = os.umask(umask)
    try:
        atomic.write_bytes(tmp_path / "new.bin", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.bin").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_replaced_file_keeps_its_permissions(target):
    """A file that only its owner may read stays so."""
    target.chmod(0o600)
    atomic.write_bytes(target, b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_missing_folder_is_named(tmp_path):
    """A mistyped folder is an error, not a new folder."""
    with pytest.raises(OutputError, match=r"there is no folder '.*typo'"):
        atomic.write_bytes(tmp_path / "typo" / "new.bin", b"x")
    assert os.listdir(tmp_path) == []


def test_a_folder_as_target(tmp_path):
    """A folder is not replaced."""
    with pytest.raises(OutputError, match="it is a folder"):
        atomic.check_writable(tmp_path)


def test_a_file_as_folder(target):
    """A file in the place of a folder is named."""
    with pytest.raises(OutputError, match=r"model\.bin' is a file, not a folder"):
        atomic.check_writable(target / "inner.bin")


def test_a_symbolic_link_as_target(target, tmp_path):
    """A link is neither followed nor replaced; the message names what it points to."""
    link = tmp_path / "link.bin"
    link.symlink_to(target)
    with pytest.raises(OutputError, match=r"symbolic link\. Name the file itself: '.*model\.bin'"):
        atomic.write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on this system")
def test_a_pipe_as_target(tmp_path):
    """A named pipe is refused at once instead of waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="not a file"):
        atomic.check_writable(tmp_path / "pipe")


@pytest.mark.parametrize("protected", ["model.bin", "folder"])
def test_a_write_protected_place(target, monkeypatch, protected):
    """A protected file or folder is refused early (``access`` is replaced: an administrator may write anywhere)."""
    stopped = target if protected == "model.bin" else target.parent
    monkeypatch.setattr(atomic.os, "access", lambda path, mode: path != stopped)
    with pytest.raises(OutputError, match=r"write-protected|not writable for you"):
        atomic.check_writable(target)
    assert_untouched(target)


def test_a_name_with_a_nul_character(tmp_path):
    """A path that no system call takes is an error of ours, not a ValueError of Python."""
    with pytest.raises(OutputError, match="Cannot write"):
        atomic.write_bytes(f"{tmp_path}/a\0b", b"x")


def test_what_is_no_path():
    """Anything but text or a Path names no file to write."""
    with pytest.raises(OutputError, match=r"named by a path \(str or Path\); got int"):
        atomic.write_bytes(3, b"")


def test_a_part_grows_over_several_runs(target):
    """What an interrupted run wrote stays beside the old file; the run that ends well puts the whole in its place."""

    def stop_half_way():
        with atomic.open_to_resume(target) as handle:
            handle.write(b"ne")
            raise KeyboardInterrupt("stop")

    with pytest.raises(KeyboardInterrupt, match="stop"):
        stop_half_way()
    assert target.read_bytes() == b"old"
    with atomic.open_to_resume(target) as handle:
        assert handle.tell() == 2
        handle.write(b"w")
        handle.seek(0)
        assert handle.read() == b"new"
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == [target.name]


def test_an_emptied_part_does_not_stay(target):
    """Who finds what was written to be wrong empties it; then nothing is left."""

    def write_nothing():
        with atomic.open_to_resume(target) as handle:
            handle.write(b"wrong")
            handle.truncate(0)
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        write_nothing()
    assert_untouched(target)


def test_a_symbolic_link_as_part(target, tmp_path):
    """A link in the place of the part is not followed."""
    link = tmp_path / "new.bin.part"
    link.symlink_to(target)
    with pytest.raises(OutputError, match="symbolic link"), atomic.open_to_resume(tmp_path / "new.bin") as handle:
        handle.write(b"x")
    assert target.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock")
def test_a_part_has_one_writer(target):
    """A second writer is refused, and takes nothing away."""
    with atomic.open_to_resume(target) as handle:
        with pytest.raises(OutputError, match="another process"), atomic.open_to_resume(target) as second:
            second.write(b"x")
        handle.write(b"new")
    assert target.read_bytes() == b"new"


def test_folders_are_made_and_files_removed(target, tmp_path):
    """Making what is there and removing what is not are no errors; what cannot be is one that names the path."""
    for _ in range(2):
        atomic.make_folder(tmp_path / "a" / "b")
    for _ in range(2):
        atomic.remove(target)
    assert os.listdir(tmp_path) == ["a"]
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match=r"Cannot make the folder '.*file/b'"):
        atomic.make_folder(tmp_path / "file" / "b")
    with pytest.raises(OutputError, match=r"Cannot remove '.*a'"):
        atomic.remove(tmp_path / "a")
