"""``isthmus encode``: rows or pictures to latents."""

from __future__ import annotations

import click

from isthmus.shell import flags, inputs, output, results, terminal


@click.command("encode")
@click.argument("model")
@flags.data_argument
@click.option(
    "-o", "--output", "target", required=True, metavar="FILE",
    help=".csv, .tsv, .parquet, .feather, .arrow, .npy or .npz",
)  # fmt: skip
@flags.picture_options
def command(model: str, data: tuple[str, ...], target: str, size: tuple[int, int] | None, on_bad_image: str) -> None:
    """Compress DATA to latent vectors.

    Writes one row each, with columns latent0, latent1 and so on. Pictures from files get a
    first column with the name of their file.
    """
    fitted = inputs.load_model(model)
    output.check(target, (model, *data))
    rows = inputs.read_for(fitted, data, size=size, on_bad_image=on_bad_image)
    written = results.write_latents(fitted, rows, target)
    terminal.say(f"wrote {target}: {written}", color="green")
