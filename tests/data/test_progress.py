"""Tests of `isthmus.data.progress`: a bar where somebody watches work that takes a while, and nothing elsewhere."""

from __future__ import annotations

import io

import pytest

from isthmus.data import progress as module
from isthmus.data.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    time = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: time[0])
    return time


@pytest.mark.parametrize(("done", "shown"), [(1_000, True), (900_000, False)])
def test_only_what_takes_over_two_seconds(monkeypatch, clock, done, shown):
    """After a second a bar with the time left appears, if the whole is expected to take more than two."""
    monkeypatch.setattr(module.sys, "stderr", terminal := Terminal())
    with Progress("a file", 1_000_000) as bar:
        bar.update(0)
        clock[0] = 1.0
        bar.update(done)
    assert ("a file" in terminal.getvalue()) is shown
    assert ("left" in terminal.getvalue()) is shown


def test_what_an_earlier_run_brought_does_not_count(monkeypatch, clock):
    """The speed is that of this run: half of the file being there already says nothing."""
    monkeypatch.setattr(module.sys, "stderr", terminal := Terminal())
    with Progress("a file", 1_000_000) as bar:
        bar.update(500_000)
        clock[0] = 1.0
        bar.advance(1_000)
    assert "a file" in terminal.getvalue()


def test_off_a_terminal_it_is_quiet(clock, capsys):
    """Nothing is drawn into a log."""
    with Progress("a file", 1_000_000) as bar:
        bar.advance(0)
        clock[0] = 100.0
        bar.advance(1_000)
    assert capsys.readouterr().err == ""
