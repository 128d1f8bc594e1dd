"""``isthmus explain``: why a detector finds rows anomalous; heat maps beside pictures."""

from __future__ import annotations

from typing import Any

import click

from isthmus import atomic
from isthmus.errors import OutputError, ParameterError
from isthmus.shell import flags, inputs, output, terminal, verdicts

SHOWN = 20
MOST_ON_A_SHEET = 12


@click.command("explain")
@click.argument("model", metavar="DETECTOR")
@flags.data_argument
@click.option(
    "-o", "--output", "target", metavar="OUT",
    help="Rows: .csv, .tsv, .parquet, .feather, .arrow. Pictures: .png (one sheet), folder/, .npy, .npz.",
)  # fmt: skip
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Columns listed for each row.")
@click.option("--row", type=click.IntRange(1), metavar="N", help="Explain this row, counted from 1, flagged or not.")
@flags.json_option
@flags.read_options
def command(
    model: str, data: tuple[str, ...], target: str | None, top: int, row: int | None, as_json: bool,
    how: dict[str, Any],
) -> None:  # fmt: skip
    """Say why rows of DATA are anomalous.

    For each flagged row: the columns that raise its score, what stands there, what was expected,
    and the share of the score that is theirs. DETECTOR is what isthmus detect --save wrote.

    Of pictures it draws where they are unlike normal ones: the most anomalous beside their heat maps on a sheet, every
    flagged one to a folder; an array holds the heat of every picture.
    """
    detector = inputs.load_detector(model)
    pictures = inputs.is_of_pictures(detector)
    if pictures and target is None:
        raise ParameterError("Say where the heat maps go: -o heat.png for one sheet, or -o heat/ for a file each.")
    if target is not None and pictures:
        output.check(target, (model, *data), pictures=True)
    elif target is not None:
        verdicts.check_reasons_file(target, (model, *data))
    rows = inputs.read_for(detector, data, **how)
    if row is not None and row > len(rows):
        raise ParameterError(f"--row {row}: {inputs.named(data)} has {len(rows):,} rows, counted from 1.")
    from isthmus.models.verdicts import judge

    found = judge(detector, rows)
    places = found.worst_flagged().tolist()[: _most()] if row is None else [row - 1]
    flagged = int(found.flagged.sum())
    terminal.say(f"{inputs.named(data)}: {flagged:,} of {len(rows):,} rows flagged", err=as_json, bold=True)
    terminal.pairs(verdicts.threshold_rows(detector), err=as_json)
    if pictures:
        explained = _say_pictures(detector, rows, found, places, str(target), err=as_json)
    else:
        explained = _say_rows(detector, rows, places, target, top=top, err=as_json)
    if as_json:
        record = {"rows": len(rows), "flagged": flagged, "threshold": detector.threshold_}
        terminal.say_json({**record, "explained": explained, "output": target})


def _most() -> int:
    from isthmus.models.explaining import MOST_ROWS

    return MOST_ROWS


def _say_rows(
    detector: Any, rows: Any, places: list[int], target: str | None, *, top: int, err: bool
) -> list[dict[str, Any]]:
    """Write and print the reasons for rows of a table; give them for JSON."""
    import numpy as np

    from isthmus.views.words import count

    lines = [{**line, "row": line["row"] + 1} for line in verdicts.lines_of(detector, rows, np.array(places), top)]
    if target is not None:
        output.write_rows(target, _columns(lines))
        terminal.say(
            f"wrote {target}: {count(len(lines), 'reason')} for {count(len(places), 'row')}", err=err, color="green"
        )
        return lines
    some = f" ({SHOWN} of {len(lines):,}; -o writes all)" if len(lines) > SHOWN else ""
    terminal.say(f"reasons, the most anomalous row first{some}", err=err, bold=True)
    words = verdicts.value_words
    cells = [
        (
            str(line["row"]), f"{line['score']:.4g}", f"{line['p_value']:.2g}", line["column"], words(line["seen"]),
            words(line["expected"]), f"{100 * line['share']:.0f} %", "yes" if line["far"] else "no",
        )
        for line in lines[:SHOWN]
    ]  # fmt: skip
    terminal.grid(("row", "score", "p-value", "column", "seen", "expected", "share", "far"), cells, err=err)
    return lines


def _columns(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Reasons as columns; values of different columns stand as text where they are not all numbers."""
    import pyarrow as pa

    from isthmus.models.explaining import COLUMNS

    found: dict[str, Any] = {}
    for key in COLUMNS:
        values = [line[key] for line in lines]
        if key in ("seen", "expected") and not all(value is None or isinstance(value, float) for value in values):
            values = [_text(value) for value in values]
        found[key] = pa.array([int(value) for value in values] if key == "far" else values, from_pandas=True)
    return found


def _text(value: Any) -> str | None:
    """A cell as text; a whole number without its point."""
    whole = isinstance(value, float) and value.is_integer()
    return None if value is None else str(int(value) if whole else value)


def _say_pictures(
    detector: Any, rows: Any, found: Any, places: list[int], target: str, *, err: bool
) -> list[dict[str, Any]]:
    """Write heat maps of pictures, beside them where that can be seen; give which for JSON."""
    import numpy as np

    from isthmus.models.explaining import explain
    from isthmus.views import heat
    from isthmus.views.pictures import sheet_png
    from isthmus.views.words import count

    files = inputs.files_of(rows)
    array = np.asarray(getattr(rows, "array", rows))
    as_numbers = not output.is_folder(target) and not output.is_sheet(target)
    chosen = np.arange(len(array)) if as_numbers and len(places) != 1 else np.array(places, dtype=np.int64)
    chosen = chosen[:MOST_ON_A_SHEET] if output.is_sheet(target) else chosen
    if not len(chosen):
        raise OutputError(f"Nothing to write to {target!r}: no picture is flagged. --row N explains one nevertheless.")
    maps = explain(detector, array[chosen])
    captions = [f"row {place + 1:,}\nscore {found.scores[place]:.3g}" for place in chosen.tolist()]
    if as_numbers:
        written = output.write_pictures(target, maps)
    elif output.is_sheet(target):
        atomic.write_bytes(target, sheet_png(heat.heat_strip(detector.encoder_, array[chosen], maps, chosen, captions)))
        written = f"{count(len(chosen), 'picture')} over heat maps"
    else:
        wide = heat.beside(heat.heat_strip(detector.encoder_, array[chosen], maps, chosen))
        names = [files[place] if files else f"row{place + 1}.png" for place in chosen.tolist()]
        written = f"{output.write_pictures(target, wide, files=names)} beside heat maps"
    terminal.say(f"wrote {target}: {written}", err=err, color="green")
    return [verdicts.record_of(found, place, files) for place in chosen.tolist()]
