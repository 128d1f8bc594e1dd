"""``isthmus detect``: normal rows, or a detector that was fitted to them, and new rows to those that are unlike them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import click

from isthmus.allowed import Allowed
from isthmus.errors import ParameterError
from isthmus.parameters import AutoencoderParameters, DetectorParameters
from isthmus.shell import flags, inputs, output, terminal, verdicts
from isthmus.shell.commands.report import read_labels

SHOWN = 10
OF_THRESHOLDS = ("false_alarm_rate", "deviations")
"""Parameters of a threshold rule: a saved detector can be given others."""
_FDR = Allowed("", number="float", low=0, high=1, open_low=True, open_high=True)


@dataclass
class Task:
    """What is to be done.

    Attributes
    ----------
    first : what was typed first: normal data, or a detector.
    data, target, save : paths of the new data, of the verdicts, of the detector.
    labels : column of the new data, or a file.
    """

    first: str
    data: tuple[str, ...]
    target: str | None
    save: str | None
    labels: str | None
    fdr: float | None
    as_json: bool
    how: dict[str, Any]
    given: dict[str, Any] = field(default_factory=dict)


@click.command("detect")
@click.argument("first", metavar="NORMAL|DETECTOR")
@click.argument("data", nargs=-1, metavar="NEW...")
@click.option(
    "-o", "--output", "target", metavar="FILE", help="Write a line for each row of NEW: .csv, .tsv, .parquet, .npy ..."
)
@click.option("--save", metavar="DETECTOR", help="Write the detector, such as detector.safetensors.")
@click.option(
    "--fdr", type=flags.Typed("--fdr", _FDR), metavar="NUMBER",
    help="Flag rows together, so that on average at most this share of the flagged ones is flagged falsely.",
)  # fmt: skip
@click.option(
    "--labels", metavar="COLUMN|FILE",
    help="1 = anomaly, 0 = normal: a column of NEW, or a file with one. They only measure; the column is left out.",
)  # fmt: skip
@flags.json_option
@flags.read_options
@flags.parameter_flags(DetectorParameters)
@flags.parameter_flags(AutoencoderParameters, ("kinds",))
def command(
    first: str, data: tuple[str, ...], target: str | None, save: str | None, fdr: float | None, labels: str | None,
    as_json: bool, how: dict[str, Any], **parameters: Any,
) -> None:  # fmt: skip
    """Find rows that are unlike normal ones.

    Fits a detector to NORMAL and flags rows of NEW; or takes a detector that --save wrote and
    fits nothing. A part of NORMAL is set aside for the threshold, so the rate of false alarms is known.

    The file has columns row (from 1), score (higher is more anomalous), p_value, flag (1 or 0), reasons and far (1: far
    from every row of NORMAL). Without -o the most anomalous rows are printed.
    """
    context = click.get_current_context()
    task = Task(first, data, target, save, labels, fdr, as_json, how, flags.given(context, parameters))
    saved = inputs.is_model_file(first)
    if not data and (saved or save is None):
        raise click.UsageError("Missing argument 'NEW': name the rows to judge.", context)
    if not data and (target or labels or fdr is not None):
        raise click.UsageError("Missing argument 'NEW': -o, --labels and --fdr are about new rows.", context)
    _check_targets(task)
    (_by_saved if saved else _by_fit)(task)


def _check_targets(task: Task) -> None:
    """Refuse what cannot be written, before the work."""
    read = (task.first, *task.data)
    if task.target is not None:
        output.check(task.target, read)
    if task.save is not None:
        output.check_file(task.save, (*read, *([task.target] if task.target else [])))


def _by_fit(task: Task) -> None:
    """Fit a detector to normal rows, and use it."""
    from isthmus.models.detecting import sets_aside
    from isthmus.models.detector import AnomalyDetector
    from isthmus.models.verdicts import check_rate

    parameters = {name: value for name, value in task.given.items() if name != "kinds"}
    detector = AnomalyDetector(**parameters)
    _check_rule(detector, task.given)
    normal, new = _read_both(task)
    check_rate(detector, len(normal))
    truth = _truth(task, new)
    said = (*inputs.notes_of(normal), *inputs.notes_of(new))
    start = time.perf_counter()
    detector.fit(normal)
    seconds = time.perf_counter() - start
    for note in detector.notes_:
        if note not in said:  # those were said before the fit
            terminal.note(note)
    aside = len(detector.calibration_scores_) if sets_aside(len(normal)) else 0
    terminal.say(
        f"fitted a detector to {len(normal):,} rows in {seconds:.1f} s: {aside:,} of them set aside for the threshold, "
        f"seed {detector.seed_}", err=task.as_json,
    )  # fmt: skip
    _use(task, detector, new, truth, seconds)


def _by_saved(task: Task) -> None:
    """Use a detector from a file."""
    detector = inputs.load_detector(task.first)
    _set_threshold(detector, task)
    new = inputs.read_for(detector, task.data, labels=task.labels, **task.how)
    _use(task, detector, new, _truth(task, new), None)


def _check_rule(detector: Any, given: dict[str, Any]) -> None:
    """Refuse parameters of a rule other than the one that makes the threshold."""
    from isthmus.models.thresholding import OPTIONS, first_rule

    rule = first_rule(detector).name
    for name in OF_THRESHOLDS:
        if name in given and given[name] != "auto" and name not in OPTIONS[rule]:
            flag = "--" + name.replace("_", "-")
            which = "--contamination with a number" if rule == "share" else f"the rule {rule}"
            takers = " or ".join(other for other, takes in OPTIONS.items() if name in takes)
            raise ParameterError(f"{flag} is for --threshold {takers}; {which} does not use it.")


def _set_threshold(detector: Any, task: Task) -> None:
    """Give a fitted detector the threshold that was typed, if one was."""
    from isthmus.models.thresholding import OPTIONS

    wrong = [name for name in task.given if name not in (*OF_THRESHOLDS, "threshold", "progress")]
    if wrong:
        flag = "--" + wrong[0].replace("_", "-")
        raise ParameterError(
            f"{flag} is for a fit, and {task.first} was fitted already; give the normal rows in its place."
        )
    typed = {name: task.given[name] for name in OF_THRESHOLDS if name in task.given}
    if not typed and "threshold" not in task.given:
        return
    options = {name: value for name, value in typed.items() if value != "auto"}
    kept = detector.rule_.name if set(typed) <= set(OPTIONS[detector.rule_.name]) else "conformal"
    detector.set_threshold(task.given.get("threshold", kept), **options)


def _read_both(task: Task) -> tuple[Any, Any]:
    """Read the normal rows, and the new ones (None where there are none) with their columns; say what was noticed."""
    from isthmus.data.table import Table

    normal = _without(inputs.read_data((task.first,), kinds=task.given.get("kinds"), **task.how), task.labels)
    inputs.describe(normal, (task.first,), err=task.as_json)
    new = None
    if task.data:
        new = inputs.read_like(normal, task.data, **task.how)
        if isinstance(new, Table):
            known = set(normal.columns.column_names) if isinstance(normal, Table) else set()
            notes = inputs.notes_but(new, task.labels)
            new = new.with_notes(n for n in notes if not any(n.startswith(f"Column {name!r} ") for name in known))
        verdicts.check_alike(normal, new, task.data)
    for note in dict.fromkeys((*inputs.notes_of(normal), *inputs.notes_of(new))):
        terminal.note(note)
    return normal, new


def _without(rows: Any, labels: str | None) -> Any:
    """Normal rows without the column of labels, and without what was noticed about it."""
    from isthmus.data.table import Table

    if labels is None or not isinstance(rows, Table) or labels not in rows.columns.column_names:
        return rows
    marked = sum(value in (1, "1") for value in rows.columns[labels].to_pylist())
    if marked:
        terminal.note(
            f"{marked:,} of the {len(rows):,} normal rows are anomalies by {labels!r}; they are taken for normal. "
            "--contamination expects some."
        )
    kept = rows.select(name for name in rows.names if name != labels)
    return kept.with_notes(inputs.notes_but(rows, labels))


def _truth(task: Task, new: Any) -> Any:
    """Read which of the new rows are anomalies; None where that is not known."""
    from isthmus.models.verdicts import truth_of

    return None if task.labels is None else truth_of(read_labels(task.labels, new, task.data, task.how), len(new))


def _use(task: Task, detector: Any, new: Any, truth: Any, seconds: float | None) -> None:
    """Judge the new rows; write, print and save what is asked for."""
    record: dict[str, Any] = {
        "rows": None, "threshold": detector.threshold_, "rule": detector.rule_.name,
        "options": dict(detector.rule_.options), "false_alarms": verdicts.promised(detector), "seed": detector.seed_,
        "seconds": None if seconds is None else round(seconds, 3), "detector": task.save, "output": task.target,
        "notes": list(detector.notes_),
    }  # fmt: skip
    if new is None:
        terminal.pairs(verdicts.threshold_rows(detector), err=task.as_json)
    else:
        record |= _judged(task, detector, new, truth, saved=seconds is None)
    if task.save is not None:
        detector.save(task.save)
        kept = detector.scorer_.shape.n_reference
        holds = f": it holds {kept:,} of the normal rows (none with --reference-rows 0)" if kept else ""
        terminal.say(f"saved {task.save}{holds}", err=task.as_json, color="green")
    _suggest(task, saved=seconds is None, pictures=inputs.is_of_pictures(detector))
    if task.as_json:
        terminal.say_json(record)


def _judged(task: Task, detector: Any, new: Any, truth: Any, *, saved: bool) -> dict[str, Any]:
    """Judge the new rows, write and print what comes of it; give it for JSON."""
    from isthmus.models.verdicts import judge

    found, files = judge(detector, new, task.fdr), inputs.files_of(new)
    _note(detector, new, found, task.fdr, saved=saved)
    lines = [] if inputs.is_of_pictures(detector) else verdicts.lines_of(detector, new, _explained(found))
    if task.target is not None:
        numbers = inputs.is_of_pictures(detector) or task.target.lower().endswith(output.ARRAYS)
        columns = verdicts.columns_of(found, None if numbers else verdicts.in_words(lines))
        output.write_rows(task.target, columns, files=files)
    n, flagged = len(found.scores), int(found.flagged.sum())
    title = f"{inputs.named(task.data)}: {flagged:,} of {n:,} rows flagged ({100 * flagged / n:.1f} %)"
    terminal.say(title, err=task.as_json, bold=True)
    terminal.pairs(verdicts.threshold_rows(detector, task.fdr), err=task.as_json)
    figures = None if truth is None else _measured(task, found, truth)
    shown = found.worst_first()[:SHOWN].tolist()
    if task.target is None:
        terminal.say("most anomalous rows", err=task.as_json, bold=True)
        verdicts.show_rows(found, shown, verdicts.in_words(lines, verdicts.SHOWN_REASONS), files, err=task.as_json)
    else:
        terminal.say(f"wrote {task.target}: {n:,} rows", err=task.as_json, color="green")
    keys = ("column", "seen", "expected", "share")
    worst = [
        {
            **verdicts.record_of(found, place, files),
            "reasons": [{key: line[key] for key in keys} for line in lines if line["row"] == place],
        }
        for place in shown
    ]
    judged = {"rows": n, "flagged": flagged, "fdr": task.fdr, "worst": worst}
    return judged if figures is None else {**judged, "measured": figures}


def _explained(found: Any) -> Any:
    """The flagged rows that are explained."""
    from isthmus.models.explaining import MOST_ROWS

    places = found.worst_flagged()
    if len(places) > MOST_ROWS:
        terminal.note(f"only the {MOST_ROWS:,} most anomalous of the {len(places):,} flagged rows are given reasons.")
    return places[:MOST_ROWS]


def _measured(task: Task, found: Any, truth: Any) -> Any:
    """Print how scores and flags meet the labels; give it for JSON."""
    from isthmus.models.verdicts import measured

    figures, anomalies = measured(found, truth), int(truth.sum())
    terminal.say(
        f"against {task.labels}: {anomalies:,} of {len(truth):,} rows are anomalies", err=task.as_json, bold=True
    )
    terminal.pairs(verdicts.measured_rows(figures, anomalies, len(truth)), err=task.as_json)
    return figures


def _note(detector: Any, new: Any, found: Any, fdr: float | None, *, saved: bool) -> None:
    """Say where the rows are too few for an ``fdr``, and of a saved detector, where the data have changed since its fit."""
    from isthmus import conformal
    from isthmus.models.verdicts import moved

    reason = fdr and conformal.cannot_discover(len(detector.calibration_scores_), fdr, len(found.scores))
    if reason:
        terminal.note(reason)
    if saved and (words := moved(detector, new, found.scores)):
        terminal.note(words)


def _suggest(task: Task, *, saved: bool, pictures: bool) -> None:
    """Print what to type next."""
    words = flags.typed_again(task.how)
    new = (*(task.data if 0 < len(task.data) <= 3 else ("NEW",)), *words)  # more would not fit a line
    if task.save is None and not saved:
        again = ("detect", task.first, *new, "--save", f"detector{inputs.MODEL_SUFFIX}")
        terminal.suggest(again, err=task.as_json)
        return
    detector = task.save or task.first
    heat = ("-o", "heat/") if pictures else ()
    file = ("report", "report.html") if task.target else ("detect", "flagged.csv")
    terminal.suggest(
        ("explain", detector, *new, *heat), (file[0], detector, *new, "-o", file[1]), err=task.as_json
    )  # fmt: skip
