"""What a system shows, as sections of a report: pictures, curves, maps, heartbeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from isthmus.systems.catalogue import Recipe
from isthmus.systems.material import Floats, Material
from isthmus.systems.running import AS_WRITTEN, Side
from isthmus.views import page
from isthmus.views.charts import LIGHT, Chart, axes
from isthmus.views.latent import map_chart
from isthmus.views.pictures import Strip, tiles
from isthmus.views.sections import Section
from isthmus.views.words import escaped

SHOWN = 10
MAPPED = 3_000
"""Points of a latent map: more hide one another."""


def sections_of(recipe: Recipe, rows: Material, sides: Sequence[Side]) -> list[Section]:
    """The sections that ``recipe`` names in its ``shows``."""
    return [section for name in recipe.shows for section in SHOWS[name](rows, sides)]


def first_section(recipe: Recipe, table: Sequence[Sequence[str]]) -> Section:
    """What the recipe is, its figures, and what is to be said about the tutorial."""
    rows = [[escaped(cell) for cell in row] for row in table[1:]]
    body = page.paragraph(escaped(recipe.about))
    body += page.table([escaped(cell) for cell in table[0]], rows)
    body += page.paragraph(f"The tutorial's own program: {escaped(recipe.figure)} {recipe.reach:g}.")
    body += "".join(page.paragraph(escaped(_capital(remark)) + ".", "fine") for remark in recipe.remarks)
    return Section("recipe", "As written, improved, classical", body)


def _reconstructions(rows: Material, sides: Sequence[Side]) -> list[Section]:
    shown: list[tuple[str, Floats]] = [("Original", rows.test[:SHOWN])]
    shown += [(_capital(side.name), side.model.reconstruct(rows.test[:SHOWN])) for side in sides if side.model]
    words = "The first ten test pictures, and what each network makes of them."
    return [_strip("reconstructions", "Reconstructions", shown, rows, words)]


def _codes(rows: Material, sides: Sequence[Side]) -> list[Section]:
    """Originals, the codes of "as written" as pictures, reconstructions."""
    shown: list[tuple[str, Floats]] = [("Original", rows.test[:SHOWN])]
    for side in sides:
        if side.model is None:
            continue
        if side.name == AS_WRITTEN:
            codes = side.model.transform(rows.test[:SHOWN])
            width = int(np.sqrt(codes.shape[1]))
            shown.append(("Code", codes.reshape(-1, width, width) / max(1e-9, float(codes.max()))))
        shown.append((_capital(side.name), side.model.reconstruct(rows.test[:SHOWN])))
    words = "The first ten test digits, their codes of 7 x 7 numbers drawn as pictures, and the reconstructions."
    return [_strip("codes", "Codes and reconstructions", shown, rows, words)]


def _restorations(rows: Material, sides: Sequence[Side]) -> list[Section]:
    noisy = rows.test[:SHOWN] if rows.spoiled_test is None else rows.spoiled_test[:SHOWN]
    shown: list[tuple[str, Floats]] = [("Clean", rows.test[:SHOWN]), ("Noisy", noisy)]
    shown += [(_capital(side.name), _restored(side, noisy)) for side in sides if side.model]
    return [_strip("restorations", "Noise taken off", shown, rows, "The noisy pictures are what goes in.")]


def _restored(side: Side, noisy: Floats) -> Floats:
    model: Any = side.model
    return model.denoise(noisy)  # type: ignore[no-any-return]


def _strip(name: str, title: str, shown: list[tuple[str, Floats]], rows: Material, words: str) -> Section:
    side = rows.side or (1, rows.test.shape[1])
    pictures = [(label, values if values.ndim == 3 else values.reshape(-1, *side)) for label, values in shown]
    largest = max(values.shape[1] for _, values in pictures)
    drawn = [(label, tiles(_enlarged(values, largest), "none", (0.0, 1.0))) for label, values in pictures]
    what = Strip(name, np.arange(len(shown[0][1])), tuple(drawn))
    return Section(name, title, page.paragraph(words) + page.strips(what), (), (what,))


def _enlarged(pictures: Floats, height: int) -> Floats:
    """Codes as large as digits, each pixel a square."""
    factor = height // pictures.shape[1]
    return pictures.repeat(factor, axis=1).repeat(factor, axis=2)


def _curves(rows: Material, sides: Sequence[Side]) -> list[Section]:
    history = next((side.history for side in sides if side.name == AS_WRITTEN), [])
    if not history:
        return []
    charts = [_curve(history, ("loss", "val_loss"), "curves", "loss")]
    if "accuracy" in history[0]:
        charts.append(_curve(history, ("accuracy", "val_accuracy"), "accuracy", "accuracy"))
    body = page.paragraph("As written, epoch by epoch.") + "".join(page.figure(chart) for chart in charts)
    return [Section("curves", "Curves", body, tuple(charts))]


def _curve(history: list[dict[str, float]], names: tuple[str, str], name: str, unit: str) -> Chart:
    epochs = [entry["epoch"] for entry in history]
    drawn = [(key, colour) for key, colour in zip(names, ("soft", "ours"), strict=True) if key in history[0]]

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        for key, colour in drawn:
            ax.plot(epochs, [entry[key] for entry in history], color=LIGHT[colour], linewidth=2)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.set(xlabel="epoch", ylabel=unit)

    words = {"soft": "training", "ours": "validation"}
    last = ", ".join(f"{words[colour]} {history[-1][key]:.4f}" for key, colour in drawn)
    return Chart(
        name, f"The {unit} by epoch; at the end {last}.", 260, draw, tuple((words[c], LIGHT[c]) for _, c in drawn)
    )


def _latent_map(rows: Material, sides: Sequence[Side]) -> list[Section]:
    """The latents of every network in space, coloured by label."""
    charts = []
    for side in sides:
        if side.model is not None:
            latents = side.model.transform(rows.test[:MAPPED])
            name = "latent-" + side.name.lower().replace(" ", "-")
            charts.append(dataclasses.replace(map_chart(latents, rows.labels[:MAPPED], dims=3), name=name))
    titles = [_capital(side.name) for side in sides if side.model is not None]
    body = page.paragraph(f"The first {MAPPED:,} test rows at their three latent coordinates, coloured by their label.")
    body += "".join(f"<h3>{title}</h3>{page.figure(chart)}" for title, chart in zip(titles, charts, strict=True))
    return [Section("space", "Latent space", body, tuple(charts))]


def _beats(rows: Material, sides: Sequence[Side]) -> list[Section]:
    """A normal and an anomalous heartbeat, their reconstructions, and the error between."""
    charts = []
    for side in sides:
        if side.model is None:
            continue
        for article, word, label in (("a", "normal", 1), ("an", "anomalous", 0)):
            beat = rows.test[rows.labels == label][:1]
            name = f"beat-{word}-{side.name.lower().replace(' ', '-')}"
            charts.append(
                _beat(beat[0], side.model.reconstruct(beat)[0], name, f"{_capital(side.name)}: {article} {word} beat")
            )
    body = "".join(f"<h3>{chart.words}</h3>{page.figure(chart)}" for chart in charts)
    return [Section("beats", "Heartbeats", f'<div class="pair">{body}</div>', tuple(charts))]


def _beat(beat: Floats, reconstruction: Floats, name: str, words: str) -> Chart:
    def draw(figure: Figure) -> None:
        ax = axes(figure)
        samples = np.arange(len(beat))
        ax.fill_between(samples, beat, reconstruction, color=LIGHT["alarm"], alpha=0.3, linewidth=0)
        ax.plot(samples, beat, color=LIGHT["ink"], linewidth=1.6)
        ax.plot(samples, reconstruction, color=LIGHT["ours"], linewidth=1.6)
        ax.set(xlabel="sample", ylabel="scaled value", ylim=(0, 1))

    legend = (("beat", LIGHT["ink"]), ("reconstruction", LIGHT["ours"]), ("error", LIGHT["alarm"]))
    return Chart(name, words, 260, draw, legend)


def _errors(rows: Material, sides: Sequence[Side]) -> list[Section]:
    """Histograms of the scores of normal and anomalous test rows, with the threshold."""
    charts = [_histogram(side, rows.labels == 1) for side in sides if side.scores is not None]
    body = "".join(f"<h3>{chart.words}</h3>{page.figure(chart)}" for chart in charts)
    return [Section("scores", "Errors and thresholds", body, tuple(charts))]


def _histogram(side: Side, is_normal: NDArray[np.bool_]) -> Chart:
    scores, threshold = np.asarray(side.scores), float(side.threshold or 0.0)
    edges = np.linspace(0, float(np.quantile(scores, 0.995)), 60)

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        for rows, colour in ((is_normal, "ours"), (~is_normal, "alarm")):
            ax.hist(np.minimum(scores[rows], edges[-1]), edges, color=LIGHT[colour], alpha=0.65, linewidth=0)
        ax.axvline(threshold, color=LIGHT["ink"], linewidth=1.4, dashes=(4, 3))
        ax.set(xlabel="mean absolute error of a beat", ylabel="beats", xlim=(0, edges[-1]))

    legend = (("normal", LIGHT["ours"]), ("anomalous", LIGHT["alarm"]), ("threshold", LIGHT["ink"]))
    words = f"{_capital(side.name)}: errors of the test beats, threshold {threshold:.4f}"
    return Chart(f"errors-{side.name.lower().replace(' ', '-')}", words, 280, draw, legend)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


SHOWS: dict[str, Callable[[Material, Sequence[Side]], list[Section]]] = {
    "reconstructions": _reconstructions,
    "codes": _codes,
    "restorations": _restorations,
    "curves": _curves,
    "latent map": _latent_map,
    "beats": _beats,
    "errors": _errors,
}
