"""The charts of a detector's report: scores and thresholds, rankings, and signals beside what was expected.

In: scores, thresholds, curves. Out: a `Chart` each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from isthmus.models.rivals import KNN, OURS, PCA, Contest
from isthmus.views.charts import LIGHT, Chart, axes
from isthmus.views.words import count, number, short

Floats = NDArray[np.float64]
COLOURS = {OURS: LIGHT["ours"], KNN: LIGHT["muted"], PCA: LIGHT["pca"]}
DASHES: dict[str, dict[str, Any]] = {OURS: {}, KNN: {"dashes": (4, 2)}, PCA: {}}
STEP = 17.0
"""Height of a line of text above a chart."""
MOST_MARKS, MOST_SIGNALS = 8, 6
_TICKS = (0.0, *(step * 10.0**power for power in range(-3, 9) for step in (1, 2, 5)))


def squeezed(scores: Any, unit: float) -> Floats:
    """Scores on an axis without an end: straight up to about ``unit``, beyond as their logarithm.

    >>> squeezed([0.0, 1.0, 1000.0], 1.0).round(1)
    array([0. , 0.9, 7.6])
    """
    return np.arcsinh(np.asarray(scores, dtype=np.float64) / unit)


def score_chart(
    calibration: Floats, groups: list[tuple[str, str, Floats]], marks: list[tuple[str, float]], used: float
) -> Chart:
    """Scores of the calibration rows and of others, with a line at each threshold.

    Parameters
    ----------
    calibration : (n_calibration,)
    groups : name, role of the colour and scores of the other rows; none is empty.
    marks : name and threshold of each rule; of equal thresholds the names share a line.
    used : the threshold at work.
    """
    unit = float(np.median(np.abs(calibration))) or 1.0
    shown = [calibration, *(scores for _, _, scores in groups), np.array([t for _, t in marks])]
    low, high = (float(end(squeezed(np.concatenate(shown), unit))) for end in (np.min, np.max))
    low = min(low, 0.0)
    high = high if high > low else low + 1.0
    room = 0.02 * (high - low)
    edges = np.linspace(low, high, 41)
    lines = _merged(marks)
    top = STEP * len(lines) + 14

    def draw(figure: Figure) -> None:
        ax = axes(figure, top=top)
        for scores, colour in [(calibration, LIGHT["soft"])]:
            _histogram(ax, squeezed(scores, unit), edges, color=colour, alpha=0.7)
        for _, role, scores in groups:
            _histogram(ax, squeezed(scores, unit), edges, histtype="step", color=LIGHT[role], linewidth=1.8)
        ax.set_xlim(low - room, high + room)
        height = 250.0
        for i, (name, threshold) in enumerate(lines):
            level = 1 + STEP * (len(lines) - i - 0.6) / height
            _mark(ax, float(squeezed(threshold, unit)), level, name, at_work=threshold == used)
        ticks = _ticks(low, high, unit)
        ax.set_xticks(squeezed(ticks, unit), [number(tick) for tick in ticks])
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        ax.set(xlabel="anomaly score (squeezed axis)", ylabel="share of the rows")

    legend = [("set aside in fit (calibration)", LIGHT["soft"])] + [(name, LIGHT[role]) for name, role, _ in groups]
    words = f"Histogram of {len(calibration)} calibration scores and " + ", ".join(
        count(len(scores), "score") + f" of {name}" for name, _, scores in groups
    )
    return Chart("scores", f"{words}; the threshold is {number(used)}.", 316 + top, draw, tuple(legend))


def _histogram(ax: Any, values: Floats, edges: Floats, **how: Any) -> None:
    ax.hist(values, edges, weights=np.full(len(values), 1 / len(values)), **how)


def _merged(marks: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Marks from left to right, those of one threshold as one."""
    names: dict[float, list[str]] = {}
    for name, threshold in marks[:MOST_MARKS]:
        names.setdefault(threshold, []).append(name)
    return [(", ".join(listed), threshold) for threshold, listed in sorted(names.items())]


def _mark(ax: Any, place: float, level: float, name: str, *, at_work: bool) -> None:
    """A line from the axis to its name above the chart."""
    low, high = ax.get_xlim()
    colour, width = (LIGHT["ink"], 1.8) if at_work else (LIGHT["muted"], 1.0)
    dashes: dict[str, Any] = {} if at_work else {"dashes": (3, 2)}
    ax.plot(
        [place, place], [0, level], color=colour, linewidth=width, transform=ax.get_xaxis_transform(), clip_on=False,
        **dashes,
    )  # fmt: skip
    toward = -1 if place > low + 0.5 * (high - low) else 1
    ax.annotate(
        name, (place, level), (5 * toward, 0), ax.get_xaxis_transform(), "offset points", color=colour,
        ha="left" if toward > 0 else "right", va="center", zorder=6,
        bbox={"facecolor": LIGHT["card"], "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def _ticks(low: float, high: float, unit: float) -> list[float]:
    """Round scores that are not too close on the squeezed axis."""
    chosen: list[float] = []
    for tick in _TICKS:
        place = float(squeezed(tick, unit))
        last = float(squeezed(chosen[-1], unit)) if chosen else -math.inf
        if low <= place <= high and place - last >= 0.12 * (high - low):
            chosen.append(tick)
    return chosen


def roc_chart(contest: Contest, threshold: float | None, name: str = "roc") -> Chart:
    """Share of the anomalies found over the share of false alarms; a dot at the threshold of ours."""

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        ax.plot([0, 1], [0, 1], color=LIGHT["line"], linewidth=1.2)
        for way in reversed(contest.ways):
            false, true, _ = roc_curve(contest.odd, way.scores)
            ax.plot(false, true, color=COLOURS[way.name], linewidth=1.8, **DASHES[way.name])
        if threshold is not None:
            flagged = contest.ways[0].scores > threshold
            dot = flagged[~contest.odd].mean(), flagged[contest.odd].mean()
            ax.plot([dot[0]], [dot[1]], "o", color=LIGHT["ours"], markersize=8, clip_on=False, zorder=5)
        _percent_axes(ax)
        ax.set(xlabel="normal rows above (false alarms)", ylabel="anomalies above (recall)")

    return Chart(name, f"ROC curves of {_names(contest)}.", 330, draw, _legend(contest))


def precision_chart(contest: Contest, threshold: float) -> Chart:
    """Precision over recall; a dot at the threshold of ours."""

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        ax.axhline(contest.odd.mean(), color=LIGHT["line"], linewidth=1.2)
        for way in reversed(contest.ways):
            precision, recall, _ = precision_recall_curve(contest.odd, way.scores)
            ax.plot(
                recall, precision, color=COLOURS[way.name], linewidth=1.8, drawstyle="steps-pre", **DASHES[way.name]
            )
        flagged = contest.ways[0].scores > threshold
        if flagged.any():
            dot = flagged[contest.odd].mean(), contest.odd[flagged].mean()
            ax.plot([dot[0]], [dot[1]], "o", color=LIGHT["ours"], markersize=8, clip_on=False, zorder=5)
        _percent_axes(ax)
        ax.set(xlabel="anomalies above (recall)", ylabel="anomalies among those above (precision)")

    return Chart("precision-recall", f"Precision and recall of {_names(contest)}.", 330, draw, _legend(contest))


def _percent_axes(ax: Any) -> None:
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))


def _legend(contest: Contest) -> tuple[tuple[str, str], ...]:
    return tuple((way.name, COLOURS[way.name]) for way in contest.ways)


def _names(contest: Contest) -> str:
    return ", ".join(f"{way.name} (AUROC {contest.auroc(way):.3f})" for way in contest.ways)


def signal_chart(signals: Floats, expected: Floats, captions: list[str]) -> Chart:
    """Signals, each with what was expected of it, two side by side.

    Parameters
    ----------
    signals, expected : (n_signals, n_samples), at most `MOST_SIGNALS` of them.
    captions : what stands over each.
    """
    cell, gap, letters = 104.0, 14.0, 20.0
    height = -(-len(signals) // 2) * (cell + letters)

    def draw(figure: Figure) -> None:
        for i, (seen, wanted) in enumerate(zip(signals, expected, strict=True)):
            left, top = (i % 2) * (480 + gap) / 2, (i // 2) * (cell + letters)
            box = (left / 480, 1 - (top + letters + cell) / height, (480 - gap) / 960, (cell - 10) / height)
            ax = figure.add_axes(box)
            ax.axis("off")
            ax.plot(wanted, color=LIGHT["pca"], linewidth=1.4)
            ax.plot(seen, color=LIGHT["ours"], linewidth=1.6)
            ax.text(0, 1.04, short(captions[i], 40), transform=ax.transAxes, va="bottom", color=LIGHT["muted"])

    legend = (("seen", LIGHT["ours"]), ("expected by the model", LIGHT["pca"]))
    return Chart("signals", f"{count(len(signals), 'signal')} and what was expected.", height, draw, legend)
