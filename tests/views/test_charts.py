"""Charts as parts of a page and as files."""

from __future__ import annotations

import matplotlib
import pytest

from isthmus.views.charts import LIGHT, PALETTE, Chart, as_png, as_svg, axes, css_colours


@pytest.fixture
def chart():
    """A chart with awkward text."""

    def draw(figure):
        axes(figure).plot([0, 1], [0, 1], color=LIGHT["ours"])
        figure.text(0.5, 0.5, "$a$ <b> 0.123456 #1f6f8f 中")

    return Chart("some", 'What "it" shows', 200, draw, (("ours $x$", LIGHT["ours"]),))


def test_colours_follow_the_page(chart):
    """The palette's colours become CSS variables."""
    svg = as_svg(chart)
    assert "stroke: var(--ours)" in svg
    assert not [colour for colour in LIGHT.values() if colour in svg.replace("#1f6f8f 中", "")]


def test_text_of_users_is_left(chart):
    """Text is escaped, neither mathematics nor a colour nor a number to shorten."""
    assert "$a$ &lt;b&gt; 0.123456 #1f6f8f 中" in as_svg(chart)


def test_svg_is_only_the_drawing(chart):
    """No prolog, global style, metadata, font or address; a description for those who do not see it."""
    svg = as_svg(chart)
    assert svg.startswith('<svg class="chart" viewBox="0 0 480 200" role="img" aria-label="What &quot;it&quot; shows">')
    assert not [word for word in ("http", "<style", "<metadata", "font-family", "xmlns") if word in svg]


@pytest.mark.parametrize("render", [as_svg, as_png])
def test_settings_of_the_machine(chart, render):
    """The machine's Matplotlib settings neither change the chart nor are changed by it."""
    plain = render(chart)
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.facecolor": "red", "text.usetex": False, "font.size": 30}):
        before = dict(matplotlib.rcParams)
        assert render(chart) == plain
        assert dict(matplotlib.rcParams) == before


def test_css_colours():
    """Each role has a colour on light and on dark ground, and no two light ones are the same."""
    assert css_colours().count("--") == css_colours(dark=True).count("--") == len(PALETTE)
    assert len(set(LIGHT.values())) == len(LIGHT)
