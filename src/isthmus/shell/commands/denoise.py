"""``isthmus denoise``: spoiled pictures or rows to restored ones, beside classical filters where the clean ones are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import click

from isthmus.errors import DataError, OutputError
from isthmus.shell import flags, inputs, output, results, terminal


@dataclass(frozen=True)
class Part:
    """Pictures of one size.

    Attributes
    ----------
    given : what is restored, (n, height, width), or with channels.
    files : the file of each, or none.
    clean : what should come of them, where that is known.
    """

    given: Any
    files: tuple[str, ...]
    clean: Any = None


@click.command("denoise")
@click.argument("model")
@flags.data_argument
@flags.decoded_option
@click.option("--clean", metavar="CLEAN", help="The clean form of DATA: say how near to it the restored rows come.")
@click.option("--spoil", is_flag=True, help="Spoil DATA first, as in training, to see what the model does.")
@flags.json_option
@flags.read_options
def command(
    model: str, data: tuple[str, ...], target: str, clean: str | None, spoil: bool, as_json: bool, how: dict[str, Any]
) -> None:
    """Restore DATA with a model that was fitted to do so.

    Takes off noise, fills holes, gives colour back: whatever --corruption or --clean of isthmus
    fit taught it. Pictures may have another size than those of the fit, and several sizes if OUT
    is a folder. With --clean or --spoil, classical filters stand beside the model.
    """
    if spoil and clean:
        raise click.UsageError("--spoil makes the spoiled form of DATA itself; leave out --clean.")
    fitted = inputs.load_denoiser(model)
    pictures = inputs.is_of_pictures(fitted)
    output.check(target, (model, *data, *((clean,) if clean else ())), pictures=pictures)
    restore = _restore_pictures if pictures else _restore_rows
    record = restore(fitted, data, clean, target, spoil=spoil, how=how, err=as_json)
    if as_json:
        terminal.say_json({**record, "output": target})


def _restore_rows(
    model: Any, data: tuple[str, ...], clean: str | None, target: str, *, spoil: bool, how: dict[str, Any], err: bool
) -> dict[str, Any]:
    """Restore rows of a table; give what ``--json`` prints."""
    from isthmus.models.restoring import restoration
    from isthmus.models.summary import size_of_pca
    from isthmus.models.trial import Trial

    rows = inputs.read_for(model, data, **how)
    found: dict[str, float | None] = {}
    if clean is not None:
        truth = inputs.read_for(model, (clean,), **how)
        inputs.check_pairs(rows, truth, data, clean)
        found = restoration(model, rows, truth)
    elif spoil:
        found = restoration(model, rows)
    restored = Trial(model, rows).restored() if spoil else model.denoise(rows)
    written = results.write_decoded(model, restored, target)
    terminal.say(f"wrote {target}: {written}", err=err, color="green")
    if found:
        terminal.say(f"restoration of {len(rows):,} rows", err=err, bold=True)
        terminal.pairs(results.comparison_rows(found, size_of_pca(model.plan_)), err=err)
    record: dict[str, Any] = {"rows": len(rows)}
    return record | {name: found[name] for name in ("error", "pca_error", "ratio") if name in found}


def _restore_pictures(
    model: Any, data: tuple[str, ...], clean: str | None, target: str, *, spoil: bool, how: dict[str, Any], err: bool
) -> dict[str, Any]:
    """Restore pictures, those of each size together; give what ``--json`` prints."""
    from isthmus.models.restoring import filters_beside, spoil_pictures

    parts = _read(model, data, how)
    if len(parts) > 1 and not output.is_folder(target):
        raise OutputError(
            f"Cannot write {target!r}: the pictures have {len(parts)} sizes, which only a folder can hold (a name that ends "
            "in /); or stretch them to one with --size."
        )
    if clean is not None:
        parts = _with_clean(parts, _read(model, (clean,), how), inputs.named(data), clean)
    elif spoil:
        parts = [replace(part, given=spoil_pictures(model, part.given), clean=part.given) for part in parts]
    restored = [model.denoise(part.given) for part in parts]
    count = sum(len(part.given) for part in parts)
    terminal.say(f"wrote {target}: {_write(model, parts, restored, target, spoil=spoil)}", err=err, color="green")
    if parts[0].clean is None:
        return {"rows": count}
    known = [(part.given, part.clean, made) for part, made in zip(parts, restored, strict=True)]
    rows = filters_beside(model, known, by_model=spoil)
    _tell(rows, count, err=err)
    keys = ("name", "mse", "psnr", "ssim", "pictures", "note")
    return {"rows": count, "compared": [{key: getattr(row, key) for key in keys} for row in rows]}


def _read(model: Any, paths: tuple[str, ...], how: dict[str, Any]) -> list[Part]:
    """Read pictures, those of each size apart, with the channels that the model takes."""
    from isthmus.models.restoring import as_at_fit

    read = inputs.read_sizes_for(model, paths, **how)
    # What comes from files has no axis for one channel and never has channels first; an array has the axes of its owner.
    return [
        Part(as_at_fit(model, part.array) if hasattr(part, "array") else part, inputs.files_of(part)) for part in read
    ]


def _with_clean(parts: Sequence[Part], clean: Sequence[Part], name: str, clean_name: str) -> list[Part]:
    """The parts with their clean form: in order where all names agree or there are none, else by the names of the files."""
    if len(parts) == len(clean) == 1 and (not (parts[0].files and clean[0].files) or _stems(parts) == _stems(clean)):
        if parts[0].given.shape != clean[0].given.shape:
            shapes = [" x ".join(f"{side:,}" for side in part[0].given.shape) for part in (parts, clean)]
            raise DataError(f"{name} holds {shapes[0]} values, {clean_name} {shapes[1]}; they must be pairs.")
        return [replace(parts[0], clean=clean[0].given)]
    places = [(part, i) for part in clean for i in range(len(part.files))]
    found = dict(zip(_stems(clean), places, strict=True))
    if len(found) < len(places):
        raise DataError(f"{clean_name} has several pictures of one name, so it is not known which belong together.")
    paired = []
    for part in parts:
        truth = []
        for stem in _stems([part]) or [name]:
            other, i = found.get(stem, (None, 0))
            if other is None or other.given.shape[1:] != part.given.shape[1:]:
                size = "" if other is None else " of its size"
                raise DataError(f"{clean_name} has no picture{size} for {stem!r}; pairs need the same names.")
            truth.append(other.given[i : i + 1])
        paired.append(replace(part, clean=_stacked(truth)))
    return paired


def _stems(parts: Sequence[Part]) -> list[str]:
    """Names of the files of all parts, without folder and suffix."""
    return [PurePath(file).stem for part in parts for file in part.files]


def _stacked(pictures: Sequence[Any]) -> Any:
    import numpy as np

    return np.concatenate(pictures)


def _write(model: Any, parts: Sequence[Part], restored: Sequence[Any], target: str, *, spoil: bool) -> str:
    """Write restored pictures; on a sheet of spoiled ones, the clean and the spoiled form stand beside each."""
    files = [file for part in parts for file in part.files]
    if len(parts) > 1:
        return f"{results.write_restored(model, restored, target, files)}, in {len(parts)} sizes"
    if spoil and output.is_sheet(target):
        return results.write_beside(model, (parts[0].clean, parts[0].given, restored[0]), target)
    return results.write_decoded(model, restored[0], target, files)


def _tell(rows: Sequence[Any], count: int, *, err: bool) -> None:
    """Print the table of filters, and which was best."""
    from isthmus.views.restored import cells, in_words

    if not rows:
        terminal.note("every picture has missing pixels, so nothing was compared.")
        return
    some = f"{max(row.pictures for row in rows):,} of " * (max(row.pictures for row in rows) < count)
    terminal.say(f"against the clean pictures, {some}{count:,}", err=err, bold=True)
    terminal.grid(("", "PSNR", "SSIM", "MSE"), [(row.name, *cells(row)) for row in rows], err=err)
    terminal.say(f"  {in_words(rows)}", err=err)
