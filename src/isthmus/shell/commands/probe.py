"""``isthmus probe``: how good latents are as features for a classifier, beside PCA's components and the raw columns."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from isthmus.shell import flags, inputs, terminal
from isthmus.shell.commands.report import read_labels


@click.command("probe")
@click.argument("model")
@flags.data_argument
@click.option(
    "--labels",
    required=True,
    metavar="COLUMN|FILE",
    help="The class of each row: a column of DATA, or a file with one.",
)
@click.option(
    "--test-fraction", type=float, default=0.25, show_default=True, help="Share of the rows that test the classifiers."
)
@click.option("--neighbours", type=int, default=5, show_default=True, help="Rows that vote on the class of a row.")
@click.option("--random-state", type=int, default=0, show_default=True, help="Seed of the split into two.")
@flags.json_option
@flags.read_options
def command(model: str, data: tuple[str, ...], labels: str, as_json: bool, how: dict[str, Any], **choices: Any) -> None:
    """Try latents as features for a classifier.

    A linear and a nearest-neighbour classifier learn from some rows of DATA and are tested on the others, with the latents,
    with PCA's components and with the raw columns. The labels only measure; the model is not changed.
    """
    fitted = inputs.load_autoencoder(model)
    rows = inputs.read_for(fitted, data, **how)
    from isthmus.data.table import Table
    from isthmus.models.probing import probe

    # A column that the rows still hold is taken out of them by its name.
    held = isinstance(rows, Table) and labels in rows.columns.column_names
    found = probe(fitted, rows, labels if held else read_labels(labels, rows, data, how), **choices)
    for line in str(found).splitlines():
        terminal.say(line, err=as_json)
    if as_json:
        terminal.say_json(dataclasses.asdict(found))
