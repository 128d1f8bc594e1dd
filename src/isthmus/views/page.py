"""Pieces of HTML: tables, figures, legends, picture strips.

In: texts that are already escaped, charts, strips. Out: HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from isthmus.views.charts import LIGHT, Chart, as_svg
from isthmus.views.pictures import Strip, tile_png
from isthmus.views.words import escaped

TILES = 5
"""Pictures side by side before a strip breaks."""


def figure(chart: Chart, with_legend: bool = True) -> str:
    """A chart under its legend."""
    return f"<figure>{legend(chart) if with_legend else ''}{as_svg(chart)}</figure>"


def beside(chart: Chart, words: str) -> str:
    """A chart, and its legend and words on the right where there is room."""
    return f'<div class="side">{figure(chart, with_legend=False)}<div>{legend(chart)}{paragraph(words)}</div></div>'


def legend(chart: Chart) -> str:
    """What each colour of a chart means."""
    chips = "".join(f'<li><i style="background:{_colour(c)}"></i>{escaped(text, 60)}</li>' for text, c in chart.legend)
    return f'<ul class="legend">{chips}</ul>' if chips else ""


def _colour(colour: str) -> str:
    role = next((role for role, light in LIGHT.items() if light == colour), None)
    return f"var(--{role})" if role else colour


def strips(what: Strip) -> str:
    """Groups of five pictures, which stand side by side where there is room."""
    groups = [range(i, min(i + TILES, len(what.index))) for i in range(0, len(what.index), TILES)]
    return f'<div class="strips">{"".join(_group(what, group) for group in groups)}</div>'


def _group(what: Strip, group: range) -> str:
    cells, blank = "", "<span></span>"
    for words, row in what.rows:
        cells += f"<span>{words}</span>"
        for i in group:
            data = base64.b64encode(tile_png(row[i])).decode()
            cells += f'<img alt="{words}, row {what.index[i] + 1}" src="data:image/png;base64,{data}">'
        cells += blank * (TILES - len(group))
    if what.captions:
        cells += blank + "".join(f"<small>{what.captions[i].replace(chr(10), '<br>')}</small>" for i in group)
    return f'<div class="strip">{cells}</div>'


def table(head: Iterable[str], rows: Iterable[Iterable[Any]], text_columns: int = 1, css: str = "") -> str:
    """A table that scrolls inside itself; the first ``text_columns`` columns are text, the others numbers."""
    names = list(head)
    kinds = ["" if j < text_columns or css else ' class="n"' for j in range(len(names))]
    top = "".join(f"<th{kind}>{name}</th>" for name, kind in zip(names, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{value}</td>" for value, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    opening = f'<table class="{css}">' if css else "<table>"
    return f'<div class="scroll">{opening}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def bars(rows: Iterable[tuple[str, str, float, str]]) -> str:
    """Bars, each with its name, the role of its colour, its length (a share of the longest) and its value as text."""
    drawn = "".join(
        f'<div class="bar"><span>{name}</span><div><i class="{role}" style="width:{100 * length:.1f}%"></i></div>'
        f"<b>{value}</b></div>"
        for name, role, length, value in rows
    )
    return f'<div class="bars">{drawn}</div>'


def details(summary: str, body: str, *, is_open: bool = False) -> str:
    """A part that a click opens."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{body}</details>"


def paragraph(text: str, css: str = "") -> str:
    """A paragraph, or nothing where there is no text."""
    return f'<p class="{css}">{text}</p>' if text and css else f"<p>{text}</p>" if text else ""


def code(*lines: str) -> str:
    """Lines of code, escaped."""
    return "<pre>" + "\n".join(escaped(line) for line in lines) + "</pre>"
