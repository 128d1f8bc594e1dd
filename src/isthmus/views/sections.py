"""The sections of a report as HTML.

In: what was measured. Out: a `Section` each: a heading, a body, and the charts and picture strips in it, which may also be
written as PNG files. Every text of a user is escaped here.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.models.summary import best_epoch, plan_rows
from isthmus.views import baseline, columns, plots
from isthmus.views.charts import Chart, as_svg
from isthmus.views.measured import MOST_DRAWN, Measured
from isthmus.views.pictures import Strip, strip, tile_png
from isthmus.views.words import count, escaped, number, percent

RISE = 1.1
"""Last validation error over the best from which on the curves are said to part."""
GAP = 0.25
"""Share of the validation error that the gap to the training error must be over, and growing."""
STILL_FALLING = 0.02
"""Share by which validation fell in the last tenth of the epochs from which on more epochs are advised."""
MANY = 40
"""Columns beyond which only the best and the worst are shown, or a curve."""
TILES = 5
"""Pictures side by side before a strip breaks."""


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
    body = f'<p class="verdict">{main.verdict}</p><p class="lead">{main.where}: {_lower(main.sentence)}</p>{_bars(main)}'
    rows = [(line.where, f"{line.error:.4f}", _four(line.pca_error), _four(line.ratio)) for line in lines]
    body += _table(("Mean error", "Autoencoder", "PCA", "Ratio"), rows)
    body += f'<p class="warning">{caution}</p>' if caution else ""
    body += "".join(f"<p>{line.where}: {_lower(line.sentence)}</p>" for line in lines if line is not main)
    if measured.model.plan_.max_epochs == 0:
        body += "<p>The network was not trained (max_epochs=0), so it is PCA.</p>"
    body += f"<p>{baseline.in_own_unit(measured)}</p><p class='fine'>{_unit(measured)}</p>"
    return Section("baseline", "Against PCA", body)


def _unit(measured: Measured) -> str:
    if measured.raw_errors:
        return 'Errors are mean squared differences in the data\'s own unit (scaling="none"). A ratio below 1 is better than PCA.'
    guess = "error 1 (100 %) is what the best constant guess would leave: the mean for numbers"
    kinds = set(getattr(measured.model.encoder_, "kinds", ()))
    guess += ", the usual shares for categories and flags (entropy)" if kinds & {"category", "flag"} else ""
    return (
        f"How to read it: {guess}; 0 is a perfect reconstruction. A ratio below 1 is better than PCA, the best method that "
        "only adds and multiplies, at the same latent size."
    )


def _bars(line: baseline.Comparison) -> str:
    """Two bars whose lengths are the errors."""
    if line.pca_error is None:
        return ""
    longest = max(line.error, line.pca_error) or 1.0
    rows = [("Autoencoder", "ours", line.error), ("PCA", "pca", line.pca_error)]
    bars = "".join(
        f'<div class="bar"><span>{name}</span><div><i class="{role}" style="width:{100 * value / longest:.1f}%"></i></div>'
        f"<b>{line.words(value)}</b></div>"
        for name, role, value in rows
    )
    return f'<div class="bars">{bars}</div>'


def training(measured: Measured) -> Section:
    """Loss curves, and a warning where they part."""
    model = measured.model
    if not model.history_:
        return Section("training", "Training", "<p>This model has no history.</p>")
    kept = best_epoch(model.history_)
    held_out = "validation (held out)" if model.plan_.validation_rows else "the same rows, after the epoch"
    start = "epoch 0: PCA" if baseline.starts_at_pca(model) else "epoch 0: the start"
    chart = plots.loss_chart(model.history_, kept, start, held_out)
    value = f"{kept['validation_loss']:.4f}"
    unit = "share unexplained" if model.plan_.loss == "mse" and not measured.raw_errors else f"loss: {model.plan_.loss}"
    words = f"Vertical axis: {unit}. The weights of epoch {kept['epoch']:.0f} were kept (the dot), at {value}."
    if not model.plan_.validation_rows:
        words += " No rows were held out, so nothing here shows how the model does on new rows."
    warnings = parting(model.history_) if model.plan_.validation_rows else []
    body = _figure(chart) + f"<p>{words}</p>" + "".join(f'<p class="warning">{w}</p>' for w in warnings)
    if not warnings and model.plan_.validation_rows and len(model.history_) > 3:
        body += "<p>Training and validation stay together: no sign that rows are learned by heart.</p>"
    return Section("training", "Training", body + (f"<p>{late}</p>" if (late := unfinished(model.history_)) else ""), (chart,))


def parting(history: list[dict[str, float]]) -> list[str]:
    """Warnings where the curves of training and validation part.

    They part where validation ends over 1.1 times its best, or where the gap from training to validation ends over a
    quarter of the validation error and wider than half-way.

    >>> falling = [{"epoch": e, "training_loss": 1 / e, "validation_loss": 1.1 / e} for e in range(1, 9)]
    >>> parting(falling)
    []
    >>> len(parting([{**entry, "validation_loss": 1.0} for entry in falling]))
    1
    """
    trained = [entry for entry in history if entry["epoch"] > 0 and math.isfinite(entry["training_loss"])]
    if len(trained) < 3:
        return []
    last, middle = trained[-1], trained[len(trained) // 2]
    best = min(entry["validation_loss"] for entry in history)
    reasons = []
    if last["validation_loss"] > RISE * best:
        reasons.append(f"validation ended {percent(last['validation_loss'] / best - 1)} above its best")
    gap = _gap(last)
    if gap > GAP * last["validation_loss"] and gap > _gap(middle):
        share = percent(gap / last["validation_loss"])
        reasons.append(f"training ended {share} below validation, and the gap was growing")
    if not reasons:
        return []
    return [
        f"The curves part: {' and '.join(reasons)}. The network learns its training rows by heart; new rows gain less. The "
        "kept weights are those of the best validation error. More rows help most; else try a smaller hidden_dims or "
        "latent_dim, or fewer epochs."
    ]


def unfinished(history: list[dict[str, float]]) -> str:
    """Advice to train on, where validation was still falling at the end; else nothing."""
    before = history[-1 - max(1, len(history) // 10)] if len(history) > 3 else history[-1]
    last = history[-1]
    falling = last.get("kept") and last["validation_loss"] < (1 - STILL_FALLING) * before["validation_loss"]
    return "Validation was still falling at the end: a larger max_epochs may give a better model." if falling else ""


def _gap(entry: dict[str, float]) -> float:
    return entry["validation_loss"] - entry["training_loss"]


def reconstructions(measured: Measured) -> Section:
    """Pictures: originals over reconstructions, and the worst."""
    shown = strip(measured, measured.spread, "pictures")
    errors = tuple(f"row {i + 1:,}: {_error(measured, measured.ours.rows[i])}" for i in measured.worst)
    worst = strip(measured, measured.worst, "worst", errors)
    n = count(len(shown.index), "picture")
    size = count(measured.model.latent_dim_, "number")
    body = f"<p>{n} at equal distances through the rows. Below each original, what the model rebuilds from {size}, and PCA "
    body += "from as many. The more alike, the better.</p>" if measured.pca else "nothing else: PCA was too large.</p>"
    body += _strips(shown)
    body += f"<h3>The {len(worst.index)} worst</h3><p>The pictures that the model reconstructs least well, and what of each "
    body += "is left unexplained. " if not measured.raw_errors else "has as its mean squared error. "
    body += "Look for what they share: rare, damaged or wrongly cut pictures often show up here. Row 1 is the first.</p>"
    return Section("pictures", "Pictures", body + _strips(worst), (), (shown, worst))


def _error(measured: Measured, error: float) -> str:
    return number(error) if measured.raw_errors else percent(error)


def _strips(what: Strip) -> str:
    """Groups of five pictures, which stand side by side where there is room."""
    groups = [range(i, min(i + TILES, len(what.index))) for i in range(0, len(what.index), TILES)]
    return f'<div class="strips">{"".join(_group(what, group) for group in groups)}</div>'


def _group(what: Strip, group: range) -> str:
    cells = ""
    for words, row in what.rows:
        cells += f"<span>{words}</span>"
        for i in group:
            alt = f"{words}, row {what.index[i] + 1}"
            data = base64.b64encode(tile_png(row[i])).decode()
            cells += f'<img alt="{alt}" src="data:image/png;base64,{data}">'
        cells += "<span></span>" * (TILES - len(group))
    if what.captions:
        cells += "<span></span>" + "".join(f"<small>{what.captions[i].replace(': ', '<br>')}</small>" for i in group)
    return f'<div class="strip">{cells}</div>'


def by_column(measured: Measured) -> Section:
    """Tables and arrays: the share explained of each column, and the worst rows."""
    with_pca = measured.theirs is not None
    listed = columns.best_first(measured)
    body = "<p>Share explained (R²) of each column: 100 % is a perfect reconstruction, 0 % is no better than a constant guess."
    body += " The mark is PCA at the same latent size.</p>" if with_pca else "</p>"
    if len(listed) > MANY and not measured.model.encoder_.names:
        charts = (plots.curve_chart(*columns.shares(measured)),)
        body += _figure(charts[0])
    else:
        shown = listed if len(listed) <= MANY else listed[: MANY // 2] + listed[-(MANY // 2) :]
        if len(shown) < len(listed):
            body += f"<p>The best {MANY // 2} and the worst {MANY // 2} of {len(listed)} columns.</p>"
        half = -(-len(shown) // 2) if len(shown) > 6 else len(shown)
        parts = [part for part in (shown[:half], shown[half:]) if part]
        names = ("columns", "columns-2")
        charts = tuple(plots.column_chart(p, name, with_pca) for p, name in zip(parts, names, strict=False))
        body += f'<div class="pair">{"".join(_figure(c, legend=i == 0) for i, c in enumerate(charts))}</div>'
        body += _own_units(shown, with_pca, len(measured.data))
    return Section("columns", "Columns", body + _worst_rows(measured), charts)


def _own_units(listed: list[columns.Column], with_pca: bool, n_rows: int) -> str:
    head = ("Column", "Kind", "Explained", "Typically off by", *(("PCA explained", "PCA off by") if with_pca else ()))
    rows = []
    for c in listed:
        row = (escaped(c.name, 60), c.kind, percent(c.explained), c.off)
        rows.append((*row, percent(c.pca_explained), c.pca_off) if with_pca else row)
    some = f", over {MOST_DRAWN:,} drawn rows" if n_rows > MOST_DRAWN else ""
    words = f"Typically: the median distance in the column's own unit, or the share of right guesses{some}."
    table = _table(head, rows, text_columns=2)
    return f"<details{' open' if len(rows) <= 12 else ''}><summary>In each column's own unit</summary>{table}<p class='fine'>{words}</p></details>"


def _worst_rows(measured: Measured) -> str:
    rows = []
    for i, found in zip(measured.worst, columns.causes(measured), strict=True):
        cells = [
            f"<b>{escaped(c.column, 40)}</b> {escaped(c.seen)} → {escaped(c.reconstructed)} <i>{percent(c.share)}</i>" for c in found
        ]
        error = _error(measured, float(measured.ours.rows[i]))
        rows.append((f"{i + 1:,}", error, *cells, *[""] * (columns.CAUSES - len(cells))))
    head = ("Row", "Error", "Most of it from", "then", "then")
    return (
        f"<h3>The {len(rows)} worst rows</h3><p>Each with the columns that add most to its error: what stands there → what "
        "the model expected, and the share of the row's error. Wrong entries and rare rows show up here. Row 1 is the first.</p>"
        + _table(head, rows, text_columns=0, css="cases")
    )


def latent_map(measured: Measured) -> Section:
    """The latents on their two main axes."""
    points, shares = plots.latent_axes(measured.latents)
    drawn, labels = measured.drawn, measured.labels
    chosen = None if labels is None else labels.take(drawn)
    chart = plots.latent_chart(points[drawn], shares, chosen, measured.ours.rows[drawn])
    size = measured.latents.shape[1]
    words = f"Each point is a row, placed by its latent ({count(size, 'number')}); rows that the model finds alike lie close."
    if size > 1:
        words += f" The two axes hold {percent(float(shares.sum()))} of the latents' variance; the rest is not seen here."
    if labels is not None:
        words += f" Colour: {escaped(labels.name, 60)}, which the model never saw unless it is one of its columns."
    if len(drawn) < len(measured.data):
        words += f" {len(drawn):,} of {len(measured.data):,} rows, drawn with the model's seed."
    body = f'<div class="side">{_figure(chart, legend=False)}<div>{_legend(chart)}<p>{words}</p></div></div>'
    return Section("latent", "Latent map", body, (chart,))


def errors(measured: Measured) -> Section:
    """How the error spreads over the rows."""
    ours = measured.ours.rows
    theirs = None if measured.theirs is None else measured.theirs.rows
    median, high = (float(np.quantile(ours, q)) for q in (0.5, 0.95))
    chart = plots.histogram_chart(ours, theirs, "" if measured.raw_errors else "%", (median, high))
    unit = "has a mean squared error below" if measured.raw_errors else "is left unexplained by less than"
    words = f"Half of the rows have an error below {_error(measured, median)} (median), 95 % below {_error(measured, high)}. "
    words += f"One row in twenty {'lies' if unit else ''} above that: those deserve a look. "
    words += "The last bar also counts the rows beyond the axis."
    if theirs is not None:
        better = float(np.mean(ours < theirs))
        words += f" The autoencoder is better than PCA on {percent(better)} of the rows."
    return Section("errors", "Errors of the rows", _figure(chart) + f"<p>{words}</p>", (chart,))


def details(measured: Measured) -> Section:
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
    code = (
        "import isthmus\n"
        f'model = isthmus.load("model.safetensors"{network})  # the file that model.save(...) wrote\n'
        "latents = model.transform(X); rows = model.reconstruct(X)"
    )
    body = f"<details><summary>Plan: what every choice became</summary>{_table(('Choice', 'Value'), plan, 2)}</details>"
    body += f"<details><summary>History: every epoch</summary>{_table(head, history, 0)}</details>"
    return Section("details", "Details", f"{body}<h3>Use the model</h3><pre>{escaped_code(code)}</pre>")


def escaped_code(code: str) -> str:
    """Lines of code, each escaped."""
    return "\n".join(escaped(line) for line in code.split("\n"))


def _figure(chart: Chart, legend: bool = True) -> str:
    return f"<figure>{_legend(chart) if legend else ''}{as_svg(chart)}</figure>"


def _legend(chart: Chart) -> str:
    chips = "".join(f'<li><i style="background:{_colour(c)}"></i>{escaped(text, 60)}</li>' for text, c in chart.legend)
    return f'<ul class="legend">{chips}</ul>' if chips else ""


def _colour(colour: str) -> str:
    role = next((role for role, light in plots.LIGHT.items() if light == colour), None)
    return f"var(--{role})" if role else colour


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], text_columns: int = 1, css: str = "") -> str:
    """A table that scrolls inside itself; the first ``text_columns`` columns are text, the others numbers."""
    names = list(head)
    kinds = ["" if j < text_columns or css else ' class="n"' for j in range(len(names))]
    top = "".join(f"<th{kind}>{name}</th>" for name, kind in zip(names, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{value}</td>" for value, kind in zip(row, kinds, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table class="{css}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
