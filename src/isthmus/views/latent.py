"""The latent looked at: a map of rows coloured by their labels, flat or in space, and the steps of a walk.

In: latents and labels, or a `Walk`. Out: a `Chart`, a `Strip` or the bytes of a PNG file; the same input gives the same bytes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from matplotlib import patheffects, rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from isthmus.errors import DataError, ParameterError
from isthmus.models.traversal import Walk
from isthmus.views.charts import LIGHT, TEXT, WIDTH, Chart, as_png, axes
from isthmus.views.colours import SCALE, Group, groups_of
from isthmus.views.labels import Labels, row_labels
from isthmus.views.measured import MOST_DRAWN, Floats
from isthmus.views.pictures import Strip, tiles
from isthmus.views.plots import latent_axes
from isthmus.views.words import count, number, percent, short

_HALO = [patheffects.withStroke(linewidth=3, foreground=LIGHT["card"])]


def map_png(latents: Any, labels: Any = None, *, dims: int = 2) -> bytes:
    r"""Draw each row as a point, placed by its latent and coloured by its label.

    A latent of ``dims`` numbers is drawn as it is, a larger one on its main axes (PCA of the latents), and a latent of one
    number as a histogram for each label. Of more than 5,000 rows as many are drawn by lot, always the same ones.

    Parameters
    ----------
    latents : array (n_samples, latent_dim)
        What a model's ``transform`` gives.
    labels : sequence of n_samples values, default None
        Up to 20 distinct values get a colour each; more distinct numbers become a scale.
    dims : 2 or 3, default 2
        A flat map, or one in space: seen from one side, and flat from three.

    Returns
    -------
    bytes
        A PNG file about 1,440 pixels wide; the same input gives the same bytes.

    Raises
    ------
    ParameterError : ``dims`` is neither 2 nor 3, or 3 for a smaller latent.
    DataError : latents that are no finite numbers in rows, or not one label per row.

    Examples
    --------
    >>> map_png(np.eye(3), ["a", "b", "b"])[:4]
    b'\x89PNG'
    """
    return as_png(map_chart(latents, labels, dims=dims))


def map_chart(latents: Any, labels: Any = None, *, dims: int = 2) -> Chart:
    """Draw what `map_png` draws, as a `Chart`."""
    points = _checked(latents, dims)
    found = None if labels is None else row_labels(labels, len(points))
    placed, names = main_axes(points, min(dims, points.shape[1]))
    drawn = _by_lot(len(points))
    groups = groups_of(None if found is None else found.take(drawn), len(drawn))
    legend = tuple((group.name, group.colour) for group in groups if group.name)
    chart = Chart("map", f"Latent map of {count(len(drawn), 'row')}.", 400, lambda figure: None, legend)
    shown = placed[drawn]
    if shown.shape[1] == 1 and found is not None and found.numbers is not None:
        return _against_labels(chart, shown[:, 0], found.take(drawn), groups, names[0])
    if shown.shape[1] == 1:
        return _ridges(chart, shown[:, 0], groups, names[0])
    if dims == 3:
        return dataclasses.replace(chart, height=600, draw=lambda figure: _in_space(figure, shown, groups, names))
    return dataclasses.replace(chart, draw=lambda figure: _flat(figure, shown, groups, names))


def _checked(latents: Any, dims: Any) -> Floats:
    if isinstance(dims, bool) or dims not in (2, 3):
        raise ParameterError(f"dims must be 2 or 3; got {dims!r}.")
    try:
        points = np.asarray(latents, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"latents must be numbers, as transform(X) gives; got {type(latents).__name__}.") from error
    if points.ndim != 2 or 0 in points.shape or not np.isfinite(points).all():
        raise DataError(
            f"latents must be finite numbers, (n_samples, latent_dim), as transform(X) gives; got shape {points.shape}."
        )
    if dims == 3 and points.shape[1] < 3:
        raise ParameterError(
            f"dims=3 needs a latent of at least 3 numbers; this one has {points.shape[1]}. Use dims=2."
        )
    return points


def main_axes(points: Floats, dims: int) -> tuple[Floats, list[str]]:
    """Coordinates (n_samples, dims), and what each axis is called.

    They are the latent itself where it has ``dims`` coordinates; else its main axes, with the share of the latents' variance
    that each holds. The sign of an axis is that of its largest weight.
    """
    if points.shape[1] == dims:
        return points, [f"latent{place}" for place in range(dims)]
    coordinates, shares = latent_axes(points, dims)
    names = [f"axis {place}: {percent(share)} of the variance" for place, share in enumerate(shares, 1)]
    return coordinates, [name.replace("\xa0", " ") for name in names]


def _by_lot(n_rows: int) -> NDArray[np.int64]:
    """Rows to draw, in an order that lets no group lie over the others because it came last."""
    return np.random.default_rng(0).permutation(n_rows)[:MOST_DRAWN]


def _flat(figure: Figure, points: Floats, groups: list[Group], names: list[str]) -> None:
    ax = axes(figure)
    ax.grid(axis="x", color=LIGHT["line"], linewidth=0.8)
    _scatter(ax, points, groups)
    _name_groups(ax, points, groups, (396, 334), size=TEXT)
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))


def _scatter(ax: Any, points: Floats, groups: list[Group]) -> None:
    size = 9 if len(points) > 2_000 else 14 if len(points) > 400 else 26
    for mark in dict.fromkeys(group.mark for group in groups):
        rows, colours = _in_turn([group for group in groups if group.mark == mark])
        how = {"depthshade": False} if points.shape[1] == 3 else {}
        ax.scatter(*points[rows].T, s=size, c=colours, marker=mark, alpha=0.75, linewidths=0, **how)


def _name_groups(ax: Any, points: Floats, groups: list[Group], frame: tuple[float, float], size: float) -> None:
    """The name of each group where it lies, so that colours are not all there is to go by.

    ``frame`` is the width and height of the map in points, ``size`` that of the letters.
    """
    named = [group for group in groups if group.named]
    if not named:
        return
    names = [_cut(short(group.name)) for group in named]
    room = np.array([0.75 * size * max(map(len, names)), 1.2 * size]) / frame * (np.ptp(points, axis=0) + 1e-30)
    places = _apart(np.array([_middle(points[group.rows]) for group in named]) / room) * room
    for name, place in zip(names, places, strict=True):
        ax.text(*place, name, size=size, weight="bold", ha="center", va="center", path_effects=_HALO)


def _cut(name: str) -> str:
    """A long name with its middle left out: names that begin alike often differ at the end."""
    return name if len(name) <= 10 else f"{name[:4]}…{name[-5:]}"


def _in_turn(groups: list[Group]) -> tuple[NDArray[np.int64], list[str]]:
    """The rows of all groups in the order of the lot, and their colours."""
    rows = np.concatenate([group.rows for group in groups])
    colours = np.concatenate([np.full(len(group.rows), group.colour) for group in groups])
    order = rows.argsort()
    return rows[order], colours[order].tolist()


def _middle(points: Floats) -> list[float]:
    """The point of a group that lies nearest to its median; a mean could fall between two heaps."""
    from_median = (points - np.median(points, axis=0)) / (points.std(axis=0) + 1e-30)
    nearest = points[np.square(from_median).sum(axis=1).argmin()]
    return [float(value) for value in nearest]


def _apart(places: Floats) -> Floats:
    """Places (n, 2) pushed from one another until all are about 1 apart, so that names can be read."""
    places = places.copy()
    for _ in range(50):
        between = places[:, None] - places
        distance = np.sqrt(np.square(between).sum(axis=2)) + np.eye(len(places))
        push = np.maximum(0, 1 - distance)[..., None] * between / np.maximum(distance, 1e-9)[..., None]
        places += 0.5 * push.sum(axis=1)
    return places


def _in_space(figure: Figure, points: Floats, groups: list[Group], names: list[str]) -> None:
    """Points in space above, and their three flat shadows below, since a picture of space hides what lies behind."""
    with rc_context({"grid.color": LIGHT["line"], "grid.linewidth": 0.8}):
        ax: Any = figure.add_axes((0.02, 0.36, 0.96, 0.64), projection="3d")
    ax.view_init(elev=22, azim=-58)
    ax.set_box_aspect(None, zoom=1.15)
    _scatter(ax, points, groups)
    brief = [name.split(":")[0] for name in names]
    ax.set(xlabel=brief[0], ylabel=brief[1], zlabel=brief[2])
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color(LIGHT["card"])
        axis.line.set_color(LIGHT["muted"])
        axis.set_major_locator(MaxNLocator(4))
    ax.tick_params(colors=LIGHT["muted"], labelsize=9)
    for place, pair in enumerate(((0, 1), (0, 2), (1, 2))):
        flat: Any = figure.add_axes((0.05 + place * 0.33, 0.05, 0.28, 0.26))
        flat.spines[["top", "right"]].set_visible(False)
        flat.spines[["left", "bottom"]].set_color(LIGHT["line"])
        _scatter(flat, points[:, pair], groups)
        _name_groups(flat, points[:, pair], groups, (134, 156), size=9)
        flat.set(xlabel=brief[pair[0]], ylabel=brief[pair[1]], xticks=[], yticks=[])


def _ridges(chart: Chart, values: Floats, groups: list[Group], name: str) -> Chart:
    """One histogram above the other, one for each group: a latent of one number leaves the other direction free."""
    edges = np.linspace(values.min(), values.max() if values.max() > values.min() else values.min() + 1, 41)
    heights = [np.histogram(values[group.rows], edges)[0] / max(1, len(group.rows)) for group in groups]
    step = max(float(height.max()) for height in heights) * 1.05 or 1.0

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        for place, (group, height) in enumerate(zip(groups, heights, strict=True)):
            floor = (len(groups) - 1 - place) * step
            ax.stairs(height + floor, edges, baseline=floor, fill=True, color=group.colour, alpha=0.85)
            ax.axhline(floor, color=LIGHT["line"], linewidth=0.8)
        ax.set_yticks([(len(groups) - 1 - place) * step for place in range(len(groups))], [g.name for g in groups])
        ax.grid(visible=False, axis="y")
        ax.set(xlabel=name, ylim=(0, len(groups) * step))

    tall = 120 + 40 * len(groups)
    return dataclasses.replace(chart, height=min(700, max(240, tall)), draw=draw, legend=())


def _against_labels(chart: Chart, values: Floats, labels: Labels, groups: list[Group], name: str) -> Chart:
    """The label of each row over its latent of one number."""
    up = labels.numbers if labels.numbers is not None else np.zeros(len(values))
    seen = ~np.isnan(up)
    rows, colours = _in_turn(groups)
    colour = np.array(colours)[rows.argsort()]

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        ax.grid(axis="x", color=LIGHT["line"], linewidth=0.8)
        ax.scatter(values[seen], up[seen], s=14, c=colour[seen].tolist(), alpha=0.75, linewidths=0)
        ax.set(xlabel=name, ylabel="label")

    return dataclasses.replace(chart, draw=draw, legend=())


def walk_strip(model: Any, walk: Walk, coordinate: int) -> Strip:
    """The decoded pictures of a walk side by side, the value of the coordinate below each."""
    encoder = model.encoder_
    drawn = tiles(walk.rows, encoder.channels, (encoder.low, encoder.high))
    captions = tuple(number(float(value), 3) for value in walk.values)
    return Strip(f"walk{coordinate}", np.arange(len(drawn)), ((f"latent{coordinate}", drawn),), captions)


def walk_chart(walk: Walk, coordinate: int) -> Chart:
    """The decoded rows of a walk as curves over the number of the column, from dark (low) to light (high)."""
    rows = np.asarray(walk.rows, dtype=np.float64)
    colours = [SCALE[round(i * (len(SCALE) - 1) / max(1, len(rows) - 1))] for i in range(len(rows))]

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        for row, colour in zip(rows, colours, strict=True):
            ax.plot(np.arange(1, rows.shape[1] + 1), row, color=colour, linewidth=1.6)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set(xlabel="number of the column", ylabel="value", xlim=(1, rows.shape[1]))

    legend = tuple((number(float(value), 3), colour) for value, colour in zip(walk.values, colours, strict=True))
    words = f"Rows decoded along latent{coordinate}, from {number(walk.values[0], 3)} to {number(walk.values[-1], 3)}."
    return Chart(f"walk{coordinate}", words, WIDTH * 0.6, draw, legend)


def neighbours_strip(model: Any, pictures: Any, row: int, places: list[int], distances: list[float]) -> Strip:
    """A picture (the first), which is row ``row``, and its neighbours, with the row number (from 1) and distance of each."""
    encoder = model.encoder_
    drawn = tiles(pictures, encoder.channels, (encoder.low, encoder.high))
    near = [f"row {i + 1:,}\n{number(distance)}" for i, distance in zip(places, distances, strict=True)]
    return Strip("similar", np.array([row, *places]), (("Similar", drawn),), (f"row {row + 1:,}\nthis one", *near))
