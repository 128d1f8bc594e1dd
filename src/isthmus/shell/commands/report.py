"""``isthmus report``: a model and data to one HTML page."""

from __future__ import annotations

import os
from typing import Any

import click

from isthmus.errors import DataError
from isthmus.shell import flags, inputs, output, terminal


@click.command("report")
@click.argument("model")
@flags.data_argument
@click.option(
    "-o", "--output", "target", default="report.html", show_default=True, metavar="FILE.html", help="The page to write."
)
@click.option(
    "--labels",
    metavar="COLUMN|FILE",
    help="Colours of the latent map, of a detector which rows are anomalies (1 or 0): a column of DATA, or a file with one.",
)
@click.option("--clean", metavar="CLEAN", help="For a model that restores: the clean form of DATA, which is spoiled.")
@click.option("--png", is_flag=True, help="Also write each figure as a PNG file beside the page.")
@flags.read_options
def command(
    model: str,
    data: tuple[str, ...],
    target: str,
    labels: str | None,
    clean: str | None,
    png: bool,
    how: dict[str, Any],
) -> None:
    """Write a page about the model and DATA.

    It shows what the model keeps and what it loses, with PCA beside it; of a model that restores,
    what it makes of DATA once they are spoiled, or of spoiled DATA with --clean. Of a detector it
    shows which rows are flagged and why, and how often that is a false alarm. The page is one file
    that needs no network; open it in a browser.
    """
    fitted = inputs.load_model(model)
    output.check_file(target, (model, *data, *((clean,) if clean else ())))
    rows = inputs.read_for(fitted, data, **how)
    colours = None if labels is None else read_labels(labels, rows, data, how)
    from isthmus.views.report import report

    truth = None if clean is None else inputs.read_for(fitted, (clean,), **how)
    report(fitted, rows, target, clean=truth, labels=colours, png=png)
    terminal.say(f"wrote {target}: open it in a browser", color="green")


def read_labels(labels: str, rows: Any, paths: tuple[str, ...], how: dict[str, Any]) -> list[Any]:
    """Read one label for each row, from a column of the data or from a file of its own.

    Raises
    ------
    DataError
        If there is neither such a column nor such a file, or there is not one label for each of the ``rows``.
    """
    from isthmus.data.table import Table

    found: list[Any] | None = None
    columns: list[str] = []
    if isinstance(rows, Table):  # which holds the columns of the model only
        data = inputs.read_data(paths, **how)
        columns = data.columns.column_names if isinstance(data, Table) else []
        found = data.columns[labels].to_pylist() if isinstance(data, Table) and labels in columns else None
    if found is None:
        if not os.path.exists(labels):
            listed = f"; the columns are {', '.join(columns[:20])}" if columns else ""
            raise DataError(f"--labels must name a column of the data or a file; {labels!r} is neither{listed}.")
        found = _from_file(labels)
    if len(found) != len(rows):
        raise DataError(
            f"{labels} holds {len(found):,} labels, but there are {len(rows):,} rows; each row needs one. The first line "
            "of a text file is its header, unless that is a number."
        )
    return found


def _from_file(path: str) -> list[Any]:
    from isthmus.data.table import Table

    data = inputs.read_data((path,))
    if isinstance(data, Table) and data.columns.num_columns == 1:
        return data.columns.column(0).to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped
    if not isinstance(data, Table) and len(data.shape) == 1:
        return data.tolist()  # type: ignore[union-attr, no-any-return]  # one axis: an array, never pictures
    raise DataError(f"{path} must hold one label for each row; it holds data of shape {tuple(data.shape)}.")
