"""``isthmus decode``: latents to rows or pictures."""

from __future__ import annotations

from typing import Any

import click

from isthmus.errors import DataError
from isthmus.shell import flags, inputs, output, results, terminal


@click.command("decode")
@click.argument("model")
@click.argument("latents")
@flags.decoded_option
def command(model: str, latents: str, target: str) -> None:
    """Decode LATENTS to rows or pictures.

    LATENTS is what isthmus encode writes; the result is in the original units.
    """
    fitted = inputs.load_with_latent(model)
    output.check(target, (model, latents), pictures=inputs.is_of_pictures(fitted))
    values, files = _read_latents(fitted, latents)
    written = results.write_decoded(fitted, fitted.inverse_transform(values), target, files)
    terminal.say(f"wrote {target}: {written}", color="green")


def _read_latents(model: Any, path: str) -> tuple[Any, tuple[str, ...]]:
    """Read latents (n_rows, latent_dim) by their names, else by their number; and the files of pictures."""
    from isthmus.data.table import Table, table_from

    data = inputs.read_data((path,))
    if not isinstance(data, Table):
        return data, ()
    present, names = data.columns.column_names, results.latent_names(model)
    if not set(names) <= set(present):
        names = tuple(name for name in present if name != "file")
    if len(names) != model.latent_dim_:
        raise DataError(
            f"{path} must hold latents of size {model.latent_dim_} in columns latent0, latent1 and so on, as isthmus encode "
            f"writes them; its columns are {', '.join(present[:10])}."
        )
    numbers = table_from(data.columns.select(list(names)), dict.fromkeys(names, "number"), path)
    files = tuple(str(cell) for cell in data.columns["file"].to_pylist()) if "file" in present else ()
    return numbers.matrix(), files
