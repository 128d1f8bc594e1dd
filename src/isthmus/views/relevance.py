"""What the latent keeps of each column, as a table for the report, and in words what it does not keep.

In: the columns of `isthmus.views.columns`, the best explained first. Out: HTML.
"""

from __future__ import annotations

from isthmus.views import page
from isthmus.views.columns import Column
from isthmus.views.words import count, escaped, joined, percent

HARDLY = 0.1
"""Share explained below which next to nothing is kept of a column."""
MOST_NAMED = 5


def kept(columns: list[Column], latent_dim: int, *, restored: bool = False) -> str:
    """The table, how to read it, and which columns are hardly kept.

    Where rows were spoiled and ``restored``, a column that does not come back may have been lost before the latent, so that
    nothing is said of it.
    """
    words = (
        "Explained says how well a column comes back from the latent; the share of the latent's change, how much the latent "
        "moves when the column's cells are exchanged between rows (all columns together: 100\xa0%)."
    )
    rows = [(escaped(c.name, 60), percent(c.explained), percent(c.change)) for c in columns]
    table = page.table(("Column", "Explained", "Share of the latent's change"), rows)
    lost = "" if restored else page.paragraph(_lost(columns, latent_dim))
    return f"<h3>What the latent keeps</h3>{page.paragraph(words)}{table}{lost}"


def _lost(columns: list[Column], latent_dim: int) -> str:
    """The columns of which next to nothing is kept, as a sentence; nothing where there are none."""
    names = [f"<b>{escaped(c.name, 40)}</b>" for c in columns if c.explained < HARDLY]
    if not names:
        return ""
    more = len(names) - MOST_NAMED
    listed = joined([*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    has, it = ("it has", "it") if len(names) == 1 else ("they have", "them")
    return (
        f"The latent keeps next to nothing of {listed}: {has} little in common with what it keeps, and a latent of "
        f"{count(latent_dim, 'number')} had no room left for {it}. Whether you need {it} is another question, which depends on "
        "what you want the columns for; reconstruction does not know that."
    )
