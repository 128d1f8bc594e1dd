"""``isthmus score``: the error of each row, and PCA's beside ours; of a detector, the anomaly score of each."""

from __future__ import annotations

import heapq
from typing import Any

import click

from isthmus.shell import flags, inputs, output, results, terminal, verdicts

WORST = 5


@click.command("score")
@click.argument("model")
@flags.data_argument
@click.option(
    "-o", "--output", "target", metavar="FILE", help="Also write the figures of each row: .csv, .parquet, .npy ..."
)
@flags.json_option
@flags.read_options
def command(model: str, data: tuple[str, ...], target: str | None, as_json: bool, how: dict[str, Any]) -> None:
    """Measure the error of each row of DATA.

    PCA's error on the same rows stands beside it. An error of 0 is perfect, 1 is as good as always guessing the
    average of the training rows; the share explained is 1 minus the error. Rows are counted from 1.
    For a model that restores, rows are spoiled as in training first.

    Of a detector (isthmus detect --save): the anomaly score of each row, higher is more anomalous, and its p-value.
    """
    fitted = inputs.load_model(model)
    if target is not None:
        output.check(target, (model, *data))
    rows = inputs.read_for(fitted, data, **how)
    (_by_detector if inputs.is_detector(fitted) else _by_autoencoder)(fitted, rows, data, target, as_json=as_json)


def _by_autoencoder(fitted: Any, rows: Any, data: tuple[str, ...], target: str | None, *, as_json: bool) -> None:
    """Write and print the errors of rows."""
    from isthmus.models.summary import size_of_pca

    errors, found = results.scored(fitted, rows)
    files = inputs.files_of(rows)
    if target is not None:
        columns = {"row": _numbers(len(errors)), "error": errors, "share_explained": 1 - errors}
        output.write_rows(target, columns, files=files)
    worst = heapq.nlargest(WORST, range(len(errors)), key=errors.tolist().__getitem__)
    if inputs.restores(fitted) and fitted.corruption_ is None:
        terminal.note(
            "the model was fitted to pairs, so the rows were taken as they are; isthmus denoise --clean measures restoration."
        )
    title = f"{inputs.named(data)}: {_rows(fitted, len(errors))}, {100 * (1 - (found['error'] or 0.0)):.1f} % explained"
    _tell(title, results.comparison_rows(found, size_of_pca(fitted.plan_)), errors, worst, files, err=as_json)
    if target is not None:
        terminal.say(f"wrote {target}: {len(errors):,} rows", err=as_json, color="green")
    if as_json:
        shown = [{"row": place + 1, "error": float(errors[place])} for place in worst]
        terminal.say_json({"rows": len(errors), **found, "worst": shown, "output": target})


def _by_detector(detector: Any, rows: Any, data: tuple[str, ...], target: str | None, *, as_json: bool) -> None:
    """Write and print the anomaly scores of rows."""
    from isthmus.models.verdicts import judge

    found, files = judge(detector, rows), inputs.files_of(rows)
    n, flagged = len(found.scores), int(found.flagged.sum())
    if target is not None:
        columns = {"row": _numbers(n), "score": found.scores, "p_value": found.p_values}
        output.write_rows(target, columns, files=files)
    title = f"{inputs.named(data)}: {n:,} rows, {flagged:,} above the threshold"
    terminal.say(title, err=as_json, bold=True)
    terminal.pairs(verdicts.threshold_rows(detector), err=as_json)
    terminal.say(f"most anomalous rows ({verdicts.HIGHER})", err=as_json, bold=True)
    worst = found.worst_first()[:WORST].tolist()
    verdicts.show_rows(found, worst, {}, files, err=as_json)
    if target is not None:
        terminal.say(f"wrote {target}: {n:,} rows", err=as_json, color="green")
    if as_json:
        listed = [verdicts.record_of(found, place, files) for place in worst]
        record = {"rows": n, "flagged": flagged, "threshold": detector.threshold_}
        terminal.say_json({**record, "worst": listed, "output": target})


def _rows(model: Any, count: int) -> str:
    """How many rows, and what was done to them."""
    spoiled = ", spoiled as in training and restored" if getattr(model, "corruption_", None) else ""
    return f"{count:,} rows{spoiled}"


def _tell(title: str, means: Any, errors: Any, worst: list[int], files: tuple[str, ...], *, err: bool) -> None:
    """Print the means and the worst rows."""
    terminal.say(title, err=err, bold=True)
    terminal.pairs(means, err=err)
    terminal.say("worst rows", err=err, bold=True)
    header = ("row", "error", "share explained", *(["file"] if files else []))
    cells = [
        (f"{place + 1}", f"{errors[place]:.4g}", f"{100 * (1 - errors[place]):.1f} %", *(files[place : place + 1]))
        for place in worst
    ]
    terminal.grid(header, cells, err=err)


def _numbers(count: int) -> Any:
    import numpy as np

    return np.arange(1, count + 1)
