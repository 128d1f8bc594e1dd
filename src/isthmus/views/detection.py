"""The report of a detector: which rows are flagged, why, how often that is a false alarm, and how a classical score does.

In: a fitted detector and what was measured of the model inside. Out: the head of the page and its sections.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.data.table import Table
from isthmus.models.judged import Judged, Reason, anomalies, judge
from isthmus.views import detection_plots as plots
from isthmus.views import page, ranking
from isthmus.views.charts import Chart
from isthmus.views.heat import heat_tiles
from isthmus.views.labels import group_labels
from isthmus.views.measured import Measured
from isthmus.views.opening import Opening, kinds_words, row_words, rows_words
from isthmus.views.pictures import Strip, tiles
from isthmus.views.sections import Section
from isthmus.views.words import cell, count, escaped, in_thousand, number, percent

CAUSES = 3
MOSTLY_KNOWN = 0.5
"""Share of the rows that the detector keeps from which on the figures are called flattering."""


def judged(detector: Any, measured: Measured) -> tuple[Judged, Measured]:
    """The detector's verdicts, and the model's measures with a label on each row: the one given, or whether it is flagged."""
    labels = measured.labels
    if labels is not None:
        values = labels.groups if labels.groups is not None else labels.numbers
        return judge(detector, measured.data, anomalies([] if values is None else values.tolist())), measured
    found = judge(detector, measured.data)
    named = group_labels(np.where(found.flagged, "flagged", "not flagged").tolist(), "flagged by the detector")
    return found, dataclasses.replace(measured, labels=named)


def opening(judged: Judged, measured: Measured) -> Opening:
    """The head of the page."""
    detector, n, flagged = judged.detector, len(judged.scores), int(judged.flagged.sum())
    known = _known(detector)
    alarms = judged.alarms
    facts = [
        ("Data", row_words(measured), kinds_words(measured)),
        ("Rows", f"{n:,}", f"fitted on {detector.n_rows_:,}; {_calibration(judged)}"),
        ("Flagged", f"{flagged:,}", f"{percent(flagged / n)} of the rows"),
        ("Threshold", number(detector.threshold_), escaped(detector.rule_.words())),
        (
            "False alarms",
            f"{in_thousand(alarms.rate)} in 1,000",
            f"expected; {in_thousand(alarms.low)} to {in_thousand(alarms.high)}",
        ),
        ("Known rows", f"{known:,}", "kept as neighbours, in the model file too" if known else "none are kept"),
    ]
    heading = f"{type(detector).__name__} on {rows_words(measured)}"
    return Opening(heading, first_sentence(judged), facts, (*detector.notes_, *measured.notes))


def _calibration(judged: Judged) -> str:
    n = len(judged.detector.calibration_scores_)
    return f"{n:,} set the threshold" if judged.set_aside else "none set aside for the threshold"


def _known(detector: Any) -> int:
    return int(detector.scorer_.shape.n_reference)


def first_sentence(judged: Judged) -> str:
    """How many rows are flagged, at which threshold, and how often that happens to normal rows."""
    n, flagged = len(judged.scores), int(judged.flagged.sum())
    is_ = "is" if flagged == 1 else "are"
    return (
        f"{flagged:,} of {count(n, _noun(judged))} {is_} flagged: the anomaly score is above the threshold "
        f"{number(judged.detector.threshold_)}, at which {judged.alarms.words} are to be expected."
    )


def _noun(judged: Judged) -> str:
    return "picture" if judged.pictures else "row"


def sections_of(judged: Judged, measured: Measured) -> list[Section]:
    """The sections of the detector itself, in order."""
    made = [alarms(judged), thresholds(judged), worst(judged, measured)]
    contest = judged.contest
    if contest is not None:
        made.append(ranking.with_labels(contest, judged))
    elif judged.odd is None and judged.against_shuffled is not None:
        made.append(ranking.without_labels(judged.against_shuffled, judged))
    return [*made, file(judged), _inside(judged)]


def alarms(judged: Judged) -> Section:
    """What is flagged, what that promises, and whether the rows are like those at calibration."""
    flagged = int(judged.flagged.sum())
    body = page.paragraph(f"{flagged:,} of {len(judged.scores):,} flagged", "verdict")
    expected = judged.alarms.rate * len(judged.scores)
    many = f"about {round(expected):,}" if expected >= 0.95 else "hardly one"
    words = (
        f"If all of these {_noun(judged)}s were as normal as those of fit, {many} of them would "
        f"be flagged all the same: {judged.alarms.words}."
    )
    body += page.paragraph(words, "lead")
    if not judged.set_aside:
        words = "The rows that set the threshold also trained the model, so new normal rows are flagged more often than this says."
        body += page.paragraph(words, "warning")
    if judged.among_known >= MOSTLY_KNOWN:
        words = (
            f"{percent(judged.among_known)} of these rows stand among those that the detector keeps as its neighbours. It has seen "
            "them: all figures here are flattering. Rows that were not part of fit make a fair report."
        )
        body += page.paragraph(words, "warning")
    body += page.paragraph(_observed(judged))
    if judged.drift is not None:
        of = "" if judged.odd is None else " Compared are the rows that are labelled normal."
        css = "warning" if judged.drift.drifted else ""
        body += page.paragraph(f"Drift: {escaped(judged.drift.words)}{of}", css)
    return Section("alarms", "What is flagged", body)


def _observed(judged: Judged) -> str:
    """What the labels say of the rows that are flagged."""
    if judged.odd is None:
        return ""
    odd, flagged = judged.odd, judged.flagged
    hits, false = int((odd & flagged).sum()), int((~odd & flagged).sum())
    normal, all_odd = int((~odd).sum()), int(odd.sum())
    words = (
        [f"Of {count(all_odd, 'anomaly').replace('anomalys', 'anomalies')} {hits:,} are flagged."] if all_odd else []
    )
    if normal:
        words.append(
            f"Of {count(normal, 'normal row')} {false:,} are flagged: {in_thousand(false / normal)} in 1,000, where "
            f"{in_thousand(judged.alarms.rate)} were expected."
        )
    return "By the labels: " + " ".join(words)


def thresholds(judged: Judged) -> Section:
    """Scores against those at calibration, and every rule side by side."""
    detector, rows = judged.detector, judged.detector.thresholds()
    marks = [(row.rule, row.threshold) for row in rows if row.threshold is not None]
    if all(threshold != detector.threshold_ for _, threshold in marks):
        marks.append((detector.rule_.words(), detector.threshold_))
    groups = [("the rows of this report", "ours", judged.scores)]
    if judged.odd is not None:
        parts = [("normal rows", "ours", judged.scores[~judged.odd]), ("anomalies", "alarm", judged.scores[judged.odd])]
        groups = [part for part in parts if len(part[2])]
    chart = plots.score_chart(detector.calibration_scores_, groups, marks, detector.threshold_)
    lines = [
        (_rule(row.rule, at_work=row.threshold == detector.threshold_), *_promise(row), _flagged(judged, row.threshold))
        for row in rows
    ]
    head = ("Rule", "Threshold", "False alarms in 1,000", "95 % interval", "Flags here")
    words = (
        "The thick line is the threshold at work. Each rule is taken with the scores of the rows set aside in fit, and says how "
        "many of 1,000 new normal rows it would flag. detector.set_threshold(rule) takes another one without fitting anew."
    )
    reasons = "".join(
        page.paragraph(f"{escaped(row.rule)}: {escaped(row.reason)}", "fine") for row in rows if row.reason
    )
    body = page.beside(chart, words) + page.table(head, lines) + reasons
    return Section("thresholds", "Scores and thresholds", body, (chart,))


def _rule(name: str, *, at_work: bool) -> str:
    return f"<b>{escaped(name)}</b>" if at_work else escaped(name)


def _promise(row: Any) -> tuple[str, str, str]:
    if row.alarms is None:
        return "–", "–", "–"
    low, high = (in_thousand(share) for share in (row.alarms.low, row.alarms.high))
    return number(row.threshold), in_thousand(row.alarms.rate), f"{low} to {high}"


def _flagged(judged: Judged, threshold: float | None) -> str:
    return "–" if threshold is None else f"{int((judged.scores > threshold).sum()):,}"


def worst(judged: Judged, measured: Measured) -> Section:
    """The rows of the highest scores and why they have them."""
    if judged.pictures:
        return _worst_pictures(judged)
    lines = []
    for reason in judged.reasons:
        far = "<small>far from everything seen</small>" if reason.far else ""
        cells = _causes(reason)
        score = number(float(judged.scores[reason.row]))
        mark = "flagged" if judged.flagged[reason.row] else "not flagged"
        lines.append((f"{reason.row + 1:,}", score, f"{mark} {far}", *cells, *[""] * (CAUSES - len(cells))))
    words = (
        "The highest scores, and the columns that raise them: what stands there → what the model expects there from the other "
        "columns, and the share of the score's fall when that is put in its place. Row 1 is the first."
    )
    head = ("Row", "Score", "", "Most of it from", "then", "then")
    body = page.paragraph(words) + page.table(head, lines, css="cases scored")
    charts: tuple[Chart, ...] = ()
    if judged.ordered:
        charts = (_signals(judged),)
        body = page.beside(charts[0], "The rows of the highest scores, as curves, and what the model expects.") + body
    return Section("worst", f"The {len(lines)} most anomalous rows", body, charts)


def _causes(reason: Reason) -> list[str]:
    return [
        f"<b>{escaped(cause.column, 40)}</b> {escaped(cell(cause.seen))} → {escaped(cell(cause.expected))} "
        f"<i>{percent(cause.share)}</i>"
        for cause in reason.causes
    ]


def _signals(judged: Judged) -> Chart:
    index = judged.worst[: plots.MOST_SIGNALS]
    seen, expected = (_numbers(rows) for rows in (judged.rows(index), judged.expected(index)))
    captions = [f"row {i + 1:,}, score {number(float(judged.scores[i]), 3)}" for i in index]
    return plots.signal_chart(seen, expected, captions)


def _numbers(rows: Any) -> NDArray[np.float64]:
    """Rows of numbers, whatever holds them."""
    columns = rows.columns if isinstance(rows, Table) else rows
    if isinstance(columns, np.ndarray):
        return columns.astype(np.float64)
    return np.stack([column.to_numpy() for column in columns.columns], axis=1).astype(np.float64)


def _worst_pictures(judged: Judged) -> Section:
    index = judged.worst
    encoder = judged.detector.encoder_
    bounds = (encoder.low, encoder.high)
    rows = (
        ("Picture", tiles(np.asarray(judged.rows(index)), encoder.channels, bounds)),
        ("Model", tiles(judged.expected(index), encoder.channels, bounds)),
        ("Unlike", heat_tiles(judged.heat_maps(index))),
    )
    captions = tuple(
        f"{i + 1:,}: {number(float(judged.scores[i]), 3)}\n{'flagged' if judged.flagged[i] else 'not flagged'}"
        for i in index
    )
    shown = Strip("worst-pictures", index, rows, captions)
    words = (
        "The pictures of the highest scores, each with its number (the first is 1) and its score, what the model makes of it, and "
        "where it is unlike the normal ones: by how many times its usual error each pixel is off, on one scale for all of them."
    )
    title = f"The {len(index)} most anomalous pictures"
    return Section("worst", title, page.paragraph(words) + page.strips(shown), (), (shown,))


def file(judged: Judged) -> Section:
    """What a model file holds of the rows of fit, and how to use the detector."""
    detector = judged.detector
    known, n = _known(detector), len(detector.calibration_scores_)
    kept = "No row of fit is kept."
    if known:
        kept = (
            f"{known:,} of the {count(detector.n_rows_, 'row')} of fit are kept as neighbours, and their values can be read back "
            "from the file. Where they must not leave the house, fit with reference_rows=0: the score is then what the model "
            "cannot restore, alone."
        )
    use = ('detector = isthmus.load("detector.safetensors")', "flags = detector.predict(X)  # -1 is an anomaly")
    body = (
        page.paragraph(
            f"detector.save(...) writes the model, the threshold and {count(n, 'calibration score')}. {kept}"
        )
        + page.paragraph("From that file:")
        + page.code("import isthmus", *use, "reasons = detector.explain(X)")
    )
    return Section("file", "What a model file holds", body)


def _inside(judged: Judged) -> Section:
    words = "What follows is about the autoencoder alone: how well it rebuilds these rows, anomalies among them."
    name = escaped(type(judged.detector.model_).__name__)
    return Section("inside", f"The model inside: {name}", page.paragraph(words))
