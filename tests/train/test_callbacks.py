"""Tests of `isthmus.train.callbacks`: the progress bar shows itself when it should."""

from __future__ import annotations

import sys

import pytest

from isthmus.train import callbacks
from isthmus.train.callbacks import Callback, FitState, ProgressBar


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [0.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    return now


def run(bar, clock, *, steps, seconds):
    """Run a bar through a fit that takes so many seconds; whether it was ever shown."""
    state = FitState(None, total_epochs=1, total_steps=steps)
    bar.on_fit_start(state)
    shown = False
    for step in range(1, steps + 1):
        state.step, state.loss, clock[0] = step, 0.5, seconds * step / steps
        bar.on_step_end(state)
        shown = shown or bar._bar is not None
    bar.on_fit_end(state)
    assert bar._bar is None
    return shown


@pytest.mark.parametrize(("seconds", "expected"), [(0.3, False), (1.5, False), (20.0, True)])
def test_the_bar_is_for_long_fits(monkeypatch, clock, seconds, expected):
    """On a terminal it appears once the fit is seen to take over two seconds."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(ProgressBar(), clock, steps=40, seconds=seconds) is expected


def test_no_bar_without_a_terminal(monkeypatch, clock):
    """Where standard error is a file, nothing is drawn."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert not run(ProgressBar(), clock, steps=40, seconds=60.0)


def test_always_means_always(monkeypatch, clock, capsys):
    """With ``always`` the bar is drawn into a file too, on standard error only."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert run(ProgressBar(always=True), clock, steps=40, seconds=3.0)
    assert capsys.readouterr().out == ""


def test_a_callback_need_not_do_anything():
    """Each hook of the base does nothing."""
    state = FitState(None, 1, 1)
    for hook in ("on_fit_start", "on_step_end", "on_epoch_end", "on_fit_end"):
        getattr(Callback(), hook)(state)
    assert state == FitState(None, 1, 1, loss=state.loss)


def test_no_bar_without_standard_error(monkeypatch):
    """A program without a standard error, such as one without a console, can fit."""
    monkeypatch.setattr(sys, "stderr", None)
    assert not callbacks._on_a_terminal()


def test_no_bar_in_worker_processes(monkeypatch):
    """A worker process shares the terminal, and draws nothing into it."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert callbacks._on_a_terminal()
    monkeypatch.setattr(callbacks.multiprocessing.current_process(), "_name", "LokyProcess-1")
    assert not callbacks._on_a_terminal()
