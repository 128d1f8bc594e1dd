"""``isthmus encode``: rows or pictures to latents."""

from __future__ import annotations

from typing import Any

import click

from isthmus.shell import flags, inputs, output, results, terminal


@click.command("encode")
@click.argument("model")
@flags.data_argument
@click.option(
    "-o", "--output", "target", required=True, metavar="FILE",
    help=".csv, .tsv, .parquet, .feather, .arrow, .npy or .npz",
)  # fmt: skip
@flags.read_options
def command(model: str, data: tuple[str, ...], target: str, how: dict[str, Any]) -> None:
    """Compress DATA to latent vectors.

    Writes one row each, with columns latent0, latent1 and so on. Pictures from files get a
    first column with the name of their file.
    """
    fitted = inputs.load_with_latent(model)
    output.check(target, (model, *data))
    rows = inputs.read_for(fitted, data, **how)
    written = results.write_latents(fitted, rows, target)
    terminal.say(f"wrote {target}: {written}", color="green")
