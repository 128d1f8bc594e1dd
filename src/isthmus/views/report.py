"""One HTML file that says how good a model is, on what, and against what.

In: a fitted autoencoder or detector and rows. Out: a self-contained page, opened by a double click: no script, no link to the
network, no font to load. The same model and rows give the same bytes. PNG files of the pictures and charts come beside it on
request.
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
from sklearn.utils.validation import check_is_fitted

from isthmus import atomic
from isthmus.errors import ParameterError
from isthmus.models.detector import AnomalyDetector
from isthmus.version import __version__
from isthmus.views import detection, restored, sections
from isthmus.views.charts import as_png, css_colours
from isthmus.views.measured import Measured, measure
from isthmus.views.opening import Opening, of_model
from isthmus.views.pictures import sheet_png
from isthmus.views.sections import Section
from isthmus.views.words import escaped

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
    model : Autoencoder or AnomalyDetector
        Fitted. Of a detector the report says which rows are flagged and why, how often that is a false alarm, and how its score
        does beside nearest neighbours and PCA.
    X : array, frame, pictures or path
        Anything that the model's ``transform`` takes; rows that the model has not seen give the fairest report. For a
        `DenoisingAutoencoder` clean rows, which are spoiled by its corruption, or spoiled ones with ``clean``.
    path : str or path-like
        The file to write, usually ``report.html``; its folder must exist.
    clean : as X, default None
        For a `DenoisingAutoencoder`: the clean form of ``X``, of exactly its shape and order.
    labels : sequence of n_samples values, or str, default None
        Colours of the latent map: one value per row, or the name of a column of ``X``, which the model need not know. Of a
        detector: which rows are anomalies, 1 or 0.
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
    ParameterError : ``model`` is not of isthmus; ``clean`` is missing for a model that was fitted to pairs, or
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
    if isinstance(model, AnomalyDetector):
        head, own = _of_detector(model, X, labels, clean)
    else:
        measured = measure(model, X, labels, clean)
        head, own = of_model(measured), _sections(measured)
    parts = [*more, *own]
    page = _page(head, parts, title).encode()
    files = _png_files(target, parts) if png else {}
    for file in files:
        atomic.check_writable(file)
    for file, content in files.items():
        atomic.write_bytes(file, content)
    atomic.write_bytes(target, page)
    return target


def _sections(measured: Measured, *, inside: bool = False) -> list[Section]:
    """The sections of an autoencoder; ``inside`` a detector there are other ways to use it."""
    made = [restored.restoration(measured)] if measured.restores else []
    made += [] if measured.restores and measured.pca is None else [sections.comparison(measured)]
    if measured.pictures:
        made.append(restored.worst(measured) if measured.restores else sections.reconstructions(measured))
    else:
        made.append(sections.by_column(measured))
    made += [sections.training(measured), sections.row_errors(measured)]
    made += [] if measured.latents is None else [sections.latent_map(measured, measured.latents)]
    return [*made, sections.details(measured, how_to_use=not inside)]


def _of_detector(detector: Any, X: Any, labels: Any, clean: Any) -> tuple[Opening, list[Section]]:
    """The head and the sections of a detector's report, those of the model inside at its end."""
    check_is_fitted(detector)
    if clean is not None:
        raise ParameterError("clean is for a DenoisingAutoencoder, which restores rows; leave it out for a detector.")
    measured = measure(detector.model_, X, labels)
    judged, measured = detection.judged(detector, measured)
    made = detection.sections_of(judged, measured)
    return detection.opening(judged, measured), [*made, *_sections(measured, inside=True)]


def _png_files(target: Path, parts: list[Section]) -> dict[Path, bytes]:
    """The PNG files beside the report, by path."""
    drawn = {chart.name: as_png(chart) for part in parts for chart in part.charts}
    drawn |= {strip.name: sheet_png(strip) for part in parts for strip in part.strips}
    return {target.with_name(f"{target.stem}-{name}.png"): content for name, content in drawn.items()}


def _page(opening: Opening, parts: list[Section], title: str | None) -> str:
    template = resources.files("isthmus.views").joinpath("template.html").read_text(encoding="utf-8")
    html = "\n".join(
        f'<section id="{part.anchor}"{" class=half" if part.anchor in HALVES else ""}><h2>{part.title}</h2>{part.body}</section>'
        for part in parts
    )
    notes = "".join(f"<li>{escaped(note, 500)}</li>" for note in opening.notes)
    return Template(template).substitute(
        title=escaped(opening.heading if title is None else title, 200),
        light=css_colours(),
        dark=css_colours(dark=True),
        summary=opening.summary,
        facts="".join(
            f"<div><dt>{name}</dt><dd>{value}<small>{words}</small></dd></div>" for name, value, words in opening.facts
        ),
        notes=f'<ul class="notes">{notes}</ul>' if notes else "",
        sections=html,
        footer=f"Made by isthmus {__version__}, torch {torch.__version__.split('+')[0]}, Python {platform.python_version()}.",
    )
