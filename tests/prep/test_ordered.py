"""Tests of `isthmus.prep.ordered`: signals are told from tables, noise and flattened pictures."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from isthmus.data.readers import as_data
from isthmus.prep.ordered import FEWEST_COLUMNS, FEWEST_ROWS, are_ordered, share_beside, unlikeness

N, SAMPLES = 300, 96


def draw():
    """A generator of random numbers."""
    return np.random.default_rng(0)


def walks(n=N, samples=SAMPLES):
    """Random walks."""
    return draw().normal(size=(n, samples)).cumsum(axis=1)


def sines(noise=0.1):
    """Sines of one to eight periods at random phases, with noise."""
    r = draw()
    phase = 2 * np.pi * (r.uniform(1, 8, (N, 1)) * np.arange(SAMPLES) / SAMPLES + r.random((N, 1)))
    return np.sin(phase) + r.normal(0, noise, phase.shape)


SIGNALS = {
    "walks": walks,
    "sines": sines,
    "noisy sines": lambda: sines(0.4),
    "bytes": lambda: np.rint(120 + 100 * sines()).clip(0, 255).astype(np.uint8),
    "single floats": lambda: walks().astype(np.float32),
    "few rows": lambda: walks(FEWEST_ROWS),
    "long rows": lambda: walks(60, 3_000),
}
TABLES = {
    "noise": lambda: draw().normal(size=(N, SAMPLES)),
    "few rows of noise": lambda: draw().normal(size=(FEWEST_ROWS, SAMPLES)),
    "one factor": lambda: draw().normal(size=(N, 1)) + 0.3 * np.random.default_rng(1).normal(size=(N, SAMPLES)),
    "constants": lambda: np.ones((N, SAMPLES)),
    "flattened digits": lambda: load_digits().data,
    "flattened smooth pictures": lambda: walks(24 * N, 24).reshape(N, 24, 24).cumsum(axis=1).reshape(N, -1),
    "few columns": lambda: walks(N, FEWEST_COLUMNS - 1),
    "too few rows": lambda: walks(FEWEST_ROWS - 1),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_are_ordered(name):
    """Rows whose neighbouring samples are alike."""
    assert are_ordered(SIGNALS[name]())


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_not(name):
    """Columns without an order, pictures with two, and too little to tell."""
    assert not are_ordered(TABLES[name]())


@pytest.mark.parametrize("name", SIGNALS)
def test_the_order_is_what_counts(name):
    """The same columns in another order are no signal."""
    rows = SIGNALS[name]()
    assert not are_ordered(rows[:, draw().permutation(rows.shape[1])])


def test_backwards_is_ordered_too():
    """A signal that is read from its end is as ordered."""
    assert are_ordered(walks()[:, ::-1])


@pytest.mark.parametrize("change", [lambda x: 1e-200 * x, lambda x: 1e200 * x, lambda x: 7 + 1e-3 * x])
def test_the_unit_does_not_count(change):
    """Other units and offsets change nothing, however large."""
    assert are_ordered(change(sines()))
    assert not are_ordered(change(TABLES["noise"]()))


def test_gaps_and_constants_are_passed_over():
    """Missing cells, an empty column and a constant one leave a signal a signal."""
    rows = sines()
    rows[draw().random(rows.shape) < 0.05] = np.nan
    rows[:, 10], rows[:, 20] = np.nan, 3.0
    assert are_ordered(rows)


def test_frames():
    """A frame of numbers is looked at as an array is; one with another kind of column is never ordered."""
    frame = pd.DataFrame(walks(), columns=[f"t{j}" for j in range(SAMPLES)])
    assert are_ordered(as_data(frame))
    assert not are_ordered(as_data(frame.assign(place=np.where(frame["t3"] > 0, "a", "b"))))
    assert not are_ordered(as_data(frame.assign(found=frame["t3"] > 0)))


def test_the_two_measures():
    """Neighbours that are equal differ by nothing and lie beside each other; independent ones differ as any two do."""
    noise = draw().normal(size=(5_000, 40)).astype(np.float32)
    twins = np.repeat(noise, 2, axis=1)
    assert unlikeness(noise) == pytest.approx(1, abs=0.05)
    assert unlikeness(twins) == pytest.approx(0.5, abs=0.05)
    assert share_beside(twins) == 1
    assert share_beside(noise) < 0.5


def test_large_data_cost_no_more():
    """A thousand times the rows take no noticeable time: only some are looked at."""
    rows = np.broadcast_to(walks(1, 2_000), (1_000_000, 2_000))
    started = time.process_time()
    are_ordered(rows)
    assert time.process_time() - started < 2


def test_heart_beats(shared_data):
    """Real beats are ordered, those of ECG200 too."""
    beats = np.loadtxt(shared_data / "ecg5000" / "ecg.csv.gz", delimiter=",", max_rows=800)[:, :-1]
    assert are_ordered(beats)
    assert not are_ordered(beats[:, draw().permutation(140)])
    assert are_ordered(np.loadtxt(shared_data / "ucr" / "ECG200_TRAIN.tsv")[:, 1:])


def test_tables_of_adbench(shared_data):
    """None of its tables is taken for a signal, flattened pictures included."""
    found = [path.stem for path in sorted((shared_data / "adbench").glob("*.npz")) if are_ordered(np.load(path)["X"])]
    assert found == []
