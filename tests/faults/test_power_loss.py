"""Power loss: what was not forced to disk is gone. Whatever the moment, the checkpoint that was committed last is whole.

A recording layer notes each write, fsync, rename and removal of three saves. Then the disk is rebuilt as the worst file system
may leave it after each of these calls: a file holds what it held at its last fsync, a name is what its folder held at that
folder's last fsync.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from isthmus.files.run_folder import RunFolder


class Disk:
    """Names and contents that are sure to survive, replayed from a log."""

    def __init__(self):
        # Path to a node, [content, content on disk] or ["folder"]: as programs see it, and as it is sure to survive.
        self.now, self.sure = {}, {}
        self.forced = set()

    def make(self, path, node):
        """A new file or folder."""
        self.now[path] = node

    def rename(self, old, new):
        """Move a name and all under it."""
        for path in [p for p in self.now if p == old or p.startswith(old + "/")]:
            self.now[new + path[len(old) :]] = self.now.pop(path)

    def remove(self, path):
        """Take away a name and all under it."""
        for other in [p for p in self.now if p == path or p.startswith(path + "/")]:
            del self.now[other]

    def sync_folder(self, folder):
        """The names in a folder are on disk from now on: what is new in it, and what is no longer."""
        inside = {p for p in {*self.now, *self.sure} if os.path.dirname(p) == folder}
        for path in inside:
            if path not in self.now:
                for other in [p for p in self.sure if p == path or p.startswith(path + "/")]:
                    del self.sure[other]
                continue
            self.sure[path] = self.now[path]
            # A folder that was renamed takes along what had been forced to disk under its old name.
            for other, node in self.now.items():
                if other.startswith(path + "/") and id(node) in self.forced:
                    self.sure[other] = node


def replayed(log, count):
    """What is on disk after ``count`` calls and a power cut: path to bytes, or None for folders."""
    disk = Disk()
    for kind, *what in log[:count]:
        if kind == "folder":
            disk.make(what[0], ["folder"])
        elif kind == "write":
            disk.make(what[0], [what[1], b""])
        elif kind == "fsync file":
            disk.now[what[0]][1] = disk.now[what[0]][0]
        elif kind == "fsync folder":
            disk.sync_folder(what[0])
            disk.forced |= {id(node) for path, node in disk.now.items() if os.path.dirname(path) == what[0]}
        elif kind == "rename":
            disk.rename(*what)
        else:
            disk.remove(what[0])
    return {path: None if node == ["folder"] else node[1] for path, node in disk.sure.items()}


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The calls of three saves, and after how many of them each save was done."""
    calls, done = [], []
    real = {name: getattr(os, name) for name in ("fsync", "rename", "replace", "mkdir")}
    rmtree = shutil.rmtree

    def short(path):
        return os.path.relpath(path, tmp_path)

    def fsync(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if os.path.isdir(path):
            calls.append(("fsync folder", short(path)))
        else:
            calls.append(("write", short(path), Path(path).read_bytes()))
            calls.append(("fsync file", short(path)))
        real["fsync"](descriptor)

    def renamed(name):
        def rename(old, new, **options):
            calls.append(("rename", short(old), short(new)))
            real[name](old, new, **options)

        return rename

    def mkdir(path, *args, **options):
        real["mkdir"](path, *args, **options)
        calls.append(("folder", short(path)))

    def removed(path, **options):
        calls.append(("remove", short(path)))
        rmtree(path, **options)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(shutil, "rmtree", removed)
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, renamed(name))
    folder = RunFolder(tmp_path / "run")
    folder.adopt({"fit": {"seed": 1}})
    for number, step in enumerate((1, 2, 3, 3)):
        folder.save(step, {"step": step, "number": number}, {"model": {"w": np.full(3, step, np.float32)}})
        done.append((len(calls), step))
    folder.close()
    monkeypatch.undo()
    return calls, done


def test_the_last_committed_checkpoint_survives_a_power_cut(log, tmp_path):
    """After each call, on the worst disk: the newest whole checkpoint is one whose save was done, or a newer one."""
    calls, done = log
    assert {kind for kind, *_ in calls} == {"folder", "write", "fsync file", "fsync folder", "rename", "remove"}
    for count in range(1, len(calls) + 1):
        disk = replayed(calls, count)
        root = tmp_path / "after" / str(count)
        for path in sorted(disk):
            target = root / path
            if disk[path] is None:
                target.mkdir(parents=True, exist_ok=True)
            elif target.parent.is_dir():
                target.write_bytes(disk[path])
        committed = max((step for calls_then, step in done if calls_then <= count), default=0)
        folder = RunFolder(root / "run")
        found = folder.latest()
        folder.close()
        # While a checkpoint is replaced by one of the same step there is a moment with neither; the one before it is there.
        floor = committed - 1 if done[2][0] < count < done[3][0] else committed
        assert (0 if found is None else found[0]["step"]) >= floor, f"after call {count}: {calls[count - 1][:2]}"


def test_a_write_that_is_not_forced_to_disk_would_be_seen(log, monkeypatch):
    """The replay is no rubber stamp: without the fsync of its files a checkpoint is empty after the power cut."""
    calls, _ = log
    careless = [call for call in calls if call[0] != "fsync file"]
    disk = replayed(careless, len(careless))
    assert disk["run/ckpt/000000003/MANIFEST.json"] == b""
    nameless = [call for call in calls if call[:2] != ("fsync folder", "run/ckpt")]
    assert not any(path.startswith("run/ckpt/0") for path in replayed(nameless, len(nameless)))
