"""A fit that is killed at a call of the file layer, or is refused one, ends with the same bytes when it is run again."""

from __future__ import annotations

import errno
import random
import shutil
import signal
import time

import pytest

SAMPLED = 8
"""Calls of the file layer that are tried here, evenly spread; `bench/kills.py` tries more."""
FIRST = (2, 4, 5, 6)
"""And some of those that make the run directory."""


def sampled(undisturbed):
    """The numbers of the calls to be tried."""
    count = len(undisturbed["made"])
    return sorted({*FIRST, *(1 + round(place * (count - 1) / (SAMPLED - 1)) for place in range(SAMPLED))})


def test_the_file_layer_is_watched(undisturbed):
    """All kinds of calls are made, so that what follows tries what it says."""
    assert {"write", "fsync", "rename", "replace", "mkdir", "rmtree"} <= set(undisturbed["made"])


@pytest.mark.parametrize("when", ["before", "after", "middle"])
def test_killed_at_a_call_and_run_again(fits, undisturbed, leftovers, tmp_path, when):
    """The model has the same SHA-256, whichever call the kill hits; nothing half-written stays."""
    killed = went_on = 0
    for at in sampled(undisturbed):
        folder = tmp_path / str(at)
        folder.mkdir()
        first = fits.run(folder, at=at, when=when, do="kill")
        if when == "middle" and undisturbed["made"][at - 1] != "write":
            assert first["ended"] == 0
            continue
        assert first["ended"] == -signal.SIGKILL, f"call {at} was not killed"
        killed += 1
        again = fits.run(folder)
        assert again["sha256"] == undisturbed["sha256"], f"another model after a kill {when} call {at}"
        assert not leftovers(folder / "run")
        went_on += again["resumed_from"] > 0
    assert killed >= (SAMPLED if when != "middle" else 5)
    assert went_on >= SAMPLED / 2  # else the same bytes would prove nothing about checkpoints


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_call_fails(fits, undisturbed, leftovers, tmp_path, code):
    """A full or broken disk is one clear error, what was there stays whole, and the same fit goes on later."""
    refused = 0
    for at in sampled(undisturbed)[:: 1 if code == errno.ENOSPC else 3]:
        folder = tmp_path / str(at)
        folder.mkdir()
        first = fits.run(folder, at=at, when="before", do=code)
        assert first["ended"] == 0
        if "error" in first:
            refused += 1
            assert first["error"] == "OutputError"
            assert "Cannot" in first["words"]
        else:
            assert first["sha256"] == undisturbed["sha256"]
        assert fits.run(folder)["sha256"] == undisturbed["sha256"]
        assert not leftovers(folder)
    assert refused >= 2


def test_killed_again_and_again(fits, undisturbed, tmp_path):
    """Each run gets a little further, and the last has the same bytes."""
    kills, steps = 0, []
    while (found := fits.run(tmp_path, at=90, when="after", do="kill"))["ended"]:
        kills += 1
        steps.append(sorted(int(p.name) for p in (tmp_path / "run" / "ckpt").glob("[0-9]*"))[-1])
        assert kills < 20, steps
    assert kills >= 2
    assert steps == sorted(set(steps))
    assert found["sha256"] == undisturbed["sha256"]
    assert found["resumed_from"] >= steps[-1]


def test_killed_at_any_time(fits, undisturbed, leftovers, tmp_path):
    """Not at a call, but whenever the clock says so."""
    start = time.monotonic()
    fits.run(tmp_path)
    whole, killed = time.monotonic() - start, 0
    draw = random.Random(0)
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        first = fits.run(folder, alarm=draw.uniform(0.05, 0.9) * whole)
        killed += first["ended"] == -signal.SIGALRM
        assert fits.run(folder)["sha256"] == undisturbed["sha256"]
        assert not leftovers(folder / "run")
    assert killed >= 3


def test_the_directory_vanishes(fits, undisturbed, tmp_path):
    """A run directory that is taken away in the middle of a fit is an error, not a silent fit without it."""
    first = fits.run(tmp_path, at=100, when="before", do="kill")
    assert first["ended"]
    shutil.rmtree(tmp_path / "run" / "ckpt")
    (tmp_path / "run" / "ckpt").write_bytes(b"a file where a folder was")
    found = fits.run(tmp_path)
    assert found["error"] == "OutputError"
