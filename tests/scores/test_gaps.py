"""Rows with gaps, restored as if there were none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus.data.table import table_from
from isthmus.nets.network import Output
from isthmus.prep.columns import ColumnEncoder
from isthmus.prep.pixels import PixelEncoder
from isthmus.scores.gaps import PASSES, gap_filling

N = 40


def twins(*, gaps=False):
    """A frame of two columns that are one factor, and its preparation; with gaps, in the second one."""
    t = np.random.default_rng(0).normal(size=N)
    frame = pd.DataFrame({"a": t, "b": 5 * t})
    if gaps:
        frame.loc[::5, "b"] = np.nan
    encoder = ColumnEncoder.fit(table_from(frame), "column")
    return encoder, torch.from_numpy(encoder.encode(table_from(frame)))


class Averaging:
    """A network that restores both columns as their mean, a gap being 0; it counts how often it is run."""

    def __init__(self):
        self.seen = []

    def __call__(self, x):
        self.seen.append(x.clone())
        known = torch.nan_to_num(x[:, :2])
        made = known.mean(dim=1, keepdim=True).expand(-1, 2)
        return Output(made, made[:, :1], {"members": torch.stack([made, made], dim=1)})


def test_a_gap_comes_closer_to_what_belongs_there():
    """Each pass halves what the gap spoils, in the reconstruction, the latent and every member."""
    encoder, x = twins()
    holes = x.clone()
    holes[:, 1] = torch.nan
    run = Averaging()
    made = gap_filling(run, encoder)(holes)
    assert len(run.seen) == PASSES
    for found in (made.reconstruction, made.latent.expand(-1, 2), *made.stats["members"].unbind(dim=1)):
        assert torch.allclose(found, (1 - 0.5**PASSES) * x[:, :1].expand(-1, 2), atol=1e-6)


def test_rows_without_gaps_are_run_once():
    """Where no row has a gap nothing is done, and beside rows that have some a whole one keeps its bytes."""
    encoder, x = twins()
    run = Averaging()
    before = gap_filling(run, encoder)(x)
    assert len(run.seen) == 1
    holes = x.clone()
    holes[::2, 0] = torch.nan
    after = gap_filling(run, encoder)(holes)
    assert torch.equal(after.reconstruction[1::2], before.reconstruction[1::2])
    assert not torch.equal(after.reconstruction[::2], before.reconstruction[::2])


def test_a_filled_cell_is_not_marked():
    """A column with gaps at fit has a mark; once its cell is filled the network is told that it is there."""
    encoder, x = twins(gaps=True)
    assert len(encoder.gaps) == 1
    run = Averaging()
    gap_filling(run, encoder)(x)
    assert run.seen[0][:, -1].sum() == N / 5
    assert all(not seen[:, -1].any() and not seen.isnan().any() for seen in run.seen[1:])


def test_levels_are_filled_as_encoded():
    """A category that is missing is filled with the shares that its logits say, as these are encoded."""
    r = np.random.default_rng(0)
    data = table_from(pd.DataFrame({"a": r.normal(size=N), "c": r.choice(["x", "y"], N)}))
    encoder = ColumnEncoder.fit(data, "column")
    x = torch.from_numpy(encoder.encode(data))
    n_targets, seen = encoder.layout.n_targets, []

    def run(rows):
        seen.append(rows.clone())
        sure = torch.where(x[:, :n_targets] > 0, 40.0, -40.0)
        sure[:, 0] = x[:, 0]
        return Output(sure, sure[:, :1], {})

    holes = x.clone()
    holes[:, 1:n_targets] = torch.nan
    gap_filling(run, encoder)(holes)
    assert torch.allclose(seen[-1][:, :n_targets], x[:, :n_targets], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_are_left_alone(dtype):
    """Pictures have no gaps: what runs them is what it was."""
    encoder = PixelEncoder.fit(np.zeros((3, 4, 4), dtype), "none")
    run = Averaging()
    assert gap_filling(run, encoder) is run
