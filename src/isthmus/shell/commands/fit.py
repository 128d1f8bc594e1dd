"""``isthmus fit``: data to a model file, compared with PCA on rows that were held out."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

import click

from isthmus.errors import ParameterError, RunChangedError, UserError
from isthmus.parameters import DenoisingParameters
from isthmus.shell import flags, inputs, output, results, terminal

_SHOWN_PATHS = 3


@click.command("fit")
@flags.data_argument
@click.option("-o", "--output", "target", metavar="MODEL", help="The model file to write, such as model.safetensors.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and write nothing.")
@click.option(
    "--clean",
    metavar="DATA2",
    help="The clean form of DATA, in the same order: the model then restores rows like DATA.",
)
@click.option("--report", "report_path", metavar="FILE.html", help="Write a report on the same data, too.")
@flags.json_option
@flags.read_options
@flags.parameter_flags(DenoisingParameters)
def command(
    data: tuple[str, ...],
    target: str | None,
    dry_run: bool,
    clean: str | None,
    report_path: str | None,
    as_json: bool,
    how: dict[str, Any],
    **parameters: Any,
) -> None:
    """Fit an autoencoder to DATA.

    The result is one model file, with the preparation of the data inside it. With
    --corruption or --clean the model learns to restore what is spoiled.

    DATA is a CSV, TSV, Parquet, Arrow, NPY, NPZ or IDX file (text and IDX also as .gz), a folder of pictures, or
    several files of one format. Each "auto" is chosen by a fixed rule from the data; --dry-run shows what it becomes.
    """
    context = click.get_current_context()
    if target is None and not dry_run:
        raise click.UsageError(
            "Missing option '-o': name the model file to write, such as -o model.safetensors.", context
        )
    read = (*data, *((clean,) if clean else ()))
    if target is not None:
        output.check_file(target, read)
    if report_path is not None:
        output.check_file(report_path, (*read, *((target,) if target else ())))
    given = flags.given(context, parameters)
    by_default = "run_dir" not in given and target is not None and not dry_run and _is_free(f"{target}.run")
    model = _unfitted({**given, "run_dir": f"{target}.run"} if by_default else given, paired=clean is not None)
    rows, spoiled = _read(data, clean, {"kinds": given.get("kinds"), **how}, err=as_json)
    if dry_run:
        _show_plan(model.plan(rows), rows, as_json=as_json)
        return
    for note in inputs.notes_of(rows):
        terminal.note(note)
    seconds = _fit(model, rows, spoiled, target if by_default else None)
    found = results.on_held_out(model, rows, spoiled)
    model.save(str(target))
    if report_path is not None:
        from isthmus.views.report import report

        report(model, rows if spoiled is None else spoiled, report_path, clean=None if spoiled is None else rows)
    if by_default and not model.resumed_from_step_ and seconds < model.checkpoint_seconds:
        _discard(model, whole=True)
    _tell(model, found, seconds, target, err=as_json)
    _suggest(model, str(target), data, how, (report_path, clean), err=as_json)
    if as_json:
        terminal.say_json(_record(model, rows, found, seconds, target))


def _unfitted(given: dict[str, Any], *, paired: bool) -> Any:
    """The estimator that the flags ask for: one that restores where they name a corruption or clean rows."""
    if "corruption" not in given and not paired:
        if given.get("network") == "unet":
            raise ParameterError(
                '--network unet restores spoiled pictures; add --corruption, such as --corruption "gaussian-noise 0.2", or '
                "--clean with the clean form of DATA."
            )
        from isthmus.models.autoencoder import Autoencoder

        return Autoencoder(**given)
    from isthmus.corruptions import from_text
    from isthmus.models.denoising import DenoisingAutoencoder

    text = given.get("corruption", "auto")
    return DenoisingAutoencoder(**{**given, "corruption": text if text == "auto" else from_text(text)})


def _read(data: tuple[str, ...], clean: str | None, how: dict[str, Any], *, err: bool) -> tuple[Any, Any]:
    """Read the rows to fit, and their spoiled form where there is a clean one; say what they are."""
    if clean is None:
        rows = inputs.read_data(data, **how)
        inputs.describe(rows, data, err=err)
        return rows, None
    rows = inputs.read_data((clean,), **how)
    inputs.describe(rows, (clean,), err=err)
    spoiled = inputs.read_like(rows, data, **how)
    inputs.check_pairs(spoiled, rows, data, clean)
    return rows, spoiled


def _is_free(path: str) -> bool:
    """Whether a run directory may be there; a note where something else is."""
    from isthmus.files.run_folder import may_hold_a_run

    if may_hold_a_run(Path(path)):
        return True
    terminal.note(f"'{path}' is there and no run directory, so the fit keeps no state; name one with --run-dir.")
    return False


def _discard(model: Any, *, whole: bool = False) -> None:
    """Take away the run directory that nobody asked for; what stands in the way is no reason to fail."""
    from isthmus.files.run_folder import discard

    with contextlib.suppress(UserError):
        discard(model.run_dir, whole=whole)


def _fit(model: Any, rows: Any, spoiled: Any, beside: str | None) -> float:
    """Fit, say what was noticed in the fit, and give the seconds that it took.

    ``beside``: the model file, where nobody asked for the run directory beside it. A finished fit in it that differs gives way, if
    its model was written.
    """
    start, seen = time.perf_counter(), (rows,) if spoiled is None else (spoiled, rows)
    try:
        model.fit(*seen)
    except RunChangedError as error:
        if beside is None or not error.finished or not Path(beside).exists():
            raise
        model.set_params(fresh=True).fit(*seen)
    except BaseException:
        if beside is not None:
            _discard(model)
        raise
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
    from isthmus.models.summary import best_epoch, latent_words, size_of_pca

    kept, last = best_epoch(model.history_)["epoch"], model.history_[-1]["epoch"]
    plan = model.plan_
    terminal.say(
        f"fitted a {plan.network} network in {seconds:.1f} s: {latent_words(model.latent_dim_)}, "
        f"weights of epoch {kept:.0f} of {last:.0f}, seed {model.seed_}", err=err,
    )  # fmt: skip
    if model.resumed_from_step_:
        terminal.say(f"it went on from step {model.resumed_from_step_:,}", err=err)
    if kept == 0 and plan.anchored:
        terminal.say("PCA was kept: training found nothing that is surely better", err=err)
    held = (
        f"{plan.validation_rows:,} row{'s' * (plan.validation_rows != 1)} held out"
        if plan.validation_rows
        else "rows of the fit, as none were held out"
    )
    terminal.say(f"{'restoration' if inputs.restores(model) else 'reconstruction'}, on {held}", err=err, bold=True)
    terminal.pairs(results.comparison_rows(found, size_of_pca(plan)), err=err)
    terminal.say(f"saved {target}", err=err, color="green")


def _suggest(
    model: Any,
    target: str,
    data: tuple[str, ...],
    how: dict[str, Any],
    others: tuple[str | None, str | None],
    *,
    err: bool,
) -> None:
    """Print what to type next; data are read again the way they were read. ``others``: the report, and clean rows."""
    report_path, clean = others
    if report_path is not None:
        terminal.say(f"wrote {report_path}", err=err, color="green")
    shown = (*(data if len(data) <= _SHOWN_PATHS else ("DATA",)), *flags.typed_again(how))
    pairs = ("--clean", clean) if clean else ()
    again = () if report_path else (("report", target, *shown, *pairs, "-o", "report.html"),)
    out = "restored/" if inputs.is_of_pictures(model) else "restored.csv"
    use = ("encode", target, *shown, "-o", "latents.csv")
    if inputs.restores(model):
        use = ("denoise", target, *shown, *(pairs or ("--spoil",)), "-o", out)
    terminal.suggest(*again, use, ("inspect", target), err=err)


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
        **{name: found[name] for name in ("untouched_error", "psnr", "untouched_psnr") if name in found},
        "seconds": round(seconds, 3),
        "resumed_from_step": model.resumed_from_step_,
        "notes": list(dict.fromkeys((*inputs.notes_of(rows), *model.notes_))),
    }


def _columns(rows: Any) -> int:
    """Columns in use, or the values of one picture."""
    count = 1
    for side in rows.shape[1:]:
        count *= int(side)
    return count
