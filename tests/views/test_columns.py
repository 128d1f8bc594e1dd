"""Columns one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus.views.columns import best_first, causes
from isthmus.views.measured import measure


def test_best_first(table):
    """All columns are there, the best explained first."""
    found = best_first(measure(table.model, table.rows))
    assert {c.name for c in found} == set(table.rows.columns)
    assert [c.explained for c in found] == sorted((c.explained for c in found), reverse=True)


def test_explained(table):
    """The share explained is 1 less the column's mean error."""
    truth = 1 - np.nanmean(table.model.errors(table.rows), axis=0, dtype=np.float64)
    found = {c.name: c.explained for c in best_first(measure(table.model, table.rows))}
    assert [found[name] for name in table.rows.columns] == pytest.approx(list(truth))


def test_units(table):
    """Each kind is off by something in its own unit."""
    off = {c.name: c.off for c in best_first(measure(table.model, table.rows))}
    assert off["joined"].endswith(" days")
    assert off["country"].endswith("% right")
    assert off["paid"].endswith("% right")
    assert float(off["age"]) == np.nanmedian(abs(table.model.reconstruct(table.rows)["age"] - table.rows["age"])).round(
        2
    )


def test_causes(table):
    """The causes of a row are its largest errors, with what stands in the cells."""
    measured = measure(table.model, table.rows)
    row, first = measured.worst[0], causes(measured)[0][0]
    errors = table.model.errors(table.rows)[row]
    assert first.column == table.rows.columns[np.nanargmax(errors)]
    assert first.share == pytest.approx(np.nanmax(errors) / np.nansum(errors))


def test_causes_of_an_array(array):
    """Columns without names go by their number, the first being 1."""
    measured = measure(array.model, array.X)
    first = causes(measured)[0][0]
    assert first.column == f"column {array.model.errors(array.X)[measured.worst[0]].argmax() + 1}"


def test_frame_for_a_model_without_names(array):
    """A frame given to a model of plain arrays goes by its own names."""
    frame = pd.DataFrame(array.X).add_prefix("c")
    measured = measure(array.model, frame)
    assert {c.name for c in best_first(measured)} == set(frame.columns)
    assert causes(measured)[0][0].column in frame.columns
