"""``isthmus reconstruct``: rows or pictures through the model and back."""

from __future__ import annotations

from typing import Any

import click

from isthmus.shell import flags, inputs, output, results, terminal


@click.command("reconstruct")
@click.argument("model")
@flags.data_argument
@flags.decoded_option
@flags.read_options
def command(model: str, data: tuple[str, ...], target: str, how: dict[str, Any]) -> None:
    """Encode DATA and decode it again.

    Writes what the model kept of each row or picture, in original units.
    Missing cells come back filled. Pictures written to a folder keep the names of their files.
    """
    fitted = inputs.load_autoencoder(model)
    output.check(target, (model, *data), pictures=inputs.is_of_pictures(fitted))
    rows = inputs.read_for(fitted, data, **how)
    written = results.write_decoded(fitted, fitted.reconstruct(rows), target, inputs.files_of(rows))
    terminal.say(f"wrote {target}: {written}", color="green")
