"""``isthmus fit``: data to a model file, compared with PCA on rows that were held out."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import click

from isthmus.parameters import AutoencoderParameters
from isthmus.shell import flags, inputs, output, results, terminal

_SHOWN_PATHS = 3


@click.command("fit")
@flags.data_argument
@click.option("-o", "--output", "target", metavar="MODEL", help="The model file to write, such as model.safetensors.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and write nothing.")
@click.option("--report", "report_path", metavar="FILE.html", help="Write a report on the same data, too.")
@flags.json_option
@flags.read_options
@flags.parameter_flags(AutoencoderParameters)
def command(
    data: tuple[str, ...],
    target: str | None,
    dry_run: bool,
    report_path: str | None,
    as_json: bool,
    how: dict[str, Any],
    **parameters: Any,
) -> None:
    """Fit an autoencoder to DATA.

    The result is one model file, with the preparation of the data inside it.

    DATA is a CSV, TSV, Parquet, Arrow, NPY, NPZ or IDX file (text and IDX also as .gz), a folder of pictures, or
    several files of one format. Each "auto" is chosen by a fixed rule from the data; --dry-run shows what it becomes.
    """
    context = click.get_current_context()
    if target is None and not dry_run:
        raise click.UsageError(
            "Missing option '-o': name the model file to write, such as -o model.safetensors.", context
        )
    if target is not None:
        output.check_file(target, data)
    if report_path is not None:
        output.check_file(report_path, (*data, *((target,) if target else ())))
    given = flags.given(context, parameters)
    from isthmus.models.autoencoder import Autoencoder

    model = Autoencoder(**given)
    rows = inputs.read_data(data, kinds=given.get("kinds"), **how)
    inputs.describe(rows, data, err=as_json)
    if dry_run:
        _show_plan(model.plan(rows), rows, as_json=as_json)
        return
    for note in inputs.notes_of(rows):
        terminal.note(note)
    seconds = _fit(model, rows)
    found = results.on_held_out(model, rows)
    model.save(str(target))
    if report_path is not None:
        from isthmus.views.report import report

        report(model, rows, report_path)
    _tell(model, found, seconds, target, err=as_json)
    _suggest(str(target), data, how, report_path, err=as_json)
    if as_json:
        terminal.say_json(_record(model, rows, found, seconds, target))


def _fit(model: Any, rows: Any) -> float:
    """Fit, say what was noticed in the fit, and give the seconds that it took."""
    start = time.perf_counter()
    model.fit(rows)
    seconds = time.perf_counter() - start
    for note in model.notes_:
        if note not in inputs.notes_of(rows):  # those were said before the fit
            terminal.note(note)
    return seconds


def _show_plan(plan: Any, rows: Any, *, as_json: bool) -> None:
    from isthmus.models.inputs import notes_on
    from isthmus.models.summary import plan_rows

    notes = list(dict.fromkeys((*inputs.notes_of(rows), *notes_on(getattr(rows, "array", rows)), *plan.notes)))
    for note in notes:
        terminal.note(note)
    if as_json:
        chosen = {name: value for name, value in dataclasses.asdict(plan).items() if name != "notes"}
        terminal.say_json({"rows": len(rows), "columns": _columns(rows), "plan": chosen, "notes": notes})
        return
    terminal.say("plan", bold=True)
    terminal.pairs(plan_rows(plan))
    terminal.say("nothing was fitted or written (--dry-run)")


def _tell(model: Any, found: Any, seconds: float, target: str | None, *, err: bool) -> None:
    """Print what came of the fit."""
    from isthmus.models.summary import best_epoch

    kept, last = best_epoch(model.history_)["epoch"], model.history_[-1]["epoch"]
    plan = model.plan_
    terminal.say(
        f"fitted a {plan.network} network in {seconds:.1f} s: latent size {plan.latent_dim}, "
        f"weights of epoch {kept:.0f} of {last:.0f}, seed {model.seed_}", err=err,
    )  # fmt: skip
    if kept == 0 and plan.anchored:
        terminal.say("PCA was kept: training found nothing that is surely better", err=err)
    held = (
        f"{plan.validation_rows:,} row{'s' * (plan.validation_rows != 1)} held out"
        if plan.validation_rows
        else "rows of the fit, as none were held out"
    )
    terminal.say(f"reconstruction, on {held}", err=err, bold=True)
    terminal.pairs(results.comparison_rows(found), err=err)
    terminal.say(f"saved {target}", err=err, color="green")


def _suggest(target: str, data: tuple[str, ...], how: dict[str, Any], report_path: str | None, *, err: bool) -> None:
    """Print what to type next; data are read again the way they were read."""
    if report_path is not None:
        terminal.say(f"wrote {report_path}", err=err, color="green")
    shown = (*(data if len(data) <= _SHOWN_PATHS else ("DATA",)), *flags.typed_again(how))
    again = () if report_path else (("report", target, *shown, "-o", "report.html"),)
    terminal.suggest(*again, ("encode", target, *shown, "-o", "latents.csv"), ("inspect", target), err=err)


def _record(model: Any, rows: Any, found: Any, seconds: float, target: str | None) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "model": target,
        "rows": len(rows),
        "columns": _columns(rows),
        "latent_dim": model.latent_dim_,
        "seed": model.seed_,
        "epochs": int(model.history_[-1]["epoch"]),
        "validation_error": found["error"],
        "pca_error": found["pca_error"],
        "ratio": found["ratio"],
        "seconds": round(seconds, 3),
        "resumed_from_step": 0,
        "notes": list(dict.fromkeys((*inputs.notes_of(rows), *model.notes_))),
    }


def _columns(rows: Any) -> int:
    """Columns in use, or the values of one picture."""
    count = 1
    for side in rows.shape[1:]:
        count *= int(side)
    return count
