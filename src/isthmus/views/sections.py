"""The sections of a report as HTML, each with its numbers and what they mean for someone who does not know the field.

In: what was measured. Out: a `Section` each: a heading, a body, and the charts and picture strips in it, which may also be
written as PNG files. Every text of a user is escaped here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.data.table import Table
from isthmus.models.summary import best_epoch, plan_rows, size_of_pca
from isthmus.views import baseline, columns, curves, page, plots, relevance
from isthmus.views.charts import Chart
from isthmus.views.measured import MOST_DRAWN, Measured
from isthmus.views.pictures import Strip, strip
from isthmus.views.words import count, escaped, number, percent

MANY = 40
"""Columns beyond which only the best and the worst are shown, or a curve."""


@dataclass(frozen=True, eq=False)
class Section:
    """One part of the page.

    Attributes
    ----------
    anchor : its id in the page.
    title : its heading.
    body : HTML.
    charts, strips : what is drawn in it.
    """

    anchor: str
    title: str
    body: str
    charts: tuple[Chart, ...] = ()
    strips: tuple[Strip, ...] = ()


def comparison(measured: Measured) -> Section:
    """PCA's error, ours and the ratio, in words."""
    given = baseline.on_rows(measured)
    held_out = baseline.at_validation(measured.model, measured.raw_errors)
    lines = [given, *([held_out] if held_out else [])]
    caution = baseline.caution(given, held_out)
    # Where the rows are those of the fit, the large letters go to the fair number.
    main = held_out if held_out and caution else given
    rows = [(line.where, _four(line.error), _four(line.pca_error), _four(line.ratio)) for line in lines]
    untrained = (
        "The network was not trained (max_epochs=0), so it is PCA." if measured.model.plan_.max_epochs == 0 else ""
    )
    body = (
        page.paragraph(main.verdict, "verdict")
        + page.paragraph(f"{main.where}: {_lower(main.sentence)}", "lead")
        + _bars(main)
        + page.table(("Mean error", "Autoencoder", "PCA", "Ratio"), rows)
        + page.paragraph(caution, "warning")
        + "".join(page.paragraph(f"{line.where}: {_lower(line.sentence)}") for line in lines if line is not main)
        + page.paragraph(untrained)
        + page.paragraph(baseline.in_own_unit(measured))
        + page.paragraph(how_to_read(measured), "fine")
    )
    return Section("baseline", "Against PCA", body)


def how_to_read(measured: Measured) -> str:
    """What errors of 0 and 1 mean."""
    if measured.raw_errors:
        return 'Errors are mean squared differences in the data\'s own unit (scaling="none"). A ratio below 1 is better than PCA.'
    guess = "error 1 (100 %) is what the best constant guess would leave: the mean for numbers"
    kinds = set(getattr(measured.model.encoder_, "kinds", ()))
    guess += ", the usual shares for categories and flags (entropy)" if kinds & {"category", "flag"} else ""
    perfect = "restoration" if measured.restores else "reconstruction"
    size = size_of_pca(measured.model.plan_)
    pca = f" PCA is the best that adding and multiplying alone can do at {size}; a ratio below 1 is better than that."
    return (
        f"How to read it: {guess}; 0 is a perfect {perfect}.{'' if measured.pca is None and measured.restores else pca}"
    )


def _bars(line: baseline.Comparison) -> str:
    """Two bars whose lengths are the errors."""
    if line.pca_error is None:
        return ""
    longest = max(line.error, line.pca_error) or 1.0
    return page.bars([
        ("Autoencoder", "ours", line.error / longest, line.words(line.error)),
        ("PCA", "pca", line.pca_error / longest, line.words(line.pca_error)),
    ])  # fmt: skip


def training(measured: Measured) -> Section:
    """Loss curves, and a warning where they part."""
    model = measured.model
    if not model.history_:
        return Section("training", "Training", page.paragraph("This model has no history."))
    kept, history = best_epoch(model.history_), model.history_
    held_out = "validation (held out)" if model.plan_.validation_rows else "the same rows, after the epoch"
    start = "PCA" if baseline.starts_at_pca(model) else "the start" if model.latent_dim_ else "left as they are"
    unit = "share unexplained" if model.plan_.loss == "mse" and not measured.raw_errors else f"loss: {model.plan_.loss}"
    chart = plots.loss_chart(history, kept, f"epoch 0: {start}", held_out, unit)
    words = f"The weights of epoch {kept['epoch']:.0f} were kept (the dot): {unit} {kept['validation_loss']:.4f}."
    body = page.figure(chart) + page.paragraph(words)
    if not model.plan_.validation_rows:
        body += page.paragraph("No rows were held out, so nothing here shows how the model does on new rows.")
    elif warning := curves.parting(history):
        body += page.paragraph(warning, "warning")
    elif len(history) > 3:
        body += page.paragraph("Training and validation stay together: no sign that rows are learned by heart.")
    return Section("training", "Training", body + page.paragraph(curves.unfinished(history)), (chart,))


def reconstructions(measured: Measured) -> Section:
    """Pictures: originals over reconstructions, and the worst."""
    shown, worst = strip(measured, measured.spread, "pictures"), worst_strip(measured)
    beside = ", and by PCA from as many" if measured.pca is not None else ""
    rebuilt = f"rebuilt by the model from {count(measured.model.latent_dim_, 'number')}{beside}"
    unit = "mean squared error" if measured.raw_errors else "unexplained share"
    body = (
        page.paragraph(
            f"{count(len(shown.index), 'picture')} at equal distances through the rows, and below each the same, "
            f"{rebuilt}. The more alike, the better."
        )
        + page.strips(shown)
        + f"<h3>The {len(worst.index)} worst</h3>"
        + page.paragraph(
            f"The pictures that the model reconstructs least well, each with its row number (the first is 1) and its {unit}. "
            "Rare, damaged or wrongly cut pictures often show up here."
        )
        + page.strips(worst)
    )
    return Section("pictures", "Pictures", body, (), (shown, worst))


def worst_strip(measured: Measured) -> Strip:
    """The pictures with the largest errors, each with its row number and its error."""
    captions = tuple(f"{i + 1:,}\n{error_words(measured, measured.ours.rows[i])}" for i in measured.worst)
    return strip(measured, measured.worst, "worst", captions)


def by_column(measured: Measured) -> Section:
    """Tables and arrays: the share explained of each column, and the worst rows."""
    with_pca = measured.theirs is not None
    came = "restoration of the spoiled rows" if measured.restores else "reconstruction"
    words = f"Share explained (R²) of each column: 100 % is a perfect {came}, 0 % is no better than a constant guess."
    if len(measured.model.encoder_.kinds) > MANY and not isinstance(measured.data, Table):
        curve = plots.curve_chart(*columns.shares(measured))
        body = page.beside(curve, words)
        return Section("columns", "Columns", body + _worst_rows(measured), (curve,))
    listed = columns.best_first(measured)
    shown = listed if len(listed) <= MANY else listed[: MANY // 2] + listed[-(MANY // 2) :]
    words += f" The mark is PCA at {size_of_pca(measured.model.plan_)}." if with_pca else ""
    words += (
        f" Shown are the best {MANY // 2} and the worst {MANY // 2} of {len(listed)}."
        if len(shown) < len(listed)
        else ""
    )
    half = -(-len(shown) // 2) if len(shown) > 6 else len(shown)
    parts = [part for part in (shown[:half], shown[half:]) if part]
    charts = tuple(
        plots.column_chart(part, name, with_pca) for part, name in zip(parts, ("columns", "columns-2"), strict=False)
    )
    figures = "".join(page.figure(chart, with_legend=False) for chart in charts)
    body = page.paragraph(words) + page.legend(charts[0]) + f'<div class="pair">{figures}</div>'
    body += relevance.kept(shown, measured.model.latent_dim_, restored=measured.restores)
    body += _own_units(shown, with_pca, len(measured.data)) + _worst_rows(measured)
    return Section("columns", "Columns", body, charts)


def _own_units(listed: list[columns.Column], with_pca: bool, n_rows: int) -> str:
    head = ("Column", "Kind", "Explained", "Typically off by", *(("PCA explained", "PCA off by") if with_pca else ()))
    rows = []
    for c in listed:
        row = (escaped(c.name, 60), c.kind, percent(c.explained), c.off)
        rows.append((*row, percent(c.pca_explained), c.pca_off) if with_pca else row)
    some = f", over {MOST_DRAWN:,} drawn rows" if n_rows > MOST_DRAWN else ""
    words = f"Typically: the median distance in the column's own unit, or the share of right guesses{some}."
    body = page.table(head, rows, text_columns=2) + page.paragraph(words, "fine")
    return page.details("In each column's own unit", body, is_open=len(rows) <= 12)


def _worst_rows(measured: Measured) -> str:
    rows = []
    for i, found in zip(measured.worst, columns.causes(measured), strict=True):
        cells = [
            f"<b>{escaped(c.column, 40)}</b> {escaped(c.seen)} → {escaped(c.reconstructed)} <i>{percent(c.share)}</i>"
            for c in found
        ]
        error = error_words(measured, float(measured.ours.rows[i]))
        rows.append((f"{i + 1:,}", error, *cells, *[""] * (columns.CAUSES - len(cells))))
    there = (
        "stands in the clean row → what came of the spoiled one"
        if measured.restores
        else "stands there → what the model expected"
    )
    words = (
        f"Each with the columns that add most to its error: what {there}, and the share of the "
        "row's error. Wrong entries and rare rows show up here. Row 1 is the first."
    )
    head = ("Row", "Error", "Most of it from", "then", "then")
    return f"<h3>The {len(rows)} worst rows</h3>{page.paragraph(words)}{page.table(head, rows, css='cases')}"


def latent_map(measured: Measured, latents: NDArray[np.float32]) -> Section:
    """The latents on their two main axes."""
    points, shares = plots.latent_axes(latents)
    drawn, labels = measured.drawn, measured.labels
    chosen = None if labels is None else labels.take(drawn)
    chart = plots.latent_chart(points[drawn], shares, chosen, measured.ours.rows[drawn])
    size = latents.shape[1]
    words = [
        f"Each point is a {'clean row' if measured.restores else 'row'}, placed by its latent ({count(size, 'number')}); rows that "
        "the model finds alike lie close."
    ]
    if size > 2:
        words.append(
            f"The two axes hold {percent(float(shares.sum()))} of the latents' variance; the rest is not seen here."
        )
    if labels is not None:
        words.append(f"Colour: {escaped(labels.name, 60)}.")
    if len(drawn) < len(measured.data):
        words.append(f"{len(drawn):,} of {len(measured.data):,} rows, drawn with the model's seed.")
    return Section("latent", "Latent map", page.beside(chart, " ".join(words)), (chart,))


def row_errors(measured: Measured) -> Section:
    """How the error spreads over the rows."""
    ours = measured.ours.rows
    theirs = None if measured.theirs is None else measured.theirs.rows
    median, high = (float(np.quantile(ours, q)) for q in (0.5, 0.95))
    chart = plots.histogram_chart(ours, theirs, (median, high), as_percent=not measured.raw_errors)
    words = (
        f"Half of the rows have an error below {error_words(measured, median)} (median), 95 % below "
        f"{error_words(measured, high)}. One row in twenty lies above that: those deserve a look. The last bar also counts the "
        "rows beyond the axis."
    )
    if theirs is not None:
        words += f" The autoencoder is better than PCA on {percent(float(np.mean(ours < theirs)))} of the rows."
    return Section("errors", "Errors of the rows", page.figure(chart) + page.paragraph(words), (chart,))


def details(measured: Measured, *, how_to_use: bool = True) -> Section:
    """The plan, the history and how to load the model."""
    model = measured.model
    plan = [(escaped(name.replace("_", " ")), escaped(value, 200)) for name, value in plan_rows(model.plan_)]
    history = [
        (f"{e['epoch']:.0f}", number(e["training_loss"]), number(e["validation_loss"]), number(e["learning_rate"]),
         "kept" if e.get("kept") else "")
        for e in model.history_
    ]  # fmt: skip
    head = ("Epoch", "Training loss", "Validation loss", "Learning rate", "")
    network = ", network=..." if model.plan_.network == "custom" else ""
    load = f'model = isthmus.load("model.safetensors"{network})'
    use = ["latents = model.transform(X)"] if model.latent_dim_ else []
    use.append("restored = model.denoise(X)" if measured.restores else "rebuilt = model.reconstruct(X)")
    body = page.details("Plan: what every choice became", page.table(("Choice", "Value"), plan, text_columns=2))
    body += page.details("History: every epoch", page.table(head, history, text_columns=0))
    if how_to_use:
        body += "<h3>Use the model</h3>" + page.paragraph("From the file that model.save(...) wrote:")
        body += page.code("import isthmus", load, *use)
    return Section("details", "Details", body)


def error_words(measured: Measured, error: float) -> str:
    """An error as a share in percent, or in the square of the data's unit."""
    return number(error) if measured.raw_errors else percent(error)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
