"""``isthmus similar``: the rows or pictures that a model finds most like one."""

from __future__ import annotations

from typing import Any

import click

from isthmus import atomic
from isthmus.errors import OutputError, ParameterError
from isthmus.shell import flags, inputs, output, terminal
from isthmus.shell.results import decoded_columns

SHOWN_COLUMNS = 6


@click.command("similar")
@click.argument("model")
@flags.data_argument
@click.option("--row", type=click.IntRange(1), metavar="N", help="The row to compare with, counted from 1.")
@click.option("--to", metavar="FILE", help="Take that row from FILE, the first if --row is left out, not from DATA.")
@click.option("-k", "--count", "k", type=click.IntRange(1), default=5, show_default=True, help="How many to find.")
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Also write them: pictures to one .png, rows to .csv, .parquet ...",
)  # fmt: skip
@flags.json_option
@flags.read_options
def command(
    model: str, data: tuple[str, ...], row: int | None, to: str | None, k: int, target: str | None, as_json: bool,
    how: dict[str, Any],
) -> None:  # fmt: skip
    """Find the rows of DATA that are most like one row.

    Distances are those between latents: two rows are alike if the model keeps the same
    of both. A row of DATA is not compared with itself.
    """
    if row is None and to is None:
        raise ParameterError("Say which row to compare with: --row N, counted from 1, or --to FILE.")
    fitted = inputs.load_autoencoder(model)
    if target is not None:
        _check_target(target, (model, *data, *([to] if to else [])), inputs.is_of_pictures(fitted))
    rows = inputs.read_for(fitted, data, **how)
    source = rows if to is None else inputs.read_for(fitted, (to,), **how)
    place = (row or 1) - 1
    if place >= len(source):
        raise ParameterError(f"--row {row}: {to or inputs.named(data)} has {len(source):,} rows, counted from 1.")
    if k > len(rows) - (to is None):
        raise ParameterError(f"-k {k}: there are {len(rows) - (to is None):,} rows to choose from; ask for fewer.")
    from isthmus.models.neighbours import nearest

    found = nearest(fitted, rows, place if to is None else taken(source, [place]), n_neighbors=k)
    places, distances = found.indices[0].tolist(), found.distances[0].tolist()
    name = f"row {place + 1} of {to or inputs.named(data)}"
    _tell(name, (source, place), rows, places, distances, err=as_json)
    if target is not None:
        _write(fitted, target, (source, place), rows, places, distances)
        terminal.say(f"wrote {target}: {len(places)} neighbours", err=as_json, color="green")
    if as_json:
        listed = [_record(rows, i, distance) for i, distance in zip(places, distances, strict=True)]
        terminal.say_json({"to": to or inputs.named(data), "row": place + 1, "neighbours": listed, "output": target})


def taken(data: Any, places: list[int]) -> Any:
    """Rows of a table, of an array or of pictures."""
    from isthmus.data.table import Table

    return data.take(places) if isinstance(data, Table) else getattr(data, "array", data)[places]


def _check_target(target: str, read: tuple[str, ...], pictures: bool) -> None:
    if not pictures:
        output.check(target, read)
    elif target.lower().endswith(".png"):
        output.check_file(target, read)
    else:
        raise OutputError(
            f"Cannot write {target!r}: similar pictures go to one sheet; give it a name that ends in .png."
        )


def values_of(rows: Any) -> dict[str, list[Any]]:
    """Named columns of a table, a frame or an array, as Python's own values."""
    columns = decoded_columns(rows)
    return {name: c.to_pylist() if hasattr(c, "to_pylist") else c.tolist() for name, c in columns.items()}


def _values(data: Any, places: list[int]) -> dict[str, list[Any]]:
    """Values of some rows by column; none of pictures."""
    return {} if len(data.shape) > 2 else values_of(taken(data, places))


def _tell(
    name: str, query: tuple[Any, int], rows: Any, places: list[int], distances: list[float], *, err: bool
) -> None:
    """Print the row itself and its neighbours."""
    from isthmus.views.words import cell

    source, place = query
    files, own = inputs.files_of(rows), inputs.files_of(source)
    columns = _values(rows, places)
    shown = list(columns)[:SHOWN_COLUMNS]
    itself = _values(source, [place])
    more = f"; {len(shown)} of {len(columns)} columns are shown" if len(shown) < len(columns) else ""
    terminal.say(f"most like {name}, the nearest first{more}", err=err, bold=True)
    header = ("row", "distance", *(["file"] if files or own else []), *shown)
    lines = [("this one", "", *own[place : place + 1], *(cell(itself[c][0]) for c in shown))]
    for n, (i, distance) in enumerate(zip(places, distances, strict=True)):
        cells = [cell(columns[c][n]) for c in shown]
        lines.append((f"{i + 1}", f"{distance:.4g}", *files[i : i + 1], *cells))
    terminal.grid(header, lines, err=err)


def _record(rows: Any, place: int, distance: float) -> dict[str, Any]:
    """One neighbour for JSON; dates as text."""
    files = inputs.files_of(rows)
    values = {name: _plain(values[0]) for name, values in _values(rows, [place]).items()}
    return {
        "row": place + 1,
        "distance": distance,
        **({"file": files[place]} if files else {}),
        **({"values": values} if values else {}),
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _write(
    model: Any, target: str, query: tuple[Any, int], rows: Any, places: list[int], distances: list[float]
) -> None:
    import numpy as np

    if not inputs.is_of_pictures(model):
        found = {"row": np.array(places) + 1, "distance": np.array(distances), **decoded_columns(taken(rows, places))}
        output.write_rows(target, found)
        return
    from isthmus.views.latent import neighbours_strip
    from isthmus.views.pictures import sheet_png

    pictures = np.concatenate([taken(query[0], [query[1]]), taken(rows, places)])
    atomic.write_bytes(target, sheet_png(neighbours_strip(model, pictures, query[1], places, distances)))
