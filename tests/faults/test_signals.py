"""SIGINT and SIGTERM in each phase of a fit: the state is saved, then the signal does what it always does."""

from __future__ import annotations

import signal

import pytest

SIGNALS = {signal.SIGINT: 0, signal.SIGTERM: -signal.SIGTERM}
"""Of each signal how Python ends: a fit that is interrupted by hand keeps the best weights so far."""


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "where", [{"step": 1}, {"step": 3}, {"step": 4}, {"step": 7}, {"validation": 2}, {"validation": 3}]
)
def test_a_signal_saves_the_state(fits, undisturbed, tmp_path, number, where):
    """No checkpoint is due for an hour, so the one that is there is the signal's; the fit goes on from it."""
    first = fits.run(tmp_path, signal=number, seconds=3600, **where)
    assert first["ended"] == SIGNALS[number]
    saved = [int(p.name) for p in (tmp_path / "run" / "ckpt").glob("[0-9]*")]
    wanted = where["step"] if "step" in where else 4 * (where["validation"] - 1)
    assert saved == [wanted]
    again = fits.run(tmp_path, seconds=3600)
    assert (again["resumed_from"], again["sha256"]) == (wanted, undisturbed["sha256"])


def test_a_signal_says_where_it_stopped(fits, tmp_path):
    """A person who presses Ctrl-C learns that nothing is lost."""
    first = fits.run(tmp_path, signal=signal.SIGINT, seconds=3600, step=3)
    assert any("the state after step 3 is kept" in said for said in first["warnings"])


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_is_not_held_back(fits, undisturbed, tmp_path, number):
    """It ends the fit in the middle of the step; the older checkpoints stay, and the fit goes on from the last."""
    first = fits.run(tmp_path, signal=number, seconds=0, step=3, times=2)
    assert first["ended"] == SIGNALS[number]
    assert [int(p.name) for p in sorted((tmp_path / "run" / "ckpt").glob("[0-9]*"))] == [1, 2]
    again = fits.run(tmp_path, seconds=0)
    assert (again["resumed_from"], again["sha256"]) == (2, undisturbed["sha256"])
