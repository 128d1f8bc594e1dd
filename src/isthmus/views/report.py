"""One HTML file that says how good a model is, on what, and against what.

In: a fitted autoencoder and rows. Out: a self-contained page, opened by a double click: no script, no link to the network,
no font to load. The same model and rows give the same bytes. PNG files of the pictures and charts come beside it on request.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import torch

from isthmus import atomic
from isthmus.data.table import Table
from isthmus.version import __version__
from isthmus.views import restored, sections
from isthmus.views.charts import as_png, css_colours
from isthmus.views.measured import Measured, measure
from isthmus.views.pictures import sheet_png
from isthmus.views.sections import Section
from isthmus.views.words import amount, count, escaped, joined

HALVES = ("training", "errors")
"""Sections that take half of the page's width where there is room for two."""


def report(
    model: Any,
    X: Any,
    path: str | os.PathLike[str],
    *,
    clean: Any = None,
    labels: Any = None,
    png: bool = False,
    title: str | None = None,
    more: Sequence[Section] = (),
) -> Path:
    """Write a report on ``model`` and the rows of ``X`` as one HTML file.

    Parameters
    ----------
    model : Autoencoder
        Fitted.
    X : array, frame, pictures or path
        Anything that the model's ``transform`` takes; rows that the model has not seen give the fairest report. For a
        `DenoisingAutoencoder` clean rows, which are spoiled by its corruption, or spoiled ones with ``clean``.
    path : str or path-like
        The file to write, usually ``report.html``; its folder must exist.
    clean : as X, default None
        For a `DenoisingAutoencoder`: the clean form of ``X``, of exactly its shape and order.
    labels : sequence of n_samples values, or str, default None
        Colours of the latent map: one value per row, or the name of a column of ``X``, which the model need not know.
    png : bool, default False
        Also write the pictures and charts as PNG files beside it: ``report-loss.png``, ...
    title : str, default None
        The heading; None names the kind of model and the data.
    more : sequence of `isthmus.views.sections.Section`, default ()
        Sections to stand before all others.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError : ``model`` is not an autoencoder of isthmus; ``clean`` is missing for a model that was fitted to pairs, or
        given for one that restores nothing.
    DataError, DataTypeError : rows that do not fit the model, or labels that do not fit the rows.
    OutputError : a file cannot be written there. All of them are tried before the work; each is written whole or not at all.

    Examples
    --------
    >>> import isthmus, tempfile
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = isthmus.Autoencoder(latent_dim=2, max_epochs=2, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report(model, X, f"{folder}/iris.html", labels=y).name
    'iris.html'
    """
    atomic.check_writable(path)
    target = Path(path)
    measured = measure(model, X, labels, clean)
    parts = [*more, *_sections(measured)]
    page = _page(measured, parts, title).encode()
    files = _png_files(target, parts) if png else {}
    for file in files:
        atomic.check_writable(file)
    for file, content in files.items():
        atomic.write_bytes(file, content)
    atomic.write_bytes(target, page)
    return target


def _sections(measured: Measured) -> list[Section]:
    made = [restored.restoration(measured)] if measured.restores else []
    made += [] if measured.restores and measured.pca is None else [sections.comparison(measured)]
    if measured.pictures:
        made.append(restored.worst(measured) if measured.restores else sections.reconstructions(measured))
    else:
        made.append(sections.by_column(measured))
    made += [sections.training(measured), sections.row_errors(measured)]
    made += [] if measured.latents is None else [sections.latent_map(measured, measured.latents)]
    return [*made, sections.details(measured)]


def _png_files(target: Path, parts: list[Section]) -> dict[Path, bytes]:
    """The PNG files beside the report, by path."""
    drawn = {chart.name: as_png(chart) for part in parts for chart in part.charts}
    drawn |= {strip.name: sheet_png(strip) for part in parts for strip in part.strips}
    return {target.with_name(f"{target.stem}-{name}.png"): content for name, content in drawn.items()}


def _page(measured: Measured, parts: list[Section], title: str | None) -> str:
    template = resources.files("isthmus.views").joinpath("template.html").read_text(encoding="utf-8")
    model = measured.model
    rows = measured.source or count(len(measured.data), "picture" if measured.pictures else "row")
    heading = title if title is not None else f"{type(model).__name__} on {rows}"
    html = "\n".join(
        f'<section id="{part.anchor}"{" class=half" if part.anchor in HALVES else ""}><h2>{part.title}</h2>{part.body}</section>'
        for part in parts
    )
    notes = [*model.notes_, *measured.notes]
    return Template(template).substitute(
        title=escaped(heading, 200),
        light=css_colours(),
        dark=css_colours(dark=True),
        summary=_summary(measured),
        facts="".join(
            f"<div><dt>{name}</dt><dd>{value}<small>{words}</small></dd></div>"
            for name, value, words in _facts(measured)
        ),
        notes=f'<ul class="notes">{"".join(f"<li>{escaped(note, 500)}</li>" for note in notes)}</ul>' if notes else "",
        sections=html,
        footer=f"Made by isthmus {__version__}, torch {torch.__version__.split('+')[0]}, Python {platform.python_version()}.",
    )


def _summary(measured: Measured) -> str:
    """What was fitted and on what, in a sentence."""
    model, noun = measured.model, "picture" if measured.pictures else "row"
    what, size = f"{noun} of {_row_words(measured)}", count(model.latent_dim_, "number")
    does = f"squeezes each {what} into {size} and rebuilds it from them"
    if measured.restores:
        by = restored.spoiled_by(model)
        does = f"restores {noun}s of {_row_words(measured)}{f' that {by} spoiled' if by else ''}"
        does += f" and squeezes each into {size} on the way" if model.latent_dim_ else ""
    return f"A model that {does}. Fitted on {count(model.n_rows_, 'row')}; this report looks at {count(len(measured.data), 'row')}."


def _row_words(measured: Measured) -> str:
    encoder = measured.model.encoder_
    if measured.pictures:
        channels, height, width = encoder.layout.shape
        return f"{height}\xa0×\xa0{width} pixels" + (f" in {channels} channels" if channels > 1 else "")
    return count(len(encoder.kinds), "column")


def _facts(measured: Measured) -> list[tuple[str, str, str]]:
    model, encoder = measured.model, measured.model.encoder_
    before, after = _row_bytes(measured), 4 * model.latent_dim_
    if measured.pictures:
        kinds = f"pixels from {encoder.low:g} to {encoder.high:g}"
    else:
        tally = {kind: encoder.kinds.count(kind) for kind in ("number", "category", "flag", "date")}
        plurals = {"category": "categories"}
        kinds = joined([f"{n:,} {kind if n == 1 else plurals.get(kind, kind + 's')}" for kind, n in tally.items() if n])
    parameters = sum(p.numel() for p in model.network_.parameters())
    trained = max((entry["epoch"] for entry in model.history_), default=0)
    squeezed = [
        ("Latent", count(model.latent_dim_, "number"), "what is kept of each row"),
        ("Compression", f"{before / max(after, 1):.3g} to 1", f"{amount(before)} a row before, {amount(after)} after"),
    ]
    return [
        ("Data", _row_words(measured), kinds),
        (
            "Rows",
            f"{len(measured.data):,}",
            f"fitted on {model.n_rows_:,}, {model.plan_.validation_rows:,} of them held out",
        ),
        *(squeezed if after else _sizes(measured)),
        ("Network", escaped(model.plan_.network), f"{parameters:,} parameters, {trained:.0f} epochs"),
        ("Seed", str(model.seed_), "the same seed and rows give the same model"),
    ]


def _sizes(measured: Measured) -> list[tuple[str, str, str]]:
    """Facts about a network without a latent."""
    by = restored.spoiled_by(measured.model)
    return [
        ("Spoiled by", by or "pairs", "drawn anew at every step" if by else "spoiled pictures with their clean form"),
        ("Size", "any", "pictures of another size are restored in overlapping tiles"),
    ]


def _row_bytes(measured: Measured) -> float:
    """Bytes that a row of the model's columns takes in memory, as it came."""
    if isinstance(measured.data, Table):
        return float(measured.data.columns.nbytes) / len(measured.data)
    return float(measured.data[:1].nbytes)
