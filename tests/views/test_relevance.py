"""What the latent keeps, as a section of the report."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import isthmus
from isthmus.models.relevance import relevance
from isthmus.views.columns import best_first
from isthmus.views.measured import measure
from isthmus.views.relevance import kept


@pytest.fixture(scope="module")
def columns(table):
    """The columns of the mixed table, the best explained first."""
    return best_first(measure(table.model, table.rows))


def test_the_figures_are_those_of_relevance(table, columns):
    """The report shows what the function gives."""
    found = relevance(table.model, table.rows, random_state=table.model.seed_)
    assert [c.name for c in columns] == [c.name for c in found]
    for ours, theirs in zip(columns, found, strict=True):
        assert (ours.explained, ours.change) == pytest.approx((theirs.explained, theirs.change), abs=1e-5)


def test_every_column_stands_in_the_table(columns, page):
    """Each column has a row, its name escaped."""
    found = page(kept(columns, 2))
    assert (found.wrong, found.open) == ([], [])
    assert not found.values("img", "src")
    assert all(c.name in found.text for c in columns)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (0, None),
        (1, "nothing of a: it has little in common with what it keeps, and a latent of 1 number had no room left for it"),
        (2, "next to nothing of a and b: they have little"),
        (7, "a, b, c, d, e and 2 more: they have little"),
    ],
)  # fmt: skip
def test_what_is_lost_is_said(columns, page, lost, words):
    """Columns that are hardly kept are named, a few of many."""
    made = [
        dataclasses.replace(columns[0], name=name, explained=0.01 if place < lost else 0.9)
        for place, name in enumerate("abcdefgh")
    ]
    text = page(kept(made, 1)).text
    assert words in text if words else "next to nothing" not in text


def test_only_where_columns_are_few(array, table, tmp_path, page):
    """A table's report has it, that of an array of many columns without names has not."""
    for case, there in ((table, True), (array, False)):
        path = isthmus.report(case.model, case.rows, tmp_path / "report.html")
        assert ("What the latent keeps" in page(path.read_text(encoding="utf-8")).text) is there


def test_one_row_has_no_change(table):
    """A single row has no other to exchange cells with."""
    assert all(np.isnan(c.change) for c in best_first(measure(table.model, table.rows[:1])))
