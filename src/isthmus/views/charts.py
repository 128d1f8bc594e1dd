"""From a drawing to a page: a chart as inline SVG whose colours are CSS variables, or as a PNG file.

In: a `Chart`, a function that draws on a Matplotlib figure in the light palette. Out: SVG text without links, scripts,
fonts or ids of its own making, or PNG bytes. The same chart gives the same bytes: settings of the machine's Matplotlib are
set aside, ids are hashed with a fixed salt, and there is no date. Nothing touches pyplot.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

WIDTH = 480.0
"""Width of every chart in its own units; the page scales it."""
TEXT = 12.0
_LETTERS_ACROSS = 66
"""That fit beside one another in a PNG's legend."""
PALETTE = {
    "card": ("#fffffe", "#1b2026"),
    "ink": ("#1f2630", "#e4e8ec"),
    "muted": ("#5d6876", "#9aa5b1"),
    "line": ("#dfe3e8", "#343c46"),
    "ours": ("#1f6f8f", "#62b6d6"),
    "soft": ("#9cc3d3", "#3f7f9a"),
    "pca": ("#c06c2b", "#e9a066"),
    "alarm": ("#a33a3a", "#ee8b86"),
}
"""Each role's colour on light and on dark ground. Charts are drawn with the first."""
LIGHT = {role: colours[0] for role, colours in PALETTE.items()}
_ROLE_OF = {colour: role for role, colour in LIGHT.items()}


@dataclass(frozen=True)
class Chart:
    """A drawing that knows its size, its legend and what it shows.

    Attributes
    ----------
    name : part of a file name and of the page's ids.
    words : what it shows, for those who do not see it.
    height : in units of which the width is `WIDTH`.
    draw : draws on an empty figure of that size.
    legend : text and colour of each thing drawn; the page and the PNG file put it beside the drawing.
    """

    name: str
    words: str
    height: float
    draw: Callable[[Figure], None]
    legend: tuple[tuple[str, str], ...] = ()


def css_colours(dark: bool = False) -> str:
    """The palette as CSS declarations."""
    return " ".join(f"--{role}: {colours[dark]};" for role, colours in PALETTE.items())


def axes(figure: Figure, left: float = 72, right: float = 12, top: float = 12, bottom: float = 54) -> Any:
    """The one pair of axes of a chart; margins in its units.

    They leave room for letters that a narrow page enlarges by a third, as the labels' places do.
    """
    width, height = figure.get_size_inches() * 72
    ax = figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(LIGHT["line"])
    ax.grid(axis="y", color=LIGHT["line"], linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, pad=6, colors=LIGHT["muted"], labelsize=TEXT)
    ax.tick_params(axis="x", pad=9)
    ax.xaxis.set_label_coords(0.5, (26 - bottom) / (height - top - bottom))
    ax.yaxis.set_label_coords((14 - left) / (width - left - right), 0.5)
    ax.xaxis.label.set_color(LIGHT["muted"])
    ax.yaxis.label.set_color(LIGHT["muted"])
    return ax


def as_svg(chart: Chart) -> str:
    """The chart as SVG for a page, without its legend."""
    with _style(chart):
        figure = _drawn(chart, chart.height)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_a_page(buffer.getvalue(), chart)


def as_png(chart: Chart) -> bytes:
    """The chart as a PNG file about 1,440 pixels wide in the light palette, its legend above it."""
    with _style(chart):
        figure = _drawn(chart, chart.height)
        if chart.legend:
            handles = [Line2D([], [], color=c, marker="o", linestyle="none", label=t) for t, c in chart.legend]
            columns = max(1, _LETTERS_ACROSS // max(len(text) + 4 for text, _ in chart.legend))
            legend = figure.legend(
                handles=handles, loc="lower left", bbox_to_anchor=(0.02, 1), ncols=min(columns, len(handles)),
                frameon=False, handletextpad=0, columnspacing=1.2,
            )  # fmt: skip
            for text in legend.get_texts():
                text.set_parse_math(False)
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=216, bbox_inches="tight", facecolor=LIGHT["card"], metadata={"Software": None}
        )
    return buffer.getvalue()


def _drawn(chart: Chart, height: float) -> Figure:
    figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor="none")
    chart.draw(figure)
    for ax in figure.axes:
        ax.set_facecolor("none")
    return figure


@contextmanager
def _style(chart: Chart) -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the machine's settings; they come back afterwards."""
    ours = {
        "svg.fonttype": "none", "svg.hashsalt": chart.name, "font.size": TEXT, "text.parse_math": False,
        "text.color": LIGHT["ink"], "axes.labelsize": TEXT, "legend.fontsize": TEXT, "axes.unicode_minus": True,
    }  # fmt: skip
    with matplotlib.style.context(["default", ours]), warnings.catch_warnings():
        # Names in scripts that the font lacks: the page's own fonts draw them, and a PNG shows a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _for_a_page(svg: str, chart: Chart) -> str:
    """The drawing alone: no prolog, metadata, global style, names of groups or font; colours by role, short numbers."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    words = html.escape(chart.words, quote=True)
    head = f'<svg class="chart" viewBox="0 0 {WIDTH:g} {chart.height:g}" role="img" aria-label="{words}">'
    body = head + body[body.index(">") + 1 :]
    inside = body[len(head) :]
    # Text between tags is the user's; only the tags are rewritten.
    return head + re.sub(r"<[^>]*>|>\s+<", _rewritten, re.sub(r">\s+<", "><", inside)).strip()


def _rewritten(match: re.Match[str]) -> str:
    tag = match.group()
    tag = re.sub(r"\s+", " ", tag).replace("xlink:href=", "href=")
    tag = re.sub(r'<g id="[^"]*"', "<g", tag)
    tag = re.sub(r"font-size: [^;\"]*;? ?|font-family: [^;\"]*;? ?|font: [^;\"]*;? ?", "", tag)
    tag = re.sub(
        r"#[0-9a-f]{6}\b", lambda m: f"var(--{_ROLE_OF[m.group()]})" if m.group() in _ROLE_OF else m.group(), tag
    )
    return re.sub(r"(\d\.\d\d)\d+", r"\1", tag)
