"""The report's charts: loss curves, columns, latent map, histogram.

In: what was measured. Out: a `Chart` each, which `charts` turns into SVG or PNG.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from isthmus.views.charts import LIGHT, Chart, axes
from isthmus.views.columns import Column
from isthmus.views.labels import NO_LABEL, OTHERS, Labels
from isthmus.views.measured import Floats
from isthmus.views.words import number, percent, short

GROUP_COLOURS = (
    "#3b82c4", "#e0812d", "#3a9d6b", "#d1495b", "#8768b8", "#a8794b", "#d873a8", "#7c8a99", "#a7a032", "#2fa7b3",
    "#7fb2e5", "#f2b36b", "#86cfa4", "#ef9aa4", "#bda9de", "#cdb08c", "#eeb2d3", "#b3bec8", "#cfc95f", "#86d3da",
)  # fmt: skip
"""Twenty colours that stand out on light and on dark ground."""
SCALE_COLOURS = ("#4a5fb0", "#4a7cc0", "#4299b8", "#3fae9b", "#66ba74", "#9dc055", "#cdb944", "#dd9a3f", "#d8703f")
"""Nine steps from the smallest label to the largest."""
LOG_FROM = 20.0
"""Ratio of the largest to the smallest loss from which the curves are drawn on a logarithmic axis."""


def loss_chart(history: list[dict[str, float]], kept: dict[str, float], start: str, held_out: str, unit: str) -> Chart:
    """Training and validation error of each epoch, the kept epoch marked.

    Parameters
    ----------
    history : one dict per epoch, as `history_`.
    kept : the entry whose weights were kept.
    start : what epoch 0 is called.
    held_out : what the validation curve is called.
    unit : of the vertical axis.
    """
    epochs = np.array([entry["epoch"] for entry in history])
    training = np.array([entry["training_loss"] for entry in history])
    validation = np.array([entry["validation_loss"] for entry in history])
    first = validation[0] if epochs[0] == 0 else None

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        marker = "o" if len(epochs) == 1 else None
        if first is not None:
            ax.axhline(first, color=LIGHT["pca"], linewidth=1.4, dashes=(4, 3))
        ax.plot(epochs, training, color=LIGHT["soft"], linewidth=2)
        known = np.isfinite(validation)  # between the first and the last epoch there may be none
        ax.plot(epochs[known], validation[known], color=LIGHT["ours"], linewidth=2, marker=marker)
        ax.plot(
            [kept["epoch"]], [kept["validation_loss"]], "o", color=LIGHT["ours"], markersize=7, clip_on=False, zorder=5
        )
        both = np.concatenate([training, validation])
        finite = both[np.isfinite(both)]
        if finite.min() > 0 and finite.max() / finite.min() > LOG_FROM:
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
            ax.minorticks_off()
        else:
            ax.set_ylim(0, finite.max() * 1.08 or 1)
            ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set(xlabel="epoch (passes over the training rows)", ylabel=unit)

    legend = [(held_out, LIGHT["ours"]), ("training", LIGHT["soft"])]
    if first is not None:
        legend.append((start, LIGHT["pca"]))
    words = f"Loss by epoch: {held_out} {number(validation[0])} at first, {number(validation[-1])} at the end."
    return Chart("loss", words, 280, draw, tuple(legend))


def column_chart(columns: list[Column], name: str, with_pca: bool) -> Chart:
    """One bar per column, its share explained, with a mark for PCA's; the names stand above the bars."""
    step = 34.0

    def draw(figure: Figure) -> None:
        ax = axes(figure, left=2, right=2, top=2, bottom=2)
        ax.set(xlim=(0, 1), ylim=(len(columns), 0))
        ax.axis("off")
        for y, column in enumerate(columns):
            ax.barh(y + 0.76, 1, height=0.24, color=LIGHT["line"])
            if column.explained > 0:
                ax.barh(y + 0.76, min(1.0, column.explained), height=0.24, color=LIGHT["ours"])
            if math.isfinite(column.pca_explained):
                mark = min(0.997, max(0.003, column.pca_explained))
                ax.plot([mark, mark], [y + 0.58, y + 0.94], color=LIGHT["pca"], linewidth=3, solid_capstyle="butt")
            ax.text(0, y + 0.5, short(column.name, 28), va="bottom", ha="left")
            ax.text(1, y + 0.5, _shares(column, with_pca), va="bottom", ha="right", color=LIGHT["muted"])

    legend = [("autoencoder", LIGHT["ours"])] + ([("PCA", LIGHT["pca"])] if with_pca else [])
    words = "Share explained: " + "; ".join(f"{short(c.name)} {percent(c.explained)}" for c in columns)
    return Chart(name, words, step * len(columns) + 4, draw, tuple(legend))


def _shares(column: Column, with_pca: bool) -> str:
    if not math.isfinite(column.explained):
        return "does not vary in these rows"
    return percent(column.explained) + (f" (PCA {percent(column.pca_explained)})" if with_pca else "")


def curve_chart(ours: Floats, theirs: Floats | None) -> Chart:
    """Share explained over the number of the column, for arrays of many columns."""
    index = np.arange(1, len(ours) + 1)

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        if theirs is not None:
            ax.plot(index, np.maximum(theirs, -0.05), color=LIGHT["pca"], linewidth=1.5)
        ax.plot(index, np.maximum(ours, -0.05), color=LIGHT["ours"], linewidth=1.8)
        ax.set(xlim=(1, len(ours)), ylim=(-0.05, 1.02))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set(xlabel="number of the column", ylabel="share explained")

    legend = [("autoencoder", LIGHT["ours"])] + ([("PCA", LIGHT["pca"])] if theirs is not None else [])
    return Chart("columns", f"Share explained of each of {len(ours)} columns.", 280, draw, tuple(legend))


def histogram_chart(ours: Floats, theirs: Floats | None, marks: tuple[float, float], *, as_percent: bool) -> Chart:
    """How many rows have which error; ``marks`` are the median and the 95 % quantile of ours.

    The axis ends at the 99.5 % quantile of all errors; rows beyond it are counted in the last bar.
    """
    end = float(np.quantile(ours if theirs is None else np.concatenate([ours, theirs]), 0.995)) or 1.0
    edges = np.linspace(0, end, int(min(50, max(8, 2 * len(ours) ** (1 / 3)))) + 1)

    def draw(figure: Figure) -> None:
        ax = axes(figure, top=44)
        ax.hist(np.minimum(ours, end), edges, color=LIGHT["ours"], alpha=0.75, edgecolor=LIGHT["card"], linewidth=0.6)
        if theirs is not None:
            ax.hist(np.minimum(theirs, end), edges, histtype="step", color=LIGHT["pca"], linewidth=1.8)
        for mark, words, height in zip(marks, ("median", "95 % of the rows"), (1.09, 1.01), strict=True):
            place = min(mark, end)
            ax.plot(
                [place, place],
                [0, height + 0.06],
                color=LIGHT["ink"],
                linewidth=1.2,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
            )
            toward = -1 if place > 0.7 * end else 1
            ax.annotate(
                words, (place, height), (5 * toward, 0), ax.get_xaxis_transform(), "offset points",
                ha="left" if toward > 0 else "right",
            )  # fmt: skip
        ax.set_xlim(0, end)
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        if as_percent:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        ax.set(xlabel=f"error of a row ({'unexplained' if as_percent else 'mean squared'})", ylabel="rows")

    legend = [("autoencoder", LIGHT["ours"])] + ([("PCA", LIGHT["pca"])] if theirs is not None else [])
    words = f"Histogram of {len(ours)} row errors: median {number(marks[0])}, 95 % quantile {number(marks[1])}."
    return Chart("errors", words, 300, draw, tuple(legend))


def latent_axes(latents: NDArray[np.floating[Any]], dims: int = 2) -> tuple[Floats, Floats]:
    """Coordinates (n_samples, dims) on the main axes of the latents, and each axis's share of their variance.

    The sign of an axis is that of its largest weight. A latent of fewer numbers has fewer axes.
    """
    centred = latents.astype(np.float64) - latents.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    vectors = vectors[:, ::-1][:, :dims]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    whole = values.sum()
    return centred @ vectors, np.maximum(values[::-1][:dims], 0) / (whole if whole > 0 else 1.0)


def latent_chart(points: Floats, shares: Floats, labels: Labels | None, row_errors: Floats) -> Chart:
    """Each row as a point on the two main axes of the latents, coloured by its label.

    Parameters
    ----------
    points : (n_drawn, 1 or 2)
    row_errors : (n_drawn,) the vertical axis where the latent is one number.
    """
    up = points[:, 1] if points.shape[1] > 1 else row_errors
    colours, legend = _point_colours(labels, len(points))
    size = 9 if len(points) > 2_000 else 14 if len(points) > 400 else 26

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        ax.grid(axis="x", color=LIGHT["line"], linewidth=0.8)
        ax.scatter(points[:, 0], up, s=size, c=colours, alpha=0.7, linewidths=0)
        ax.set_xlabel(f"axis 1: {percent(shares[0])} of the variance".replace("\xa0", " "))
        second = f"axis 2: {percent(shares[1])} of the variance" if points.shape[1] > 1 else "error of the row"
        ax.set_ylabel(second.replace("\xa0", " "))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_locator(MaxNLocator(5))

    return Chart("latent", f"Latent map of {len(points)} rows.", 400, draw, legend)


def _point_colours(labels: Labels | None, n: int) -> tuple[Any, tuple[tuple[str, str], ...]]:
    if labels is None:
        return [LIGHT["ours"]] * n, ()
    if labels.groups is not None:
        special = {NO_LABEL: LIGHT["muted"], OTHERS: LIGHT["muted"]}
        of = {g: special.get(g) or GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, g in enumerate(labels.order)}
        return [of[group] for group in labels.groups], tuple(of.items())
    values = labels.numbers if labels.numbers is not None else np.full(n, np.nan)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    steps = (
        np.nan_to_num((values - low) / (high - low) * len(SCALE_COLOURS)).clip(0, len(SCALE_COLOURS) - 1).astype(int)
    )
    colours = [LIGHT["muted"] if math.isnan(v) else SCALE_COLOURS[s] for v, s in zip(values, steps, strict=True)]
    edges = np.linspace(low, high, len(SCALE_COLOURS) + 1)
    return colours, tuple(
        (f"{number(a, 3)} – {number(b, 3)}", c) for a, b, c in zip(edges, edges[1:], SCALE_COLOURS, strict=False)
    )
