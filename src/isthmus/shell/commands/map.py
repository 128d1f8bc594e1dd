"""``isthmus map``: where each row lies in the latent, as a picture, and what lies along one coordinate."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import click

from isthmus import atomic
from isthmus.errors import OutputError, ParameterError
from isthmus.shell import flags, inputs, output, terminal
from isthmus.shell.commands.report import read_labels
from isthmus.shell.commands.similar import values_of

SHOWN_COLUMNS = 8
TABLE_STEPS, PICTURE_STEPS = 5, 9
MOST_IN_A_TABLE = 40
"""Columns of an array up to which a walk is a table of numbers; more are drawn as curves."""


@click.command("map")
@click.argument("model")
@flags.data_argument
@click.option(
    "-o", "--output", "target", default="map.png", show_default=True, metavar="FILE.png", help="The picture to write."
)
@click.option("--labels", metavar="COLUMN|FILE", help="Colours: a column of DATA, or a file with one label per row.")
@click.option(
    "--dims", type=click.IntRange(2, 3), default=2, show_default=True, help="A flat map, or one in space."
)  # fmt: skip
@click.option(
    "--walk", type=click.IntRange(0), metavar="N",
    help="Also decode what lies along the coordinate latentN, from low to high.",
)  # fmt: skip
@click.option(
    "--around", type=click.IntRange(1), metavar="ROW",
    help="Where a walk leaves the other coordinates: at this row of DATA, counted from 1.  [default: their mean]",
)  # fmt: skip
@flags.read_options
def command(
    model: str, data: tuple[str, ...], target: str, labels: str | None, dims: int, walk: int | None,
    around: int | None, how: dict[str, Any],
) -> None:  # fmt: skip
    """Draw where the rows of DATA lie in the latent.

    Each row is a point; rows that the model finds alike lie close. A latent of more
    numbers than the picture has directions is drawn on its main axes.
    """
    fitted = inputs.load_autoencoder(model)
    beside = _check_targets(target, walk, around, (model, *data))
    rows = inputs.read_for(fitted, data, **how)
    colours = None if labels is None else read_labels(labels, rows, data, how)
    from isthmus.models.latents import latents_of
    from isthmus.views.latent import map_png

    drawn = map_png(latents_of(fitted, rows), colours, dims=dims)
    along = None if walk is None else _walk(fitted, rows, walk, around)
    atomic.write_bytes(target, drawn)
    terminal.say(f"wrote {target}: {len(rows):,} rows", color="green")
    if along is not None and walk is not None:
        _show_walk(fitted, along, walk, beside)


def _check_targets(target: str, walk: int | None, around: int | None, read: tuple[str, ...]) -> str:
    """Refuse what cannot be written, before the work; give the name of the picture of the walk."""
    path = PurePath(target)
    if path.suffix.lower() != ".png":
        raise OutputError(f"Cannot write {target!r}: a map is a picture; give it a name that ends in .png.")
    if around is not None and walk is None:
        raise ParameterError("--around says where a walk goes; say along which coordinate with --walk N.")
    output.check_file(target, read)
    beside = str(path.with_name(f"{path.stem}-latent{walk}.png"))
    if walk is not None:
        output.check_file(beside, read)
    return beside


def _walk(model: Any, rows: Any, coordinate: int, around: int | None) -> Any:
    from isthmus.models.traversal import traverse

    if coordinate >= model.latent_dim_:
        raise ParameterError(
            f"--walk {coordinate}: the model has latent0 to latent{model.latent_dim_ - 1}; name one of them by its number."
        )
    if around is not None and around > len(rows):
        raise ParameterError(f"--around {around}: there are {len(rows):,} rows; name one of them, counted from 1.")
    steps = TABLE_STEPS if _is_small_table(model) else PICTURE_STEPS
    return traverse(model, rows, coordinate, around=None if around is None else around - 1, steps=steps)


def _is_small_table(model: Any) -> bool:
    if inputs.is_of_pictures(model):
        return False
    return bool(model.encoder_.names) or len(model.encoder_.kinds) <= MOST_IN_A_TABLE


def _show_walk(model: Any, walk: Any, coordinate: int, beside: str) -> None:
    """Write the decoded pictures or curves; print the columns of a table that change most."""
    if _is_small_table(model):
        _print_walk(model, walk, coordinate)
        return
    from isthmus.views.charts import as_png
    from isthmus.views.latent import walk_chart, walk_strip
    from isthmus.views.pictures import sheet_png

    pictures = inputs.is_of_pictures(model)
    drawn = sheet_png(walk_strip(model, walk, coordinate)) if pictures else as_png(walk_chart(walk, coordinate))
    atomic.write_bytes(beside, drawn)
    terminal.say(f"wrote {beside}: {len(walk.values)} steps along latent{coordinate}", color="green")


def _print_walk(model: Any, walk: Any, coordinate: int) -> None:
    from isthmus.models.traversal import column_changes
    from isthmus.views.words import cell, number

    changes = column_changes(model, walk.rows)
    columns = list(values_of(walk.rows).items())
    order = sorted(range(len(columns)), key=lambda place: -changes[place])[:SHOWN_COLUMNS]
    some = f", the {len(order)} of {len(columns)} columns that change most" if len(order) < len(columns) else ""
    terminal.say(f"along latent{coordinate}, from low to high{some}:", bold=True)
    header = ("column", *(number(float(value), 3) for value in walk.values))
    cells = [(columns[place][0], *(cell(value) for value in columns[place][1])) for place in order]
    terminal.grid(header, cells)
